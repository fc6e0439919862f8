"""Installing a vendor's native package whole: what is known of it before, and the one step that brings it.

Where a CRM takes all of an install in one piece, its survey compares, has the CRM check the very archive an
apply would send, and says of each component what would become of it. Neighbours: ``install_specs`` (the
steps of CRMs that take an install piece by piece), ``salesforce/installer``, ``sync/install_steps``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from integration.parts import Part, PartKind
from integration.port import ObjectSpec

PACKAGE: Final = Part(PartKind.COMPONENT, "Package", "Colonnade")
"""The package itself among the parts; the id kept with it says which content was deployed last."""


@dataclass(frozen=True, slots=True)
class DeployPackage:
    """Deploy an archive, all or nothing, and give the user we run as what it grants.

    ``creates`` are the parts that are not there yet. An empty ``archive`` deploys nothing, and empty
    ``assigns`` (permission sets by name) assigns nothing. ``content`` identifies what is deployed.
    """

    content: str
    archive: bytes
    creates: tuple[Part, ...]
    assigns: tuple[str, ...]
    specs: tuple[ObjectSpec, ...] = ()

    @property
    def calls(self) -> int:
        """Return how many calls it takes, beside asking how far the deploy is until it has ended."""
        return bool(self.archive) + bool(self.assigns)

    @property
    def about(self) -> str:
        """Return what the step is about, for people."""
        return "the package"

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return what it makes; the package is among it while none was deployed before."""
        return self.creates


@dataclass(frozen=True, slots=True)
class PackageSurvey:
    """What stands of the package and what is to be done.

    ``creates`` and ``changes`` say why, where that is not plain; ``right`` stands as it should be.
    ``refusals`` are the CRM's words for what it would not take: they stop an apply. ``notes`` are for the
    admin. ``step`` is ``None`` where nothing is to be done, or nothing can be.
    """

    step: DeployPackage | None = None
    creates: Mapping[Part, str] = field(default_factory=dict)
    changes: Mapping[Part, str] = field(default_factory=dict)
    right: tuple[Part, ...] = ()
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
