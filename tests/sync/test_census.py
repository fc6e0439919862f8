"""Deletions, merges and restores no push tells of: found by a poll or a census, and followed like a push."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from integration.hubspot import census as portal_census
from sync.census import Counted, take_census
from sync.facts import Moment, assemble
from sync.state import mirror
from sync.state.engine import reading
from sync.state.ledger import WriteState
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
READ = ("companies", "deals", "line_items", "tickets")


def live(deployed: Deployment, office: OPEN, vendor: str = HUBSPOT, *options: str) -> Office:
    """Return an installation after its first run, ten minutes ago."""
    there = office(deployed, vendor, three_customers(), *options).install()
    there.load()
    there.go_live().settle()
    deployed.later(minutes=10)
    return there


def polled(there: Office) -> None:
    """Let five minutes pass and the poll after them."""
    there.deployment.later(minutes=5)
    there.poll()


def calls(there: Office, mark: int) -> list[str]:
    """Return what was asked of the portal since a mark, as the ends of the addresses."""
    return [one["path"].partition("/2026-09/")[2] for one in there.sandbox.requests(mark)]


def deals_of(there: Office, account_id: str) -> set[str]:
    """Return the deals the mirror hangs under an account."""
    with reading(there.engine) as conn:
        return {one.source_id for one in mirror.current(conn, there.id, "deals", [account_id])}


def arr_of(there: Office, account_id: str) -> int:
    """Return an account's yearly amounts as we know them, in cents."""
    moment = Moment(there.ws.day_of(there.deployment.now))
    with reading(there.engine) as conn:
        found = assemble(conn, there.ws, [account_id], moment)
    return sum(line.arr.minor for line in found.facts[account_id].lines)


def test_where_nothing_is_gone_a_census_is_one_call_an_object(lite: Deployment, office: OPEN) -> None:
    """Four objects are four searches, however many records stand there."""
    there = live(lite, office)
    polled(there)
    mark = there.sandbox.mark()
    assert [take_census(there.ws, name) for name in READ] == [Counted()] * 4
    assert [path.rpartition("/")[2] for path in calls(there, mark)] == ["search"] * 3


def test_a_deletion_no_push_told_of_is_found_in_three_calls(both: Deployment, office: OPEN) -> None:
    """A count, the record by its id, and the recycle bin: the contract counts no more from then on."""
    there = live(both, office)
    acorn, deal = there.sandbox.lookup("account:acorn"), there.sandbox.lookup("deal:d-a1")
    there.sandbox.edit("deals", deal, {}, delete=True)
    polled(there)
    there.settle()
    assert arr_of(there, acorn) == 15_000_00  # the poll sees nothing of it
    mark = there.sandbox.mark()
    assert take_census(there.ws, "deals") == Counted(buried=1)
    assert calls(there, mark) == ["deals/search", "deals/batch/read", "deals/batch/read?archived=true"]
    assert arr_of(there, acorn) == 3_000_00
    assert there.waiting_accounts() == 1
    with reading(there.engine) as conn:
        gone = mirror.find(conn, there.id, "deals", [deal])[deal]
    assert (gone.deleted, gone.source_at) == (True, both.now.replace(minute=both.now.minute - 5))
    assert take_census(there.ws, "deals") == Counted()


def test_a_renewal_of_ours_that_was_deleted_is_a_decision(lite: Deployment, office: OPEN) -> None:
    """Without a push too: its row is buried, nothing makes it again."""
    there = live(lite, office)
    ours = there.row("deals", "renewal:l-a1:1")
    there.sandbox.edit("deals", ours.record_id, {}, delete=True)
    polled(there)
    take_census(there.ws, "deals")
    there.look_at_all()
    there.settle()
    assert there.row("deals", "renewal:l-a1:1").state is WriteState.TOMBSTONE
    assert "renewal:l-a1:1" not in there.written("deals")


def test_what_search_does_not_know_yet_is_not_buried(lite: Deployment, office: OPEN) -> None:
    """A deal read when its push came, and not in the index yet, stays; the census asks the store."""
    there = live(lite, office, HUBSPOT, "--index-lag-seconds", "600")
    acorn = there.sandbox.lookup("account:acorn")
    values = {"dealname": "New", "pipeline": "default", "dealstage": "qualifiedtobuy"}
    links = [{"object": "companies", "id": acorn}]
    deal = there.sandbox.edit("deals", None, values, associations=links)
    there.tell("deal.creation", deal)
    there.drain()
    lite.later(minutes=5)
    mark = there.sandbox.mark()
    assert take_census(there.ws, "deals").buried == 0
    assert "deals/batch/read" in calls(there, mark)
    assert deal in deals_of(there, acorn)


def test_what_was_deleted_a_moment_ago_waits_for_the_next_census(lite: Deployment, office: OPEN) -> None:
    """It may have been a merge, which the next poll knows: it is left open until then."""
    there = live(lite, office)
    deal = there.sandbox.lookup("deal:d-a1")
    there.sandbox.edit("deals", deal, {}, delete=True)
    assert take_census(there.ws, "deals") == Counted(open=1)
    polled(there)
    assert take_census(there.ws, "deals") == Counted(buried=1)


@pytest.mark.parametrize("fresh", [False, True], ids=["into one of them", "into a third record"])
def test_companies_merged_without_a_push_are_one_account(both: Deployment, office: OPEN, fresh: bool) -> None:
    """The poll reads which records the survivor became of; contracts of both count there under one key."""
    there = live(both, office)
    acorn, birch = (there.sandbox.lookup(f"account:{key}") for key in ("acorn", "birch"))
    survivor = there.sandbox.edit("companies", birch, {}, merge=acorn, new_record=fresh)
    polled(there)
    assert arr_of(there, survivor) == 17_400_00
    assert len(deals_of(there, survivor)) == 4  # ours among them
    key = f"profile:{acorn if fresh else birch}"  # of two that are gone, the older one's
    there.settle()
    assert float(there.written(there.own("profile"))[key]["cs_arr"]) == 17_400
    assert there.row("companies", key).record_id == survivor
    company = next(one for one in there.sandbox.records("companies") if one["id"] == survivor)
    assert float(company["properties"]["cs_arr"]) == 17_400
    renewals = [one for one in there.written("deals") if one.startswith("renewal:")]
    assert renewals == ["renewal:l-a1:1"]
    both.later(minutes=5)
    mark = there.sandbox.mark()
    assert take_census(there.ws, "companies") == Counted()
    assert len(there.sandbox.requests(mark)) == 1


def test_a_merge_the_recycle_bin_does_not_tell_of_is_no_deletion(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A census comes before the poll that knows the survivor: it has that read first, and nothing is lost."""
    there = live(lite, office)
    polled(there)
    acorn, birch = (there.sandbox.lookup(f"account:{key}") for key in ("acorn", "birch"))
    lite.later(minutes=1)
    there.sandbox.edit("companies", birch, {}, merge=acorn)
    monkeypatch.setattr(portal_census, "RECYCLE_BIN", "?archived=false")
    take_census(there.ws, "companies")
    assert arr_of(there, birch) == 17_400_00
    assert len(deals_of(there, birch)) == 4  # ours among them


def test_deals_merged_without_a_push_keep_their_lines(both: Deployment, office: OPEN) -> None:
    """The lines of the deal that went hang under the other and count as before."""
    there = live(both, office)
    acorn = there.sandbox.lookup("account:acorn")
    first, second = there.sandbox.lookup("deal:d-a1"), there.sandbox.lookup("deal:d-a2")
    there.sandbox.edit("deals", second, {}, merge=first)
    polled(there)
    assert first not in deals_of(there, acorn)
    assert arr_of(there, acorn) == 15_000_00


def test_our_renewal_merged_into_a_persons_deal_goes_on_as_that(both: Deployment, office: OPEN) -> None:
    """The row follows its record; no second renewal is made."""
    there = live(both, office)
    acorn = there.sandbox.lookup("account:acorn")
    values = {"dealname": "Ann's", "pipeline": "default", "dealstage": "qualifiedtobuy"}
    links = [{"object": "companies", "id": acorn}]
    theirs = there.sandbox.edit("deals", None, values, associations=links)
    there.sandbox.edit("deals", theirs, {}, merge=there.row("deals", "renewal:l-a1:1").record_id)
    polled(there)
    there.look_at_all()
    there.settle()
    assert there.row("deals", "renewal:l-a1:1").record_id == theirs
    assert there.written("deals")["renewal:l-a1:1"]["_record"]["id"] == theirs


def test_a_restored_company_is_alive_again(both: Deployment, office: OPEN) -> None:
    """Found by the census as somebody nobody told of: looked at, and its properties are kept true again."""
    there = live(both, office)
    birch = there.sandbox.lookup("account:birch")
    there.sandbox.edit("companies", birch, {}, delete=True)
    polled(there)
    assert take_census(there.ws, "companies") == Counted(buried=1)
    there.settle()
    assert there.row("companies", f"profile:{birch}").state is WriteState.TOMBSTONE
    there.sandbox.edit("companies", birch, {"cs_stage": "churned"}, restore=True)
    there.sandbox.edit("companies", birch, {"cs_stage": "churned"})
    assert take_census(there.ws, "companies") == Counted(found=1)
    there.settle()
    assert there.row("companies", f"profile:{birch}").state is WriteState.ACKNOWLEDGED
    company = next(one for one in there.sandbox.records("companies") if one["id"] == birch)
    assert company["properties"]["cs_stage"] == "onboarding"


def test_a_company_deleted_while_it_was_first_read_leaves_nothing_waiting(
    both: Deployment, office: OPEN
) -> None:
    """What was made and could not hang under it goes again; once it is restored, all of it is made."""
    there = office(both, HUBSPOT, three_customers()).install()
    there.load()
    acorn = there.sandbox.lookup("account:acorn")
    there.sandbox.edit("companies", acorn, {}, delete=True)
    there.go_live().settle()
    put_off = there.row("cs_profile", f"profile:{acorn}")
    assert (put_off.state, put_off.error_code is None) == (WriteState.SENT, False)  # it may be restored
    both.later(minutes=10)
    polled(there)
    assert take_census(there.ws, "companies") == Counted(buried=1)
    there.settle()
    assert there.blocked() == []
    assert {state for name, state in there.states() if name == "cs_profile"} == {WriteState.ACKNOWLEDGED}
    assert f"profile:{acorn}" not in there.written(there.own("profile"))
    there.sandbox.edit("companies", acorn, {}, restore=True)
    polled(there)
    there.settle()
    assert there.row("cs_profile", f"profile:{acorn}").state is WriteState.ACKNOWLEDGED
    assert there.row("deals", "renewal:l-a1:1").state is WriteState.ACKNOWLEDGED


def test_a_deletion_told_with_a_later_time_does_not_keep_a_record_buried(
    lite: Deployment, office: OPEN
) -> None:
    """Whatever the deletion's time and the record's own: what stands there is there."""
    there = live(lite, office)
    deal, acorn = there.sandbox.lookup("deal:d-a1"), there.sandbox.lookup("account:acorn")
    ahead = int(lite.now.timestamp() * 1000) + 3_600_000
    there.tell("deal.deletion", deal, occurredAt=ahead)
    there.drain()
    assert deal not in deals_of(there, acorn)
    assert take_census(there.ws, "deals") == Counted(found=1)
    assert deal in deals_of(there, acorn)
