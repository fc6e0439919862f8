"""Every kind of usage source that runs here comes to what is counted by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from sync.usage_pull import connect_source
from tests.sync import usage_sources as made
from tests.sync.harness import deployment
from tests.sync.usage_shop import Shop, shop_on
from tests.sync.usage_sources import LATE, USES, Use


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
