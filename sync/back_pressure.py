"""When no more usage is taken: the work of an installation waits, or the disk is nearly full.

A sender told so keeps its messages and comes back; one told 202 has forgotten them. Webhooks are
never put off: what a CRM tells is little, and it tells it a few times only. Neighbours:
``webhooks/usage.py`` and ``usage_pull`` ask.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from sync.runtime import Runtime
from sync.state import inbox
from sync.state.engine import reading

MEGABYTE = 1_000_000


def why_behind(runtime: Runtime, installation: str) -> str | None:
    """Return the code of what keeps us from taking more for an installation; ``None`` where nothing does."""
    settings = runtime.settings
    if _free_bytes(settings.usage_store) < settings.disk_floor_mb * MEGABYTE:
        return "disk_nearly_full"
    with reading(runtime.engine) as conn:
        waiting = inbox.waiting(conn, installation, settings.intake_backlog)
    return "work_waits" if waiting >= settings.intake_backlog else None


def _free_bytes(folder: str) -> int:
    """Return what is free where the folder stands, or will stand once something is kept in it."""
    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
