"""How long each path we may call is supported, and whether the version we build on ages.

HubSpot's dated versions live 18 months each (page "Versioning"); what went before ends in
steps (changelog "Legacy APIs and legacy apps: what's going unsupported and when", and
"v1 OAuth API deprecation"). Neighbours: ``connector`` has the paths, the doctor and
``colonnade hubspot versions`` tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from integration.hubspot.connector import DEFAULT_VERSION, PATHS, Paths

WARN_AHEAD: Final = timedelta(days=90)

# Generally available since 2026-03-30 and 2026-09-08; 18 months each.
DATED_UNTIL: Final[Mapping[str, date]] = {"2026-03": date(2027, 9, 30), "2026-09": date(2028, 3, 8)}

OAUTH_V1_UNTIL: Final = date(2027, 2, 16)
V4_UNTIL: Final = date(2027, 3, 30)
V1_TO_V3_UNTIL: Final = date(2027, 9, 1)
"""HubSpot says "September 2027"; the first of it is the day to be safe by."""

_DATED: Final = re.compile(r"/(\d{4}-\d{2})(?:/|$)")
_NUMBERED: Final = re.compile(r"/v([1-4])(?:/|$)")


@dataclass(frozen=True, slots=True)
class VersionLife:
    """One version of the path table: the first of its paths to go, when, and how near that is.

    ``days_left`` counts from the day asked about and is negative once the day has passed.
    """

    version: str
    is_default: bool
    unsupported_on: date
    first_to_go: str
    days_left: int

    @property
    def warning(self) -> str:
        """Return what to tell about it; empty while the end is further off than 90 days."""
        if self.days_left > WARN_AHEAD.days:
            return ""
        matter = (
            f"will be supported for {self.days_left} days more, until {self.unsupported_on}"
            if self.days_left > 0
            else f"has not been supported since {self.unsupported_on}"
        )
        return (
            f"HubSpot's API version {self.version} {matter} ({self.first_to_go} goes first); build on a "
            "newer one: DEFAULT_VERSION in integration/hubspot/connector.py"
        )


def unsupported_on(path: str) -> date:
    """Return the first day on which HubSpot no longer supports ``path``.

    Raises ValueError for a path whose version is not in the tables.
    """
    dated = _DATED.search(path)
    if dated is not None and dated[1] in DATED_UNTIL:
        return DATED_UNTIL[dated[1]]
    numbered = _NUMBERED.search(path)
    if dated is not None or numbered is None:
        raise ValueError(f"{path} names no version of HubSpot's that is known here")
    if path.startswith("/oauth/v1"):
        return OAUTH_V1_UNTIL
    return V4_UNTIL if numbered[1] == "4" else V1_TO_V3_UNTIL


def life_of(paths: Paths, today: date) -> VersionLife:
    """Return how long a row of the path table will do: as long as the first of its paths to go."""
    first = min(paths.prefixes().values(), key=unsupported_on)
    ends = unsupported_on(first)
    return VersionLife(paths.version, paths.version == DEFAULT_VERSION, ends, first, (ends - today).days)


def every_life(today: date) -> list[VersionLife]:
    """Return the life of every version in the path table."""
    return [life_of(paths, today) for paths in PATHS.values()]


def default_warning(today: date) -> str:
    """Return the warning about the version we build on; empty while there is none."""
    return life_of(PATHS[DEFAULT_VERSION], today).warning
