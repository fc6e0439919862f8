"""The usage benchmark: what each engine came to is compared, and what it compares is the product's rollup."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from sync.bench import usage as bench
from sync.bench.usage_made_up import FIRST_DAY, Shape, write_events

EVENTS = 3_000


def heard(_words: str) -> None:
    """Let the run say what it does."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[bench.UsageBench, Path]:
    """Give a small run and where its files are."""
    home = tmp_path_factory.mktemp("bench")
    return bench.run(home, Shape(EVENTS, days=4), 256, 1, 11, heard), home


def test_all_engines_agree_and_the_sums_are_those_counted_one_by_one(
    run: tuple[bench.UsageBench, Path],
) -> None:
    """Ours, DuckDB's and, where it is installed, chDB's cells are equal, and equal to a loop over events."""
    found, home = run
    assert found.differing == 0
    events = duckdb.sql(f"SELECT * FROM read_parquet('{home}/events/*/*.parquet')")
    rows: Counter[tuple[object, ...]] = Counter()
    uses: Counter[tuple[object, ...]] = Counter()
    users: dict[tuple[object, ...], set[object]] = {}
    for account, product, feature, user, day, count, _, _ in events.fetchall():
        rows[account, product, feature, day] += 1
        uses[account, product, feature, day] += count
        users.setdefault((account, product, day), set()).add(user)
    sums = duckdb.sql(f"SELECT * FROM read_parquet('{home}/ours/sums.parquet/*')").fetchall()
    assert {one[:4]: one[4:6] for one in sums} == {key: (rows[key], uses[key]) for key in rows}
    seen = duckdb.sql(f"SELECT * FROM read_parquet('{home}/ours/users.parquet/*')").fetchall()
    assert {one[:3]: one[3] for one in seen} == {key: len(who) for key, who in users.items()}
    assert sum(rows.values()) == EVENTS


def test_a_cell_that_differs_is_found(run: tuple[bench.UsageBench, Path], tmp_path: Path) -> None:
    """One user more in one cell of DuckDB's result, and one row that is missing: two differ."""
    _, home = run
    for name in (bench.OURS, bench.DUCKDB):
        (tmp_path / name).symlink_to(home / name)
    spoilt = home / bench.DUCKDB / "users.parquet"
    held = spoilt.read_bytes()
    first = "SELECT min((account, product, day)) FROM whole"
    changed = f"SELECT * REPLACE (users + ((account, product, day) = ({first}))::BIGINT AS users) FROM whole"
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE whole AS SELECT * FROM read_parquet('{spoilt}')")
        db.execute(f"COPY ({changed}) TO '{spoilt}' (FORMAT parquet)")
        assert bench._compare(tmp_path, bench.OURS, bench.DUCKDB)[1] == 1
        less = f"SELECT * FROM whole WHERE (account, product, day) <> ({first})"
        db.execute(f"COPY ({less}) TO '{spoilt}' (FORMAT parquet)")
        assert bench._compare(tmp_path, bench.OURS, bench.DUCKDB)[1] == 2
    spoilt.write_bytes(held)
    assert bench._compare(tmp_path, bench.OURS, bench.DUCKDB)[1] == 0


def test_the_same_seed_makes_the_same_events(tmp_path: Path) -> None:
    """Day by day, the number asked for, and another seed makes others."""
    shape = Shape(events=500, days=3)
    made = [write_events(tmp_path / name, shape, seed) for name, seed in (("a", 5), ("b", 5), ("c", 6))]
    days = [FIRST_DAY + timedelta(days=number) for number in range(3)]
    assert [file.parent.name for file in made[0]] == [day.isoformat() for day in days]
    rows = [
        [sorted(duckdb.sql(f"SELECT * FROM read_parquet('{file}')").fetchall()) for file in files]
        for files in made
    ]
    assert rows[0] == rows[1]
    assert rows[0] != rows[2]
    assert sum(map(len, rows[0])) == 500
