"""Which parts of the package an org can take, by its edition and what it has already; and what was left out.

Sources: Help, "Dynamic Dashboards" (how many an org may have); Change Data Capture guide, "Allocations"
(not in Professional and Group Edition). Neighbour: ``installer`` also leaves out what the org refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from integration.salesforce.source_format import Part, component_of, package_files
from integration.salesforce.standing import StandingPackage

DYNAMIC_DASHBOARDS: Final[Mapping[str, int]] = {
    "Enterprise Edition": 5,
    "Unlimited Edition": 10,
    "Performance Edition": 10,
    "Developer Edition": 3,
}
CHANGE_EVENTS: Final = frozenset(DYNAMIC_DASHBOARDS)
"""The editions that have change data capture are those that have dynamic dashboards."""
_MARK: Final = " without "


@dataclass(frozen=True, slots=True)
class Record:
    """What was deployed last: its content, and the parts left out because the org refused them."""

    content: str
    without: frozenset[Part] = frozenset()

    def __str__(self) -> str:
        """Return it as it is kept with the package."""
        return self.content + "".join(f"{_MARK}{part.value}" for part in sorted(self.without))

    @classmethod
    def read(cls, text: str | None) -> Record | None:
        """Return what ``str`` made; ``None`` where nothing was deployed."""
        if not text:
            return None
        content, *without = text.split(_MARK)
        return cls(content, frozenset(Part(one) for one in without))


def without_by_edition(standing: StandingPackage) -> Iterator[tuple[Part, str]]:
    """Yield the parts this org has no room for, and why."""
    if standing.edition not in CHANGE_EVENTS:
        yield Part.EVENTS, f"{standing.edition or 'this edition'} has no change events"
    own = {
        component_of(path)[1].rpartition("/")[2]
        for path in package_files(Part.DASHBOARDS)
        if path.endswith(".dashboard-meta.xml")
    }
    most = DYNAMIC_DASHBOARDS.get(standing.edition, 0)
    used = len(standing.dynamic - own)
    if used + len(own) > most:
        words = f"allows {most} dashboards that run as whoever looks at them, {used} are in use"
        yield Part.DASHBOARDS, f"{standing.edition or 'this edition'} {words}, and ours are {len(own)}"
