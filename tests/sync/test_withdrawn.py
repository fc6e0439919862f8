"""What stands under an account that is gone is taken back, so that no report counts a customer twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync.census import take_census
from sync.state.ledger import WriteState
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.test_census import live, polled

OPEN = Callable[..., Office]


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
