"""HubSpot makes a record by one call and links it by another; what the second cannot hang goes again.

The account went in between, and nobody has told us yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from integration.hubspot.associate import Pair
from integration.hubspot.write import Writer, failed_results
from integration.port import Refusal, RowError, Signal, SignalKind
from sync.bury import bury
from sync.census import take_census
from sync.state.engine import writing
from sync.state.ledger import WriteState
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers
from tests.sync.test_census import polled

OPEN = Callable[..., Office]
ENDS = ("deleted", "merged")
DAY = 24 * 60


def wanted(deployment: Deployment, office: OPEN) -> Office:
    """Return a portal of three customers with everything of ours wanted and nothing written."""
    there = office(deployment, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live().look()
    return there


def lose(there: Office, account: str, end: str) -> str:
    """Delete a company, or merge it with another into a third record, without a word; return its id."""
    gone = there.sandbox.lookup(f"account:{account}")
    if end == "deleted":
        there.sandbox.edit("companies", gone, {}, delete=True)
    else:
        survivor = there.sandbox.lookup("account:acorn" if account != "acorn" else "account:birch")
        there.sandbox.edit("companies", survivor, {}, merge=gone, new_record=True)
    return gone


def hear(there: Office) -> None:
    """Have merges polled and deletions counted, and everything done that follows till the next day."""
    polled(there)
    take_census(there.ws, "companies")
    for minutes in (10, DAY):
        there.deployment.later(minutes=minutes)
        there.look_at_all()
        there.settle()


def ours_under(there: Office, account: str) -> list[str]:
    """Return the keys of what stands of ours for an account that is gone."""
    names = [there.own(kind) for kind in ("profile", "plan", "milestone")]
    return [key for name in names for key in there.written(name) if f":{account}" in key]


@pytest.mark.usefixtures("one_try")
@pytest.mark.parametrize("end", ENDS)
def test_what_was_made_and_linked_unheard_goes_with_its_account(
    both: Deployment, office: OPEN, end: str
) -> None:
    """The links' answer is lost, the account goes, the second try is refused: nothing stands under nobody."""
    there = wanted(both, office)
    there.sandbox.fault("drop_response", f"{there.own('milestone')}/companies/batch", times=9)
    there.push()
    there.sandbox.heal()
    assert there.states()["cs_milestone", WriteState.SENT] == 4
    birch = lose(there, "birch", end)
    both.later(minutes=1)
    there.push()
    hear(there)
    assert ours_under(there, birch) == []
    assert [name for name, _ in there.states() if name in ("cs_milestone", "cs_plan")] == []
    assert there.blocked() == []


@pytest.mark.parametrize("end", ENDS)
def test_what_was_made_and_could_not_be_linked_goes_once_we_hear_of_it(
    both: Deployment, office: OPEN, end: str
) -> None:
    """A profile of nobody would count in every report."""
    there = wanted(both, office)
    lose(there, "acorn", end)
    there.push()
    hear(there)
    companies = {one["id"] for one in there.sandbox.records("companies")}
    profiles = there.written(there.own("profile"))
    for one in profiles.values():
        ends = one["_record"]["associations"]["companies"]["results"]
        assert {end["id"] for end in ends} <= companies
    assert len(profiles) == 2
    assert {state for _, state in there.states()} <= {WriteState.ACKNOWLEDGED, WriteState.TOMBSTONE}


def test_one_that_stays_blocked_without_its_links_goes_with_its_account(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The portal lets us make records and link none: they stand, and wait for an admin."""
    there = wanted(lite, office)

    def refuse(_portal: object, _source: str, _target: str, pairs: Iterable[Pair]) -> dict[Pair, RowError]:
        return dict.fromkeys(pairs, RowError(Refusal.PERMISSION, "MISSING_SCOPES", "not yours to link"))

    with monkeypatch.context() as patched:
        patched.setattr("integration.hubspot.write.write_links", refuse)
        there.push()
    acorn = there.sandbox.lookup("account:acorn")
    assert there.row("cs_profile", f"profile:{acorn}").state is WriteState.BLOCKED
    assert ours_under(there, acorn) == [f"profile:{acorn}"]
    lose(there, "acorn", "deleted")
    hear(there)
    assert ours_under(there, acorn) == []


@pytest.mark.usefixtures("one_try")
def test_what_was_found_by_its_key_and_refused_then_goes_with_its_account(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made, its links' answer lost, and on the second try we may write no more: it is known to stand."""
    there = wanted(lite, office)
    there.sandbox.fault("drop_response", f"{there.own('milestone')}/companies/batch", times=9)
    there.push()
    there.sandbox.heal()
    birch, refusal = (
        there.sandbox.lookup("account:birch"),
        RowError(Refusal.PERMISSION, "MISSING_SCOPES", "no"),
    )
    with monkeypatch.context() as patched:
        patched.setattr(
            Writer, "_send", lambda _writer, _name, batch: failed_results(batch.rows.values(), refusal)
        )
        lite.later(minutes=1)
        there.push()
    assert there.states()["cs_milestone", WriteState.BLOCKED] == 4
    lose(there, "birch", "deleted")
    hear(there)
    assert ours_under(there, birch) == []


@pytest.mark.usefixtures("one_try")
@pytest.mark.parametrize("end", ENDS)
def test_a_deal_people_have_worked_on_stays(lite: Deployment, office: OPEN, end: str) -> None:
    """Its links were made and their answer lost; somebody has it in hand by the time its company goes."""
    there = wanted(lite, office)
    there.sandbox.fault("drop_response", "deals/companies/batch", times=9)
    there.push()
    there.sandbox.heal()
    assert there.row("deals", "renewal:l-a1:1").state is WriteState.SENT
    deal = there.written("deals")["renewal:l-a1:1"]["_record"]["id"]
    lite.later(minutes=1)
    there.sandbox.edit("deals", deal, {"amount": "14000"})
    lose(there, "acorn", end)
    polled(there)
    take_census(there.ws, "companies")
    there.push()
    assert [one["properties"]["amount"] for one in there.sandbox.records("deals") if one["id"] == deal] == [
        "14000"
    ]


def test_what_was_refused_under_the_heir_of_a_merge_does_not_wait(lite: Deployment, office: OPEN) -> None:
    """The survivor goes on under its key and wants it anew: nothing is tried again under who is gone."""
    there = wanted(lite, office)
    gone = lose(there, "acorn", "merged")
    there.push()
    assert there.row("deals", "renewal:l-a1:1").state is WriteState.PENDING
    polled(there)
    there.settle()
    assert {state for _, state in there.states()} <= {WriteState.ACKNOWLEDGED, WriteState.TOMBSTONE}
    there.deployment.later(minutes=DAY)
    there.look_at_all()
    there.settle()
    ends = there.written("deals")["renewal:l-a1:1"]["_record"]["associations"]["companies"]["results"]
    assert {one["id"] for one in ends} & {gone} == set()


@pytest.mark.usefixtures("one_try")
@pytest.mark.parametrize("heard_first", [True, False], ids=["heard of before the second try", "after it"])
def test_what_the_survivor_does_not_want_of_its_heir_is_taken_back(
    both: Deployment, office: OPEN, heard_first: bool
) -> None:
    """A plan whose links' answer was lost; merged with a customer of long standing, nobody is onboarded.

    The survivor goes on under the heir's key, so that the plan's row is no other account's.
    """
    book = three_customers().account("fir", "Fir")
    book.sold("fir", "f1", "2024-03-01", "2026-03-01", "900")
    there = office(both, HUBSPOT, book).install()
    there.load()
    there.go_live().look()
    there.sandbox.fault("drop_response", f"{there.own('plan')}/companies/batch", times=9)
    there.push()
    there.sandbox.heal()
    assert there.states()["cs_plan", WriteState.SENT] == 1
    birch, fir = (there.sandbox.lookup(f"account:{key}") for key in ("birch", "fir"))
    there.sandbox.edit("companies", fir, {}, merge=birch, new_record=True)
    both.later(minutes=1)
    if heard_first:
        polled(there)
    there.push()
    hear(there)
    assert ours_under(there, birch) == [f"profile:{birch}"]
    assert {state for _, state in there.states()} <= {WriteState.ACKNOWLEDGED, WriteState.TOMBSTONE}


@pytest.mark.usefixtures("one_try")
@pytest.mark.parametrize("read", [True, False], ids=["read with the news", "not read yet"])
def test_what_the_survivor_wants_of_its_heir_goes_on(both: Deployment, office: OPEN, read: bool) -> None:
    """A profile whose link's answer was lost waits for the survivor's look, and is the survivor's record.

    A webhook tells of the merge before the survivor is read, and who reads may be killed in between.
    """
    there = wanted(both, office)
    there.sandbox.fault("drop_response", f"{there.own('profile')}/companies/batch", times=9)
    there.push()
    there.sandbox.heal()
    acorn = there.sandbox.lookup("account:acorn")
    made = there.written(there.own("profile"))[f"profile:{acorn}"]["_record"]["id"]
    assert there.row("cs_profile", f"profile:{acorn}").state is WriteState.SENT
    lost = [lose(there, "acorn", "merged"), there.sandbox.lookup("account:birch")]
    if read:
        polled(there)
        both.later(minutes=2)
    else:
        survivor = max((one["id"] for one in there.sandbox.records("companies")), key=int)
        merged = Signal("companies", survivor, SignalKind.MERGED, both.now, tuple(lost))
        with writing(there.engine) as conn:
            bury(conn, there.ws, [merged])
        both.later(minutes=1)
        there.look()
    there.push()
    assert there.written(there.own("profile"))[f"profile:{acorn}"]["_record"]["id"] == made
    polled(there)
    hear(there)
    kept = there.written(there.own("profile"))[f"profile:{acorn}"]["_record"]
    survivors = {one["id"] for one in there.sandbox.records("companies")}
    assert kept["id"] == made
    assert {end["id"] for end in kept["associations"]["companies"]["results"]} <= survivors
