"""What the demo promises over a made-up portfolio: parity of both CRMs, and what was planted is found."""

from __future__ import annotations

from datetime import date, timedelta
from statistics import mean

import pytest

from tests.promises.demo_run import VENDORS, Run
from tests.promises.least_calls import calls

AS_OF = date(2026, 6, 30)
SAME_IN_BOTH = (
    "accounts", "contract_lines", "arr", "usage_quarantined", "profiles_written", "bands", "milestones",
    "renewals_created", "expansions_created", "explained", "events", "blocked", "second_run_writes",
)  # fmt: skip
ADOPTED_WITHIN = timedelta(days=60)  # default charter: adopt_within_days


def test_both_crms_agree(made_up: Run) -> None:
    """The same facts give the same accounts, bands, milestones, deals, ARR and words in both CRMs."""
    hubspot, salesforce = (made_up.report[vendor] for vendor in VENDORS)
    assert {name: hubspot[name] for name in SAME_IN_BOTH} == {name: salesforce[name] for name in SAME_IN_BOTH}


def test_what_stands_in_both_crms_is_the_same(made_up: Run) -> None:
    """Every account has the same points, and every deal the same account and due day, in both CRMs."""
    hubspot, salesforce = (made_up.crm(vendor) for vendor in VENDORS)
    assert hubspot.health() == salesforce.health()
    for kind in ("renewal", "expansion"):
        stand = [
            sorted(
                (account, deal[crm.field("due_on")], deal[crm.field("reason")])
                for account, deal in crm.deals(kind)
            )
            for crm in (hubspot, salesforce)
        ]
        assert stand[0] == stand[1] != []


@pytest.mark.parametrize("vendor", VENDORS)
def test_nothing_is_blocked_or_written_twice(made_up: Run, vendor: str) -> None:
    """No write is refused by the CRM, and neither a second install nor a second run changes anything."""
    found = made_up.report[vendor]
    assert (found["blocked"], found["installed_again_changes"], found["second_run_writes"]) == (0, 0, 0)
    assert (found["accounts"], found["profiles_written"]) == (60, 60)


@pytest.mark.parametrize("vendor", VENDORS)
def test_calls_are_within_a_quarter_of_the_least_possible(made_up: Run, vendor: str) -> None:
    """The bound holds for a small portfolio too, where every odd call weighs most."""
    counted = calls(made_up.home, vendor, on_deal=False)
    assert counted.made == made_up.report[vendor]["calls"]["made"]
    assert counted.made <= 1.25 * counted.least


@pytest.mark.parametrize("vendor", VENDORS)
def test_expansion_is_proposed_where_it_was_planted(made_up: Run, vendor: str) -> None:
    """Every account whose seats are nearly full got an expansion deal, and no other account did."""
    planted = made_up.truth()["expansion_ready"]
    assert len(planted) == 4
    assert sorted(account for account, _ in made_up.crm(vendor).deals("expansion")) == sorted(planted)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_renewal_a_person_opened_is_not_doubled(made_up: Run, vendor: str) -> None:
    """Accounts with an open renewal deal of their sales people have none of ours near its closing day."""
    crm, planted = made_up.crm(vendor), made_up.truth()["renewal_to_adopt"]
    theirs = {
        deal["account_key"]: date.fromisoformat(deal["close_on"])
        for deal in made_up.portfolio("deals")
        if deal["kind"] == "renewal" and deal["stage"] == "open"
    }
    assert planted <= theirs.keys()
    doubled = [
        account
        for account, deal in crm.deals("renewal")
        if account in planted
        and abs(date.fromisoformat(deal[crm.field("due_on")]) - theirs[account]) <= ADOPTED_WITHIN
    ]
    assert planted
    assert doubled == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_renewal_opens_on_the_day_its_window_does(made_up: Run, vendor: str) -> None:
    """Contracts due 91 days after the start got their renewal in the week that passed, on its first day."""
    crm, planted = made_up.crm(vendor), made_up.truth()["renewal_tomorrow_enters_window"]
    opened = {
        account: deal[crm.field("opened_on")]
        for account, deal in crm.deals("renewal")
        if deal[crm.field("due_on")] == (AS_OF + timedelta(days=91)).isoformat()
    }
    assert planted
    assert opened.keys() >= planted
    assert set(opened.values()) == {(AS_OF + timedelta(days=1)).isoformat()}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("trouble", ["usage_decay", "escalation"])
def test_trouble_scores_lower_than_health(made_up: Run, vendor: str, trouble: str) -> None:
    """Accounts with fading use or an escalation score lower on average than the healthy ones.

    Accounts in which the demo's people did something are left out: that was not planted.
    """
    health, truth = made_up.crm(vendor).health(), made_up.truth()
    told = " ".join(made_up.report[vendor]["events"])
    touched = {one["key"] for one in made_up.portfolio("accounts") if one["name"] in told}
    scores = {
        name: [health[key] for key in truth[name] - touched if key in health] for name in (trouble, "healthy")
    }
    assert all(scores.values()), scores
    assert mean(scores[trouble]) < mean(scores["healthy"])
