"""Every fault a CRM has, on a fifth of all calls, and two kills: it ends as it does without.

Both runs install, read, decide, write and follow renamed accounts with real workers; what is said
here is read from the portals and orgs and from the wire, by code that shares nothing with the product.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sync.servers import locked
from tests.promises.fault_run import ACCOUNTS, SHARE, Kill, story
from tests.promises.hubspot_wire import HubSpotWire
from tests.promises.listening_between import Exchange
from tests.promises.salesforce_wire import SalesforceWire
from tests.promises.sent_again import SentAgain, sent_again, values_taken
from tests.promises.wires import Wire

pytestmark = pytest.mark.whole
WIRES: tuple[Wire, ...] = (HubSpotWire(), SalesforceWire())
THIRD = ACCOUNTS // 3  # one third has a renewal due, another a plan of four milestones
# The first contracts began in March: ten months to December; January, which runs, with its four bands.
SNAPSHOTS = 10 + 1 + 4
OURS = {
    "hubspot": {
        "cs_profile": ACCOUNTS,
        "cs_plan": THIRD,
        "cs_milestone": 4 * THIRD,
        "cs_snapshot": SNAPSHOTS,
        "deals": THIRD,
    },
    "salesforce": {
        "CS_Profile__c": ACCOUNTS,
        "CS_Plan__c": THIRD,
        "CS_Milestone__c": 4 * THIRD,
        "CS_Snapshot__c": SNAPSHOTS,
        "Opportunity": THIRD,
    },
}


@dataclass(frozen=True)
class Told:
    """What a run left: the portal or org, the sandbox's log, the wire, and who was killed."""

    dump: Mapping[str, list[dict[str, Any]]]
    requests: list[dict[str, Any]]
    exchanges: list[Exchange]
    kills: list[Kill]
    healed_at: int


@dataclass(frozen=True)
class Stories:
    """The runs in one CRM: without faults, and with them."""

    wire: Wire
    calm: Told
    disturbed: Told

    @property
    def both(self) -> tuple[Told, Told]:
        """Return both."""
        return self.calm, self.disturbed

    @property
    def last_round(self) -> str:
        """Return what the last renaming wrote into every name."""
        return f"round {self.wire.rounds - 1}"

    def again(self, told: Told) -> list[SentAgain]:
        """Return what was sent again in a run; links only where they are sent on their own."""
        found = sent_again(self.wire, told.exchanges, self.wire.ids(told.dump))
        return [
            one for one in found if not (self.wire.links_travel_along and one.field.startswith("link to "))
        ]


@pytest.fixture(scope="session", params=WIRES, ids=lambda wire: wire.vendor)
def stories(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stories:
    """Give the run without and the run with faults, each made once whatever the number of xdist workers."""
    wire: Wire = request.param
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    kept = shared / f"fault-stories-{wire.vendor}.json"
    with locked(shared / f"fault-stories-{wire.vendor}.lock"):
        if not kept.exists():
            kept.write_text(json.dumps(_both(shared, wire)))
    calm, disturbed = (
        Told(
            **{
                **one,
                "exchanges": [Exchange(**each) for each in one["exchanges"]],
                "kills": [Kill(**each) for each in one["kills"]],
            }
        )
        for one in json.loads(kept.read_text())
    )
    return Stories(wire, calm, disturbed)


def _both(shared: Path, wire: Wire) -> list[dict[str, Any]]:
    """Run both at once: they mostly wait, and share nothing."""
    with ThreadPoolExecutor(2) as pool:
        return list(
            pool.map(
                lambda name: story(shared / f"{wire.vendor}-{name}", wire, disturbed=name == "faults"),
                ("calm", "faults"),
            )
        )


def test_a_fifth_of_all_calls_met_a_fault_and_two_workers_were_killed(stories: Stories) -> None:
    """Every kind was met, answers were lost after writes, and both kills hit a write."""
    calm, disturbed = stories.both
    met = Counter(one["fault"] for one in disturbed.requests if one["fault"])
    assert set(met) == {str(one["kind"]) for one in stories.wire.faults}
    assert abs(met.total() / len(disturbed.requests) - SHARE) < 0.08
    lost = [one for one in disturbed.requests if one["fault"] == "drop_response" and one["written"]]
    assert lost
    assert [one.when for one in disturbed.kills] == [
        "with the answer on its way",
        "with the answer in its hands",
    ]
    assert (calm.kills, [one for one in calm.requests if one["fault"]]) == ([], [])


def test_the_crm_ends_as_it_does_without(stories: Stories) -> None:
    """Every record of the customer's and of ours is equal, with its links."""
    calm, disturbed = stories.both
    settled = stories.wire.settled(calm.dump)
    assert stories.wire.settled(disturbed.dump) == settled
    ours = Counter(key.split("/")[0].removeprefix("p24680135_") for key in stories.wire.ids(calm.dump))
    assert ours == OURS[stories.wire.vendor]
    profile = next(name for name in settled if "profile" in name.lower())
    rounds = stories.wire.rounds
    assert [sum(f"round {number}" in one for one in settled[profile]) for number in range(rounds)] == [
        ACCOUNTS // rounds
    ] * rounds


def test_no_key_stands_twice(stories: Stories) -> None:
    """Each key of ours is on one record of its object."""
    for told in stories.both:
        keys = [
            (name, key)
            for name, records in told.dump.items()
            for one in records
            if (key := one.get("CS_Key__c") or one.get("properties", {}).get("cs_key"))
        ]
        assert len(keys) == sum(OURS[stories.wire.vendor].values())
        assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_nothing_is_sent_twice_that_was_acknowledged_and_known(stories: Stories) -> None:
    """What was taken by an answer that reached us and stood in the ledger was never sent again."""
    for told in stories.both:
        assert [one for one in stories.again(told) if one.known] == []
        taken = values_taken(stories.wire, told.exchanges, stories.wire.ids(told.dump))
        assert taken > 10 * ACCOUNTS


def test_only_a_killed_worker_forgets_what_it_was_told(stories: Stories) -> None:
    """Without a kill between answer and repeat no value is sent again, whatever fault comes between."""
    assert stories.again(stories.calm) == []
    kills = stories.disturbed.kills
    values = [one for one in stories.again(stories.disturbed) if not one.field.startswith("link to ")]
    assert [
        one for one in values if not any(kill.at < one.request and one.first <= kill.last for kill in kills)
    ] == []


def test_a_last_look_writes_nothing(stories: Stories) -> None:
    """Looking at everybody once more, when nothing fails any longer, sends no write."""
    for told in stories.both:
        assert [one.path for one in told.exchanges[told.healed_at :] if one.writes] == []
        last = [one for one in told.exchanges if one.writes and one.delivered][-1]
        assert stories.last_round in json.dumps(last.body)


@pytest.mark.parametrize("stories", WIRES[1:], indirect=True, ids=["salesforce"])
def test_rows_locked_in_a_call_that_took_others_are_written_too(stories: Stories) -> None:
    """Salesforce refuses rows one by one: some of a call were locked, and yet the end is the same."""
    answers = [json.dumps(one.answer) for one in stories.disturbed.exchanges if one.writes]
    assert any('"success": true' in one and "UNABLE_TO_LOCK_ROW" in one for one in answers)


def exchange(
    number: int, status: int, known: Mapping[str, Mapping[str, str | None]], **values: str
) -> Exchange:
    """Return a batch update of record 1 in HubSpot, answered with ``status``."""
    inputs = [{"id": "1", "objectWriteTraceId": "row-0", "properties": values}]
    answer = {"results": [{"id": "1", "objectWriteTraceId": "row-0"}]}
    return Exchange(
        number, "POST", "/crm/objects/2026-09/deals/batch/update", {"inputs": inputs}, known, status, answer
    )


def collection(
    number: int, status: int, known: Mapping[str, Mapping[str, str | None]], **values: object
) -> Exchange:
    """Return an update of record 1 in Salesforce within a composite call, answered with ``status``."""
    records = [{"attributes": {"type": "Opportunity"}, "Id": "1", **values}]
    part = {
        "method": "PATCH",
        "url": "/x/composite/sobjects",
        "referenceId": "p0",
        "body": {"records": records},
    }
    answer = {
        "compositeResponse": [{"referenceId": "p0", "body": [{"id": "1", "success": True, "errors": []}]}]
    }
    return Exchange(number, "POST", "/x/composite", {"compositeRequest": [part]}, known, status, answer)


@pytest.mark.parametrize(("wire", "made"), [(WIRES[0], exchange), (WIRES[1], collection)])
def test_the_one_who_counts_finds_what_is_sent_again(wire: Wire, made: Any) -> None:
    """A repeat is found, known or not; after a lost answer, or with another value in between, it is none."""
    held = {"1": {"a": "x"}}
    again = [made(0, 200, {}, a="x"), made(1, 200, held, a="x"), made(2, 200, {}, a="x")]
    assert [(one.request, one.known) for one in sent_again(wire, again, {})] == [(1, True), (2, False)]
    assert sent_again(wire, [made(0, 0, {}, a="x"), made(1, 200, {}, a="x")], {}) == []
    between = [made(0, 200, {}, a="x"), made(1, 200, held, a="y"), made(2, 200, {}, a="x")]
    assert sent_again(wire, between, {}) == []


def test_a_number_sent_again_is_known_by_its_text() -> None:
    """Salesforce's JSON has numbers; the ledger keeps 12.50 as a text."""
    again = [collection(0, 200, {}, Amount=12.5), collection(1, 200, {"1": {"Amount": "12.50"}}, Amount=12.5)]
    assert [one.known for one in sent_again(WIRES[1], again, {})] == [True]
