"""Migrations that old workers survive: they add, and what programs need is taken away by a later version.

Expand, migrate, contract: a version adds tables, columns and indexes beside the old ones; a later one, whose
module names in ``CONTRACTS`` the revision whose programs are gone, may take away. See decision 0097.
"""

from __future__ import annotations

import ast
from datetime import date

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import BigInteger, Boolean, Connection, Date, Engine, Integer, MetaData, Table, Text, text

from sync.state import inbox
from sync.state.engine import MIGRATIONS, migrate, open_engine, writing
from sync.state.errors import StateError
from sync.state.inbox import InboxEvent
from sync.state.schema import Row, upsert
from tests.state.moments import NOW, A, lease

ADDING = {"create_table", "create_index", "add_column", "bulk_insert", "get_bind"}
VERSIONS = sorted((MIGRATIONS / "versions").glob("v*.py"))
LATER = "v9999_later"


def refusals(source: str) -> list[str]:
    """Return what in a migration an older program would not survive."""
    tree = ast.parse(source)
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and _is_op(one.func)]
    made = {_text(one.args[0]) for one in calls if one.func.attr == "create_table"}
    found = [f"op.{one.func.attr} does more than add" for one in calls if one.func.attr not in ADDING]
    for one in calls:
        if one.func.attr == "add_column" and not _may_be_left_out(one.args[1]):
            found.append(f"{_text(one.args[0])}: a new column needs nullable=True or a server_default")
        unique = any(word.arg == "unique" and ast.unparse(word.value) == "True" for word in one.keywords)
        if one.func.attr == "create_index" and unique and _text(one.args[1]) not in made:
            found.append(f"{_text(one.args[1])}: an older program's rows may not be unique")
    return found


def _is_op(called: ast.expr) -> bool:
    return isinstance(called, ast.Attribute) and ast.unparse(called.value) in {"op", "batch", "batch_op"}


def _text(one: ast.expr) -> str:
    return str(one.value) if isinstance(one, ast.Constant) else ast.unparse(one)


def _may_be_left_out(column: ast.expr) -> bool:
    said = (
        {word.arg: ast.unparse(word.value) for word in column.keywords}
        if isinstance(column, ast.Call)
        else {}
    )
    return said.get("nullable", "True") == "True" or "server_default" in said


def contracts(source: str) -> str | None:
    """Return the revision whose programs a migration says are gone, ``None`` where it says nothing."""
    for one in ast.parse(source).body:
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "CONTRACTS":
            return _text(one.value)
    return None


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_a_migration_only_adds_or_says_whose_programs_are_gone(path):
    """What takes away names an earlier revision, and raises the floor, so that those programs refuse."""
    source = path.read_text()
    gone = contracts(source)
    if gone is None:
        assert refusals(source) == []
    else:
        known = [one.stem for one in VERSIONS]
        assert any(one.startswith(gone) for one in known[: known.index(path.stem)])
        assert "raise_floor(" in source


@pytest.mark.parametrize(
    "line",
    [
        'op.drop_table("inbox")',
        'op.drop_column("inbox", "source")',
        'op.alter_column("inbox", "source", new_column_name="from")',
        'op.rename_table("inbox", "events")',
        'op.execute("DELETE FROM inbox")',
        'op.add_column("inbox", sa.Column("size", sa.Integer(), nullable=False))',
        'op.create_index("uq_inbox_source", "inbox", ["source"], unique=True)',
        'op.create_check_constraint("ck", "inbox", "1 = 1")',
        'with op.batch_alter_table("inbox") as batch:\n    batch.drop_column("source")',
    ],
)
def test_what_old_workers_would_not_survive_is_refused(line):
    """Taking away, renaming, and asking more of a row than they give."""
    assert refusals(line)


@pytest.mark.parametrize(
    "line",
    [
        'op.add_column("inbox", sa.Column("size", sa.Integer(), nullable=True))',
        'op.add_column("inbox", sa.Column("size", sa.Integer(), nullable=False, server_default="0"))',
        'op.create_index("ix_inbox_source", "inbox", ["source"])',
        'op.create_table("t", sa.Column("a", sa.Text()))\nop.create_index("uq_t_a", "t", ["a"], unique=True)',
    ],
)
def test_what_they_do_not_see_is_taken(line):
    """Tables of its own, columns they may leave out, indexes that refuse nothing."""
    assert refusals(line) == []


def revisions() -> list[str]:
    """Return the revisions in order, the newest last."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def migrate_to(engine: Engine, revision: str) -> None:
    """Bring a database to a revision, as the program of that time did."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, revision)


def example(table: Table) -> Row:
    """Return a row with something in every column of a table."""
    kinds = {Integer: 1, BigInteger: 1, Boolean: True, Date: date(2025, 1, 15), Text: "{}"}
    return {
        column.name: next(value for kind, value in kinds.items() if isinstance(column.type, kind))
        for column in table.columns
    }


def use(conn: Connection, table: Table) -> None:
    """Do to a table what a program does that knows only these columns of it."""
    row, key = example(table), [column.name for column in table.primary_key.columns]
    conn.execute(table.insert().values(row))
    conn.execute(
        upsert(conn, table).values(row).on_conflict_do_update(index_elements=key, set_={key[0]: row[key[0]]})
    )
    conn.execute(table.update().values(row))
    assert dict(conn.execute(table.select()).mappings().one()) == row
    conn.execute(table.delete())


def test_the_statements_of_the_last_version_work_on_the_newest_schema(database_url):
    """The columns of the revision before are enough to write, find, change and delete rows of every table."""
    engine, before = open_engine(database_url), MetaData()
    migrate_to(engine, revisions()[-2])
    before.reflect(engine)
    migrate(engine)
    migrations_own = {"alembic_version", "schema_floor"}
    tables = [one for one in before.tables.values() if one.name not in migrations_own]
    assert {"inbox", "dirty", "write_ledger", "due", "record_version"} <= {one.name for one in tables}
    with writing(engine) as conn:
        for table in tables:
            use(conn, table)
    engine.dispose()


def make_newer(engine: Engine, floor: str) -> None:
    """Have a later version migrate the database, adding what this program does not know."""
    with writing(engine) as conn:
        conn.execute(text("ALTER TABLE inbox ADD COLUMN later TEXT"))
        conn.execute(text("CREATE TABLE later_still (id INTEGER PRIMARY KEY)"))
        conn.execute(text("UPDATE alembic_version SET version_num = :at"), {"at": LATER})
        conn.execute(text("UPDATE schema_floor SET oldest = :floor"), {"floor": floor})


def test_a_program_goes_on_with_a_newer_database_that_still_serves_it(engine: Engine):
    """Started again in the middle of a rolling upgrade, it changes nothing and works."""
    make_newer(engine, revisions()[-1])
    assert migrate(engine)
    with writing(engine) as conn:
        assert inbox.put(conn, A, NOW, [InboxEvent("1", "hubspot", {})]) == 1
        assert len(inbox.take(conn, A, lease("w1"))) == 1


def test_a_program_older_than_the_floor_refuses_to_start(engine: Engine):
    """It says what the database is at and what to do, and touches nothing."""
    make_newer(engine, LATER)
    with pytest.raises(StateError, match=f"{LATER}.*this one is older. Start the version that migrated it"):
        migrate(engine)


def test_a_program_brings_an_older_database_up(database_url):
    """New beside old: the first new process migrates, and says that nothing is newer than itself."""
    engine = open_engine(database_url)
    migrate_to(engine, revisions()[-2])
    assert not migrate(engine)
    engine.dispose()
