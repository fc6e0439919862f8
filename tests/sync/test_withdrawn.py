"""What stands under an account that is gone is taken back, so that no report counts a customer twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from integration.hubspot.port import HubSpotPort
from integration.port import RowError, Unavailable
from sync import look as looking
from sync.census import take_census
from sync.mended import retry_blocked
from sync.state import ledger, waiting
from sync.state.engine import reading, writing
from sync.state.leases import Lease
from sync.state.ledger import Acknowledgement, WriteState
from sync.withdraw import take_back
from tests.sync.harness import HUBSPOT, SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers
from tests.sync.test_census import live, polled

OPEN = Callable[..., Office]
NO_SCOPE = {
    "status": "error",
    "category": "MISSING_SCOPES",
    "message": "This app hasn't been granted all required scopes to make this call.",
    "errors": [{"message": "One or more of the following scopes are required.", "code": "MISSING_SCOPES"}],
}


@pytest.mark.parametrize("fresh", [False, True], ids=["into one of them", "into a third record"])
def test_a_merge_leaves_one_profile(both: Deployment, office: OPEN, fresh: bool) -> None:
    """Two customers become one: three profiles become two, and what follows writes and withdraws nothing."""
    there = live(both, office)
    acorn, birch = (there.sandbox.lookup(f"account:{key}") for key in ("acorn", "birch"))
    assert len(there.written(there.own("profile"))) == 3
    there.sandbox.edit("companies", birch, {}, merge=acorn, new_record=fresh)
    polled(there)
    there.settle()
    gone, stays = (birch, acorn) if fresh else (acorn, birch)
    kept = there.written(there.own("profile"))
    assert len(kept) == 2
    assert f"profile:{gone}" not in kept
    assert float(kept[f"profile:{stays}"]["cs_arr"]) == 17_400
    for kind in ("plan", "milestone"):
        held = there.written(there.own(kind))
        assert [one for one in held if gone in one] == []
    both.later(minutes=10)
    polled(there)
    for name in ("cs_profile", "cs_plan", "cs_milestone"):
        take_census(there.ws, name)
    mark = there.sandbox.mark()
    there.look_at_all()
    there.settle()
    assert [one for one in there.sandbox.requests(mark) if one["written"]] == []


def test_a_deleted_company_keeps_no_profile_and_a_restored_one_has_it_again(
    both: Deployment, office: OPEN
) -> None:
    """Its profile, plan and milestones go with it; the renewal deal is people's and stays."""
    there = live(both, office)
    acorn = there.sandbox.lookup("account:acorn")
    deals = len(there.sandbox.records("deals"))
    there.sandbox.edit("companies", acorn, {}, delete=True)
    polled(there)
    take_census(there.ws, "companies")
    there.settle()
    assert f"profile:{acorn}" not in there.written(there.own("profile"))
    assert len(there.sandbox.records("deals")) == deals
    there.sandbox.edit("companies", acorn, {}, restore=True)
    polled(there)
    there.settle()
    assert there.row("cs_profile", f"profile:{acorn}").state is WriteState.ACKNOWLEDGED
    assert f"profile:{acorn}" in there.written(there.own("profile"))


def test_one_restored_before_its_profile_was_taken_back_keeps_it(lite: Deployment, office: OPEN) -> None:
    """Nothing was withdrawn yet, and it is wanted again: the same record goes on."""
    there = live(lite, office)
    acorn = there.sandbox.lookup("account:acorn")
    record = there.row("cs_profile", f"profile:{acorn}").record_id
    there.sandbox.edit("companies", acorn, {}, delete=True)
    polled(there)
    take_census(there.ws, "companies")
    assert there.row("cs_profile", f"profile:{acorn}").state is WriteState.WITHDRAW
    there.sandbox.edit("companies", acorn, {}, restore=True)
    polled(there)
    there.look()
    there.push()
    row = there.row("cs_profile", f"profile:{acorn}")
    assert (row.state, row.record_id) == (WriteState.ACKNOWLEDGED, record)


def test_an_account_restored_before_its_profile_was_taken_back_names_the_new_one(
    lite: Deployment, office: OPEN
) -> None:
    """The profile came back with the account, went with the withdrawal that was due, and was made anew."""
    there = live(lite, office, SALESFORCE)
    acorn = there.sandbox.lookup("account:acorn")
    there.sandbox.edit("Account", acorn, {}, delete=True)
    polled(there)
    take_census(there.ws, "Account")
    there.sandbox.edit("Account", acorn, {}, restore=True)
    take_back(there.ws)
    polled(there)
    take_census(there.ws, "Account")
    there.settle()
    profiles = {one["CS_Account__c"]: one["Id"] for one in there.written("CS_Profile__c").values()}
    accounts = {one["Id"]: one["CS_Profile__c"] for one in there.sandbox.records("Account")}
    assert accounts[acorn] == profiles[acorn]


def test_an_account_that_came_back_before_we_heard_that_it_went_has_all_of_its_own(
    lite: Deployment, office: OPEN
) -> None:
    """HubSpot makes the deal and refuses its link: no news of that ever comes, so it is tried again."""
    there = office(lite, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live().look()
    acorn = there.sandbox.lookup("account:acorn")
    there.sandbox.edit("companies", acorn, {}, delete=True)
    there.push()
    there.sandbox.edit("companies", acorn, {}, restore=True)
    lite.later(minutes=1)
    there.settle()
    assert there.blocked() == []
    renewal = next(one for key, one in there.written("deals").items() if "a1" in key)
    ends = renewal["_record"]["associations"]["companies"]["results"]
    assert {one["id"] for one in ends} == {acorn}
    assert there.row("companies", f"profile:{acorn}").state is WriteState.ACKNOWLEDGED


def test_news_of_a_deletion_that_comes_after_the_restore_was_read_buries_nothing(
    lite: Deployment, office: OPEN
) -> None:
    """The company stands, and so does what we want on it."""
    there = live(lite, office)
    acorn = there.sandbox.lookup("account:acorn")
    there.sandbox.edit("companies", acorn, {}, delete=True)
    late = there.deployment.now
    lite.later(minutes=1)
    there.sandbox.edit("companies", acorn, {}, restore=True)
    polled(there)
    there.tell("company.deletion", acorn, occurredAt=int(late.timestamp() * 1000))
    there.drain()
    states = {there.row(name, f"profile:{acorn}").state for name in ("companies", "cs_profile")}
    assert WriteState.TOMBSTONE not in states
    assert WriteState.WITHDRAW not in states


def test_a_withdrawal_whose_answer_is_lost_is_made_again(lite: Deployment, office: OPEN) -> None:
    """HubSpot archived the profile and we did not hear of it: asked again, nothing else changes."""
    there = live(lite, office)
    acorn = there.sandbox.lookup("account:acorn")
    there.sandbox.edit("companies", acorn, {}, delete=True)
    polled(there)
    take_census(there.ws, "companies")
    there.sandbox.fault("drop_response", "cs_profile/batch/archive")
    there.settle()
    assert f"profile:{acorn}" not in there.written(there.own("profile"))
    assert len(there.written(there.own("profile"))) == 2
    assert there.states().get(("cs_profile", WriteState.WITHDRAW), 0) == 0


def test_on_a_starter_portal_there_is_nothing_to_take_back(lite: Deployment, office: OPEN) -> None:
    """Everything stood on the company itself, which is gone; its tasks are people's."""
    there = live(lite, office, HUBSPOT, "--tier", "starter")
    acorn = there.sandbox.lookup("account:acorn")
    tasks = len(there.sandbox.records("tasks"))
    there.sandbox.edit("companies", acorn, {}, delete=True)
    polled(there)
    take_census(there.ws, "companies")
    mark = there.sandbox.mark()
    there.settle()
    assert [one for one in there.sandbox.requests(mark) if "archive" in one["path"]] == []
    assert len(there.sandbox.records("tasks")) == tasks


@pytest.mark.usefixtures("one_try")
@pytest.mark.parametrize("landed", [True, False], ids=["written all the same", "never written"])
def test_what_was_on_its_way_when_the_account_went_is_asked_for_and_taken_back(
    both: Deployment, office: OPEN, landed: bool
) -> None:
    """A write without an answer ends with its account: nothing stands, and nothing waits for its parent."""
    there = office(both, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live().look()
    there.sandbox.fault("drop_response" if landed else "reset", "cs_milestone/batch/upsert")
    with pytest.raises(Unavailable):
        there.push()
    assert there.states()["cs_milestone", WriteState.SENT] == 4
    assert len(there.written(there.own("milestone"))) == (4 if landed else 0)
    birch = there.sandbox.lookup("account:birch")
    there.sandbox.edit("companies", birch, {}, delete=True)
    there.tell("company.deletion", birch)
    both.later(minutes=10)
    there.settle()
    assert there.written(there.own("milestone")) == {}
    assert there.written(there.own("plan")) == {}
    assert [name for name, _ in there.states() if name in ("cs_milestone", "cs_plan")] == []


def test_an_answer_that_comes_after_its_account_went_is_taken_back_too(
    lite: Deployment, office: OPEN
) -> None:
    """The push that was under way enters what the CRM took, and the next one withdraws it."""
    there = office(lite, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live().look()
    birch, now = there.sandbox.lookup("account:birch"), lite.now
    there.push()
    lease = Lease("slow", now, 120, 10)
    with writing(there.engine) as conn:
        ledger.reopen(conn, there.id, "cs_plan", [f"plan:{birch}:onboarding:1"], recreate=True)
        rows = ledger.mark_sent(conn, there.id, now, ledger.claim_pending(conn, there.id, "cs_plan", lease))
    assert [row.account_id for row in rows] == [birch]
    there.sandbox.edit("companies", birch, {}, delete=True)
    there.tell("company.deletion", birch)
    there.drain()
    record = str(there.written(there.own("plan"))[rows[0].key]["_record"]["id"])
    with writing(there.engine) as conn:
        assert ledger.acknowledge(conn, there.id, now, [Acknowledgement(rows[0], record, {})]) == 1
    assert there.row("cs_plan", rows[0].key).state is WriteState.WITHDRAW
    there.settle()
    assert there.written(there.own("plan")) == {}


def test_what_hubspot_keeps_is_shown_as_blocked_and_keeps_back_no_write(
    both: Deployment, office: OPEN
) -> None:
    """Without the scope nothing of ours can be archived: others are written, and it goes once it is given."""
    there = live(both, office)
    acorn, birch = (there.sandbox.lookup(f"account:{key}") for key in ("acorn", "birch"))
    gone_with(there, birch)
    mark = there.sandbox.mark()
    there.sandbox.fault("status", "/batch/archive", times=100, status=403, body=NO_SCOPE)
    with writing(there.engine) as conn:
        ledger.reopen(conn, there.id, "cs_profile", [f"profile:{acorn}"], recreate=True)
    there.settle()
    assert there.row("cs_profile", f"profile:{acorn}").state is WriteState.ACKNOWLEDGED
    assert {row.key for row in there.blocked() if row.object == "cs_profile"} == {f"profile:{birch}"}
    assert all("MISSING_SCOPES" in str(row.error_message) for row in there.blocked())
    assert asked_to_archive(there, mark) == [there.own(kind) for kind in ("milestone", "plan", "profile")]
    there.settle()
    assert len(asked_to_archive(there, mark)) == 3  # not before its time
    there.sandbox.heal()
    assert retry_blocked(there.ws) == 6  # four milestones, their plan, the profile
    there.settle()
    assert there.blocked() == []
    assert f"profile:{birch}" not in there.written(there.own("profile"))


def test_what_hubspot_keeps_is_asked_for_again_by_itself(lite: Deployment, office: OPEN) -> None:
    """After the curve's first step, without anybody's word."""
    there = live(lite, office)
    birch = there.sandbox.lookup("account:birch")
    gone_with(there, birch)
    there.sandbox.fault("status", "/batch/archive", times=3, status=403, body=NO_SCOPE)
    there.settle()
    assert f"profile:{birch}" in there.written(there.own("profile"))
    lite.later(seconds=5)
    there.settle()
    assert f"profile:{birch}" not in there.written(there.own("profile"))
    assert there.blocked() == []


def test_of_what_salesforce_has_locked_the_rest_is_taken_back(lite: Deployment, office: OPEN) -> None:
    """Every third record is another transaction's; it goes a little later, and is nobody's matter before."""
    there = live(lite, office, SALESFORCE)
    birch = there.sandbox.lookup("account:birch")
    there.sandbox.edit("Account", birch, {}, delete=True)
    polled(there)
    take_census(there.ws, "Account")
    before = len(there.written("CS_Milestone__c"))
    there.sandbox.fault("locked_rows", "composite/sobjects", times=1)
    take_back(there.ws)
    held = there.states()["CS_Milestone__c", WriteState.WITHDRAW]
    assert 0 < held < before
    assert there.blocked() == []
    lite.later(seconds=5)
    take_back(there.ws)
    assert ("CS_Milestone__c", WriteState.WITHDRAW) not in there.states()


def test_an_org_that_refuses_the_whole_call_holds_up_no_write(lite: Deployment, office: OPEN) -> None:
    """Our user may delete nothing: renewals are written all the same, and the admin reads why."""
    there = live(lite, office, SALESFORCE)
    birch = there.sandbox.lookup("account:birch")
    there.sandbox.edit("Account", birch, {}, delete=True)
    polled(there)
    take_census(there.ws, "Account")
    words = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "you may delete nothing"}]
    there.sandbox.fault("status", "composite/sobjects?ids", times=9, status=403, body=words)
    with writing(there.engine) as conn:
        ledger.reopen(conn, there.id, "Opportunity", ["renewal:l-a1:1"], recreate=True)
    there.settle()
    assert there.row("Opportunity", "renewal:l-a1:1").state is WriteState.ACKNOWLEDGED
    kept = {row.object: str(row.error_message) for row in there.blocked()}
    assert kept.keys() == {"CS_Milestone__c", "CS_Plan__c", "CS_Profile__c"}
    assert all("you may delete nothing" in message for message in kept.values())


def test_what_is_kept_is_counted_as_blocked_and_not_as_work_left_behind(
    lite: Deployment, office: OPEN
) -> None:
    """Else the doctor would send an admin to look after workers that are well."""
    there = live(lite, office)
    gone_with(there, there.sandbox.lookup("account:birch"))
    there.sandbox.fault("status", "/batch/archive", times=9, status=403, body=NO_SCOPE)
    there.settle()
    with reading(there.engine) as conn:
        counted = sum(one.rows for one in waiting.blocked_writes(conn))
        left = [one for one in waiting.waits(conn) if one.queue is waiting.Queue.LEDGER]
    assert (counted, left) == (len(there.blocked()), [])


def test_what_is_wanted_again_while_it_is_taken_back_is_made_anew(
    both: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account was restored, and looked at, while HubSpot archived its milestones."""
    there = live(both, office)
    birch = there.sandbox.lookup("account:birch")
    gone_with(there, birch)
    there.look()
    there.sandbox.edit("companies", birch, {}, restore=True)
    both.later(minutes=1)
    polled(there)
    archive = HubSpotPort.withdraw

    def meanwhile(port: HubSpotPort, object_name: str, ids: Sequence[str]) -> Mapping[str, RowError]:
        kept = archive(port, object_name, ids)
        there.look()
        return kept

    with monkeypatch.context() as patched:
        patched.setattr(HubSpotPort, "withdraw", meanwhile)
        take_back(there.ws)
    there.settle()
    standing = {key: one["_record"]["id"] for key, one in there.written(there.own("milestone")).items()}
    assert len(standing) == 4
    rows = [there.row("cs_milestone", key) for key in standing]
    assert {row.key: row.record_id for row in rows} == standing
    assert {row.state for row in rows} == {WriteState.ACKNOWLEDGED}


@pytest.mark.parametrize("end", ["deleted", "merged"])
def test_a_look_under_way_wants_nothing_of_an_account_that_went_meanwhile(
    both: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """Decided before the news of it came, and entered after: a slow machine's first look."""
    there = office(both, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live()
    acorn, birch = (there.sandbox.lookup(f"account:{key}") for key in ("acorn", "birch"))
    enter = looking._enter

    def late(*decided: Any) -> looking.Looked:
        monkeypatch.setattr(looking, "_enter", enter)
        if end == "deleted":
            gone_with(there, birch)
        else:
            there.sandbox.edit("companies", acorn, {}, merge=birch)
            polled(there)
        return enter(*decided)

    monkeypatch.setattr(looking, "_enter", late)
    there.settle()
    names = [there.own(kind) for kind in ("profile", "plan", "milestone")]
    assert [key for name in names for key in there.written(name) if f":{birch}" in key] == []
    assert f"profile:{acorn}" in there.written(names[0])


def gone_with(there: Office, company: str) -> None:
    """Delete a company, and have it heard of."""
    there.sandbox.edit("companies", company, {}, delete=True)
    polled(there)
    take_census(there.ws, "companies")


def asked_to_archive(there: Office, mark: int) -> list[str]:
    """Return the objects HubSpot was asked to archive records of, in order."""
    paths = [one["path"] for one in there.sandbox.requests(mark)]
    return [path.split("/")[-3] for path in paths if path.endswith("batch/archive")]
