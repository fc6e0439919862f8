"""Many installations in one deployment: equal ids never meet, and one that is cut off stops alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import MetaData, select

from integration.port import NeedsConsent
from sync import jobs
from sync.bell import Lane, Work, ring
from sync.state import installations
from sync.state.engine import reading, writing
from sync.state.installations import Status
from sync.worker import run_worker
from tests.sync.harness import HUBSPOT, SALESFORCE, Deployment, Office, daily_use
from tests.sync.month import MIDNIGHT
from tests.sync.portfolios import Book

OPEN = Callable[..., Office]
WORDS = {"red": ("crimson", "scarlet", "ruby"), "blue": ("azure", "cobalt", "navy")}


def book(colour: str, arr: str) -> Book:
    """Return three customers of one colour, the first with a contract that ends soon."""
    found = Book()
    for word in WORDS[colour]:
        found.account(word, word.title())
    return found.sold(WORDS[colour][0], f"{colour}1", "2024-03-01", "2025-03-01", arr)


def first_run(there: Office, colour: str) -> None:
    """Do everything once, with use of the first customer."""
    there.load()
    there.use(daily_use(WORDS[colour][0], MIDNIGHT.replace(day=1), 10, 4))
    there.drain()
    there.go_live().settle()


def rows_of(there: Office) -> str:
    """Return every row of every table that belongs to an installation, as text."""
    tables = MetaData()
    tables.reflect(there.engine)
    shown: list[str] = []
    with reading(there.engine) as conn:
        for table in tables.sorted_tables:
            if "installation_id" in table.c:
                query = select(table).where(table.c.installation_id == there.id)
                shown += [f"{table.name}: {tuple(row)}" for row in conn.execute(query)]
    return "\n".join(shown)


def test_two_portals_with_the_same_ids_never_meet(both: Deployment, office: OPEN) -> None:
    """Each portal holds its own names and sums only, and no row of one installation speaks of the other."""
    red = office(both, HUBSPOT, book("red", "11000"), "--portal-id", "111").install()
    blue = office(both, HUBSPOT, book("blue", "22000"), "--portal-id", "222").install()
    assert red.id != blue.id
    assert red.sandbox.lookup("account:crimson") == blue.sandbox.lookup("account:azure")
    first_run(red, "red")
    first_run(blue, "blue")
    both.later(days=1)
    for there in (red, blue):
        there.look_at_all()
        there.settle()
    for there, own, other, amount in ((red, "red", "blue", 11_000.0), (blue, "blue", "red", 22_000.0)):
        profiles = there.written(there.own("profile")).values()
        assert sorted(one["cs_name"].lower() for one in profiles) == sorted(WORDS[own])
        (renewal,) = there.written("deals").values()
        assert float(renewal["amount"]) == amount
        text = rows_of(there).lower()
        assert all(word in text for word in WORDS[own])
        assert not [word for word in (*WORDS[other], f"l-{other}1") if word in text]


@pytest.fixture
def jobs_here(monkeypatch: pytest.MonkeyPatch, both: Deployment) -> Deployment:
    """Have the jobs of this process work on the test's deployment."""
    monkeypatch.setattr(jobs, "process_runtime", lambda: both.runtime)
    return both


def status(there: Office) -> Status:
    """Return whether an installation may be worked for."""
    with reading(there.engine) as conn:
        return installations.get(conn, there.id).status


def revoke(there: Office) -> None:
    """Have the customer's admin take back what was granted."""
    if there.sandbox.vendor == HUBSPOT:
        there.sandbox.post("portal", {"uninstall": True})
    else:
        there.sandbox.post("revoke", {})


def test_a_revoked_installation_stops_and_the_other_goes_on(jobs_here: Deployment, office: OPEN) -> None:
    """HubSpot is uninstalled: it needs consent and is called no more; Salesforce is polled as before."""
    cut = office(jobs_here, HUBSPOT, book("red", "11000"))
    cut.connect(credentials=cut.sandbox.credentials("oauth")).install()
    goes_on = office(jobs_here, SALESFORCE, book("blue", "22000")).install()
    for there, colour in ((cut, "red"), (goes_on, "blue")):
        first_run(there, colour)
    jobs_here.later(hours=7)  # access tokens end
    revoke(cut)
    marks = {there.id: there.sandbox.mark() for there in (cut, goes_on)}
    renamed = goes_on.sandbox.lookup("account:cobalt")
    goes_on.sandbox.edit("Account", renamed, {"Name": "Cobalt Blue"})
    redis = jobs_here.runtime.redis
    jobs_here.later(minutes=1)
    for there in (cut, goes_on):
        ring(redis, Lane.FAST, Work.POLL, there.id)
    run_worker(redis, Lane.FAST, until_idle=True)
    assert (status(cut), status(goes_on)) == (Status.NEEDS_CONSENT, Status.ACTIVE)
    profile = goes_on.written(goes_on.own("profile"))[f"profile:{renamed.lower()}"]
    assert profile["Name"] == "Cobalt Blue"

    mark = cut.sandbox.mark()
    assert mark >= marks[cut.id]
    ring(redis, Lane.FAST, Work.POLL, cut.id)
    run_worker(redis, Lane.FAST, until_idle=True)
    assert cut.sandbox.get("requests", after=mark)["requests"] == []

    with pytest.raises(NeedsConsent):
        cut.poll()


@pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])
def test_connecting_again_ends_the_need_for_consent(jobs_here: Deployment, office: OPEN, vendor: str) -> None:
    """An admin connects anew: the installation is the same, and works again."""
    there = office(jobs_here, vendor, book("red", "11000")).install()
    first_run(there, "red")
    with reading(there.engine) as conn:
        before: Any = installations.get(conn, there.id)
    with writing(there.engine) as conn:
        installations.set_status(conn, there.id, Status.NEEDS_CONSENT)
    same = there.id
    there.connect()
    assert there.id == same
    assert status(there) is Status.ACTIVE
    assert there.ws.live
    assert there.ws.installation.epoch == before.epoch
    jobs_here.later(minutes=10)
    there.poll()
