"""``colonnade bench usage``: product events rolled up, beside direct DuckDB SQL and chDB over the same files.

Events are made up by a seed before anything is timed. Each engine runs in a process of its own, so that its
peak of memory is its own, and writes its sums and distinct users; these are then compared cell for cell.
Neighbours: ``usage_made_up`` writes the events, ``usage_engines`` is the process.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import duckdb

from sync.bench.usage_made_up import Shape, write_events
from sync.usage_rollup import quoted, rolling_up

OURS, DUCKDB, CHDB = "ours", "duckdb", "chdb"
RESULTS: Final = ("sums", "users", "day-sums", "day-users")
STEPS: Final = ("counts", "distinct", "one_day_counts", "one_day_distinct")
KEYS: Final = {True: ("account", "product", "feature"), False: ("account", "product")}
NUMBERS: Final = {True: ("row_count", "use_count", "duration_s", "error_count"), False: ("users",)}
COMPARE_MB: Final = 2_000
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Engine:
    """Seconds for the sums of all days, their distinct users, and both for one day; megabytes at the peak.

    ``processor_s`` is what the process itself worked in each step, which others on the machine change less.
    """

    counts_s: float
    distinct_s: float
    one_day_counts_s: float
    one_day_distinct_s: float
    one_day_s: float
    processor_s: Mapping[str, float]
    peak_rss_mb: float


@dataclass(frozen=True, slots=True)
class UsageBench:
    """What each engine took; a None engine is not installed.

    ``ratio_counts`` is our time for the sums over DuckDB's, ``ratio_one_day`` our time for sums and users of
    everything over that of one day; both also by processor time. ``cells`` were compared with each other
    engine, ``differing`` did not agree.
    """

    ours: Engine
    duckdb: Engine
    chdb: Engine | None
    ratio_counts: float
    ratio_counts_processor: float
    ratio_distinct: float
    ratio_one_day: float
    ratio_one_day_processor: float
    events: int
    days: int
    cells: int
    differing: int
    memory_limit_mb: int
    machine: Mapping[str, str | int | None]


def run(home: Path, shape: Shape, memory_mb: int, rounds: int, seed: int, say: Say) -> UsageBench:
    """Make events, have every engine roll them up, and compare what they came to.

    Each engine runs ``rounds`` times in turn; of each time its least counts, of memory the most.
    Raises RuntimeError where an engine ends in an error, with its words.
    """
    say(f"making up {shape.events} events of {shape.days} days")
    write_events(home / "events", shape, seed)
    names = (OURS, DUCKDB, *([CHDB] if find_spec("chdb") else []))
    runs: dict[str, list[Mapping[str, float]]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names:
            say(f"round {turn + 1} of {rounds}: {name}")
            told = _run_engine(name, home, memory_mb)
            say(f"  sums {told['counts_s']} s, users {told['distinct_s']} s, peak {told['peak_rss_mb']} MB")
            runs[name].append(told)
    best = {name: _best(found) for name, found in runs.items()}
    say("comparing cell for cell")
    ours, plain = best[OURS], best[DUCKDB]
    compared = [_compare(home, OURS, other) for other in names[1:]]
    worked = ours.processor_s
    return UsageBench(
        ours=ours,
        duckdb=plain,
        chdb=best.get(CHDB),
        ratio_counts=round(ours.counts_s / plain.counts_s, 2),
        ratio_counts_processor=round(worked["counts"] / plain.processor_s["counts"], 2),
        ratio_distinct=round(ours.distinct_s / plain.distinct_s, 2),
        ratio_one_day=round((ours.counts_s + ours.distinct_s) / ours.one_day_s, 1),
        ratio_one_day_processor=round(
            (worked["counts"] + worked["distinct"]) / (worked["one_day_counts"] + worked["one_day_distinct"]),
            1,
        ),
        events=shape.events,
        days=shape.days,
        cells=compared[0][0],
        differing=sum(differing for _, differing in compared),
        memory_limit_mb=memory_mb,
        machine=_machine(),
    )


def _run_engine(name: str, home: Path, memory_mb: int) -> Mapping[str, float]:
    """Return what the process of an engine told: seconds and processor seconds by step, and its peak."""
    out = home / name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    command = [sys.executable, "-m", "sync.bench.usage_engines", name, str(home / "events"), str(out)]
    done = subprocess.run([*command, str(memory_mb)], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{name} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    told: Mapping[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def _best(found: Sequence[Mapping[str, float]]) -> Engine:
    least = {name: min(one[name] for one in found) for name in found[0]}
    return Engine(
        counts_s=least["counts_s"],
        distinct_s=least["distinct_s"],
        one_day_counts_s=least["one_day_counts_s"],
        one_day_distinct_s=least["one_day_distinct_s"],
        one_day_s=round(least["one_day_counts_s"] + least["one_day_distinct_s"], 4),
        processor_s={step: least[f"{step}_processor_s"] for step in STEPS},
        peak_rss_mb=max(one["peak_rss_mb"] for one in found),
    )


def _compare(home: Path, one: str, other: str) -> tuple[int, int]:
    """Return how many cells one engine came to, and how many rows the other does not have or has besides."""
    cells = differing = 0
    with rolling_up(COMPARE_MB) as db:
        for result in RESULTS:
            sums = result.endswith("sums")
            mine, theirs = (_rows(db, home / name / f"{result}.parquet", sums) for name in (one, other))
            rows = _count(db, mine)
            cells += rows * len(NUMBERS[sums])
            differing += abs(rows - _count(db, theirs))
            keys = ", ".join((*KEYS[sums], "day", *NUMBERS[sums]))
            differing += _count(db, f"SELECT 1 FROM ({mine}) AS a ANTI JOIN ({theirs}) AS b USING ({keys})")
    return cells, differing


def _rows(db: duckdb.DuckDBPyConnection, result: Path, sums: bool) -> str:
    """Return a result in one form: it may be several files, and engines name types differently."""
    read = f"read_parquet({quoted(str(result / '*' if result.is_dir() else result))})"
    days = db.execute(f"SELECT typeof(day) FROM {read} LIMIT 1").fetchall()
    day = "day" if days == [("DATE",)] else "DATE '1970-01-01' + day::INTEGER"
    columns = [f"{name}::VARCHAR AS {name}" for name in KEYS[sums]]
    columns += [f"({day})::DATE AS day", *(f"{name}::BIGINT AS {name}" for name in NUMBERS[sums])]
    return f"SELECT {', '.join(columns)} FROM {read}"


def _count(db: duckdb.DuckDBPyConnection, query: str) -> int:
    (found,) = db.execute(f"SELECT count(*) FROM ({query})").fetchall()
    return int(found[0])


def _machine() -> dict[str, str | int | None]:
    return {
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "chdb": _chdb_version(),
    }


def _chdb_version() -> str | None:
    try:
        return version("chdb")
    except PackageNotFoundError:
        return None
