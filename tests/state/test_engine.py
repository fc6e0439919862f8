"""The database: how it is opened, migrated and spoken to."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, inspect, select
from sqlalchemy.exc import DBAPIError, StatementError

from sync.state import cursors, leases, metadata
from sync.state.engine import migrate, normal_url, open_engine, reading, writing
from sync.state.errors import StateError
from sync.state.schema import EPOCH, Instant, canonical_json, canonical_texts, content_hash
from tests.state.moments import NOW, A

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENT_WIDE = {"clock", "consent_request", "schema_floor"}


def test_migrations_build_exactly_the_tables_declared(engine: Engine) -> None:
    """A migrated database differs in nothing from what the code declares."""
    with engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert "record_version" in inspect(conn).get_table_names()


def test_migrating_from_four_processes_at_once_is_safe(database_url: str) -> None:
    """Release commands that run at the same time migrate once."""
    engines = [open_engine(database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, engines))
    with engines[0].connect() as conn:
        assert set(inspect(conn).get_table_names()) == set(metadata.tables) | {"alembic_version"}
    for one in engines:
        one.dispose()


def test_every_primary_key_starts_with_the_installation() -> None:
    """No row can be found without saying whose it is."""
    for table in metadata.tables.values():
        if table.name not in DEPLOYMENT_WIDE:
            assert next(iter(table.primary_key.columns)).name == "installation_id", table.name


def test_no_index_competes_with_its_primary_key() -> None:
    """An index shares at most the first column with the primary key (see schema)."""
    for table in metadata.tables.values():
        key = [column.name for column in table.primary_key.columns]
        for index in table.indexes:
            if not index.unique and len(key) > 1:
                assert [column.name for column in index.columns][:2] != key[:2], index.name


def test_an_unreachable_database_is_named_without_its_password() -> None:
    """The error says which database, and hides the password."""
    with pytest.raises(StateError) as caught:
        open_engine("postgresql://me:hunter2@127.0.0.1:1/shop")
    assert "127.0.0.1:1/shop" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_heroku_style_address_is_postgresql() -> None:
    """Heroku writes postgres://; SQLAlchemy wants the driver."""
    assert normal_url("postgres://u:p@h/d").drivername == "postgresql+psycopg"


@pytest.mark.parametrize("url", ["mysql://h/d", "sqlite://", "sqlite:///:memory:", "nonsense"])
def test_other_databases_are_refused(url: str) -> None:
    """State in memory or in an untested database would be lost or wrong."""
    with pytest.raises(StateError):
        normal_url(url)


def test_an_instant_without_a_zone_is_refused(engine: Engine) -> None:
    """A naive time could be anybody's."""
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(StatementError, match="time zone"), writing(engine) as conn:
        cursors.put(conn, A, naive, cursors.Cursor("deals", cursors.Phase.INITIAL))


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), st.integers(-12, 14))  # noqa: DTZ001
def test_an_instant_survives_storage_to_the_microsecond(local: datetime, offset: int) -> None:
    """What is stored comes back as the same instant, in UTC, from any zone."""
    instant = local.replace(tzinfo=timezone(timedelta(hours=offset)))
    kind = Instant()
    stored = kind.process_bind_param(instant, None)
    back = kind.process_result_value(stored, None)
    assert back == instant
    assert back.tzinfo is UTC
    assert EPOCH + timedelta(microseconds=stored) == instant


def test_equal_documents_have_one_text_and_one_hash() -> None:
    """Order of names is no difference; NUL is escaped, since PostgreSQL refuses it."""
    assert canonical_json({"b": "\x00", "a": 1}) == '{"a":1,"b":"\\u0000"}'
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})


HALF_CHARACTERS = st.characters(categories=["Cs"])
ANY_TEXT = st.text(st.one_of(st.characters(), st.characters(max_codepoint=0x7F), HALF_CHARACTERS))


@given(st.dictionaries(ANY_TEXT, st.none() | ANY_TEXT))
def test_the_quick_way_to_write_texts_writes_the_same(values: dict[str, str | None]) -> None:
    """Whatever somebody wrote into a field, also half a character: the hash of no record may move by it."""
    assert canonical_texts(values) == canonical_json(values)


def test_a_failed_transaction_leaves_nothing(engine: Engine) -> None:
    """All of it or none of it."""

    def interrupted() -> None:
        with writing(engine) as conn:
            cursors.put(conn, A, NOW, cursors.Cursor("deals", cursors.Phase.INITIAL))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    with reading(engine) as conn:
        assert cursors.get(conn, A, "deals") is None


def test_readers_see_one_moment_while_others_write(engine: Engine) -> None:
    """Facts assembled from many reads belong together."""
    with reading(engine) as conn:
        assert cursors.get(conn, A, "deals") is None
        with writing(engine) as other:
            cursors.put(other, A, NOW, cursors.Cursor("deals", cursors.Phase.INITIAL))
        assert cursors.get(conn, A, "deals") is None


def test_fences_never_repeat_and_never_fall(engine: Engine) -> None:
    """Concurrent claims get different, rising fences."""

    def take(_: int) -> int:
        with writing(engine) as conn:
            return leases.next_fence(conn, A)

    with ThreadPoolExecutor(4) as pool:
        fences = list(pool.map(take, range(20)))
    assert sorted(fences) == list(range(1, 21))


def test_postgresql_refuses_writes_from_readers(postgres_url: str) -> None:
    """A reader that writes is a mistake that shows itself."""
    opened = open_engine(postgres_url)
    migrate(opened)
    with pytest.raises(DBAPIError, match="read-only"), reading(opened) as conn:
        cursors.put(conn, A, NOW, cursors.Cursor("deals", cursors.Phase.INITIAL))
    with writing(opened) as conn:
        assert conn.execute(select(cursors.cursor)).all() == []
    opened.dispose()


SYNCED = """
import sys
from sync.state.engine import open_engine, writing
engine = open_engine(sys.argv[1])
asked = "PRAGMA synchronous" if engine.dialect.name == "sqlite" else "SHOW synchronous_commit"
for synced in (True, False, True):
    with writing(engine, synced=synced) as conn:
        print(conn.exec_driver_sql(asked).scalar_one())
"""


def test_what_can_be_read_again_is_not_synced_and_all_else_is(database_url: str) -> None:
    """Only the commit that says so is left to the next sync; the same connection then syncs again.

    In a process of its own, since the tests' own connections do without syncing.
    """
    command = [sys.executable, "-c", SYNCED, database_url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    full, normal = ("on", "off") if database_url.startswith("postgresql") else ("2", "1")
    assert done.stdout.split() == [full, normal, full]
