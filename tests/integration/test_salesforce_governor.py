"""The budget of an org's 24 hours, shared with the customer's other integrations, against the sandbox."""

from __future__ import annotations

import pytest

from integration.budget import Lane, LocalBudget, calling_in
from integration.in_flight import LocalInFlight
from integration.port import RateLimited, ReadQuery
from integration.salesforce.auth import MemoryTokenStore
from integration.salesforce.bulk import BulkLoad
from integration.salesforce.bulk_jobs import Jobs
from integration.salesforce.connector import WINDOWS
from integration.salesforce.csv_rows import BulkRow
from tests.integration.salesforce_wire import RESET, account_row, page, rig
from tests.integration.test_salesforce_org import NOW, SECRET, connect, port_on
from tests.integration.test_salesforce_transport import CONCURRENT, DAILY

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


def test_a_stopped_lane_goes_on_when_the_window_moves_not_at_midnight(salesforce_sandbox, monotonic):
    """Others used 85,000 calls at 20:00; at half past midnight a sweep still stops, at 20:05 it goes on."""
    salesforce_sandbox.post("/_sandbox/clock", {"now": "2026-03-01T22:00:00Z", "running": False})
    salesforce_sandbox.post("/_sandbox/api_usage", {"used": 85_000, "at": "2026-03-01T20:00:00Z"})
    salesforce_sandbox.post("/_sandbox/app", {"consumer_key": "colonnade", "client_secret": "hush"})
    budget = LocalBudget({}, monotonic=monotonic, sleep=monotonic.sleep)
    port = connect(SECRET, salesforce_sandbox.url, budget, lambda: NOW, MemoryTokenStore())
    for instant in ("2026-03-01T22:00:00Z", "2026-03-02T00:30:00Z"):
        salesforce_sandbox.post("/_sandbox/clock", {"now": instant, "running": False})
        monotonic.seconds += 901.0  # the last reading is believed no longer
        with calling_in(Lane.INTERACTIVE):
            read(port)
        assert is_stopped(port, Lane.SYNC)
    salesforce_sandbox.post("/_sandbox/clock", {"now": "2026-03-02T20:05:00Z", "running": False})
    assert is_stopped(port, Lane.SYNC)
    monotonic.seconds += 901.0
    with calling_in(Lane.SYNC):
        assert len(read(port)) == 1


def test_hidden_limits_are_made_up_for_by_the_headers(salesforce_sandbox):
    """Without View Setup a describe says so, and what others used is known all the same."""
    salesforce_sandbox.post("/_sandbox/api_usage", {"limits_hidden": True, "used": 41_000})
    port = port_on(salesforce_sandbox)
    with calling_in(Lane.INTERACTIVE):
        notes = port.describe([]).notes
    assert "Limits are hidden from the integration user (View Setup and Configuration)." in notes
    assert {lane for lane in ORDER if is_stopped(port, lane)} == {Lane.BACKFILL}


def bulk_port(sandbox):
    """Return a port whose budget knows the bulk limits, its answers awaited at once."""
    sandbox.post("/_sandbox/app", {"consumer_key": "colonnade", "client_secret": "hush"})
    budget = LocalBudget(WINDOWS, sleep=lambda seconds: None)
    return connect(SECRET, sandbox.url, budget, lambda: NOW, MemoryTokenStore(), sleep=lambda seconds: None)


def test_spent_query_jobs_are_known_before_one_is_asked_for(salesforce_sandbox):
    """/limits tells that others made 10,000: a load by a job waits, reading by pages goes on."""
    salesforce_sandbox.post("/_sandbox/api_usage", {"query jobs": 10_000})
    port = bulk_port(salesforce_sandbox)
    port.describe([])
    before = port.calls.total
    with pytest.raises(RateLimited) as told:
        list(port.record_stream(ReadQuery("Account", ())))
    assert (told.value.policy, port.calls.total) == ("own_bulk_query_jobs", before)
    assert len(read(port)) == 1


def test_spent_query_jobs_that_nobody_told_of_put_a_load_off(salesforce_sandbox):
    """Without a look at /limits the org refuses the job: asked once, and again in a quarter of an hour."""
    salesforce_sandbox.post("/_sandbox/api_usage", {"query jobs": 10_000})
    port = bulk_port(salesforce_sandbox)
    with pytest.raises(RateLimited) as told:
        list(port.record_stream(ReadQuery("Account", ())))
    assert (told.value.policy, told.value.retry_after_s) == ("daily_bulk", 900)
    assert port.calls.by_reason["read Account"] == 1


def test_spent_batches_put_an_upload_off_and_blame_no_row():
    """The job is aborted, so that nothing of it stands open; its rows are sent again later."""
    spent = [{"errorCode": "LIMIT_EXCEEDED", "message": "no more batches"}]
    setup = rig((200, {"id": "750"}), (400, spent), (200, {"id": "750", "state": "Aborted"}))
    with pytest.raises(RateLimited, match="no more batches"):
        list(BulkLoad(setup.port._transport, "X__c", "Key__c").run([BulkRow("k", {})]))
    assert [sent.json.get("state") for sent in setup.org.sent if sent.method == "PATCH"] == ["Aborted"]


def test_each_ten_thousand_rows_of_a_job_count_as_a_batch():
    """An org has 15,000 in 24 hours; who uploads counts before."""
    taken = []

    class Seen:
        """A budget that keeps what is taken."""

        def take(self, lane, kind):
            """Keep the kind."""
            taken.append(kind)

    jobs = Jobs(rig(budget=Seen()).port._transport, "ingest", "write X")
    for rows in (1, 10_000, 10_001):
        jobs.spend_batches(rows)
    assert taken == ["bulk_batches"] * (1 + 1 + 2)


def test_too_many_long_calls_of_others_pass_in_seconds(salesforce_sandbox):
    """Two calls are refused with the daily limit's code; the third finds room, and the day is not stopped."""
    slept = []
    port = port_on(salesforce_sandbox, sleep=slept.append)
    read(port)
    salesforce_sandbox.post("/_sandbox/long_requests", {"running": 25, "refusals": 2})
    assert len(read(port)) == 1
    assert len(slept) == 2
    assert [lane for lane in ORDER if is_stopped(port, lane)] == []


def test_a_spent_day_parks_every_lane_but_a_persons_also_without_a_header():
    """One refusal is enough: sweeps and webhooks make no further call for a while."""
    setup = rig((403, DAILY), (403, DAILY))
    for lane in (Lane.SYNC, Lane.WEBHOOK, Lane.SYNC, Lane.BACKFILL):
        with calling_in(lane), pytest.raises(RateLimited):
            read(setup.port)
    assert len(setup.org.sent) == 1
    with calling_in(Lane.INTERACTIVE), pytest.raises(RateLimited, match="TotalRequests"):
        read(setup.port)
    assert len(setup.org.sent) == 2
