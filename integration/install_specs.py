"""What an install wants beside objects and fields, what stands of it, and the steps that make it.

``mappings/`` renders the specs, a CRM's port says what stands (``Survey``), ``sync/install_steps.py``
works out the steps, and the port makes them one at a time. Neighbours: ``port`` (objects and
fields), ``parts`` (how everything made is named and remembered).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from integration.deal_pipelines import Pipeline
from integration.package_step import DeployPackage, PackageSurvey
from integration.parts import OwnedPart, Part, PartKind
from integration.port import CrmDescription, FieldSpec, ObjectSpec

FIELDS_A_STEP = 100
"""Fields made by one step: HubSpot's batches take so many (page "Properties")."""


class Comparison(StrEnum):
    """What a list may ask of a field."""

    ANY_OF = "any_of"
    AT_LEAST = "at_least"
    WITHIN_DAYS = "within_days"


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of one field (vendor name).

    ``ANY_OF`` takes ``values`` of a choice, ``AT_LEAST`` a ``number``. ``WITHIN_DAYS`` is true of a
    day from today up to and with ``number`` days ahead, days beginning in ``time_zone`` (IANA).
    """

    field: str
    comparison: Comparison
    values: tuple[str, ...] = ()
    number: int = 0
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class ListSpec:
    """A list of an object's records that keeps itself: those for which any group holds whole."""

    name: str
    object: str
    any_of: tuple[tuple[Condition, ...], ...]

    @property
    def part(self) -> Part:
        """Return what it is called among the parts."""
        return Part(PartKind.LIST, self.object, self.name)


@dataclass(frozen=True, slots=True)
class LabelSpec:
    """The words on a tie: ``label`` says what ``target`` is to ``object``, ``inverse`` the other way.

    ``name`` is the tie's own, letters, digits and underscores.
    """

    name: str
    object: str
    target: str
    label: str
    inverse: str

    @property
    def part(self) -> Part:
        """Return what it is called among the parts: by its words, which a pair of objects has once."""
        return Part(PartKind.LABEL, self.object, self.label, self.target)


@dataclass(frozen=True, slots=True)
class StageSpec:
    """A stage of a pipeline of ours; ``closed`` where a record in it is done with."""

    label: str
    closed: bool


@dataclass(frozen=True, slots=True)
class PipelineSpec:
    """A pipeline of one of our objects, its stages in order."""

    object: str
    label: str
    stages: tuple[StageSpec, ...]

    @property
    def part(self) -> Part:
        """Return what it is called among the parts."""
        return Part(PartKind.PIPELINE, self.object, self.label)


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that should stand in a portal or org.

    ``files`` are what the charter adds to a vendor's native package, by path; none where there is none.
    """

    objects: tuple[ObjectSpec, ...]
    lists: tuple[ListSpec, ...] = ()
    labels: tuple[LabelSpec, ...] = ()
    pipelines: tuple[PipelineSpec, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StandingList:
    """A list that stands under a name we want, or is known to be ours by its id."""

    name: str
    crm_id: str
    as_wanted: bool


@dataclass(frozen=True, slots=True)
class StandingLabels:
    """The labels between two objects: CRM ids by label, and how many more there may be."""

    ids: Mapping[str, str]
    left: int


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a limit of the CRM's is used; ``limit`` is ``None`` where it states none."""

    name: str
    used: int
    limit: int | None

    def __str__(self) -> str:
        """Return it as an admin reads it."""
        return f"{self.name}: {self.used}" + ("" if self.limit is None else f" of {self.limit}")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an admin should know of a portal before an install, in its own terms.

    ``missing_scopes`` maps what the grant lacks to what goes without it; what cannot be seen is
    left out of the rest.
    """

    account_type: str = ""
    custom_objects: bool = True
    owners: int | None = None
    archived_owners: int | None = None
    limits: tuple[Usage, ...] = ()
    missing_scopes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Survey:
    """What stands of the things wanted, and what keeps us from making more.

    ``group`` is what our fields are kept under and ``grouped`` the objects that have it.
    ``without`` says why none of a kind of part can be had. ``lists`` are by the name wanted,
    ``labels`` by (object, target), ``pipelines`` by object. ``package`` is what a CRM says that takes all
    of an install in one piece: the rest is empty there.
    """

    group: str = ""
    grouped: frozenset[str] = frozenset()
    archived_objects: frozenset[str] = frozenset()
    archived_fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    lists: Mapping[str, StandingList] = field(default_factory=dict)
    labels: Mapping[tuple[str, str], StandingLabels] = field(default_factory=dict)
    pipelines: Mapping[str, tuple[Pipeline, ...]] = field(default_factory=dict)
    pipelines_left: Mapping[str, int] = field(default_factory=dict)
    without: Mapping[PartKind, str] = field(default_factory=dict)
    inspection: Inspection = Inspection()
    package: PackageSurvey | None = None


@dataclass(frozen=True, slots=True)
class MakeObject:
    """Make a custom object with all its fields: one call."""

    spec: ObjectSpec
    calls: ClassVar[int] = 1

    @property
    def about(self) -> str:
        """Return what the step is about, for people."""
        return self.spec.name

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the object; its fields come and go with it."""
        return (Part(PartKind.OBJECT, self.spec.name, self.spec.name),)


@dataclass(frozen=True, slots=True)
class MakeGroup:
    """Make what our fields on an object are kept under: one call."""

    object: str
    name: str
    calls: ClassVar[int] = 1

    @property
    def about(self) -> str:
        """Return what the step is about, for people."""
        return self.object

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the group."""
        return (Part(PartKind.GROUP, self.object, self.name),)


@dataclass(frozen=True, slots=True)
class MakeFields:
    """Make fields on an object that stands, or bring archived ones back, in a group: one call."""

    object: str
    group: str
    fields: tuple[FieldSpec, ...]
    calls: ClassVar[int] = 1

    @property
    def about(self) -> str:
        """Return what the step is about, for people."""
        return self.object

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the fields."""
        return tuple(Part(PartKind.FIELD, self.object, one.name) for one in self.fields)


@dataclass(frozen=True, slots=True)
class AddChoices:
    """Add the choices a field lacks, keeping all it has: one call to read them, one to write."""

    object: str
    spec: FieldSpec
    calls: ClassVar[int] = 2

    @property
    def about(self) -> str:
        """Return what the step is about, for people."""
        return f"{self.object}.{self.spec.name}"

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return nothing: the field stands."""
        return ()


@dataclass(frozen=True, slots=True)
class _MakesOne:
    """A step that makes one part in one call."""

    spec: LabelSpec | PipelineSpec | ListSpec
    calls: ClassVar[int] = 1

    @property
    def about(self) -> str:
        """Return what the step is about, for people."""
        return str(self.spec.part)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the part made."""
        return (self.spec.part,)


@dataclass(frozen=True, slots=True)
class MakeLabel(_MakesOne):
    """Make a label, both ways: one call."""

    spec: LabelSpec


@dataclass(frozen=True, slots=True)
class MakePipeline(_MakesOne):
    """Make a pipeline with its stages: one call."""

    spec: PipelineSpec


@dataclass(frozen=True, slots=True)
class MakeList(_MakesOne):
    """Make a list: one call."""

    spec: ListSpec


@dataclass(frozen=True, slots=True)
class ChangeList:
    """Give a list of ours the filters it should have: one call."""

    spec: ListSpec
    crm_id: str
    calls: ClassVar[int] = 1

    @property
    def about(self) -> str:
        """Return what the step is about, for people."""
        return str(self.spec.part)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return nothing: the list stands."""
        return ()


InstallStep = (
    MakeObject
    | MakeGroup
    | MakeFields
    | AddChoices
    | MakeLabel
    | MakePipeline
    | MakeList
    | ChangeList
    | DeployPackage
)


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a step.

    ``made`` are the parts that stand by it, with the CRM's id where they have one; ``taken``
    those that stood already, made by somebody else since the plan; ``refused`` the others, with
    what is in the way. ``pipeline`` is the one made, with the ids of its stages.
    """

    made: Mapping[Part, str | None] = field(default_factory=dict)
    taken: tuple[Part, ...] = ()
    refused: Mapping[Part, str] = field(default_factory=dict)
    message: str = ""
    pipeline: Pipeline | None = None

    @property
    def done(self) -> bool:
        """Return whether all the step wanted stands now and will do."""
        return not self.refused and not self.message


@runtime_checkable
class InstallingPort(Protocol):
    """A CRM in which an install is made step by step, each acknowledged by itself; one may be all of it."""

    def survey(self, wanted: Wanted, found: CrmDescription, owned: Sequence[OwnedPart]) -> Survey:
        """Return what stands of ``wanted`` and what can be had; ``found`` is the description of now.

        ``owned`` are the parts known to be ours, which are found by their ids too.
        """
        ...

    def make(self, step: InstallStep) -> Made:
        """Make one step, never twice: what stands already and is not ours is ``taken``."""
        ...

    def learn_labels(self, type_ids: Mapping[tuple[str, str], str]) -> None:
        """Take the ids of our labels by (object, target), for the links made from now on."""
        ...
