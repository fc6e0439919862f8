"""Forgetting a person: out of the database, the files, Redis and the records we wrote.

Begun is kept first, sealed, with a mark in the dirty set: whoever dies under way, the next look goes on, and
doing it again changes nothing. What is kept for ever is a keyed hash of each value, so that the person is
not taken in again (``admission``). Counts of the past stay right: a stand-in that leads nowhere takes the
place of the person among users. Neighbours: ``forget_whom`` says who is meant, ``forget_contact`` is called
for a privacy deletion, ``prove`` searches afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from integration.owners import OWNERS
from integration.port import CrmError
from sync.bury import FORGET
from sync.forget_crm import Refusal, records_of_ours, remove_from_crm
from sync.forget_files import remove_files
from sync.forget_redis import remove_keys
from sync.forget_rows import named_rows, remove_rows
from sync.forget_whom import said_by_owners, whole
from sync.person import Person, from_text
from sync.person_text import Traces
from sync.scour import scour
from sync.state import dirty, mirror, persons
from sync.state.dirty import Scope
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.state.installations import ENDED
from sync.state.persons import Job
from sync.workspace import Workspace

UNDER_WAY = "forgetting:"
"""What the id of such a mark begins with that goes on with a forgetting begun before."""

Progress = Callable[[str, int], None]


class StillAtWork(StateError):
    """The CRM lets records be given to the person today; the words name them by their id as an owner only."""


def quiet(_what: str, _count: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class ForgetPlan:
    """What names a person: rows by table, records of ours by object; ``refusals`` are in the way."""

    rows: dict[str, int]
    crm: dict[str, int]
    refusals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was taken out; ``left`` says in words what could not be, and why."""

    rows: dict[str, int]
    files: int
    redis_keys: int
    crm_records: int
    left: tuple[str, ...] = field(default=())


def plan_forget(ws: Workspace, person: Person, progress: Progress = quiet) -> ForgetPlan:
    """Return what forgetting would change; reads only. Raises what the CRM raises."""
    traces = Traces(person, ws.id)
    rows = {name: len(found) for name, found in named_rows(ws.runtime.engine, traces, progress).items()}
    crm: dict[str, int] = {}
    for one in () if ws.installation.status in ENDED else records_of_ours(ws, traces, progress):
        if one.named:
            crm[one.object] = crm.get(one.object, 0) + 1
    with reading(ws.runtime.engine) as conn:
        return ForgetPlan(rows, crm, tuple(still_at_work(conn, ws, person)))


def still_at_work(conn: Connection, ws: Workspace, person: Person) -> list[str]:
    """Return in words why the person cannot be forgotten: the CRM lets records be given to them today."""
    return [
        f"owner {one} of {ws.id} may be given records in the CRM: have the user deactivated there, read the "
        "owners again (`colonnade sync load`), then run again"
        for one in _at_work(conn, ws, person)
    ]


def _at_work(conn: Connection, ws: Workspace, person: Person) -> list[str]:
    held = mirror.find(conn, ws.id, OWNERS, sorted(person.owner))
    return [one for one, record in sorted(held.items()) if not record.deleted]


def meant_as_contact(ws: Workspace, contact_id: str) -> Person:
    """Return what a contact is known by, without what is an owner's who is at work and shares their address.

    The CRM erased the contact; the owner is read again every day, so what is theirs stays.
    """
    asked = Person(contact=frozenset({contact_id}))
    with reading(ws.runtime.engine) as conn:
        found = whole(conn, ws, asked)
        owners = _at_work(conn, ws, found)
        return whole(conn, ws, asked, said_by_owners(conn, ws, owners)) if owners else found


def meant(ws: Workspace, asked: Person) -> Person:
    """Return everything the person asked for is known by here."""
    with reading(ws.runtime.engine) as conn:
        return whole(conn, ws, asked)


def forget(ws: Workspace, person: Person, progress: Progress = quiet) -> Forgotten:
    """Forget a person in one installation. Raises StillAtWork for one who is at work in the CRM.

    What the CRM cannot do now is told in ``left``, and the next look goes on with it.
    """
    with writing(ws.runtime.engine) as conn:
        if refusals := still_at_work(conn, ws, person):
            raise StillAtWork("; ".join(refusals))
        persons.bury(conn, ws.runtime.box, ws.id, person.marks())
        job = persons.begin(conn, ws.runtime.box, ws.id, ws.now(), person.text())
        dirty.mark(conn, ws.id, ws.now(), Scope.CONTACT, [UNDER_WAY + job.id], FORGET)
    return carry_out(ws, job, progress)


def carry_out(ws: Workspace, job: Job, progress: Progress = quiet) -> Forgotten:
    """Do what a forgetting asks for, from the beginning or from where it was cut short; then end it."""
    runtime, person = ws.runtime, from_text(job.person)
    traces = Traces(person, ws.id)

    def touched(conn: Connection, accounts: set[str]) -> None:
        dirty.mark(conn, ws.id, ws.now(), Scope.ACCOUNT, accounts, "a person was forgotten")

    rows = remove_rows(runtime.engine, traces, job.stand_in, touched, progress)
    files, unread = remove_files(runtime, traces, job.stand_in, progress)
    keys = remove_keys(runtime.redis, traces)
    records, refused = _from_crm(ws, traces, progress)
    left = [*unread, *refused]
    scour(runtime, traces)
    if not left:
        with writing(runtime.engine) as conn:
            persons.end(conn, ws.id, job.id)
            dirty.unmark(conn, ws.id, Scope.CONTACT, UNDER_WAY + job.id)
    return Forgotten(rows, len(files), keys, records, tuple(left))


def _from_crm(ws: Workspace, traces: Traces, progress: Progress) -> tuple[int, list[str]]:
    """Take the person out of the CRM; return how many records changed, and what is left in words."""
    if ws.installation.status in ENDED:
        return 0, []
    try:
        records, refused = remove_from_crm(ws, traces, progress)
    except CrmError as error:
        return 0, [f"the CRM could not be asked: {error}"]
    return records, [_words(one) for one in refused]


def _words(one: Refusal) -> str:
    return f"{one.object} {one.record_id}: {one.words}"
