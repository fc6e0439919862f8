"""What is due when: the schedule, with a lease so that two schedulers run a task once.

A task missed while nothing ran is run late and once, then goes on from its own rhythm; the
claim says how many times were missed, for tasks that must make them up one by one. A task further away than
its rhythm, or than two days where it runs once, is due at once: the clock stepped back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    and_,
    cast,
    delete,
    func,
    not_,
    or_,
    select,
    type_coerce,
    update,
)

from sync.state.leases import Lease, free, held_index, lease_columns, next_fence, released, taken
from sync.state.schema import EPOCH, MICROSECOND, Instant, installation_column, key_columns, metadata, upsert

SECOND = timedelta(seconds=1)
ONCE_WITHIN = timedelta(days=2)
"""No task that runs once is planned further ahead: the next midnight, and the night after it."""

due = Table(
    "due",
    metadata,
    installation_column(),
    Column("task", Text, primary_key=True),
    Column("next_at", Instant, nullable=False),
    Column("every_seconds", Integer),
    *lease_columns(),
    Column("last_run_at", Instant),
    Column("last_error", Text),
    Column("grid_at", Instant, nullable=False),
    held_index("due"),
    Index("ix_due_next_at", "next_at"),
)


@dataclass(frozen=True, slots=True)
class DueTask:
    """A task claimed to run now.

    ``due_at`` is the time it was due, ``missed`` how many later times of its rhythm have
    passed as well. ``every`` is ``None`` for a task that runs once.
    """

    installation_id: str
    task: str
    due_at: datetime
    every: timedelta | None
    missed: int
    fence: int


def plan(
    conn: Connection, installation_id: str, task: str, first_at: datetime, every: timedelta | None = None
) -> None:
    """Have a task run at ``first_at`` and then every so often, or once when ``every`` is ``None``.

    Planning again changes the rhythm and keeps the next time of a repeating task; a task
    that runs once is moved to ``first_at``.
    """
    seconds = None if every is None else int(every.total_seconds())
    row = {"installation_id": installation_id, "task": task, "next_at": first_at, "grid_at": first_at}
    changes: dict[str, object] = {"every_seconds": seconds}
    if every is None:
        changes |= {"next_at": first_at, "grid_at": first_at}
    statement = upsert(conn, due).values(**row, every_seconds=seconds)
    conn.execute(statement.on_conflict_do_update(index_elements=key_columns(due), set_=changes))


def claim(
    conn: Connection,
    lease: Lease,
    *,
    installation_id: str | None = None,
    kinds: Sequence[str] = (),
    but: Sequence[str] = (),
    task: str = "",
) -> tuple[DueTask, ...]:
    """Take tasks that are due and held by nobody, of one installation or all, the longest due first.

    A task's kind is its first word; ``kinds`` takes only those, ``but`` leaves them to others, ``task`` takes
    that one alone.
    """
    wanted = [_is_due(lease.now), free(due, lease.now), *([_of_kinds(kinds)] if kinds else [])]
    wanted += [not_(_of_kinds(but))] if but else []
    wanted += [due.c.task == task] if task else []
    wanted += [due.c.installation_id == installation_id] if installation_id is not None else []
    found = conn.execute(
        select(due)
        .where(*wanted)
        .order_by(due.c.next_at, due.c.installation_id, due.c.task)
        .limit(lease.limit)
        .with_for_update(skip_locked=True)
    ).all()
    fences = {name: next_fence(conn, name) for name in sorted({row.installation_id for row in found})}
    tasks = []
    for row in found:
        fence = fences[row.installation_id]
        target = update(due).where(due.c.installation_id == row.installation_id, due.c.task == row.task)
        conn.execute(target.values(taken(lease, fence)))
        every = None if row.every_seconds is None else timedelta(seconds=row.every_seconds)
        missed = 0 if every is None else max(0, (lease.now - row.grid_at) // every)
        tasks.append(DueTask(row.installation_id, row.task, row.grid_at, every, missed, fence))
    return tuple(tasks)


def unheld(conn: Connection, now: datetime, kinds: Sequence[str]) -> frozenset[str]:
    """Return the installations with a task of these kinds that is due and held by nobody."""
    query = select(due.c.installation_id).where(_is_due(now), free(due, now), _of_kinds(kinds))
    return frozenset(conn.execute(query.distinct()).scalars())


def names(conn: Connection, installation_id: str, now: datetime, kinds: Sequence[str]) -> list[str]:
    """Return the installation's tasks of these kinds that are due and held by nobody."""
    wanted = [due.c.installation_id == installation_id, _is_due(now), free(due, now), _of_kinds(kinds)]
    return list(conn.execute(select(due.c.task).where(*wanted)).scalars())


def hasten(conn: Connection, installation_id: str, now: datetime, kind: str, task: str = "") -> int:
    """Have a task (all of a kind where none is named) run again at once; return how many are planned.

    One that runs just now began before whatever is the reason: it does not count as done.
    """
    target = update(due).where(due.c.installation_id == installation_id, _of_kinds([kind]))
    target = target.where(due.c.task == task) if task else target
    return conn.execute(target.values(released() | {"next_at": now})).rowcount


def extend(conn: Connection, lease: Lease, task: DueTask) -> bool:
    """Hold a claimed task for the lease's time from its ``now``; return whether it was still ours."""
    return conn.execute(update(due).where(_ours(task)).values(taken(lease, task.fence))).rowcount == 1


def finish(conn: Connection, now: datetime, task: DueTask) -> bool:
    """Enter that the task ran; it is next due at the first time of its rhythm after ``now``.

    Returns whether it was still ours. A task that runs once is removed. After the clock stepped back the
    rhythm begins anew.
    """
    if task.every is None:
        return conn.execute(delete(due).where(_ours(task))).rowcount == 1
    steps = (now - task.due_at) // task.every + 1
    if steps > -1:  # hastened, it ran before its time; else the clock was set back
        steps = max(1, steps)
    following = min(task.due_at + steps * task.every, now + task.every)  # further off it would count as due
    values = released() | {"next_at": following, "grid_at": following}
    values |= {"last_run_at": now, "last_error": None}
    return conn.execute(update(due).where(_ours(task)).values(values)).rowcount == 1


def fail(conn: Connection, now: datetime, task: DueTask, error: str, retry_at: datetime) -> bool:
    """Enter a failure: tried again at ``retry_at``, its rhythm unmoved; return whether it was ours."""
    values = released() | {"next_at": retry_at, "last_run_at": now, "last_error": error}
    return conn.execute(update(due).where(_ours(task)).values(values)).rowcount == 1


def cancel(conn: Connection, installation_id: str, task: str) -> bool:
    """Take a task off the schedule; return whether it was on it."""
    target = delete(due).where(due.c.installation_id == installation_id, due.c.task == task)
    return conn.execute(target).rowcount == 1


def next_at(conn: Connection) -> datetime | None:
    """Return when the next task of any installation is due, held or not; ``None`` when none is."""
    return conn.execute(select(func.min(due.c.next_at))).scalar()


def schedule(conn: Connection, installation_id: str) -> dict[str, datetime]:
    """Return the installation's tasks and when each is due next."""
    query = select(due.c.task, due.c.next_at).where(due.c.installation_id == installation_id)
    return dict(conn.execute(query.order_by(due.c.task)).all())


def failing(conn: Connection, installation_id: str) -> dict[str, str]:
    """Return the installation's tasks that failed when they ran last, each with why."""
    query = select(due.c.task, due.c.last_error).where(
        due.c.installation_id == installation_id, due.c.last_error.is_not(None)
    )
    return dict(conn.execute(query.order_by(due.c.task)).all())


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a task's time has come.

    No repeating task waits longer than its rhythm, nor one that runs once longer than two days: one that does
    was planned before the clock was set back.
    """
    waits = type_coerce(due.c.next_at, BigInteger) - (now - EPOCH) // MICROSECOND
    every = func.coalesce(due.c.every_seconds, ONCE_WITHIN // SECOND)
    rhythm = cast(every, BigInteger) * (SECOND // MICROSECOND)
    return or_(due.c.next_at <= now, waits > rhythm)


def _of_kinds(kinds: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(due.c.task.startswith(f"{kind} ", autoescape=True) for kind in kinds))


def _ours(task: DueTask) -> ColumnElement[bool]:
    return and_(
        due.c.installation_id == task.installation_id,
        due.c.task == task.task,
        due.c.fence == task.fence,
        due.c.lease_owner.is_not(None),
    )
