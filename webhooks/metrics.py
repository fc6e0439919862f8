"""Metrics for Prometheus: what waits and how long, how far each object is read, and what workers counted.

Asked of the database and Redis when scraped, so one web process tells of all processes on all machines.
Names of installations are no secret but nobody's business: answered to this machine, or to who gives
``CS_METRICS_TOKEN`` as bearer. Neighbours: ``sync.state.waiting`` counts rows, ``sync.tally`` keeps counts.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from datetime import datetime

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy import Connection

from sync import tally
from sync.bell import Lane
from sync.onboard import every_installation
from sync.runtime import Runtime
from sync.state import waiting
from sync.state.engine import reading
from sync.state.waiting import Held
from sync.tally import Counted
from webhooks.answers import refused
from webhooks.here import from_here

QUEUED_JOBS = "rq:queue:"


def metrics_blueprint(runtime: Runtime) -> Blueprint:
    """Return ``/metrics`` in Prometheus' text format. 503 without the database, counters only with Redis."""
    blueprint = Blueprint("metrics", __name__)
    registry = CollectorRegistry()
    registry.register(_Collector(runtime))

    @blueprint.get("/metrics")
    def metrics() -> Response:
        if not (_has_token(runtime) or from_here()):
            return refused(403, "loopback_or_token")
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return blueprint


def _has_token(runtime: Runtime) -> bool:
    wanted, given = runtime.settings.metrics_token, request.authorization
    if wanted is None or given is None or given.type != "bearer" or given.token is None:
        return False
    return hmac.compare_digest(wanted.get_secret_value().encode(), given.token.encode())


class _Collector(Collector):
    """Reads everything anew at each scrape; nothing is kept in this process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering must not ask the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        now = self._runtime.clock.now()
        status = _gauge("installation_status", "1 for the status an installation has", "status")
        for one in every_installation(self._runtime):
            status.add_metric((one.id, one.status.value), 1)
        yield status
        with reading(self._runtime.engine) as conn:
            yield from _waiting(conn, now)
            yield from _held(conn)
            yield _lag(conn, now)
            yield _overdue(conn, now)
        try:
            counts = list(self._counted())
            queued = _queued(self._runtime)
        except RedisError:
            return
        yield from counts
        yield queued

    def _counted(self) -> Iterator[Metric]:
        redis = self._runtime.redis
        for name, told, key, labels in (
            ("crm_calls", "API calls made, every try counted", tally.CALLS, ("lane", "reason")),
            ("crm_calls_again", "API calls made once more after a failure", tally.AGAIN, ("lane", "reason")),
            ("jobs", "Jobs that ended", tally.JOBS, ("work", "outcome")),
            ("job_seconds", "Seconds that jobs took", tally.JOB_SECONDS, ("work", "outcome")),
        ):
            family = CounterMetricFamily(f"colonnade_{name}", told, labels=("installation", *labels))
            yield _filled(family, tally.counted(redis, key))


def _waiting(conn: Connection, now: datetime) -> Iterator[Metric]:
    rows = _gauge("queue_rows", "Rows not done: inbox (signals), dirty (looks), ledger (writes)", "queue")
    ages = _gauge("queue_oldest_seconds", "Age of the oldest row not done", "queue")
    failing = _gauge("queue_failing_rows", "Rows put off after an error", "queue")
    for one in waiting.waits(conn):
        labels = (one.installation_id, one.queue.value)
        rows.add_metric(labels, one.rows)
        ages.add_metric(labels, max(0.0, (now - one.oldest_at).total_seconds()))
        failing.add_metric(labels, one.failing)
    yield from (rows, ages, failing)


def _held(conn: Connection) -> Iterator[Metric]:
    blocked = _gauge("blocked_writes", "Writes that wait for a person", "object")
    given_up = _gauge("signals_given_up", "Signals that could not be worked in", "source")
    findings = _gauge("open_findings", "Matters told to people and not mended", "kind")
    yield _with(blocked, waiting.blocked_writes(conn))
    yield _with(given_up, waiting.given_up(conn))
    yield _with(findings, waiting.open_findings(conn))


def _lag(conn: Connection, now: datetime) -> Metric:
    lag = _gauge("object_lag_seconds", "Age of what is known of an object by polling", "object")
    for one in waiting.read_up_to(conn):
        if one.at is not None:
            lag.add_metric((one.installation_id, one.object), max(0.0, (now - one.at).total_seconds()))
    return lag


def _overdue(conn: Connection, now: datetime) -> Metric:
    since = waiting.longest_due(conn, now)
    seconds = 0.0 if since is None else (now - since).total_seconds()
    told = "How long the longest overdue task of the schedule is due"
    return GaugeMetricFamily("colonnade_schedule_overdue_seconds", told, value=seconds)


def _queued(runtime: Runtime) -> Metric:
    bells = GaugeMetricFamily("colonnade_bells_waiting", "Jobs queued in Redis", labels=("lane",))
    for lane in Lane:
        bells.add_metric((lane.value,), runtime.redis.llen(f"{QUEUED_JOBS}{lane.value}"))
    return bells


def _gauge(name: str, told: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"colonnade_{name}", told, labels=("installation", label))


def _with(family: GaugeMetricFamily, found: Iterable[Held]) -> GaugeMetricFamily:
    for one in found:
        family.add_metric((one.installation_id, one.name), one.rows)
    return family


def _filled(family: CounterMetricFamily, found: Iterable[Counted]) -> CounterMetricFamily:
    for one in found:
        family.add_metric(one.labels, one.value)
    return family
