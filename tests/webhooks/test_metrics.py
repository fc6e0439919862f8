"""/metrics tells Prometheus what waits, how far each object is read, and what the workers counted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from integration.call_count import CallKind
from sync.state import cursors, dirty, due, findings, inbox
from sync.state.cursors import Cursor, Phase
from sync.state.dirty import Scope
from sync.state.engine import writing
from sync.state.inbox import InboxEvent
from sync.tally import AGAIN, CALLS, JOB_SECONDS, JOBS, count_calls, count_job
from tests.webhooks.conftest import HUBSPOT, NOW, SALESFORCE, Web

MINUTE = timedelta(minutes=1)


def scraped(web: Web) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return every sample by its name and the values of its labels, these in the order of their names."""
    answer = web.client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, tuple(value for _name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.get_data(as_text=True))
        for sample in family.samples
    }


def test_what_waits_is_told_with_its_age(web_on_each: Web) -> None:
    """Signals, accounts, tasks, findings and reading, of each installation by itself."""
    with writing(web_on_each.runtime.engine) as conn:
        inbox.put(
            conn, HUBSPOT, NOW - 3 * MINUTE, [InboxEvent("a", "hubspot", {}), InboxEvent("b", "usage", {})]
        )
        inbox.put(conn, HUBSPOT, NOW - 1 * MINUTE, [InboxEvent("c", "hubspot", {})])
        dirty.mark(conn, SALESFORCE, NOW - 2 * MINUTE, Scope.ACCOUNT, ["1", "2"], "told")
        due.plan(conn, SALESFORCE, "poll Account", NOW - 4 * MINUTE, MINUTE)
        findings.report(conn, HUBSPOT, NOW, "contradiction", {"deal/1": "won and open"})
        cursors.put(conn, HUBSPOT, NOW, Cursor("deals", Phase.INCREMENTAL, None, NOW - 5 * MINUTE))
    found = scraped(web_on_each)
    assert found["colonnade_queue_rows", (HUBSPOT, "inbox")] == 3
    assert found["colonnade_queue_oldest_seconds", (HUBSPOT, "inbox")] == 180
    assert found["colonnade_queue_rows", (SALESFORCE, "dirty")] == 2
    assert found["colonnade_queue_oldest_seconds", (SALESFORCE, "dirty")] == 120
    assert found["colonnade_queue_failing_rows", (SALESFORCE, "dirty")] == 0
    assert found["colonnade_schedule_overdue_seconds", ()] == 240
    assert found["colonnade_open_findings", (HUBSPOT, "contradiction")] == 1
    assert found["colonnade_object_lag_seconds", (HUBSPOT, "deals")] == 300
    assert found["colonnade_installation_status", (HUBSPOT, "active")] == 1
    assert ("colonnade_queue_rows", (SALESFORCE, "inbox")) not in found


def test_what_workers_counted_adds_up_over_processes(web: Web) -> None:
    """Calls by lane and reason, those made again, and jobs; told twice, as two workers would."""
    redis = web.runtime.redis
    redis.delete(CALLS, AGAIN, JOBS, JOB_SECONDS)
    for _ in range(2):
        count_calls(redis, HUBSPOT, {CallKind("upsert companies", "webhook", False): 3})
        count_calls(redis, HUBSPOT, {CallKind("upsert companies", "webhook", True): 1})
        count_job(redis, HUBSPOT, "push", "done", 1.5)
    found = scraped(web)
    assert found["colonnade_crm_calls_total", (HUBSPOT, "webhook", "upsert companies")] == 8
    assert found["colonnade_crm_calls_again_total", (HUBSPOT, "webhook", "upsert companies")] == 2
    assert found["colonnade_jobs_total", (HUBSPOT, "done", "push")] == 2
    assert found["colonnade_job_seconds_total", (HUBSPOT, "done", "push")] == 3.0


def test_without_redis_the_database_is_told_of_all_the_same(web: Web, without_redis) -> None:
    """An alert on what waits must not fall silent with the queue."""
    found = scraped(without_redis(web))
    assert ("colonnade_schedule_overdue_seconds", ()) in found
    assert not any(name.startswith("colonnade_jobs") for name, _labels in found)


def test_without_the_database_it_is_no_success(web: Web, without_database) -> None:
    """Prometheus marks the scrape as failed."""
    assert without_database(web).client.get("/metrics").status_code == 503


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Authorization": "Bearer another"}, 403),
        ({"Authorization": "Basic dG9rZW46eA=="}, 403),
        ({"Authorization": "Bearer the-scraper-s"}, 200),
    ],
)
def test_others_need_the_token(web: Web, headers: dict[str, str], status: int) -> None:
    """From elsewhere only with ``CS_METRICS_TOKEN``; without it set, never."""
    there = {"REMOTE_ADDR": "203.0.113.9"}
    settings = web.runtime.settings.model_copy(update={"metrics_token": None})
    assert (
        web.over(settings=settings).client.get("/metrics", headers=headers, environ_base=there).status_code
        == 403
    )
    with_token = settings.model_copy(update={"metrics_token": SecretStr("the-scraper-s")})
    answer = web.over(settings=with_token).client.get("/metrics", headers=headers, environ_base=there)
    assert answer.status_code == status
