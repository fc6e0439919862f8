"""Usage pulled from warehouses, folders and object stores: counted once, however often it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from mappings.charter import Charter
from mappings.load import load_charter
from mappings.usage_sources import UsageSource
from sync.onboard import apply_charter
from sync.state import due, findings, installations, usage_store
from sync.state.engine import reading, writing
from sync.state.installations import Installation
from sync.usage_pull import FINDING, Pulled, connect_source, plan_usage, pull_due
from sync.workspace import Workspace, open_workspace
from tests.sync import usage_sources as made
from tests.sync.harness import CHARTER, HUBSPOT, START, Deployment, deployment
from tests.sync.usage_sources import COLUMNS, LATE, USES, Use

DAYS = (date(2024, 1, 1), date(2027, 1, 1))
NAMED = ["birch", "cedar", ""]


@dataclass
class Shop:
    """An installation without a CRM behind it; its charter names one source, `made`."""

    deployment: Deployment
    id: str

    @property
    def ws(self) -> Workspace:
        """Return the workspace, opened anew as a job would."""
        return open_workspace(self.deployment.runtime, self.id)

    def read(self, **source: Any) -> Shop:
        """Bring a charter into force that reads one source."""
        found = UsageSource.model_validate({"name": "made", "columns": COLUMNS, **source})
        charter: Charter = load_charter(CHARTER, HUBSPOT)
        charter = charter.model_copy(update={"usage_sources": (found,), "time_zone": "Europe/Berlin"})
        apply_charter(self.deployment.runtime, self.id, charter, author="test")
        return self

    def pull(self) -> list[Pulled]:
        """Have the source read now, by as many turns as it takes."""
        with writing(self.deployment.runtime.engine) as conn:
            plan_usage(conn, self.ws)
            due.hasten(conn, self.id, self.ws.now(), "usage")
        turns = []
        while (done := pull_due(self.ws, "test")) is not None:
            turns.append(done)
        return turns

    def sums(self, received_by: date | None = None) -> dict[tuple[str, str, str, date], tuple[int, int]]:
        """Return what is counted, by account, product, feature and day."""
        with reading(self.deployment.runtime.engine) as conn:
            found = usage_store.usage(conn, self.id, NAMED, DAYS, received_by)
        counted: dict[tuple[str, str, str, date], tuple[int, int]] = {}
        for one in found:
            key = (one.account_ref, one.product, one.feature, one.day)
            rows, times = counted.get(key, (0, 0))
            counted[key] = (rows + one.rows, times + one.count)
        return counted

    def users(self) -> set[tuple[str, str, date, str]]:
        """Return who was seen."""
        with reading(self.deployment.runtime.engine) as conn:
            found = usage_store.presence(conn, self.id, NAMED, DAYS)
        return {(one.account_ref, one.product, one.day, one.user_ref) for one in found}

    def matters(self) -> dict[str, str]:
        """Return what is the matter with sources."""
        with reading(self.deployment.runtime.engine) as conn:
            return {one.subject: one.message for one in findings.open_findings(conn, self.id, FINDING)}


def shop_on(found: Deployment) -> Shop:
    """Enter an installation."""
    one = Installation(HUBSPOT, "7", "A portal", "http://crm.test", "Europe/Berlin", START, START)
    with writing(found.runtime.engine) as conn:
        return Shop(found, installations.connect(conn, one).id)


@pytest.fixture
def shop(sqlite_engine: Engine, redis_url: str, tmp_path: Path) -> Iterator[Shop]:
    """Give the installation on SQLite."""
    with deployment(tmp_path / "home", sqlite_engine, redis_url) as found:
        yield shop_on(found)


@dataclass
class Source:
    """A source of one kind: how the charter reads it, its address, and how events get there."""

    reads: dict[str, Any]
    url: str
    put: Callable[[list[Use]], object]


@pytest.fixture(params=["duckdb", "sqlite", "postgres", "parquet", "csv", "s3"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """Give a source of each kind that runs here, empty."""
    kind, table = request.param, {"table": "uses", "watermark": "came"}
    if kind == "duckdb":
        file = tmp_path / "house.duckdb"
        return Source(table, f"duckdb://{file}", lambda uses: made.into_duckdb(file, uses))
    if kind == "sqlite":
        file = tmp_path / "house.sqlite"
        return Source(table, f"sqlite://{file}", lambda uses: made.into_sqlite(file, uses))
    if kind == "postgres":
        given: str = request.getfixturevalue("postgres_url")
        url = given.replace("postgresql+psycopg", "postgresql")
        return Source(table, url, lambda uses: made.into_postgres(given, uses))
    folder = tmp_path / "exports"
    if kind == "s3":
        bucket: Bucket = request.getfixturevalue("bucket")
        name = "day/uses.parquet"

        def upload(uses: list[Use]) -> None:
            bucket.put(name, made.parquet_file(folder / name, uses).read_bytes())

        return Source({"files": "**/*.parquet"}, bucket.url, upload)
    write = {"csv": made.csv_file, "parquet": made.parquet_file}[kind]
    place = folder / f"uses.{kind}"
    return Source({"files": f"*.{kind}"}, f"file://{folder}", lambda uses: write(place, uses))


@dataclass
class Bucket:
    """A bucket of a stand-in of S3."""

    url: str
    client: Any

    def put(self, name: str, body: bytes) -> None:
        """Write an object."""
        self.client.put_object(Bucket="exports", Key=name, Body=body)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """Give an empty bucket behind a real HTTP server."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        opens = {"aws_access_key_id": "key", "aws_secret_access_key": "word", "region_name": "us-east-1"}
        client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", **opens)
        client.create_bucket(Bucket="exports")
        where = f"endpoint_override={host}%3A{port}&scheme=http&region=us-east-1"
        yield Bucket(f"s3://key:word@exports?{where}&allow_bucket_creation=false", client)
    finally:
        server.stop()


def test_every_kind_of_source_comes_to_what_is_counted_by_hand(shop: Shop, source: Source) -> None:
    """Sums and users are exact, days begin at midnight of Berlin, reading again counts nothing twice."""
    source.put(USES)
    shop.read(**source.reads)
    connect_source(shop.ws, "made", source.url, link_local=False)
    assert [one.rows for one in shop.pull()] == [len(USES)]
    assert shop.matters() == {}
    assert shop.sums() == made.sums_of(USES)
    assert shop.users() == made.users_of(USES)
    shop.pull()
    assert shop.sums() == made.sums_of(USES)
    source.put([*USES, LATE])
    shop.pull()
    assert shop.sums() == made.sums_of([*USES, LATE])
    assert shop.users() == made.users_of([*USES, LATE])
