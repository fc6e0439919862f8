"""One listener an org, whatever the number of processes; HubSpot and orgs not heard keep being polled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from sync import listen_one
from sync.listen import LISTEN
from sync.listen_all import Listeners
from sync.runtime import Runtime
from sync.scheduler import turn
from sync.state import due
from sync.state.engine import writing
from sync.state.leases import Lease
from tests.sync.harness import HUBSPOT, ROOT, Deployment, Office
from tests.sync.listening import Ear, ear
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
WAIT_S = 30


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Give what is released with each word that a listener's thread has kept."""
    kept, keep = threading.Semaphore(0), listen_one.keep_heard

    def keep_and_tell(*given: object, **named: object) -> int:
        done = keep(*given, **named)
        kept.release()
        return done

    monkeypatch.setattr(listen_one, "keep_heard", keep_and_tell)
    return kept


def process_of(there: Ear) -> tuple[Runtime, Listeners]:
    """Return what one process has."""
    runtime = there.office.deployment.runtime
    settings = runtime.settings.model_copy(update={"pubsub_url": there.address})
    runtime = replace(runtime, settings=settings)
    return runtime, Listeners(runtime)


def test_one_process_listens_and_another_takes_over_when_it_ends(
    both: Deployment, office: OPEN, words: threading.Semaphore
) -> None:
    """The second has nothing to listen to until the first has stopped; then it hears what comes."""
    there = ear(both, office, bare=True)
    (_, first), (_, second) = process_of(there), process_of(there)
    assert (first.turn(), second.turn()) == (1, 0)
    assert words.acquire(timeout=WAIT_S)
    assert (first.unheard(), second.unheard()) == ([], [])
    assert (first.turn(), second.turn()) == (1, 0)
    first.stop()
    there.office.sandbox.edit(
        "Account", there.office.sandbox.lookup("account:acorn"), {"Industry": "Banking"}
    )
    assert second.turn() == 1
    assert words.acquire(timeout=WAIT_S)
    assert there.hints() == 1
    second.stop()


def test_a_process_that_stands_still_loses_its_org_after_a_minute(
    lite: Deployment, office: OPEN, words: threading.Semaphore
) -> None:
    """Whoever looks next takes it; the first one finds out at its next turn and ends its own."""
    there = ear(lite, office, bare=True)
    (_, first), (_, second) = process_of(there), process_of(there)
    assert first.turn() == 1
    assert words.acquire(timeout=WAIT_S)
    lite.later(seconds=59)
    assert second.turn() == 0
    lite.later(seconds=2)
    assert (second.turn(), first.turn(), second.turn()) == (1, 0, 1)
    first.stop()
    second.stop()


def test_the_process_ends_when_asked_to(lite: Deployment, office: OPEN) -> None:
    """`colonnade listen` hears an org, and on SIGTERM ends its stream, gives the lease back and says so."""
    there = ear(lite, office, bare=True)
    settings = lite.runtime.settings
    given = {"CS_HOME": str(settings.home), "DATABASE_URL": settings.database_url}
    given |= {"REDIS_URL": str(settings.redis_url), "CS_SALESFORCE_PUBSUB_URL": there.address}
    given["CS_SECRET_KEYS"] = settings.secret_keys.get_secret_value()
    command = [sys.executable, "-c", "from app import main; main()", "listen", "--json"]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **given}, stdout=-1, stderr=-1, text=True
    )
    assert process.stderr is not None
    assert any(f"{there.office.id} is heard" in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=WAIT_S)
    assert (process.returncode, json.loads(said)["heard"]) == (0, 1)
    _, listeners = process_of(there)
    assert listeners.turn() == 1
    listeners.stop()


def test_the_scheduler_leaves_the_lease_alone(lite: Deployment, office: OPEN) -> None:
    """Who listens is not a task that it runs."""
    there = ear(lite, office, bare=True)
    runtime, listeners = process_of(there)
    assert listeners.turn() == 1
    lite.later(minutes=2)
    turn(runtime)
    with writing(there.office.engine) as conn:
        lease = Lease("another", lite.now, 60, 1)
        free = due.claim(conn, lease, installation_id=there.office.id, kinds=(LISTEN,))
    assert [one.task for one in free] == ["listen changes"]
    listeners.stop()


def test_hubspot_is_polled_and_an_org_before_its_first_day_is_not_listened_to(
    lite: Deployment, office: OPEN
) -> None:
    """Neither has a listener."""
    portal = office(lite, HUBSPOT, three_customers())
    early = office(lite, "salesforce", three_customers(), "--pubsub-port", "0")
    there = Ear(early, str(early.sandbox.get("change_events")["pubsub"]))
    _, listeners = process_of(there)
    assert listeners.turn() == 0
    assert sorted(listeners.unheard()) == sorted([portal.id, early.id])
