"""``colonnade bench health``: a portfolio scored, explained, segmented and staged, beside only reading it.

In one run, over one portfolio: (read) the facts from the database into a frame and nothing else; (pandas) the
same read and a scorecard that explains nothing; (ours) the same read and everything, the sentences of whoever
changed included. Each is done several times in turn and its middle time taken. A sample of ours is then
compared with the rules for one account. Neighbours: ``health_facts``, ``health_plain``, ``health_rules``,
``health_twin``.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from statistics import median
from typing import Final

import numpy as np
from sqlalchemy import Engine

from success.columns.bands import stands
from success.columns.changed import fingerprints
from success.columns.criteria import HeldColumns, first, furthest, held, nothing_held
from success.columns.health import HealthColumns, score_columns
from success.explain import explain
from success.holding import Change, Held
from sync.bench import health_plain
from sync.bench.book import AS_OF
from sync.bench.health_facts import Portfolio, read, tables, write_standings, write_values
from sync.bench.health_made_up import accounts, next_day
from sync.bench.health_rules import (
    BAND_KEYS,
    SCORECARD,
    SEGMENT_HOLD_DAYS,
    SEGMENT_KEYS,
    SEGMENTS,
    STAGE_HOLD_DAYS,
    STAGE_KEYS,
    STAGES,
)
from sync.bench.health_twin import band_of, health_of, held_of, segment_of, stage_of
from sync.state.engine import open_engine

Say = Callable[[str], None]
TODAY: Final = date.fromisoformat(AS_OF)
RULES: Final = 1
"""Stands for the charter in fingerprints: its rules are the same on both days."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a run ran on."""

    processors: int
    system: str
    python: str
    numpy: str
    pandas: str | None
    database: str


@dataclass(frozen=True, slots=True)
class HealthBench:
    """Seconds of a full recompute, of the pandas scorecard (None: not installed) and of only reading.

    ``processor_s`` is what this process itself worked in each, which others on the machine change less.
    ``rendered`` counts the accounts whose sentences were put into words again, ``alone`` those scored by the
    rules for one account, ``compared`` and ``differing`` the sample held to these.
    """

    ours_s: float
    pandas_s: float | None
    read_s: float
    ours_over_read: float
    ours_over_pandas: float | None
    processor_s: Mapping[str, float]
    accounts: int
    measures: int
    rendered: int
    alone: int
    bands: Mapping[str, int]
    segments: Mapping[str, int]
    stages: Mapping[str, int]
    compared: int
    differing: int
    rounds: int
    machine: Machine


@dataclass(frozen=True, slots=True)
class Recomputed:
    """All that stands after a look over the portfolio, and the new sentences of whoever changed, by row."""

    portfolio: Portfolio
    health: HealthColumns
    explained: Mapping[int, str]


def run(
    database: str, count: int, changed: float, rounds: int, seed: int, sample: int, say: Say
) -> HealthBench:
    """Make up a portfolio in a database, measure, compare a sample, and leave nothing behind.

    Raises StateError where the database does not answer or holds tables of an earlier run.
    """
    engine = open_engine(database)
    try:
        with tables(engine):
            say(f"making up {count} accounts with {len(SCORECARD.measures)} measures on two days")
            _prepare(engine, count, changed, seed)
            return _measure(engine, rounds, sample, say)
    finally:
        engine.dispose()


def _prepare(engine: Engine, count: int, changed: float, seed: int) -> None:
    yesterday = TODAY - timedelta(days=1)
    before = accounts(count, yesterday, seed)
    held_yet = nothing_held(count)
    nothing = Portfolio(before, held_yet, held_yet, held_yet, np.zeros(count, dtype=np.int64))
    stood = recompute(nothing, yesterday, render=False).portfolio
    write_values(engine, before, yesterday)
    write_standings(engine, before.accounts, stood)
    write_values(engine, next_day(before, changed, seed + 1), TODAY)


def recompute(found: Portfolio, day: date, *, render: bool = True) -> Recomputed:
    """Return segments, stages, health and the sentences of whoever changed, as they stand after a day."""
    frame, nobody = found.frame, np.zeros(len(found.frame), dtype=np.bool_)
    asked = first(SEGMENTS, found.segments.value, frame)
    segments = held(found.segments, asked, day.toordinal(), SEGMENT_HOLD_DAYS, nobody)
    asked = furthest(STAGES, found.stages.value, frame)
    stages = held(found.stages, asked, day.toordinal(), STAGE_HOLD_DAYS, nobody)
    health = score_columns(frame, SCORECARD, day, lambda row: health_of(frame, row, day))
    bands = stands(found.bands, health, day.toordinal(), nobody)
    prints = fingerprints(health, RULES, bands.value)
    rows = np.flatnonzero(prints != found.explained).tolist() if render else []
    sentences = {row: _explained(health, bands, row) for row in rows}
    return Recomputed(Portfolio(frame, segments, stages, bands, prints), health, sentences)


def _explained(health: HealthColumns, bands: HeldColumns, row: int) -> str:
    return explain(replace(health.result(row), band=BAND_KEYS[bands.value[row]]))


def _measure(engine: Engine, rounds: int, sample: int, say: Say) -> HealthBench:
    ways: dict[str, Callable[[], object]] = {
        "read": lambda: read(engine, TODAY),
        "pandas": lambda: health_plain.scored(read(engine, TODAY).frame, TODAY),
        "ours": lambda: recompute(read(engine, TODAY), TODAY),
    }
    pandas = _pandas_version()
    if pandas is None:
        del ways["pandas"]
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        say("warming up" if turn == 0 else f"round {turn} of {rounds}")
        for name, way in ways.items():
            begun, worked = time.perf_counter(), time.process_time()
            way()
            if turn:
                spent[name].append((time.perf_counter() - begun, time.process_time() - worked))
    middle = {name: median(seconds for seconds, _ in each) for name, each in spent.items()}
    work = {name: round(median(seconds for _, seconds in each), 3) for name, each in spent.items()}
    return _told(engine, middle, work, rounds, sample, pandas)


def _told(
    engine: Engine,
    middle: Mapping[str, float],
    work: Mapping[str, float],
    rounds: int,
    sample: int,
    pandas: str | None,
) -> HealthBench:
    found = read(engine, TODAY)
    made = recompute(found, TODAY)
    count, plain = len(found.frame), middle.get("pandas")
    rows = np.linspace(0, count - 1, min(sample, count), dtype=np.int64).tolist()
    return HealthBench(
        ours_s=round(middle["ours"], 3),
        pandas_s=None if plain is None else round(plain, 3),
        read_s=round(middle["read"], 3),
        ours_over_read=round(middle["ours"] / middle["read"], 2),
        ours_over_pandas=None if plain is None else round(middle["ours"] / plain, 2),
        processor_s=work,
        accounts=count,
        measures=len(SCORECARD.measures),
        rendered=len(made.explained),
        alone=len(made.health.alone),
        bands=_counted(BAND_KEYS, made.portfolio.bands),
        segments=_counted(SEGMENT_KEYS, made.portfolio.segments),
        stages=_counted(STAGE_KEYS, made.portfolio.stages),
        compared=len(rows),
        differing=sum(not _agrees(found, made, row) for row in rows),
        rounds=rounds,
        machine=_machine(engine, pandas),
    )


def _counted(keys: Sequence[str], found: HeldColumns) -> Mapping[str, int]:
    counts = np.bincount(found.value, minlength=len(keys)).tolist()
    return dict(zip(keys, counts, strict=True))


def _agrees(found: Portfolio, made: Recomputed, row: int) -> bool:
    """Say whether the columns came to what the rules for one account come to."""
    health = health_of(found.frame, row, TODAY)
    segment = segment_of(found.frame, found.segments, row, TODAY)
    stage = stage_of(found.frame, found.stages, row, TODAY)
    band = band_of(found, health, row, TODAY)
    text = explain(replace(health, band=band.value))
    return (
        made.health.result(row) == health
        and made.explained.get(row, text) == text
        and _latest(held_of(made.portfolio.segments, SEGMENT_KEYS, row)) == _latest(segment)
        and _latest(held_of(made.portfolio.stages, STAGE_KEYS, row)) == _latest(stage)
        and _latest(held_of(made.portfolio.bands, BAND_KEYS, row)) == _latest(band)
    )


def _latest(held_one: Held | None) -> tuple[Change, Change | None] | None:
    return None if held_one is None else (held_one.changes[-1], held_one.waiting)


def _pandas_version() -> str | None:
    try:
        import pandas as pd
    except ImportError:
        return None
    return str(pd.__version__)


def _machine(engine: Engine, pandas: str | None) -> Machine:
    database = f"{engine.dialect.name} {'.'.join(map(str, engine.dialect.server_version_info or ()))}"
    return Machine(
        len(os.sched_getaffinity(0)), platform.platform(), platform.python_version(), np.__version__, pandas,
        database.strip(),
    )  # fmt: skip
