"""A line of the log says in JSON whose work it is, what set it off, and nothing personal."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from rq import Queue
from structlog.contextvars import clear_contextvars

from sync import jobs
from sync.bell import Lane, Work, ring
from sync.logs import ErrorsInWords, begin, formatter, telling, trace_now
from sync.tally import AGAIN, CALLS, JOBS, Counted, counted
from sync.worker import run_worker
from sync.workspace import CONNECTIONS
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Give what is logged from now on, as a process would write it, with nothing bound by what ran before."""
    clear_contextvars()
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter("worker-fast"))
    handler.addFilter(ErrorsInWords())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(before)


def test_a_line_is_json_with_who_what_and_when(lines: Lines) -> None:
    """Process, level, time with its zone, and all that is bound."""
    with telling(installation="hubspot-1", trace="7d3f"):
        logging.getLogger("sync.push").warning("%d rows wait", 3)
    (line,) = lines()
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() is not None
    assert line == {
        "event": "3 rows wait",
        "level": "warning",
        "logger": "sync.push",
        "process": "worker-fast",
        "installation": "hubspot-1",
        "trace": "7d3f",
    }


def test_an_exception_is_told_by_its_place_without_values(lines: Lines) -> None:
    """Type, words without what they quote, and the lines it came through."""
    try:
        {}["the owner 'Jane Doe' <jane@example.com> is not active"]
    except KeyError:
        logging.getLogger("sync.push").exception("push of %s cannot go on", "hubspot-1")
    (line,) = lines()
    assert line["error"] == "KeyError: [removed]"
    assert line["at"][-1].startswith("test_logs.py:")
    assert "Jane" not in json.dumps(line)


def test_an_exception_among_the_words_is_told_the_same_way(lines: Lines) -> None:
    """What warnings say of a CRM's refusal quotes nothing either."""
    logging.getLogger("sync.jobs").warning("put off: %s", ValueError('no user "Jane Doe"'))
    assert lines()[0]["event"] == "put off: ValueError: no user [removed]"


@pytest.mark.usefixtures("lines")
def test_work_within_work_keeps_its_trace_and_what_follows_gets_another() -> None:
    """One id from the beginning to the end of what was set off."""
    with telling(installation="hubspot-1"):
        first = trace_now()
        with telling(work="look"):
            assert trace_now() == first
    assert trace_now() == ""
    begin()
    assert trace_now() not in ("", first)


def test_a_bell_carries_the_trace_to_every_job_it_leads_to(
    both: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    """From the bell to the write each job says the trace of what began it; its calls are counted."""
    monkeypatch.setattr(jobs, "process_runtime", lambda: both.runtime)
    monkeypatch.setattr(jobs, "TURNS_S", {})  # however slow the machine, one look is one job
    there = office(both, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live()
    redis, before, called = both.runtime.redis, len(lines()), there.sandbox.mark()
    CONNECTIONS.calls_made(there.id)
    Queue(Lane.FAST.value, connection=redis).empty()
    redis.delete(CALLS, AGAIN, JOBS)
    with telling(trace="c0ffee"):
        ring(redis, Lane.FAST, Work.LOOK, there.id)
    run_worker(redis, Lane.FAST, until_idle=True)
    told = [one for one in lines()[before:] if one["logger"] == "sync.jobs"]
    assert [(one["work"], one["trace"], one["installation"]) for one in told] == [
        (work, "c0ffee", there.id) for work in ("look", "push")
    ]
    assert counted(redis, JOBS) == [Counted((there.id, work, "done"), 1.0) for work in ("look", "push")]
    made = counted(redis, CALLS)
    assert sum(one.value for one in made) == len(there.sandbox.requests(called))
    assert {one.labels[:2] for one in made} == {(there.id, "webhook")}
    assert counted(redis, AGAIN) == []
