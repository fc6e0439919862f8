"""The budget of an org's 24 hours, shared with the customer's other integrations, against the sandbox."""

from __future__ import annotations

import pytest

from integration.budget import Lane, LocalBudget, calling_in
from integration.in_flight import LocalInFlight
from integration.port import RateLimited, ReadQuery
from integration.salesforce.auth import MemoryTokenStore
from tests.integration.salesforce_wire import RESET, account_row, page, rig
from tests.integration.test_salesforce_org import NOW, SECRET, connect, port_on
from tests.integration.test_salesforce_transport import CONCURRENT

ORDER = (Lane.INTERACTIVE, Lane.WEBHOOK, Lane.SYNC, Lane.BACKFILL)


def read(port):
    """Read accounts, whatever there are."""
    return list(port.iter_pages(ReadQuery("Account", ())))


def is_stopped(port, lane):
    """Say whether a lane is told to stop, before any call is made."""
    before = port.calls.total
    try:
        with calling_in(lane):
            read(port)
    except RateLimited as refused:
        return (refused.policy, port.calls.total) == ("own_daily_share", before)
    return False


@pytest.mark.parametrize(
    ("used", "lanes"),
    [
        (39_000, set()),
        (40_000, {Lane.BACKFILL}),
        (80_000, {Lane.BACKFILL, Lane.SYNC}),
        (95_000, {Lane.BACKFILL, Lane.SYNC, Lane.WEBHOOK}),
    ],
)
def test_what_the_customers_other_integrations_use_counts(salesforce_sandbox, used, lanes):
    """The org has 100,000 calls in 24 hours; we stop by what everybody has used of them."""
    port = port_on(salesforce_sandbox)
    salesforce_sandbox.post("/_sandbox/api_usage", {"used": used})
    with calling_in(Lane.INTERACTIVE):
        read(port)
    assert {lane for lane in ORDER if is_stopped(port, lane)} == lanes


def test_a_budget_that_knows_nothing_learns_from_the_first_answer(salesforce_sandbox):
    """After a flushed Redis one call goes out, and its header stops the next."""
    salesforce_sandbox.post("/_sandbox/api_usage", {"used": 50_000})
    port = port_on(salesforce_sandbox)
    with calling_in(Lane.BACKFILL), pytest.raises(RateLimited):
        port.describe([])
    assert port.calls.by_reason == {"oauth": 1, "versions": 1, "describe": 1}


def test_the_limits_resource_teaches_the_budget_too():
    """A describe reads /limits; what it says counts though no header came with it."""
    organization = {"Id": "00D", "Name": "Acme", "TimeZoneSidKey": "UTC", "OrganizationType": "Team Edition"}
    parts = [{"records": [organization]}, {"records": []}]
    rows = [{"referenceId": f"p{n}", "httpStatusCode": 200, "body": body} for n, body in enumerate(parts)]
    limits = {
        "DailyApiRequests": {"Max": 100, "Remaining": 60},
        "DataStorageMB": {"Max": 10, "Remaining": 10},
    }
    setup = rig((200, {"compositeResponse": rows}), (200, limits))
    setup.port.describe([])
    with calling_in(Lane.BACKFILL), pytest.raises(RateLimited):
        read(setup.port)


@pytest.mark.parametrize(
    ("organization", "places"),
    [
        ({"OrganizationType": "Enterprise Edition"}, 25),
        ({"OrganizationType": "Developer Edition"}, 5),
        ({"OrganizationType": "Enterprise Edition", "TrialExpirationDate": "2027-01-01"}, 5),
    ],
)
def test_the_edition_says_how_many_long_calls_may_run_at_once(organization, places):
    """Twenty-five, and five in Developer Edition and in trials."""
    caps = []

    class Seen(LocalInFlight):
        """Keeps what it is told."""

        def learn_cap(self, cap):
            """Keep the cap."""
            caps.append(cap)

    held = {"Id": "00D", "Name": "Acme", "TimeZoneSidKey": "UTC", **organization}
    parts = [{"records": [held]}, {"records": []}]
    rows = [{"referenceId": f"p{n}", "httpStatusCode": 200, "body": body} for n, body in enumerate(parts)]
    hidden = (403, [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}])
    setup = rig((200, {"compositeResponse": rows}), hidden)
    setup.port._transport._in_flight = Seen(5)
    setup.port.describe([])
    assert caps == [places]


def test_a_call_holds_its_place_only_while_it_is_under_way():
    """A lost answer and a refusal give the place back; the wait before the next try holds none."""
    held = []

    class Counted(LocalInFlight):
        """Says how many are under way when somebody waits."""

        @property
        def now(self):
            """Return the calls under way."""
            return self._held

    counted = Counted(1)
    setup = rig(RESET, (403, CONCURRENT), page([account_row(1, Name="Acme")]))
    setup.port._transport._in_flight = counted
    setup.port._transport.sleep = lambda seconds: held.append(counted.now)
    read(setup.port)
    assert (held, counted.now) == ([0, 0], 0)


def test_two_workers_share_an_orgs_places(salesforce_sandbox):
    """While all places of ours are taken elsewhere a call waits for one, and makes it when one comes free."""
    salesforce_sandbox.post("/_sandbox/app", {"consumer_key": "colonnade", "client_secret": "hush"})
    shared = LocalInFlight(1, sleep=lambda seconds: elsewhere.__exit__(None, None, None))
    url, budget = salesforce_sandbox.url, LocalBudget({})
    port = connect(SECRET, url, budget, lambda: NOW, MemoryTokenStore(), in_flight=shared)
    elsewhere = shared.place(Lane.SYNC)
    elsewhere.__enter__()
    assert len(read(port)) == 1
