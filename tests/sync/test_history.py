"""The past HubSpot kept: known to who asks what the CRM knew, unknown to who asks what we knew.

What Salesforce kept is in ``test_salesforce_history``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from integration.port import RateLimited, Unavailable
from sync.history import Remembered, read_history
from sync.state import cursors, mirror
from sync.state.engine import reading, writing
from sync.state.mirror import ReadAgainst
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
DAY = timedelta(days=1)


def lived_in(deployed: Deployment, office: OPEN) -> tuple[Office, str, datetime]:
    """Return a portal read on its tenth day, a deal that changed on the first three, and their beginning."""
    there = office(deployed, HUBSPOT, three_customers()).install()
    begun, deal = deployed.now, there.sandbox.lookup("deal:d-a1")
    for amount in ("13000", "", "14000"):
        deployed.later(days=1)
        there.sandbox.edit("deals", deal, {"amount": amount})
    deployed.later(days=7)
    there.load()
    return there, deal, begun


def amount_at(there: Office, deal: str, moment: datetime, against: ReadAgainst) -> str | None:
    """Return the deal's amount as known at a moment; ``absent`` where the deal was not known."""
    with reading(there.engine) as conn:
        found = mirror.known_at(conn, there.id, "deals", moment, against)
    return next((one.values["amount"] for one in found if one.source_id == deal), "absent")


def history_calls(there: Office, mark: int) -> list[str]:
    """Return the reads by id since a mark, by object."""
    made = there.sandbox.requests(mark)
    return [one["object"] for one in made if one["path"].endswith("/batch/read")]


def test_the_past_is_known_to_the_crm_and_not_to_us(both: Deployment, office: OPEN) -> None:
    """By hand: 12,000 as loaded, then 13,000, nothing, and 14,000; we knew nothing before the tenth day."""
    there, deal, begun = lived_in(both, office)
    before = {day: amount_at(there, deal, begun + day * DAY, "ours") for day in (0, 1, 9, 10)}
    assert amount_at(there, deal, begun + 1.5 * DAY, "source") == "absent"
    mark = there.sandbox.mark()
    done = read_history(there.ws)
    assert done.records == 3 + 3 + 3  # companies, deals, lines
    assert history_calls(there, mark) == ["companies", "deals", "line_items"]
    known = {day: amount_at(there, deal, begun + day * DAY, "source") for day in (0.5, 1.5, 2.5, 3.5, 10)}
    assert known == {0.5: "12000", 1.5: "13000", 2.5: None, 3.5: "14000", 10: "14000"}
    assert {day: amount_at(there, deal, begun + day * DAY, "ours") for day in (0, 1, 9, 10)} == before
    with reading(there.engine) as conn:
        earlier = [one for one in mirror.versions(conn, there.id, "deals", deal) if one.seq < 1]
    assert {one.account_id for one in earlier} == {there.sandbox.lookup("account:acorn")}
    calls = there.ws.port.calls.by_reason
    assert {name: count for name, count in calls.items() if name.startswith("history")} == {
        "history companies": 1,
        "history deals": 1,
        "history line_items": 1,
    }


def test_asking_twice_keeps_nothing_new(both: Deployment, office: OPEN) -> None:
    """The second time nothing is asked; asked all the same, nothing is kept twice."""
    there, deal, _begun = lived_in(both, office)
    assert read_history(there.ws).versions > 0
    mark = there.sandbox.mark()
    assert read_history(there.ws) == Remembered()
    assert there.sandbox.requests(mark) == []
    with writing(there.engine) as conn:
        held = len(mirror.versions(conn, there.id, "deals", deal))
        cursors.forget(conn, there.id, "history deals")
    assert read_history(there.ws) == Remembered(records=3)
    with reading(there.engine) as conn:
        assert len(mirror.versions(conn, there.id, "deals", deal)) == held


def test_one_that_was_stopped_goes_on_where_it_was(
    lite: Deployment, office: OPEN, one_try: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HubSpot fails after the companies: the next time begins with the deals."""
    there, _deal, _begun = lived_in(lite, office)
    monkeypatch.setattr("integration.hubspot.port.HISTORY_ROWS", 1)
    there.sandbox.fault("status", "/deals/batch/read", 1, status=503)
    with pytest.raises(Unavailable):
        read_history(there.ws)
    mark = there.sandbox.mark()
    assert read_history(there.ws).records == 3 + 3
    assert history_calls(there, mark) == ["deals"] * 3 + ["line_items"] * 3


def test_it_leaves_the_day_to_others(lite: Deployment, office: OPEN) -> None:
    """Once everybody together has used 40 % of the day's calls the past has to wait."""
    there, _deal, _begun = lived_in(lite, office)
    cap = int(there.sandbox.get("portal")["daily_cap"])
    there.sandbox.post("portal", {"other_apps_requests": cap * 41 // 100})
    there.ws.port.read("companies", [there.sandbox.lookup("account:acorn")], ["name"])  # the headers say so
    mark = there.sandbox.mark()
    with pytest.raises(RateLimited):
        read_history(there.ws)
    assert there.sandbox.requests(mark) == []


def test_the_past_wakes_nobody(lite: Deployment, office: OPEN) -> None:
    """What was so before we came changes no decision: nothing is written after it."""
    there, _deal, _begun = lived_in(lite, office)
    there.go_live().settle()
    lite.later(hours=1)
    read_history(there.ws)
    assert there.waiting_accounts() == 0
    there.look_at_all()
    there.look()
    mark = there.sandbox.mark()
    there.push()
    assert there.sandbox.requests(mark) == []
