"""A person in every place they can be in: planted by the ways things come in, and looked for by hand.

What is looked for here is plain text in dumps, not the product's own way of telling.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import duckdb
from sqlalchemy import MetaData, select

from sync.state import findings, mirror
from sync.state.engine import reading, writing
from sync.state.mirror import MirrorRecord
from tests.sync.harness import Office, event

EMAIL, FIRST, LAST = "Ann.Berg@acorn.example", "Ann", "Berg"
CONTACT_OBJECT = "contacts"


def contact_in_crm(there: Office) -> str:
    """Have the portal hold the person as a contact; return the id."""
    values = {"email": EMAIL.lower(), "firstname": FIRST, "lastname": LAST}
    return there.sandbox.edit(CONTACT_OBJECT, None, values)


def mirrored(there: Office, contact: str) -> None:
    """Keep the contact, and a ticket's link to it, as a charter that reads contacts would."""
    now = there.deployment.now
    values = {"email": EMAIL.lower(), "firstname": FIRST, "lastname": LAST}
    with writing(there.engine) as conn:
        mirror.store(conn, there.id, now, [MirrorRecord(CONTACT_OBJECT, contact, now, values)])
        told = {"survey/1": f"the answer of {FIRST} {LAST} <{EMAIL}> names no account"}
        findings.report(conn, there.id, now, "survey", told)


def used(there: Office, account: str, *, name: str = "", days: int = 0) -> None:
    """Deliver a batch of use: the person on two days, somebody else beside them on the first."""
    first = there.deployment.now - timedelta(days=3 + days)
    them = [event(account, first, EMAIL), event(account, first + timedelta(days=1), EMAIL)]
    there.use([*them, event(account, first, "somebody-else")], name)


def forms() -> list[str]:
    """Return the texts none of which may be left."""
    lower = EMAIL.lower()
    hashes = [hashlib.sha256(one.encode()).hexdigest() for one in (EMAIL, lower)]
    return [lower, f"{FIRST} {LAST}".lower(), *hashes]


def found_by_hand(there: Office, *, old_bytes: bool = True) -> list[str]:
    """Return where any of ``forms`` stands in a table, a file of the home folder or a Parquet file's cell.

    ``old_bytes``: also among what a database file keeps of rows that are no more.
    """
    places, text_of = list[str](), {}
    tables = MetaData()
    tables.reflect(there.engine)
    with reading(there.engine) as conn:
        for name, table in tables.tables.items():
            text_of[name] = repr(conn.execute(select(table)).all())
    home = Path(there.deployment.runtime.settings.home)
    for path in home.rglob("*"):
        if path.is_file():
            text_of[str(path)] = path.read_bytes().decode("latin-1")
            if path.suffix == ".parquet":
                text_of[f"{path} read"] = repr(duckdb.sql(f"SELECT * FROM '{path}'").fetchall())
    if there.engine.dialect.name == "sqlite" and old_bytes:
        main = str(there.engine.url.database)
        for path in (Path(main), Path(f"{main}-wal")):
            text_of[str(path)] = path.read_bytes().decode("latin-1") if path.exists() else ""
    for place, text in text_of.items():
        if any(one in text.lower() for one in forms()):
            places.append(place)
    return places
