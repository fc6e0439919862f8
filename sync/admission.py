"""What comes in of people who were forgotten: let in without them, so that nobody is taken in again.

A CRM goes on naming who left it, and a product delivers an event late: values are compared by their keyed
hashes (``state/persons``). Neighbours: ``keep`` and ``owners`` let records in through here, ``usage`` events,
``drain`` what the inbox keeps of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from sqlalchemy import Connection, update

from sync.person import CONTACT, EMAIL, NAME, OWNER, USER, Person
from sync.person_text import REMOVED, TELLING_LENGTH, Traces, kinds_of, kinds_of_field
from sync.state import persons
from sync.state.engine import reading
from sync.state.inbox import InboxItem, inbox
from sync.state.mirror import MirrorRecord
from sync.state.persons import Tombstones
from sync.workspace import Workspace

_ADDRESS: Final = re.compile(r"[\w.+%-]+@[\w.-]+\w")
_WORDS: Final = re.compile(r"[^\s,;:()\"]+")
NAME_WORDS: Final = (2, 3)
"""A name is met in a text as so many words."""


def admitted(conn: Connection, ws: Workspace, records: Sequence[MirrorRecord]) -> list[MirrorRecord]:
    """Return the records without forgotten people; those that are one are left out."""
    known = persons.tombstones(conn, ws.runtime.box, ws.id)
    if not known.marks:
        return list(records)
    return [
        _without(known, one)
        for one in records
        if not any(known.names(kind, one.source_id) for kind in kinds_of(one.object))
    ]


def forgotten_users(ws: Workspace, users: Iterable[str]) -> frozenset[str]:
    """Return those of the product's users, as it names them, who were forgotten: their use is nobody's."""
    with reading(ws.runtime.engine) as conn:
        return _forgotten(persons.tombstones(conn, ws.runtime.box, ws.id), users)


def forgotten_by_now(conn: Connection, ws: Workspace, users: Iterable[str]) -> frozenset[str]:
    """Return the same to a transaction that writes what users did: no forgetting begins before it ends."""
    persons.hold_off(conn, ws.id)
    return _forgotten(persons.tombstones(conn, ws.runtime.box, ws.id), users)


def _forgotten(known: Tombstones, users: Iterable[str]) -> frozenset[str]:
    if not known.marks:
        return frozenset()
    return frozenset(one for one in users if known.names(USER, one) or known.names(EMAIL, one))


def scrub(conn: Connection, ws: Workspace, items: Sequence[InboxItem]) -> None:
    """Take forgotten people out of what the inbox keeps of usage that was counted."""
    known = persons.tombstones(conn, ws.runtime.box, ws.id)
    for item in items if known.marks else ():
        found = _met(known, item.body)
        if found != Person():
            mine = (inbox.c.installation_id == ws.id) & (inbox.c.dedupe_key == item.dedupe_key)
            body = Traces(found, ws.id).cleaned(item.body)
            conn.execute(update(inbox).where(mine).values(body=body))


def _without(known: Tombstones, record: MirrorRecord) -> MirrorRecord:
    values = {name: _value(known, name, value) for name, value in record.values.items()}
    links = tuple(
        link for link in record.links if not any(known.names(kind, link.id) for kind in kinds_of(link.object))
    )
    return replace(record, values=values, links=links)


def _value(known: Tombstones, name: str, value: str | None) -> str | None:
    if not value:
        return value
    kinds = kinds_of_field(name)
    if len(value) >= TELLING_LENGTH and value.isalnum() and not value.isdigit():
        kinds = [CONTACT, OWNER, USER]
    if any(known.names(kind, value) for kind in kinds):
        return None
    text = _ADDRESS.sub(lambda one: REMOVED if known.names(EMAIL, one.group()) else one.group(), value)
    for name_met in _names(known, text):
        text = text.replace(name_met, REMOVED)
    return text


def _names(known: Tombstones, text: str) -> list[str]:
    """Return the forgotten names met in a text, as they stand there."""
    words = list(_WORDS.finditer(text))
    spans = [
        text[first.start() : last.end()]
        for count in NAME_WORDS
        for first, last in zip(words, words[count - 1 :], strict=False)
    ]
    return [one for one in spans if known.names(NAME, one)]


def _met(known: Tombstones, body: object) -> Person:
    """Return the forgotten people a batch's messages name."""
    found = Person()
    for message in cast("dict[str, Any]", body).get("batch", ()):
        for text in _texts(message):
            if known.names(EMAIL, text):
                found = found.plus(Person(email=frozenset({text})))
            if known.names(USER, text):
                found = found.plus(Person(user=frozenset({text})))
    return found


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value
