"""The past an org kept: stage history always, field history where tracked, both as versions of the record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sync.history import Remembered, read_history
from sync.state import mirror
from sync.state.engine import reading
from tests.sync.harness import SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
DAY = timedelta(days=1)


def track(there: Office, name: str, *fields: str) -> None:
    """Have the org track fields of an object from now on."""
    there.sandbox.post("tracked_fields", {"object": name, "fields": fields})


def known(there: Office, name: str, record_id: str, field: str, moment: datetime) -> str | None:
    """Return what the org knew of a field at a moment."""
    with reading(there.engine) as conn:
        found = mirror.known_at(conn, there.id, name, moment, "source")
    return next(one.values[field] for one in found if one.source_id == record_id)


def asked(there: Office, mark: int) -> list[str]:
    """Return the objects queried since a mark."""
    made = there.sandbox.requests(mark)
    return [one["path"].partition("FROM+")[2].partition("+")[0] for one in made]


def test_stages_and_tracked_fields_are_known_as_they_were(lite: Deployment, office: OPEN) -> None:
    """By hand: the deal was reopened on day 1 and won again on day 2; Acorn was Ann's, then Bob's."""
    book = three_customers().owner("ann", "ann@vendor.example").owner("bob", "bob@vendor.example")
    there = office(lite, SALESFORCE, book).install()
    track(there, "Account", "OwnerId", "Industry")
    begun, deal, acorn = lite.now, there.sandbox.lookup("deal:d-a1"), there.sandbox.lookup("account:acorn")
    ann, bob = (there.sandbox.lookup(f"owner:{one}") for one in ("ann", "bob"))
    there.sandbox.edit("Account", acorn, {"OwnerId": ann})
    lite.later(days=1)
    there.sandbox.edit("Opportunity", deal, {"StageName": "Negotiation/Review"})
    there.sandbox.edit("Account", acorn, {"OwnerId": bob, "Industry": "Energy"})
    lite.later(days=1)
    there.sandbox.edit("Opportunity", deal, {"StageName": "Closed Won"})
    lite.later(days=1)
    there.load()
    mark = there.sandbox.mark()
    done = read_history(there.ws)
    assert done.records == 3 + 3 + 3  # accounts, opportunities, lines
    assert asked(there, mark) == [
        "Account",
        "AccountHistory",
        "Opportunity",
        "OpportunityFieldHistory",
        "OpportunityHistory",
        "OpportunityLineItem",
        "OpportunityLineItemHistory",
    ]
    stages = [known(there, "Opportunity", deal, "StageName", begun + day * DAY) for day in (0.5, 1.5, 2.5)]
    assert stages == ["Closed Won", "Negotiation/Review", "Closed Won"]
    assert known(there, "Opportunity", deal, "StageName", begun - 300 * DAY) == "Closed Won"
    assert [known(there, "Account", acorn, "OwnerId", begun + day * DAY) for day in (0.5, 1.5)] == [ann, bob]
    industries = [known(there, "Account", acorn, "Industry", begun + day * DAY) for day in (0.5, 1.5)]
    assert industries == ["Software", "Energy"]
    assert known(there, "Account", acorn, "Name", begun + DAY / 2) == "Acorn"  # never changed
    mark = there.sandbox.mark()
    assert read_history(there.ws) == Remembered()
    assert there.sandbox.requests(mark) == []


def test_an_org_that_tracks_nothing_has_its_stages(lite: Deployment, office: OPEN) -> None:
    """The refused queries stop nothing, and are not asked again for the next records."""
    there = office(lite, SALESFORCE, three_customers()).install()
    begun, deal = lite.now, there.sandbox.lookup("deal:d-a1")
    lite.later(days=1)
    there.sandbox.edit("Opportunity", deal, {"Amount": 13_000})
    lite.later(days=1)
    there.load()
    assert read_history(there.ws).versions > 0
    assert known(there, "Opportunity", deal, "StageName", begun + DAY / 2) == "Closed Won"
