"""Pull: what the CRM holds, into the mirror, page by page.

Two ways in: ``load`` reads everything once, ``poll`` what changed since. Both keep a page in the same
transaction as the cursor, so a crash repeats a page and loses none, and the pass goes on after it.
Neighbours: ``keep`` stores what was read, ``owners`` reads whom records may belong to, ``jobs`` and
``catch_up`` call these.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from integration.port import Page, ReadQuery, Refused
from integration.streams import BulkPort
from sync.bury import bury
from sync.keep import Pulled, deletions, follow_merges, in_reading_order, keep, own_objects
from sync.owners import read_owners_if_due
from sync.read_ahead import read_ahead
from sync.state import cursors
from sync.state.cursors import Cursor, Phase
from sync.state.engine import reading, writing
from sync.workspace import Workspace, forget_field

OVERLAP = timedelta(minutes=5)
"""How far a poll reaches back: clocks differ, and long transactions commit with an earlier stamp."""

SET_BACK = timedelta(days=7)
"""How much further a poll reaches back once the clock was set back: polls lie no further apart."""

STREAM_ROWS = 2_000
"""Records of a stream kept in one transaction, so that memory does not grow with their number."""

log = logging.getLogger(__name__)
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class _Pass:
    """One reading of an object: of everything or of what changed, when it began, up to when all is read."""

    phase: Phase
    started: datetime
    high_water: datetime

    def place(self, query: ReadQuery, resume: str) -> Cursor:
        """Return the place after a page that others follow."""
        if self.phase is Phase.INITIAL or query.changed_since is None:
            return Cursor(query.object, self.phase, resume, self.started)
        began = {"since": query.changed_since.isoformat(), "started": self.started.isoformat()}
        position = json.dumps({**began, "reads": _reads(query), "resume": resume})
        return Cursor(query.object, self.phase, position, self.high_water)


def quiet(_object: str, _rows: int) -> None:
    """Show no progress."""


def load(ws: Workspace, progress: Progress = quiet) -> Pulled:
    """Read every object the charter names, once, and who owns records; what was read is not read again."""
    total = Pulled()
    for query in in_reading_order(ws):
        total = total.plus(_load_object(ws, query, progress))
    return total.plus(read_owners_if_due(ws))


def poll(ws: Workspace, progress: Progress = quiet) -> Pulled:
    """Read what changed since the last pass of each object the charter reads; owners once it is time.

    An object the CRM refuses to show as asked stops no other; its refusal is raised at the end.
    """
    total, refused = Pulled(), None
    for query in in_reading_order(ws):
        try:
            total = total.plus(poll_object(ws, query, progress))
        except Refused as error:
            refused = refused or error
    total = total.plus(read_owners_if_due(ws))
    if refused is not None:
        raise refused
    return total


def poll_object(ws: Workspace, query: ReadQuery, progress: Progress = quiet) -> Pulled:
    """Read what changed since the last pass of one object; one never read is loaded whole.

    Our own objects are never loaded: what stands in them since the installation went live is ours.
    """
    with reading(ws.runtime.engine) as conn:
        place = cursors.get(conn, ws.id, query.object)
    if place is not None and place.phase is Phase.INCREMENTAL and place.high_water is not None:
        return _poll_object(ws, query, place.high_water, progress, place.position)
    if query.object in own_objects(ws):
        return _poll_object(ws, query, ws.installation.epoch, progress)
    return _load_object(ws, query, progress)


def _load_object(ws: Workspace, query: ReadQuery, progress: Progress) -> Pulled:
    with reading(ws.runtime.engine) as conn:
        place = cursors.get(conn, ws.id, query.object)
    if place is not None and place.phase is Phase.INCREMENTAL:
        return Pulled()
    started = ws.now() if place is None or place.high_water is None else place.high_water
    resume = None if place is None else place.position
    return _read(ws, replace(query, resume=resume), _Pass(Phase.INITIAL, started, started), progress)


def _poll_object(
    ws: Workspace, query: ReadQuery, high_water: datetime, progress: Progress, position: str | None = None
) -> Pulled:
    """Read what changed since ``high_water``; a pass that broke off goes on, and counts from its beginning.

    What has changed since then in pages it had kept is read by the next pass.
    """
    now = ws.now()
    broken = _broken_off(position, query, now)
    if broken is not None:
        since, started, resume = broken
        query = replace(query, changed_since=since, resume=resume)
        return _read(ws, query, _Pass(Phase.INCREMENTAL, started, high_water), progress)
    query = replace(query, changed_since=_reaching_back(high_water, now))
    return _read(ws, query, _Pass(Phase.INCREMENTAL, now, high_water), progress)


def _broken_off(
    position: str | None, query: ReadQuery, now: datetime
) -> tuple[datetime, datetime, str] | None:
    """Return from when on a pass that broke off reads, when it began and where it goes on.

    ``None`` where it read other fields, or began before the clock was set back: then it is done anew.
    """
    if position is None:
        return None
    said = json.loads(position)
    started = datetime.fromisoformat(said["started"])
    if said["reads"] != _reads(query) or started > now:
        return None
    return datetime.fromisoformat(said["since"]), started, str(said["resume"])


def _reads(query: ReadQuery) -> list[str]:
    return [*sorted(query.fields), *sorted(query.link_to)]


def _reaching_back(high_water: datetime, now: datetime) -> datetime:
    """Return from when on a poll reads; a last pass in the future was made before the clock was set back.

    It is then not known how long ago that was: the poll reaches back a week further than the clock went.
    """
    back = max(timedelta(), high_water - now)
    return min(high_water, now) - OVERLAP - ((back + SET_BACK) if back else back)


def _read(ws: Workspace, query: ReadQuery, this: _Pass, progress: Progress) -> Pulled:
    """Read all pages; without the mark of renewals where the package that brought it was removed."""
    mark = ws.inbound.renewal_mark
    try:
        return _read_pages(ws, query, this, progress)
    except Refused as refused:
        if mark is None or mark not in query.fields or mark not in refused.error.message:
            raise
        log.warning("%s of %s is read without %s: %s", query.object, ws.id, mark, refused)
    unmarked = replace(query, fields=tuple(name for name in query.fields if name != mark))
    return _read_pages(forget_field(ws, query.object, mark), unmarked, this, progress)


def _read_pages(ws: Workspace, query: ReadQuery, this: _Pass, progress: Progress) -> Pulled:
    """Read all pages; the pass is over only when its last page is kept."""
    total, first = Pulled(), this.phase is Phase.INITIAL
    for page in _pages_ahead(ws, query) if first else ws.port.iter_pages(query):
        gone = [*follow_merges(ws, page.records), *deletions(ws, page.records)]
        # A page a power cut takes back takes its cursor along, and is read again.
        with writing(ws.runtime.engine, synced=not first) as conn:
            now = ws.now(conn)  # with the turn to write, so that versions come in the order of their times
            pulled = keep(conn, ws, page.records, "read" if first else "changed", now)
            bury(conn, ws, gone)
            if page.resume is not None:
                cursors.put(conn, ws.id, now, this.place(query, page.resume))
        total = total.plus(pulled)
        progress(query.object, len(page.records))
    with writing(ws.runtime.engine) as conn:
        cursors.put(conn, ws.id, ws.now(), Cursor(query.object, Phase.INCREMENTAL, None, this.started))
    return total


def _pages_ahead(ws: Workspace, query: ReadQuery) -> Iterator[Page]:
    """Yield the pages of a first load; those that came while others were stored as one."""
    for pages in read_ahead(_first_pages(ws, query), lambda page: len(page.records)):
        records = tuple(one for page in pages for one in page.records)
        places = [page.resume for page in pages if page.resume is not None]
        yield replace(pages[-1], records=records, resume=places[-1] if places else None)


def _first_pages(ws: Workspace, query: ReadQuery) -> Iterator[Page]:
    """Yield the pages of a first load; once it says that much is left, the rest as a stream where that pays.

    What comes as a stream has no order, so the place kept is before it: one that breaks off is begun
    again there, which keeps nothing twice. A CRM that refuses the stream is read by page.
    """
    port, resume = ws.port, query.resume
    for page in port.iter_pages(query):
        yield page
        resume = page.resume
        if resume is not None and isinstance(port, BulkPort) and port.reads_as_stream(page):
            break
    else:
        return
    rest = replace(query, resume=resume)
    try:
        stream = port.record_stream(rest)
        while records := tuple(islice(stream, STREAM_ROWS)):
            yield Page(records, None)
    except Refused as refused:
        log.warning("%s of %s is read by page: %s", query.object, ws.id, refused)
        yield from port.iter_pages(rest)
