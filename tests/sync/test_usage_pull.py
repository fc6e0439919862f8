"""Usage pulled from warehouses, folders and object stores: counted once, however often it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from rq import Queue
from sqlalchemy import Engine, text

from mappings.usage_identity import UsageEntry
from sync.onboard import apply_charter
from sync.safe_address import UnsafeAddress
from sync.scheduler import sweep
from sync.state import due, installations, usage_names, usage_store
from sync.state.engine import reading, writing
from sync.state.leases import Lease
from sync.state.usage_names import Names
from sync.usage_pull import Pulled, connect_source, plan_usage, pull_due
from sync.workspace import Workspace
from tests.sync import usage_sources as made
from tests.sync.harness import START, deployment
from tests.sync.usage_shop import DAYS, Shop, shop_on
from tests.sync.usage_sources import COLUMNS, LATE, USES


@pytest.fixture
def shop(sqlite_engine: Engine, redis_url: str, tmp_path: Path) -> Iterator[Shop]:
    """Give the installation on SQLite."""
    with deployment(tmp_path / "home", sqlite_engine, redis_url) as found:
        yield shop_on(found)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Give a DuckDB file with the first events."""
    made.into_duckdb(tmp_path / "house.duckdb", USES)
    return tmp_path / "house.duckdb"


def lease_of(owner: str, ws: Workspace) -> Lease:
    """Return a lease of another worker."""
    return Lease(owner, ws.now(), 900, 1)


def connected(shop: Shop, house: Path, **more: Any) -> Shop:
    """Have the table of a DuckDB file read, and read it once."""
    shop.read(table="uses", watermark="came", **more)
    connect_source(shop.ws, "made", f"duckdb://{house}", link_local=False)
    shop.pull()
    return shop


def test_what_the_warehouse_takes_back_no_longer_counts(shop: Shop, house: Path) -> None:
    """A corrected number and a row taken out change the sums; what was known the day before stays known."""
    connected(shop, house)
    first = shop.ws.day_of(START) - timedelta(days=1)  # not live yet: the day before
    shop.deployment.later(days=1)
    corrected = [replace(USES[0], times=30), *USES[1:5]]
    made.into_duckdb(house, corrected)
    shop.pull()
    assert shop.sums() == made.sums_of(corrected)
    assert shop.sums(received_by=first) == made.sums_of(USES)


def test_only_days_that_rows_came_for_are_added_up_again(shop: Shop, house: Path) -> None:
    """Late for the 10th, with no look-back: that day and that of the newest rows, the 11th; not the 8th."""
    early = replace(LATE, happened=made.at(8, 9), came=made.at(9, 1))
    made.into_duckdb(house, [early, *USES])
    connected(shop, house, look_back_days=0)
    made.into_duckdb(house, [early, *USES, LATE])
    done = shop.pull()
    assert [(one.days, one.rows) for one in done] == [(2, len(USES) + 1)]
    assert shop.sums() == made.sums_of([early, *USES, LATE])


def test_a_pull_that_was_stopped_goes_on_where_it_was(
    shop: Shop, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn that is over after no time does nothing; two days are then done by two further turns' days."""
    monkeypatch.setattr("sync.usage_pull.TURN_S", 0.0)
    shop.read(table="uses", watermark="came")
    connect_source(shop.ws, "made", f"duckdb://{house}", link_local=False)
    with writing(shop.deployment.runtime.engine) as conn:
        plan_usage(conn, shop.ws)
    done = pull_due(shop.ws, "test")
    assert done is not None
    assert (done.days, done.finished) == (1, False)
    monkeypatch.setattr("sync.usage_pull.TURN_S", 90.0)
    assert [(one.days, one.finished) for one in shop.pull()] == [(1, True)]
    assert shop.sums() == made.sums_of(USES)


def test_a_worker_that_was_overtaken_writes_nothing_more(shop: Shop, house: Path) -> None:
    """While it reads, another takes the source: what it read is dropped, and the other's stands."""
    connected(shop, house)
    made.into_duckdb(house, [*USES, LATE])
    with writing(shop.deployment.runtime.engine) as conn:
        due.hasten(conn, shop.id, shop.ws.now(), "usage")
    slow = shop.ws

    def taken_meanwhile(day: date) -> list[Any]:
        with writing(shop.deployment.runtime.engine) as conn:
            due.hasten(conn, shop.id, slow.now(), "usage")
            due.claim(conn, lease_of("other", slow), installation_id=shop.id, kinds=["usage"])
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sync.usage_tables.UsageTable.sums", lambda _self, day: taken_meanwhile(day))
        done = pull_due(slow, "test")
    assert done == Pulled("made", 0, 0, 0, finished=False)
    assert shop.sums() == made.sums_of(USES)


def test_a_file_written_anew_replaces_what_it_came_to(shop: Shop, tmp_path: Path) -> None:
    """The same file again is not read; with other content it counts for that; a second one counts besides."""
    folder = tmp_path / "exports"
    made.csv_file(folder / "one.csv", USES)
    shop.read(files="*.csv")
    connect_source(shop.ws, "made", f"file://{folder}", link_local=False)
    assert [one.days for one in shop.pull()] == [2]
    assert [one.days for one in shop.pull()] == [0]
    made.csv_file(folder / "one.csv", [*USES[2:], LATE])
    made.csv_file(folder / "two.csv", USES[:2])
    assert [one.days for one in shop.pull()] == [4 - 1]
    assert shop.sums() == made.sums_of([*USES, LATE])


def test_rows_that_say_nothing_are_left_out_and_counted(shop: Shop, tmp_path: Path) -> None:
    """No account, no action, no time, less than nothing, no number, a text too long: six rows of seven."""
    folder = tmp_path / "exports"
    folder.mkdir()
    head = "customer,app,action,member,happened,times\n"
    rows = [
        ",core,export,ann,2025-01-10 09:00:00,1",
        "birch,core,,ann,2025-01-10 09:00:00,1",
        "birch,core,export,ann,soon,1",
        "birch,core,export,ann,2025-01-10 09:00:00,-1",
        "birch,core,export,ann,2025-01-10 09:00:00,many",
        f"{'b' * 501},core,export,ann,2025-01-10 09:00:00,1",
        "birch,core,export,ann@birch.example,2025-01-10 09:00:00,",
    ]
    (folder / "one.csv").write_text(head + "\n".join(rows) + "\n")
    shop.read(files="*.csv")
    connect_source(shop.ws, "made", f"file://{folder}", link_local=False)
    assert [(one.rows, one.left_out) for one in shop.pull()] == [(1, 6)]
    assert shop.sums() == {("birch", "core", "export", date(2025, 1, 10)): (1, 1)}
    ((_, _, _, user),) = shop.users()
    assert user.startswith("@")
    assert "ann" not in user


def test_what_is_the_matter_is_told_without_what_opens_the_source(shop: Shop, tmp_path: Path) -> None:
    """A source without an address, a folder that is not there, a column that is not there, a closed door."""
    shop.read(table="uses")
    shop.pull()
    assert "colonnade usage connect hubspot-7 made" in shop.matters()["made"]
    connect_source(shop.ws, "made", "postgresql://me:the-word@127.0.0.1:1/house", link_local=False)
    shop.pull()
    assert "does not open" in shop.matters()["made"]
    assert "the-word" not in shop.matters()["made"]
    made.into_duckdb(tmp_path / "house.duckdb", USES)
    shop.read(table="uses", columns={**COLUMNS, "account": "client"})
    connect_source(shop.ws, "made", f"duckdb://{tmp_path / 'house.duckdb'}", link_local=False)
    shop.pull()
    assert "uses has no column 'client'" in shop.matters()["made"]
    shop.read(table="uses")
    shop.pull()
    assert shop.matters() == {}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me@169.254.169.254/house",
        "postgresql://me@[fe80::1]/house",
        "postgresql://me@[::ffff:169.254.169.254]/house",
        "postgresql://me@0.0.0.0/house",
        "s3://key:word@bucket?endpoint_override=169.254.170.2",
        "s3://key:word@bucket?endpoint_override=http%3A%2F%2F[fd00:ec2::254]%2F",
    ],
)
def test_an_address_that_hands_out_credentials_is_refused(shop: Shop, url: str) -> None:
    """Link-local and metadata addresses in every dress, unless the admin says so."""
    shop.read(table="uses")
    with pytest.raises(UnsafeAddress, match="link-local"):
        connect_source(shop.ws, "made", url, link_local=False)
    connect_source(shop.ws, "made", url, link_local=True)


def test_an_address_is_sealed(shop: Shop) -> None:
    """Neither the password nor the host stands anywhere in the database."""
    shop.read(table="uses")
    connect_source(shop.ws, "made", "postgresql://me:the-word@127.0.0.1:1/house", link_local=False)
    with reading(shop.deployment.runtime.engine) as conn:
        held = [tuple(row) for row in conn.execute(text("SELECT * FROM credential"))]
        assert installations.load_secret(conn, shop.ws.runtime.box, shop.id, "usage_source:made")
    assert "the-word" not in repr(held)
    assert "127.0.0.1" not in repr(held)


def test_nothing_is_pulled_while_the_work_waits(shop: Shop, house: Path) -> None:
    """A warehouse can wait: the source is tried again a minute later, and told why."""
    shop.read(table="uses")
    connect_source(shop.ws, "made", f"duckdb://{house}", link_local=False)
    full = shop.ws.runtime.settings.model_copy(update={"disk_floor_mb": 10**9})
    ws = replace(shop.ws, runtime=replace(shop.ws.runtime, settings=full))
    assert pull_due(ws, "test") == Pulled("made", 0, 0, 0, finished=False)
    assert shop.matters() == {"made": "disk_nearly_full"}
    assert pull_due(ws, "test") is None
    shop.deployment.later(minutes=1)
    assert [one.rows for one in shop.pull()] == [len(USES)]
    assert shop.matters() == {}


def test_the_schedule_follows_the_charter(shop: Shop) -> None:
    """A task per source; a source that is gone has none."""
    shop.read(table="uses", every_minutes=30)
    with writing(shop.deployment.runtime.engine) as conn:
        plan_usage(conn, shop.ws)
        assert "usage made" in due.schedule(conn, shop.id)
    charter = shop.ws.charter.model_copy(update={"usage_sources": ()})
    apply_charter(shop.deployment.runtime, shop.id, charter, author="test")
    with writing(shop.deployment.runtime.engine) as conn:
        plan_usage(conn, shop.ws)
        assert due.schedule(conn, shop.id) == {}


def test_a_bell_is_rung_for_a_source_that_is_due(shop: Shop, house: Path) -> None:
    """On the lane of first loads, so that no webhook waits for a warehouse; until it has been read."""
    shop.read(table="uses")
    connect_source(shop.ws, "made", f"duckdb://{house}", link_local=False)
    runtime = shop.deployment.runtime
    assert sweep(runtime) == 1
    assert [job.func_name for job in Queue("bulk", connection=runtime.redis).jobs] == ["sync.jobs.usage"]
    shop.pull()
    with reading(runtime.engine) as conn:
        assert due.unheld(conn, shop.ws.now(), ["usage"]) == frozenset()


def test_use_finds_its_account_by_line_and_domain(shop: Shop, tmp_path: Path) -> None:
    """Under `usage` in the charter a row is counted under all it named; of an address the domain stays."""
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "one.csv").write_text(
        "line,mail,action,day\n"
        "l-1,ann@mail.birch.co.uk,export,2025-01-10\n"
        "l-1,bob@birch.co.uk,export,2025-01-10\n"
        ",cid@cedar.example,export,2025-01-10\n"
        ",nobody,export,2025-01-10\n"
    )
    fields = {"subscription": "line", "email": "mail", "feature": "action", "day": "day"}
    shop.read(files="*.csv", columns=fields)
    charter = shop.ws.charter.model_copy(update={"usage": UsageEntry()})
    apply_charter(shop.deployment.runtime, shop.id, charter, author="test")
    connect_source(shop.ws, "made", f"file://{folder}", link_local=False)
    assert [(one.rows, one.left_out) for one in shop.pull()] == [(3, 1)]
    birch, cedar = Names("", "l-1", "birch.co.uk"), Names("", "", "cedar.example")
    with reading(shop.deployment.runtime.engine) as conn:
        found = usage_store.usage(conn, shop.id, [birch.ref, cedar.ref], DAYS)
        named = usage_names.names_of(conn, shop.id, [birch.ref, cedar.ref])
    assert sorted((one.account_ref, one.line_ref, one.rows) for one in found) == sorted(
        [(birch.ref, "l-1", 2), (cedar.ref, None, 1)]
    )
    assert named == {birch.ref: birch, cedar.ref: cedar}
