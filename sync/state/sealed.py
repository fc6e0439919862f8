"""Everything that is sealed in the database, wherever it stands: sealed anew, or counted by key.

A column that holds ciphertext is named here, so that changing the keys misses none. Rows are replaced one by
one and only while they hold what was read: a token renewed meanwhile by a worker stays. Neighbours:
``secrets`` seals, ``commands/keys.py`` and the doctor ask.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Column, Engine, Table, and_, select, update

from sync.state.consents import consent_request
from sync.state.engine import reading, writing
from sync.state.installations import credential
from sync.state.persons import person_forgetting, person_key
from sync.state.secrets import SecretBox

SEALED: tuple[tuple[Table, Column[str]], ...] = (
    (credential, credential.c.ciphertext),
    (consent_request, consent_request.c.verifier),
    (person_key, person_key.c.sealed),
    (person_forgetting, person_forgetting.c.sealed),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """By which key the secrets are sealed: the first, one behind it (counted by place), or none of them."""

    first: int
    older: int
    unopened: int
    by_key: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did: secrets sealed anew, right already, changed meanwhile, and opened by no key."""

    sealed: int
    right: int
    changed_meanwhile: int
    unopened: int


def standing(engine: Engine, box: SecretBox) -> Standing:
    """Return by which key every secret of every installation is sealed; reads only."""
    found: Counter[int | None] = Counter()
    with reading(engine) as conn:
        for _table, column in SEALED:
            found.update(box.place(one) for one in conn.execute(select(column)).scalars())
    by_key = tuple(found[place] for place in range(box.keys))
    return Standing(by_key[0], sum(by_key[1:]), found[None], by_key)


def rotate(engine: Engine, box: SecretBox) -> Rotated:
    """Seal with the first key whatever another one of the box sealed; safe twice and beside workers."""
    sealed = right = changed = unopened = 0
    for table, column in SEALED:
        key = list(table.primary_key.columns)
        with reading(engine) as conn:
            rows = conn.execute(select(*key, column)).all()
        for *place, ciphertext in rows:
            at = box.place(ciphertext)
            right += at == 0
            unopened += at is None
            if not at:
                continue
            here = and_(*(one == value for one, value in zip(key, place, strict=True)), column == ciphertext)
            with writing(engine) as conn:
                done = conn.execute(update(table).where(here).values({column: box.rotate(ciphertext)}))
            sealed += done.rowcount
            changed += 1 - done.rowcount
    return Rotated(sealed, right, changed, unopened)
