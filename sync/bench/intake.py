"""``colonnade bench intake``: signed batches of a hundred events to the web process, beside a bare peer.

Both are served by gunicorn with the settings of ``webhooks/gunicorn.py`` in two processes. What counts as
kept is counted in the database afterwards, never taken from the answers. Then requests come at a fixed
rate, whether or not those before were answered. Neighbours: ``intake_load`` sends, ``intake_peer`` is the
peer, ``intake_server`` serves either.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from redis import Redis
from sqlalchemy import func, select, text

from sync.addresses import HUBSPOT_PATH
from sync.bench.intake_load import BURST_CONNECTIONS, EVENTS, Plan, Sent
from sync.bench.intake_peer import QUEUE
from sync.bench.intake_server import Served, served
from sync.bench.runs import Say
from sync.clock import WallClock
from sync.demo.children import ROOT
from sync.servers import embedded_postgres, embedded_valkey
from sync.state import installations
from sync.state.engine import migrate, open_engine, reading, writing
from sync.state.inbox import inbox
from sync.state.installations import Installation
from sync.state.secrets import new_key

PORTAL: Final = 24_680_135
SECRET: Final = "the-secret-of-the-benchmark-s-app"  # noqa: S105 - of nobody's app
PUBLIC_URL: Final = "https://cs.example.com"
IN_FLIGHT: Final = 10
"""As many requests as HubSpot has under way to one app from one account (page "Webhooks API")."""

WARM_UP: Final = 40
SQLITE, POSTGRESQL = "sqlite", "postgresql"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is sent: requests as fast as they are answered, then ``burst_s`` seconds of ``per_s``."""

    batches: int = 1_000
    per_s: float = 150.0
    burst_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Received:
    """One server under load. ``events`` are those found kept; processor time is of the web processes.

    ``generator_share`` is the sender's processor time as a share of the seconds: near 1 it would have been
    the bottleneck.
    """

    events_per_s: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    events: int
    sent: int
    seconds: float
    cpu_us_per_event: float
    generator_share: float
    durable: str


@dataclass(frozen=True, slots=True)
class Burst:
    """Requests at a fixed rate; each waits from the moment it was due. ``not_kept``: not answered 204."""

    p50_ms: float
    p99_ms: float
    max_ms: float
    per_s: float
    requests: int
    not_kept: int
    events: int
    sent: int


@dataclass(frozen=True, slots=True)
class Intake:
    """The whole benchmark. ``ours`` is the database more than one machine needs, where it is installed.

    ``ratio`` is ours to the peer's in events kept a second.
    """

    ours: Received
    ours_on: dict[str, Received]
    flask_rq: Received
    ratio: float
    burst: Burst
    burst_on: dict[str, Burst]


def run(home: Path, size: Size, say: Say) -> Intake:
    """Return the figures of one run; says how far it is. Takes some minutes."""
    ours: dict[str, Received] = {}
    bursts: dict[str, Burst] = {}
    valkey = embedded_valkey(home)
    try:
        for name, url in _databases(home).items():
            with _ours(home / name, url, valkey.url) as target:
                ours[name] = _received(target, size, f"our web process on {name}", say)
                bursts[name] = _burst(target, size, say)
        with _peer(home / "peer", valkey.url) as target:
            peer = _received(target, size, "the bare Flask and RQ application", say)
    finally:
        valkey.stop()
    chosen = POSTGRESQL if POSTGRESQL in ours else SQLITE
    ratio = round(ours[chosen].events_per_s / peer.events_per_s, 2)
    return Intake(ours[chosen], ours, peer, ratio, bursts[chosen], bursts)


def _databases(home: Path) -> dict[str, str]:
    found = {SQLITE: f"sqlite:///{home / 'bench.db'}"}
    try:
        found[POSTGRESQL] = embedded_postgres(home / "postgresql")
    except ImportError:
        return found
    return found


@dataclass(frozen=True, slots=True)
class _Target:
    """A server and how to ask what it has kept; ``durable`` says what keeping means there."""

    server: Served
    kept: Callable[[], int]
    durable: str


@contextmanager
def _ours(home: Path, database: str, redis_url: str) -> Iterator[_Target]:
    """Serve the product with one portal connected."""
    engine = open_engine(database)
    migrate(engine)
    now = WallClock().now()
    with writing(engine) as conn:
        installations.connect(
            conn, Installation("hubspot", str(PORTAL), "Bench", "http://crm.test", "UTC", now, now)
        )
    env = {
        "CS_HOME": str(home),
        "DATABASE_URL": database,
        "REDIS_URL": redis_url,
        "CS_PUBLIC_URL": PUBLIC_URL,
        "CS_HUBSPOT_CLIENT_SECRET": SECRET,
        "CS_SECRET_KEYS": new_key(),
    }

    def kept() -> int:
        with reading(engine) as conn:
            return int(conn.execute(select(func.count()).select_from(inbox)).scalar_one())

    with reading(engine) as conn:
        setting = "PRAGMA synchronous" if engine.dialect.name == SQLITE else "SHOW synchronous_commit"
        durable = f"{setting}: {conn.execute(text(setting)).scalar_one()}"
    with served(home, "app:create_app()", env) as server:
        yield _Target(server, kept, durable)
    engine.dispose()


@contextmanager
def _peer(home: Path, redis_url: str) -> Iterator[_Target]:
    """Serve the peer on a Redis emptied before."""
    with (
        Redis.from_url(redis_url) as redis,
        served(home, "sync.bench.intake_peer:create_app()", {"REDIS_URL": redis_url}) as server,
    ):
        redis.flushall()
        synced = redis.config_get("appendfsync")["appendfsync"]
        yield _Target(server, lambda: int(redis.llen(f"rq:queue:{QUEUE}")), f"appendfsync: {synced}")


def _received(target: _Target, size: Size, what: str, say: Say) -> Received:
    say(f"{size.batches * EVENTS} events to {what}")
    _send(target, 0, WARM_UP, IN_FLIGHT, 0.0)
    before, cpu = target.kept(), target.server.cpu_s()
    sent = _send(target, WARM_UP, size.batches, IN_FLIGHT, 0.0)
    used, events = target.server.cpu_s() - cpu, target.kept() - before
    return Received(
        events_per_s=round(events / sent.seconds),
        p50_ms=_part(sent.waits_ms, 0.5),
        p99_ms=_part(sent.waits_ms, 0.99),
        max_ms=_part(sent.waits_ms, 1.0),
        events=events,
        sent=size.batches * EVENTS,
        seconds=round(sent.seconds, 2),
        cpu_us_per_event=round(used / max(events, 1) * 1e6, 1),
        generator_share=round(sent.cpu_seconds / sent.seconds, 3),
        durable=target.durable,
    )


def _burst(target: _Target, size: Size, say: Say) -> Burst:
    count = int(size.per_s * size.burst_s)
    say(f"{size.per_s:.0f} requests a second for {size.burst_s:.0f} s")
    before = target.kept()
    sent = _send(target, WARM_UP + size.batches, count, BURST_CONNECTIONS, size.per_s)
    return Burst(
        p50_ms=_part(sent.waits_ms, 0.5),
        p99_ms=_part(sent.waits_ms, 0.99),
        max_ms=_part(sent.waits_ms, 1.0),
        per_s=size.per_s,
        requests=count,
        not_kept=sent.not_kept,
        events=target.kept() - before,
        sent=count * EVENTS,
    )


def _send(target: _Target, first: int, batches: int, connections: int, per_s: float) -> Sent:
    """Have a process send ``batches`` requests, the first event numbered by the requests before."""
    plan = Plan(
        target.server.port,
        HUBSPOT_PATH,
        PUBLIC_URL,
        SECRET,
        PORTAL,
        first * EVENTS,
        batches,
        connections,
        per_s,
    )
    command = [sys.executable, "-m", "sync.bench.intake_load", json.dumps(asdict(plan))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        raise RuntimeError(f"the sender failed: {done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    return Sent(found["seconds"], found["cpu_seconds"], found["not_kept"], found["waits_ms"])


def _part(waits: list[float], share: float) -> float:
    """Return the smallest wait that ``share`` of them do not exceed (nearest rank), in milliseconds."""
    ordered = sorted(waits)
    return round(ordered[max(0, -(-int(len(ordered) * share * 1000) // 1000) - 1)], 1) if ordered else 0.0
