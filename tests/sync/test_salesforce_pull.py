"""What people merge, delete, restore and purge in an org, as its polls and censuses tell of it."""

from __future__ import annotations

from collections.abc import Callable

from sync.catch_up import catch_up
from sync.census import Counted, take_census
from sync.state import mirror
from sync.state.engine import reading
from sync.state.ledger import WriteState
from tests.sync.harness import SALESFORCE, Deployment, Office
from tests.sync.test_census import arr_of, live, polled

OPEN = Callable[..., Office]


def deals_of(there: Office, account_id: str) -> set[str]:
    """Return the opportunities the mirror hangs under an account."""
    with reading(there.engine) as conn:
        return {one.source_id for one in mirror.current(conn, there.id, "Opportunity", [account_id])}


def paths(there: Office, mark: int) -> list[str]:
    """Return what was asked of the org since a mark, without version and parameters."""
    asked = [one["path"].partition(".0/")[2] for one in there.sandbox.requests(mark)]
    return [one.partition("?")[0].rstrip("/") for one in asked]


def test_accounts_merged_are_one_account(both: Deployment, office: OPEN) -> None:
    """The loser names its survivor: contracts of both count there, by hand 12,000 + 3,000 + 2,400 a year.

    One profile is left under the survivor, and what follows writes and withdraws nothing.
    """
    there = live(both, office, SALESFORCE)
    acorn, birch = (there.sandbox.lookup(f"account:{key}") for key in ("acorn", "birch"))
    assert len(there.written("CS_Profile__c")) == 3
    there.sandbox.edit("Account", birch, {}, merge=acorn)
    polled(there)
    assert arr_of(there, birch) == 17_400_00
    assert arr_of_nobody(there, acorn)
    assert len(deals_of(there, birch)) == 4  # ours among them
    there.settle()
    profiles = there.written("CS_Profile__c")
    assert f"profile:{acorn.lower()}" not in profiles
    assert float(profiles[f"profile:{birch.lower()}"]["CS_ARR__c"]) == 17_400
    assert [one["CS_Account__c"] for one in profiles.values()].count(birch) == 1
    assert [one for one in there.written("Opportunity") if one.startswith("renewal:")] == ["renewal:l-a1:1"]
    both.later(minutes=10)
    polled(there)
    for name in ("Account", "CS_Profile__c", "CS_Plan__c", "CS_Milestone__c"):
        assert take_census(there.ws, name) == Counted()
    mark = there.sandbox.mark()
    there.look_at_all()
    there.settle()
    assert [one for one in there.sandbox.requests(mark) if one["written"]] == []


def test_an_account_merged_into_a_new_one_shows_its_health_there(both: Deployment, office: OPEN) -> None:
    """The survivor was never read before: what stood on the loser's record stands on its, and stays."""
    there = live(both, office, SALESFORCE)
    acorn = there.sandbox.lookup("account:acorn")
    profile = there.written("CS_Profile__c")[f"profile:{acorn.lower()}"]["_record"]["Id"]
    fresh = there.sandbox.edit("Account", None, {"Name": "Acorn Group"})
    there.sandbox.edit("Account", fresh, {}, merge=acorn)
    for _ in range(2):
        both.later(minutes=10)
        polled(there)
        there.look_at_all()
        there.settle()
        (survivor,) = [one for one in there.sandbox.records("Account") if one["Id"] == fresh]
        assert survivor["CS_Profile__c"] == profile
    assert there.blocked() == []


def arr_of_nobody(there: Office, account_id: str) -> bool:
    """Return whether the mirror holds the account as gone."""
    with reading(there.engine) as conn:
        return mirror.find(conn, there.id, "Account", [account_id])[account_id].deleted


def test_a_chain_of_merges_read_at_once_ends_at_the_last_survivor(lite: Deployment, office: OPEN) -> None:
    """Acorn became Birch, which became Doc a minute later: one poll, one account."""
    there = live(lite, office, SALESFORCE)
    acorn, birch, doc = (there.sandbox.lookup(f"account:{key}") for key in ("acorn", "birch", "doc"))
    there.sandbox.edit("Account", birch, {}, merge=acorn)
    lite.later(minutes=1)
    there.sandbox.edit("Account", doc, {}, merge=birch)
    polled(there)
    there.settle()
    assert arr_of(there, doc) == 17_400_00
    assert list(there.written("CS_Profile__c")) == [f"profile:{doc.lower()}"]


def test_a_deleted_renewal_of_ours_is_a_decision(lite: Deployment, office: OPEN) -> None:
    """The poll reads the recycle bin: the row is buried and nothing makes it again."""
    there = live(lite, office, SALESFORCE)
    ours = there.row("Opportunity", "renewal:l-a1:1")
    there.sandbox.edit("Opportunity", ours.record_id, {}, delete=True)
    polled(there)
    there.look_at_all()
    there.settle()
    assert there.row("Opportunity", "renewal:l-a1:1").state is WriteState.TOMBSTONE
    assert "renewal:l-a1:1" not in there.written("Opportunity")


def test_a_deleted_account_keeps_no_profile_and_a_restored_one_has_it_again(
    lite: Deployment, office: OPEN
) -> None:
    """Its opportunities went with it and come back with it; its renewal too, as it was."""
    there = live(lite, office, SALESFORCE)
    acorn = there.sandbox.lookup("account:acorn")
    key = f"profile:{acorn.lower()}"
    there.sandbox.edit("Account", acorn, {}, delete=True)
    polled(there)
    there.settle()
    assert key not in there.written("CS_Profile__c")
    assert deals_of(there, acorn) == set()
    there.sandbox.edit("Account", acorn, {}, restore=True)
    polled(there)
    there.settle()
    assert arr_of(there, acorn) == 15_000_00
    assert key in there.written("CS_Profile__c")
    assert list(there.written("Opportunity")) == ["renewal:l-a1:1"]


def test_what_was_purged_between_two_polls_is_found_by_a_count(lite: Deployment, office: OPEN) -> None:
    """No query tells of it: one count sees that a record is missing, the delete log says which."""
    there = live(lite, office, SALESFORCE)
    acorn, deal = there.sandbox.lookup("account:acorn"), there.sandbox.lookup("deal:d-a1")
    there.sandbox.edit("Opportunity", deal, {}, delete=True)
    there.sandbox.edit("Opportunity", deal, {}, purge=True)
    polled(there)
    assert arr_of(there, acorn) == 15_000_00
    mark = there.sandbox.mark()
    assert take_census(there.ws, "Opportunity") == Counted(buried=1)
    assert paths(there, mark) == ["query", "sobjects/Opportunity/deleted"]
    assert arr_of(there, acorn) == 3_000_00
    mark = there.sandbox.mark()
    assert take_census(there.ws, "Opportunity") == Counted()
    assert paths(there, mark) == ["query"]


def test_what_the_delete_log_has_forgotten_the_ids_tell(lite: Deployment, office: OPEN) -> None:
    """A count, the log, the ids, and the suspect asked for by name: gone from everywhere."""
    there = live(lite, office, SALESFORCE)
    acorn, deal = there.sandbox.lookup("account:acorn"), there.sandbox.lookup("deal:d-a1")
    there.sandbox.edit("Opportunity", deal, {}, delete=True)
    there.sandbox.edit("Opportunity", deal, {}, purge=True)
    there.sandbox.post("replication", {"forget_deletions": True})
    polled(there)
    mark = there.sandbox.mark()
    assert take_census(there.ws, "Opportunity") == Counted(buried=1)
    assert paths(there, mark)[:4] == ["query", "sobjects/Opportunity/deleted", "query", "queryAll"]
    assert arr_of(there, acorn) == 3_000_00


def test_a_log_with_too_many_ids_is_read_in_shorter_windows(lite: Deployment, office: OPEN) -> None:
    """Two records purged hours apart, where the org gives one id at a time: both are named by the log."""
    there = live(lite, office, SALESFORCE)
    for ref in ("d-a1", "d-a2"):
        deal = there.sandbox.lookup(f"deal:{ref}")
        there.sandbox.edit("Opportunity", deal, {}, delete=True)
        there.sandbox.edit("Opportunity", deal, {}, purge=True)
        lite.later(hours=4)
    there.sandbox.post("replication", {"ids_cap": 1})
    there.poll()
    mark = there.sandbox.mark()
    assert take_census(there.ws, "Opportunity") == Counted(buried=2)
    asked = paths(there, mark)
    assert asked[0] == "query"
    assert set(asked[1:]) == {"sobjects/Opportunity/deleted"}
    mark = there.sandbox.mark()
    lite.later(hours=1)
    there.sandbox.edit("Opportunity", there.sandbox.lookup("deal:d-b1"), {}, delete=True)
    there.sandbox.edit("Opportunity", there.sandbox.lookup("deal:d-b1"), {}, purge=True)
    lite.later(minutes=5)
    there.poll()
    mark = there.sandbox.mark()
    assert take_census(there.ws, "Opportunity") == Counted(buried=1)
    assert paths(there, mark) == ["query", "sobjects/Opportunity/deleted"]  # from where the log was read to


def test_an_undelete_that_moved_no_stamp_is_found_by_a_census(lite: Deployment, office: OPEN) -> None:
    """Whatever time the record carries: what stands there is there."""
    there = live(lite, office, SALESFORCE)
    deal, acorn = there.sandbox.lookup("deal:d-a1"), there.sandbox.lookup("account:acorn")
    there.sandbox.edit("Opportunity", deal, {}, delete=True)
    polled(there)
    lite.later(minutes=-4)
    there.sandbox.edit("Opportunity", deal, {}, restore=True)
    lite.later(minutes=30)
    there.poll()
    lite.later(minutes=30)
    there.poll()
    take_census(there.ws, "Opportunity")
    assert deal in deals_of(there, acorn)


def test_without_any_push_a_day_finds_everything(lite: Deployment, office: OPEN) -> None:
    """Polls alone tell of a new name and a merge; the day's census of what was purged between two of them."""
    there = live(lite, office, SALESFORCE)
    acorn, birch, doc = (there.sandbox.lookup(f"account:{key}") for key in ("acorn", "birch", "doc"))
    deal = there.sandbox.lookup("deal:d-a1")
    there.sandbox.edit("Account", doc, {"Name": "Doctor"})
    there.sandbox.edit("Account", acorn, {}, merge=birch)
    there.sandbox.edit("Opportunity", deal, {}, delete=True)
    there.sandbox.edit("Opportunity", deal, {}, purge=True)
    lite.later(minutes=15)
    catch_up(there.ws, there.owner)
    assert arr_of(there, acorn) == 17_400_00
    lite.later(hours=24)
    catch_up(there.ws, there.owner)
    assert arr_of(there, acorn) == 5_400_00
    there.settle()
    profiles = there.written("CS_Profile__c")
    assert {key: one["Name"] for key, one in profiles.items()} == {
        f"profile:{acorn.lower()}": "Acorn",
        f"profile:{doc.lower()}": "Doctor",
    }
