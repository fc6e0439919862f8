"""People who were forgotten: keyed hashes of what they were known by, and forgettings under way.

A hash says that a value was a forgotten person's only to who has the value and the installation's key,
which is sealed. What a forgetting under way looks for is sealed too, until it is done. Neighbours:
``sync/forget.py`` writes these, ``sync/admission.py`` asks them of what comes in.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Column, Connection, Select, Table, Text, bindparam, delete, select

from sync.state.installations import installation
from sync.state.schema import Instant, installation_column, metadata, upsert
from sync.state.secrets import SecretBox

person_key = Table("person_key", metadata, installation_column(), Column("sealed", Text, nullable=False))
person_tombstone = Table(
    "person_tombstone", metadata, installation_column(), Column("mark", Text, primary_key=True)
)
person_forgetting = Table(
    "person_forgetting",
    metadata,
    installation_column(),
    Column("id", Text, primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
)
_MARKS: Final = select(person_tombstone.c.mark).where(
    person_tombstone.c.installation_id == bindparam("whose", type_=Text)
)
KEY, FORGETTING = "person_key", "forgetting"
"""What is sealed here, as the box names it."""


@dataclass(frozen=True, slots=True)
class Job:
    """A forgetting under way: whom (as JSON text), and the stand-in that takes their place in counts."""

    id: str
    person: str
    stand_in: str


@dataclass(frozen=True, slots=True)
class Tombstones:
    """The marks of an installation's forgotten people, and the key by which values are compared."""

    key: bytes
    marks: frozenset[str]

    def names(self, kind: str, value: str) -> bool:
        """Return whether a value of a kind was a forgotten person's; letter case does not matter."""
        return bool(self.marks) and _mark(self.key, kind, value) in self.marks


NONE = Tombstones(b"", frozenset())


def tombstones(conn: Connection, box: SecretBox, installation_id: str) -> Tombstones:
    """Return an installation's tombstones; ``NONE`` while nobody was forgotten.

    Raises StateError when no key opens the one they are hashed with.
    """
    marks = frozenset(conn.execute(_MARKS, {"whose": installation_id}).scalars())
    return Tombstones(_key(conn, box, installation_id), marks) if marks else NONE


def bury(conn: Connection, box: SecretBox, installation_id: str, values: Iterable[tuple[str, str]]) -> None:
    """Keep the hashes of (kind, value) for ever; burying the same again changes nothing.

    Waits for whoever holds this off: from then on all who ask know of it.
    """
    conn.execute(_row_of(installation_id).with_for_update())
    key = _key(conn, box, installation_id)
    rows = [
        {"installation_id": installation_id, "mark": one}
        for one in sorted({_mark(key, kind, value) for kind, value in values})
    ]
    if rows:
        conn.execute(upsert(conn, person_tombstone).on_conflict_do_nothing(), rows)


def hold_off(conn: Connection, installation_id: str) -> None:
    """Let nobody be buried in an installation before this transaction ends; others may hold off as well."""
    conn.execute(_row_of(installation_id).with_for_update(read=True, key_share=True))


def _row_of(installation_id: str) -> Select[tuple[str]]:
    mine = installation.c.installation_id
    return select(mine).where(mine == installation_id)


def begin(conn: Connection, box: SecretBox, installation_id: str, now: datetime, person: str) -> Job:
    """Keep, sealed, what a forgetting looks for until it is done; return it."""
    job = Job(secrets.token_hex(8), person, f"removed-{secrets.token_hex(12)}")
    sealed = box.seal(installation_id, FORGETTING, json.dumps([person, job.stand_in]))
    row = {"installation_id": installation_id, "id": job.id, "sealed": sealed, "began_at": now}
    conn.execute(upsert(conn, person_forgetting).values(**row))
    return job


def under_way(conn: Connection, box: SecretBox, installation_id: str) -> list[Job]:
    """Return the forgettings that were begun and not ended, the oldest first."""
    query = select(person_forgetting).where(person_forgetting.c.installation_id == installation_id)
    ordered = query.order_by(person_forgetting.c.began_at, person_forgetting.c.id)
    opened = (
        (row.id, json.loads(box.open(installation_id, FORGETTING, row.sealed)))
        for row in conn.execute(ordered)
    )
    return [Job(one, person, stand_in) for one, (person, stand_in) in opened]


def end(conn: Connection, installation_id: str, job_id: str) -> None:
    """Destroy what the forgetting looked for and the link to its stand-in."""
    mine = person_forgetting.c.installation_id == installation_id
    conn.execute(delete(person_forgetting).where(mine, person_forgetting.c.id == job_id))


def _key(conn: Connection, box: SecretBox, installation_id: str) -> bytes:
    sealed = box.seal(installation_id, KEY, secrets.token_hex(32))
    row = {"installation_id": installation_id, "sealed": sealed}
    held = select(person_key.c.sealed).where(person_key.c.installation_id == installation_id)
    found = conn.execute(held).scalar()
    if found is None:  # of two at once the first one's stays
        conn.execute(upsert(conn, person_key).values(**row).on_conflict_do_nothing())
        found = conn.execute(held).scalar_one()
    return bytes.fromhex(box.open(installation_id, KEY, found))


def _mark(key: bytes, kind: str, value: str) -> str:
    return hmac.new(key, f"{kind}\n{value.strip().lower()}".encode(), hashlib.sha256).hexdigest()
