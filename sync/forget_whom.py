"""Who is meant: from an address or an id to all that a person is known by in one installation.

Asked of the mirror (owners, and contacts where a charter reads them) and of the events of the last thirty
days, which tell which of the product's users has which address. Neighbours: ``person`` holds what is
found, ``forget`` acts on it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, func, or_, select

from integration.owners import OWNERS
from sync.drain import USAGE
from sync.person import CONTACT, EMAIL, NAME, OWNER, USER, Person
from sync.state.inbox import inbox
from sync.state.mirror_rows import record_version
from sync.workspace import Workspace

LONGEST: Final = 320
_PEOPLE: Final = ("contact", "lead", "owner", "user")
_EMAIL_KEYS: Final = frozenset({"email", "hs_email", "work_email"})
_NAME_PAIRS: Final = (("first_name", "last_name"), ("firstname", "lastname"), ("FirstName", "LastName"))


def named(text: str) -> Person:
    """Return the person as asked for: an address, ``contact:``, ``owner:`` or ``user:`` with an id, or an id.

    An id without a word may be any of the three. Raises ValueError for what is neither.
    """
    kind, colon, value = text.strip().partition(":")
    if colon and kind in {CONTACT, OWNER, USER} and value.strip():
        return Person(**{kind: frozenset({value.strip()})})
    given = text.strip()
    if not given or len(given) > LONGEST or any(one.isspace() for one in given):
        raise ValueError(f"{text!r} is no person: give an e-mail address, or contact:ID, owner:ID or user:ID")
    alone = frozenset({given})
    return Person(email=alone) if "@" in given else Person(contact=alone, owner=alone, user=alone)


def whole(conn: Connection, ws: Workspace, asked: Person, spared: Person | None = None) -> Person:
    """Return everything the person is known by here, asked for until nothing new comes.

    ``spared`` is somebody else's, who may share an address: it is no part of the person and leads nowhere.
    """
    others = spared or Person()
    found, before = asked.minus(others), Person()
    while found != before:
        before = found
        for record in _records(conn, ws, found):
            found = found.plus(record.minus(others))
        for event in _users(conn, ws, found):
            found = found.plus(event.minus(others))
    return found


def said_by_owners(conn: Connection, ws: Workspace, owners: Collection[str]) -> Person:
    """Return what the records of owners say they are known by, in any of their versions."""
    table, found = record_version.c, Person()
    query = select(table.source_id, table.body).where(
        table.installation_id == ws.id, table.object == OWNERS, table.source_id.in_(owners)
    )
    for source_id, body in conn.execute(query):
        found = found.plus(_said(OWNERS, source_id, body["values"]))
    return found


def _records(conn: Connection, ws: Workspace, person: Person) -> Iterator[Person]:
    """Yield what the person's own records in the mirror say, in any of their versions."""
    table = record_version.c
    people = or_(*(func.lower(table.object).startswith(one) for one in _PEOPLE))
    query = select(table.object, table.source_id, table.body)
    rows = conn.execute(query.where(table.installation_id == ws.id, people))
    for object_name, source_id, body in rows:
        said = _said(object_name, source_id, body["values"])
        if _same(person, said):
            yield said


def _said(object_name: str, source_id: str, values: Mapping[str, str | None]) -> Person:
    emails = {value for key, value in values.items() if key.lower() in _EMAIL_KEYS and value}
    names = {
        f"{values[first]} {values[last]}"
        for first, last in _NAME_PAIRS
        if values.get(first) and values.get(last)
    }
    users = {value for key, value in values.items() if key in {"user_id", "userId"} and value}
    is_owner = object_name == OWNERS or object_name.lower().startswith("user")
    return Person(
        email=frozenset(emails),
        name=frozenset(names),
        contact=frozenset() if is_owner else frozenset({source_id}),
        owner=frozenset({source_id}) if is_owner else frozenset(),
        user=frozenset(users),
    )


def _same(person: Person, other: Person) -> bool:
    """Return whether both are one by an address or id; a name alone is also a namesake's."""
    lower = {one.lower() for one in person.email}
    by_email = any(one.lower() in lower for one in other.email)
    return by_email or any(getattr(person, kind) & getattr(other, kind) for kind in (CONTACT, OWNER, USER))


def _users(conn: Connection, ws: Workspace, person: Person) -> Iterator[Person]:
    """Yield the product's users whose events name an address of the person."""
    emails = {one.lower() for one in person.email}
    query = select(inbox.c.body).where(inbox.c.installation_id == ws.id, inbox.c.source == USAGE)
    for body in conn.execute(query).scalars() if emails | person.user else ():
        for message in _messages(body):
            user, told = _user_of(message)
            if user and (user in person.user or told & emails):
                addresses = frozenset({user} if "@" in user else ()) | told
                yield Person(**{EMAIL: addresses, USER: frozenset({user}), NAME: frozenset()})


def _messages(body: object) -> Iterator[Mapping[str, Any]]:
    """Yield a batch's messages that can be read; anybody with the write key sends any JSON there is."""
    batch = body.get("batch") if isinstance(body, Mapping) else None
    yield from (one for one in (batch if isinstance(batch, list) else ()) if isinstance(one, Mapping))


def _user_of(message: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    """Return an event's user, empty where it names none, and the addresses it tells, in small letters."""
    user = message.get("userId") or message.get("anonymousId")
    context = message.get("context")
    traits = context.get("traits") if isinstance(context, Mapping) else None
    places = (message.get("traits"), message.get("properties"), traits)
    found = [user, *(one.get("email") for one in places if isinstance(one, Mapping))]
    told = frozenset(one.lower() for one in found if isinstance(one, str) and "@" in one)
    return (user, told) if isinstance(user, str) else ("", told)
