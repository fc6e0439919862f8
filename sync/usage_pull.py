"""Usage pulled from the charter's sources: rolled up where it is, kept as the difference to the last time.

A source is read part by part (a file, or a table) and day by day. What a part was counted for on a day stands
beside the usage; read again it adds only the difference, so that look-back, a file written anew and a pull
that was stopped count nothing twice. One task per source stands on the schedule; its fence keeps a worker
that was overtaken from writing. Neighbours: ``usage_tables`` and ``usage_folders`` roll up,
``state.usage_parts`` remembers, ``jobs`` runs this.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection

from mappings.usage_sources import UsageSource
from sync.admission import forgotten_by_now
from sync.back_pressure import why_behind
from sync.safe_address import check_address
from sync.state import due, findings, installations, usage_names, usage_parts, usage_store
from sync.state.due import DueTask
from sync.state.engine import reading, writing
from sync.state.leases import HOLD_S, Lease
from sync.state.schema import JsonValue
from sync.state.usage_names import Names
from sync.state.usage_parts import Cell, Numbers, Part
from sync.state.usage_store import Presence, UsageSum
from sync.usage import accounts_named, day_received, mark
from sync.usage_events import shown
from sync.usage_folders import RolledFile
from sync.usage_objects import files_at
from sync.usage_rollup import rolling_up
from sync.usage_rows import cells_in, is_storable, names_in, ref_of, user_in
from sync.usage_tables import UsageTable
from sync.work_folder import work_folder
from sync.workspace import Workspace

USAGE = "usage"
KINDS = (USAGE,)
FINDING = "usage_source"
"""The kind of a finding: what is the matter with a source."""
LEASE_S = HOLD_S
TURN_S = 90.0
"""A source that has been read this long lets others have a turn and goes on where it was."""
RETRY_AFTER = timedelta(minutes=5)
BEHIND_AFTER = timedelta(minutes=1)
PRESENCE_BATCH = 20_000
WHOLE_TABLE: Final = ""
NOTHING: Final = (0, 0, 0, 0)
log = logging.getLogger(__name__)
Still = Callable[[Connection], bool]


class Overtaken(Exception):
    """Another worker has taken the source meanwhile; nothing more is written by this one."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a turn at a source did: days added up, rows behind them, rows left out; whether all is read."""

    source: str
    days: int
    rows: int
    left_out: int
    finished: bool


@dataclass(frozen=True, slots=True)
class _Opened:
    """A part open for reading, its days still to be added up, and the form in which it is read."""

    part: Part
    form: str
    days: Sequence[date]
    sums: Callable[[date], Iterable[Mapping[str, Any]]]
    seen: Callable[[date], Iterable[Mapping[str, Any]]]
    rows: Callable[[date], int]
    unsound: int = 0


def secret_kind(source: str) -> str:
    """Return under which kind the address of a source is sealed."""
    return f"usage_source:{source}"


def connect_source(ws: Workspace, name: str, url: str, *, link_local: bool) -> None:
    """Seal the address of a source and have it pulled at once.

    Raises ValueError where the charter has no such source, or the address is none to fetch from.
    """
    source = _source(ws, name)
    if not urlsplit(url).scheme:
        raise ValueError("an address begins with what it is: postgresql://, duckdb://, s3://, file:// …")
    if not link_local:
        check_address(url)
    kept = json.dumps({"url": url, "link_local": link_local})
    with writing(ws.runtime.engine) as conn:
        installations.save_secret(conn, ws.runtime.box, ws.id, ws.now(), secret_kind(source.name), kept)
        plan_usage(conn, ws)
        due.hasten(conn, ws.id, ws.now(), USAGE, _task(source))


def plan_usage(conn: Connection, ws: Workspace) -> None:
    """Plan a task per source of the charter; those of sources that are gone go."""
    now, held = ws.now(), due.schedule(conn, ws.id)
    wanted = {_task(one): timedelta(minutes=one.every_minutes) for one in ws.charter.usage_sources}
    for task in held:
        if task not in wanted and task.partition(" ")[0] == USAGE:
            due.cancel(conn, ws.id, task)
    for task, every in wanted.items():
        if task in held and held[task] > now + every:
            due.cancel(conn, ws.id, task)
        due.plan(conn, ws.id, task, now, every)


def pull_due(ws: Workspace, owner: str) -> Pulled | None:
    """Give one source that is due a turn; ``None`` when none is due."""
    lease = Lease(owner, ws.now(), LEASE_S, 1)
    with writing(ws.runtime.engine) as conn:
        claimed = due.claim(conn, lease, installation_id=ws.id, kinds=KINDS)
    if not claimed:
        return None
    (task,) = claimed
    name = task.task.partition(" ")[2]
    try:
        why = why_behind(ws.runtime, ws.id)
        if why is not None:
            _put_off(ws, task, why, BEHIND_AFTER)
            return Pulled(name, 0, 0, 0, finished=False)
        done = _turn(ws, _source(ws, name), lambda conn: _extended(conn, ws, owner, task))
    except Overtaken:
        log.warning("%s of %s was taken by another worker", task.task, ws.id)
        return Pulled(name, 0, 0, 0, finished=False)
    except Exception as error:  # noqa: BLE001 - one source must not stop the others; people are told
        why = _words(ws, name, error)
        log.warning("%s of %s cannot be read: %s", task.task, ws.id, why)
        _put_off(ws, task, why, RETRY_AFTER)
        return Pulled(name, 0, 0, 0, finished=False)
    with writing(ws.runtime.engine) as conn:
        if done.finished:
            due.finish(conn, ws.now(), task)
        else:
            due.hasten(conn, ws.id, ws.now(), USAGE, task.task)
        findings.resolve(conn, ws.id, ws.now(), FINDING, [name])
    return done


def _task(source: UsageSource) -> str:
    return f"{USAGE} {source.name}"


def _source(ws: Workspace, name: str) -> UsageSource:
    found = next((one for one in ws.charter.usage_sources if one.name == name), None)
    if found is None:
        there = ", ".join(one.name for one in ws.charter.usage_sources) or "none"
        raise ValueError(f"the charter in force has no usage source {name!r}; it has {there}")
    return found


def _extended(conn: Connection, ws: Workspace, owner: str, task: DueTask) -> bool:
    return due.extend(conn, Lease(owner, ws.now(), LEASE_S, 1), task)


def _put_off(ws: Workspace, task: DueTask, why: str, wait: timedelta) -> None:
    name = task.task.partition(" ")[2]
    with writing(ws.runtime.engine) as conn:
        if due.fail(conn, ws.now(), task, why, ws.now() + wait):
            findings.report(conn, ws.id, ws.now(), FINDING, {name: why})


def _words(ws: Workspace, name: str, error: Exception) -> str:
    """Return an error's first line as it may be shown: a driver may repeat the address and what opens it."""
    text = str(error).partition("\n")[0]
    with reading(ws.runtime.engine) as conn:
        kept = installations.load_secret(conn, ws.runtime.box, ws.id, secret_kind(name))
    if kept is not None:
        url = json.loads(kept)["url"]
        parts = urlsplit(url)
        for secret in (url, parts.password, parts.query, unquote(parts.password or "")):
            text = text.replace(secret, "***") if secret else text
    return shown(text if isinstance(error, ValueError) else f"{type(error).__name__}: {text}")


def _address(ws: Workspace, source: UsageSource) -> str:
    """Return the address of a source, looked up anew: its name may have another owner by now."""
    with reading(ws.runtime.engine) as conn:
        kept = installations.load_secret(conn, ws.runtime.box, ws.id, secret_kind(source.name))
    if kept is None:
        raise ValueError(f"no address is known; give it with `colonnade usage connect {ws.id} {source.name}`")
    found = json.loads(kept)
    if not found["link_local"]:
        check_address(found["url"])
    return str(found["url"])


def _turn(ws: Workspace, source: UsageSource, still: Still) -> Pulled:
    ends = time.monotonic() + TURN_S
    done = Pulled(source.name, 0, 0, 0, finished=True)
    parts = _files(ws, source) if source.files is not None else _table(ws, source)
    for opened in parts:
        done = replace(done, left_out=done.left_out + opened.unsound)
        for number, day in enumerate(opened.days):
            if done.days and time.monotonic() > ends:
                return replace(done, finished=False)
            left = opened.days[number + 1 :]
            rows, left_out = _keep_day(ws, opened, day, left, still)
            done = replace(done, days=done.days + 1, rows=done.rows + rows, left_out=done.left_out + left_out)
        if not opened.days:
            with writing(ws.runtime.engine) as conn:
                _enter(conn, ws, opened, (), still)
    return done


def _files(ws: Workspace, source: UsageSource) -> Iterator[_Opened]:
    """Yield the files that were not read yet in the form they have, one open at a time."""
    with reading(ws.runtime.engine) as conn:
        marks = usage_parts.marks(conn, ws.id, source.name)
    work = work_folder(ws.runtime.settings)
    files = files_at(_address(ws, source), work)
    for file in files.found(source.files or ""):
        form, left = _known(marks.get(file.path))
        if form == file.mark and not left:
            continue
        with files.opened(file) as place, rolling_up(within=work) as db:
            rolled = RolledFile(db, place, source.columns.named(), ws.charter.time_zone)
            part = Part(ws.id, source.name, file.path)
            days = left if form == file.mark else _all_days(ws, part, rolled.days)
            yield _Opened(part, file.mark, days, rolled.sums, rolled.seen, rolled.rows, rolled.unsound)


def _all_days(ws: Workspace, part: Part, days: Iterable[date]) -> list[date]:
    """Return the days of a file, and those it had before it was written anew."""
    with reading(ws.runtime.engine) as conn:
        return sorted({*days, *usage_parts.days(conn, part)})


def _table(ws: Workspace, source: UsageSource) -> Iterator[_Opened]:
    """Yield the table with the days that rows came for, looking back for late ones."""
    part = Part(ws.id, source.name, WHOLE_TABLE)
    with reading(ws.runtime.engine) as conn:
        form, days = _known(usage_parts.marks(conn, ws.id, source.name).get(WHOLE_TABLE))
    with closing(UsageTable(_address(ws, source), source, ws.zone)) as table:
        if not days:
            since = datetime.fromisoformat(form) - timedelta(days=source.look_back_days) if form else None
            touched = table.touched(since)
            held = [datetime.fromisoformat(form)] if form else []
            newest = max([*held, *([touched.watermark] if touched.watermark else [])], default=None)
            form, days = (newest.isoformat() if newest else ""), list(touched.days)
        yield _Opened(part, form, days, table.sums, table.seen, table.rows)


def _known(mark_text: str | None) -> tuple[str, list[date]]:
    """Return the form in which a part was read and the days still left of that reading."""
    if mark_text is None:
        return "", []
    held = json.loads(mark_text)
    return str(held["form"]), [date.fromisoformat(one) for one in held["left"]]


def _enter(conn: Connection, ws: Workspace, opened: _Opened, left: Sequence[date], still: Still) -> None:
    """Enter how far a part is read; raises Overtaken where the source is another worker's by now."""
    if not still(conn):
        raise Overtaken(opened.part.source)
    days: JsonValue = [one.isoformat() for one in left]
    usage_parts.put_mark(conn, opened.part, json.dumps({"form": opened.form, "left": days}), ws.now())


def _keep_day(
    ws: Workspace, opened: _Opened, day: date, left: Sequence[date], still: Still
) -> tuple[int, int]:
    """Add what is new in a day of a part, in one transaction; return its rows and how many were left out.

    Users are entered before: that may be done twice and asks for no comparison.
    """
    today = day_received(ws)
    known_on = day if day > today + timedelta(days=1) else today
    cells, named = cells_in(ws, opened.sums(day))
    _keep_users(ws, opened.seen(day), day, known_on, still)
    with writing(ws.runtime.engine) as conn:
        _enter(conn, ws, opened, left, still)
        held = usage_parts.sums(conn, opened.part, day)
        changed = {cell: numbers for cell, numbers in cells.items() if held.get(cell) != numbers}
        gone = [cell for cell in held if cell not in cells]
        if changed or gone:
            usage_names.keep_names(conn, ws.id, named if ws.charter.usage else ())
            usage_store.add_usage(conn, ws.id, _differences(held, changed, gone, day, known_on))
            usage_parts.put_sums(conn, opened.part, day, changed, gone)
            mark(conn, ws, _touched(conn, ws, named, changed, gone), "usage")
    kept = sum(numbers[0] for numbers in cells.values())
    return kept, opened.rows(day) - kept


def _differences(
    held: Mapping[Cell, Numbers],
    changed: Mapping[Cell, Numbers],
    gone: Sequence[Cell],
    day: date,
    known_on: date,
) -> list[UsageSum]:
    """Return what is to be added to the sums of a day; less than nothing where a source took back."""
    found = []
    for cell, numbers in (*changed.items(), *((one, NOTHING) for one in gone)):
        before = held.get(cell, NOTHING)
        rows, count, seconds, errors = (now - then for now, then in zip(numbers, before, strict=True))
        ref, line, product, feature = cell
        found.append(
            UsageSum(ref, line or None, product, feature, day, known_on, rows, count, seconds, errors)
        )
    return found


def _touched(
    conn: Connection, ws: Workspace, named: set[Names], changed: Mapping[Cell, Numbers], gone: Sequence[Cell]
) -> set[str]:
    """Return the accounts whose sums changed; what is gone is known by its reference alone."""
    refs = {cell[0] for cell in (*changed, *gone)}
    mine = {one for one in named if ref_of(ws, one) in refs}
    lost = refs - {ref_of(ws, one) for one in mine}
    mine |= set(usage_names.names_of(conn, ws.id, lost).values())
    return accounts_named(conn, ws, mine)


def _keep_users(
    ws: Workspace, rows: Iterable[Mapping[str, Any]], day: date, known_on: date, still: Still
) -> None:
    """Enter who was there; whoever was forgotten is nobody, and a stand-in has their place of then."""
    told = iter(rows)
    while batch := list(islice(told, PRESENCE_BATCH)):
        with writing(ws.runtime.engine) as conn:
            if not still(conn):
                raise Overtaken(str(day))
            gone = forgotten_by_now(conn, ws, {one["user_ref"] for one in batch})
            left = (one for one in batch if one["user_ref"] not in gone)
            users = [found for one in left if (found := _presence(ws, one, day, known_on)) is not None]
            usage_store.add_presence(conn, ws.id, users)


def _presence(ws: Workspace, row: Mapping[str, Any], day: date, known_on: date) -> Presence | None:
    names = names_in(ws, row)
    if names is None or not is_storable(row):
        return None
    return Presence(ref_of(ws, names), row.get("product") or "", day, user_in(ws, row), known_on)
