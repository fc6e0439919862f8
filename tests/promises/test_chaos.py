"""The parts of ``colonnade chaos``: the comparison that must tell, the plan that must not change, the relay.

The run itself takes minutes and is ``make chaos``; what it found in the product has tests of its own there.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import redis
import requests
from click.testing import CliRunner

from sync.chaos import book
from sync.chaos.breakage import Valkey
from sync.chaos.comparing import Difference, Differences, Standing, Wanted, compare
from sync.chaos.plan import Act, Breakage, make_plan
from sync.chaos.play import Played
from sync.chaos.relay import Delivery, Relay
from sync.chaos.replay import Order
from sync.chaos.run import judged
from sync.chaos.standing import linked, texts
from sync.commands.chaos import chaos

PROFILE = Wanted("cs_profile", "profile:1", {"cs_health": "80.0", "cs_name": "Acorn"}, parents=("1",))
PLAN = Wanted("cs_plan", "plan:1:onboarding:1", {"cs_status": "active"}, parents=("1",))
MILESTONE = Wanted("cs_milestone", "m:1", {"cs_status": "open"}, parent_keys=(("cs_plan", PLAN.key),))
RENEWAL = Wanted("deals", "renewal:l1:1", {"cs_due_on": "2026-08-01"}, parents=("1",))
ACCOUNT = Wanted("companies", PROFILE.key, {"cs_health": "80.0"}, "1", (), (("cs_profile", PROFILE.key),))
WANTED = [PROFILE, PLAN, MILESTONE, RENEWAL, ACCOUNT]

THE_PROFILE = Standing(
    "cs_profile",
    "11",
    PROFILE.key,
    {"cs_health": "80", "cs_name": "Acorn"},
    frozenset({"1"}),
    ("profile", "1"),
)
THE_PLAN = Standing(
    "cs_plan", "12", PLAN.key, {"cs_status": "active"}, frozenset({"1"}), ("plan", "1", "o@1")
)
THE_MILESTONE = Standing("cs_milestone", "13", "m:1", {"cs_status": "open"}, frozenset({"12"}))
THE_RENEWAL = Standing(
    "deals",
    "14",
    RENEWAL.key,
    {"cs_due_on": "2026-08-01"},
    frozenset({"1"}),
    ("deal", "1", "r", "2026-08-01"),
)
THE_ACCOUNT = Standing("companies", "1", None, {"cs_health": "80.0"}, frozenset({"11"}))
STANDING = [THE_PROFILE, THE_PLAN, THE_MILESTONE, THE_RENEWAL, THE_ACCOUNT]


def without(one: Standing) -> list[Standing]:
    """Return what stands but for one."""
    return [other for other in STANDING if other is not one]


def test_what_stands_as_wanted_is_no_difference() -> None:
    """Numbers in another form are the same; an account is met by its id, the others by their keys."""
    found = compare(WANTED, STANDING)
    assert (found.missing, found.duplicate, found.stale) == ([], [], [])


@pytest.mark.parametrize("one", [THE_PROFILE, THE_MILESTONE, THE_RENEWAL, THE_ACCOUNT])
def test_a_record_that_is_not_there_is_told(one: Standing) -> None:
    """Whatever it is: its own object and key, and not only what hangs under it."""
    found = compare(WANTED, without(one))
    assert [missing.object for missing in found.missing] == [one.object]


def test_a_field_that_stands_otherwise_is_told() -> None:
    """With what is wanted and what was found; an emptied field too."""
    other = replace(THE_PROFILE, values={"cs_health": "79.9", "cs_name": None})
    found = compare(WANTED, [*without(THE_PROFILE), other])
    assert found.stale == [
        Difference("cs_profile", PROFILE.key, "cs_health", "80.0", "79.9"),
        Difference("cs_profile", PROFILE.key, "cs_name", "Acorn", None),
    ]
    assert (found.missing, found.duplicate) == ([], [])


@pytest.mark.parametrize("one", [THE_PROFILE, THE_MILESTONE, THE_RENEWAL, THE_ACCOUNT])
def test_a_link_that_is_not_there_is_told(one: Standing) -> None:
    """To an account by its id, to a record of ours by the key that one carries."""
    found = compare(WANTED, [*without(one), replace(one, linked=frozenset({"99"}))])
    assert [(stale.object, stale.field.split()[0]) for stale in found.stale] == [(one.object, "link")]


def test_a_second_record_of_one_key_is_told() -> None:
    """Once, whatever it is about."""
    found = compare(WANTED, [*STANDING, replace(THE_RENEWAL, id="15")])
    assert [(one.key, one.wanted, one.found) for one in found.duplicate] == [(RENEWAL.key, "14", "15")]


@pytest.mark.parametrize("key", [None, "renewal:l2:1"])
def test_two_renewals_of_one_thing_are_told_whatever_their_keys(key: str | None) -> None:
    """A deal that lost its key, or got another one, is a double all the same."""
    found = compare(WANTED, [*STANDING, replace(THE_RENEWAL, id="15", key=key)])
    assert [one.found for one in found.duplicate] == ["15"]


def test_a_record_wanted_by_nothing_is_told() -> None:
    """What stood under an account that is gone should have been taken back."""
    extra = Standing("cs_profile", "16", "profile:2", {}, frozenset({"2"}), ("profile", "2"))
    assert [one.key for one in compare(WANTED, [*STANDING, extra]).stale] == ["profile:2"]


def test_a_deal_whose_account_is_gone_is_people_s() -> None:
    """It stays where it is, wanted by nothing; under an account that lives it would be told."""
    extra = replace(THE_RENEWAL, id="15", key="renewal:l9:1", thing=None, orphaned=True)
    assert compare(WANTED, [*STANDING, extra]).stale == []
    assert len(compare(WANTED, [*STANDING, replace(extra, orphaned=False)]).stale) == 1


def test_what_a_person_deleted_stays_away() -> None:
    """It is not missing; where it stands again, that is told."""
    dropped = {("deals", RENEWAL.key)}
    assert compare(WANTED, without(THE_RENEWAL), dropped).missing == []
    assert [one.key for one in compare(WANTED, STANDING, dropped).stale] == [RENEWAL.key]


def test_the_same_seed_plans_the_same() -> None:
    """Edits and disturbances alike; another seed plans others."""
    assert make_plan(7, 300, 2) == make_plan(7, 300, 2)
    assert make_plan(7, 300, 2) != make_plan(8, 300, 2)


def test_a_plan_holds_everything_people_do_and_all_that_breaks() -> None:
    """In three minutes each kind comes; edits are in order, and unlike each other by number."""
    days = make_plan(7, 2000, 3)
    edits = [edit for day in days for edit in day.edits]
    assert {edit.act for edit in edits} == set(Act)
    assert {one.what for day in days for one in day.disturbances} == set(Breakage)
    assert len({edit.number for edit in edits}) == len(edits)
    assert all(list(day.edits) == sorted(day.edits, key=lambda one: one.at_s) for day in days)


@pytest.mark.parametrize("seed", range(5))
def test_nobody_gone_is_edited(seed: int) -> None:
    """Who is deleted or merged away is touched by nothing but being brought back, and each of that once."""
    edits = [edit for day in make_plan(seed, 200, 6) for edit in day.edits]
    ends = Counter(
        (one.act, one.account) for one in edits if one.act in (Act.DELETE, Act.MERGE, Act.BRING_BACK)
    )
    assert max(ends.values()) == 1
    ended = {account for act, account in ends if act is not Act.BRING_BACK}
    assert not any(book.is_ordinary(account) for account in ended)
    others = [one for one in edits if one.act not in (Act.DELETE, Act.MERGE, Act.BRING_BACK)]
    assert all(book.is_ordinary(one.account) for one in others)


class Server(ThreadingHTTPServer):
    """Has room for as many callers at once as there are deliveries; others would wait a second."""

    request_queue_size = 200


class Web:
    """Counts what reaches the web process, by path."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.met: Counter[str] = Counter()
        self.lock = threading.Lock()

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Listen inside the block; the address is given."""
        met, lock = self.met, self.lock

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                with lock:  # the two of a doubled delivery may come at once
                    met[self.path] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's own name
                """Stay silent."""

        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()


@pytest.mark.parametrize("mangling", [False, True])
def test_the_relay_answers_for_all_and_mangles_only_when_told(mangling: bool) -> None:
    """Every sender is content; of two hundred deliveries some reach the web process never, some twice."""
    web = Web()
    with web.listening() as address:
        relay = Relay(address, 7, mangling=mangling, longest_hold_s=0.2)
        url = relay.start()
        session = requests.Session()
        answers = {session.post(f"{url}/{number}", data=b"[]").status_code for number in range(200)}
        while relay.under_way():
            threading.Event().wait(0.05)
        relay.stop()
    seen = Counter(web.met.values())
    assert answers == {204}
    lost, twice = relay.mangled.lost, relay.mangled.doubled
    assert (lost > 0, twice > 0, relay.mangled.held_up > 0) == (mangling, mangling, mangling)
    assert (len(web.met), seen[2]) == (200 - lost, twice)


def test_a_valkey_killed_comes_back_empty_at_the_same_address(tmp_path: Path) -> None:
    """So does one that is flushed; nobody without its password is let in."""
    valkey = Valkey(tmp_path / "valkey")
    try:
        url = valkey.start()
        with redis.Redis.from_url(url) as client:
            for empty in (valkey.flush, lambda: valkey.restart(0)):
                client.set("bell", "1")
                empty()
                assert client.dbsize() == 0
        with pytest.raises(redis.AuthenticationError), redis.Redis(port=valkey.port) as stranger:
            stranger.ping()
    finally:
        valkey.stop()


def test_an_order_comes_through_as_it_was_given() -> None:
    """The replay is another process, and its orders are lines."""
    at = datetime(2026, 6, 9, 9, tzinfo=UTC)
    order = Order("read", "hubspot-1", at, None, ({"messageId": "m", "properties": {"count": 2}},))
    assert Order.of(order.to_json()) == order
    assert "\n" not in order.to_json()


def test_a_dumped_record_is_told_alike_in_both_crms() -> None:
    """Values as texts, and every id it names: associations in HubSpot, fields in Salesforce."""
    ends = {"companies": {"results": [{"id": "7", "type": "x"}]}}
    portal = {"id": "1", "properties": {"cs_health": "80.0"}, "associations": ends}
    org = {"Id": "a01", "CS_Health__c": 80.0, "CS_Account__c": "001", "attributes": {"type": "CS_Profile__c"}}
    assert (texts(portal), linked(portal)) == ({"cs_health": "80.0"}, frozenset({"7"}))
    assert texts(org)["CS_Health__c"] == "80.0"
    assert "001" in linked(org)
    assert "a01" not in linked(org)


def test_a_message_lost_is_acknowledged_in_salesforce_s_own_form() -> None:
    """Anything else than its Ack would have it sent again, and nothing would be lost."""
    status, body, kind = Delivery("/x", b"", {"Content-Type": "text/xml; charset=utf-8"}).answer
    assert (status, kind) == (200, "text/xml; charset=utf-8")
    assert b"<Ack>true</Ack>" in body


DIFFERENCE = Difference("cs_profile", "profile:1", "cs_health", "80.0", "79.9")


def played(calls: int, **found: list[Difference]) -> Played:
    """Return a run that made so many calls in each CRM, with what it found in HubSpot."""
    differences = {"hubspot": Differences(**found), "salesforce": Differences()}
    return Played(calls={"hubspot": calls, "salesforce": calls}, kills={"web": 2}, differences=differences)


@pytest.mark.parametrize(
    ("quiet", "disturbed", "said"),
    [
        (played(100), played(150), []),
        (played(100), played(151), ["1.51 times the calls of a quiet run"]),
        (played(100), played(100, missing=[DIFFERENCE]), ["1 missing"]),
        (played(100), played(100, duplicate=[DIFFERENCE] * 2), ["2 duplicate"]),
        (played(100), played(100, stale=[DIFFERENCE]), ["1 stale"]),
        (played(100, stale=[DIFFERENCE]), played(100), ["1 stale without disturbances"]),
    ],
)
def test_a_run_fails_by_any_difference_and_by_too_many_calls(
    quiet: Played, disturbed: Played, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command ends with 0 or 1, and says in one line what is wrong; the JSON has every key promised."""
    monkeypatch.setattr("sync.chaos.run.run", lambda *_: judged(quiet, disturbed, 7, 100, 1.0))
    ended = CliRunner().invoke(chaos, ["--seed", "7", "--json"])
    assert ended.exit_code == bool(said)
    told = json.loads(ended.stdout)
    assert {"missing", "duplicate", "stale", "calls_ratio", "kills", "flushes", "faults"} <= told.keys()
    assert (told["kills"], told["seed"]) == (2, 7)
    errors = [line for line in ended.stderr.splitlines() if line.startswith("Error")]
    assert errors == [f"Error: seed 7: {one}" for one in said]
