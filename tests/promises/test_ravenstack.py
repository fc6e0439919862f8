"""What the demo promises over RavenStack (River @ Rivalytics), in both CRMs."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta

import pytest

from tests.promises.conftest import RAVENSTACK
from tests.promises.demo_run import VENDORS, Run
from tests.promises.least_calls import calls

YEAR_END = date(2024, 12, 31)
LEAD = timedelta(days=90)
WEEK = timedelta(days=7)
Due = tuple[str, date]

pytestmark = pytest.mark.whole


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_published_figures_stand_in_both_crms(ravenstack: Run, vendor: str) -> None:
    """Accounts, lines, ARR by either policy and quarantined usage are the published ones (domain E)."""
    found = ravenstack.report[vendor]
    assert (found["accounts"], found["contract_lines"]) == (500, 5_000)
    assert found["arr"] == {"stack": 121_915_296, "supersede": 16_317_156}
    assert found["usage_quarantined"] == {"before_start": 19_142, "after_end": 290}
    assert found["blocked"] == 0


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_account_has_its_profile(ravenstack: Run, vendor: str) -> None:
    """500 profiles are in the sandbox, one for each account that was loaded."""
    assert ravenstack.report[vendor]["profiles_written"] == 500
    own = [
        n
        for name, n in ravenstack.kept("counts", vendor)["after_first_run"].items()
        if "profile" in name.lower()
    ]
    assert own == [500]
    keys = {one[ravenstack.crm(vendor).field("key")] for one in ravenstack.crm(vendor).records("profile")}
    assert keys == {f"profile:{key.lower()}" for key in ravenstack.crm(vendor).accounts()}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_second_run_writes_nothing(ravenstack: Run, vendor: str) -> None:
    """With nothing changed the second run writes no record and no link, nor does a second install."""
    assert ravenstack.report[vendor]["second_run_writes"] == 0
    assert ravenstack.report[vendor]["installed_again_changes"] == 0


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_report_has_every_promised_key(ravenstack: Run, vendor: str) -> None:
    """The JSON names all that was promised, with the parts of each."""
    found = ravenstack.report[vendor]
    assert found.keys() >= {
        "accounts", "contract_lines", "arr", "usage_quarantined", "profiles_written", "second_run_writes",
        "calls", "milestones", "renewals_created", "expansions_created", "webhook_to_crm_seconds",
    }  # fmt: skip
    assert found["arr"].keys() == {"stack", "supersede"}
    assert found["usage_quarantined"].keys() == {"before_start", "after_end"}
    assert found["calls"].keys() >= {"made", "least"}
    assert found["milestones"].keys() == {"done", "late"}
    assert found["webhook_to_crm_seconds"].keys() == {"p50", "p95"}


@pytest.mark.parametrize("vendor", VENDORS)
def test_calls_are_within_a_quarter_of_the_least_possible(ravenstack: Run, vendor: str) -> None:
    """Calls in the sandbox's log are at most 1.25 times the least, counted here from its rows."""
    counted = calls(ravenstack.home, vendor, on_deal=True)
    assert counted.made <= 1.25 * counted.least


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_demo_tells_the_truth_about_its_calls(ravenstack: Run, vendor: str) -> None:
    """The calls the demo says it made are those in the sandbox's log, and its least flatters it by little.

    It reads links in calls of their own; ours may take them from a list, so ours is never above.
    """
    counted, said = calls(ravenstack.home, vendor, on_deal=True), ravenstack.report[vendor]["calls"]
    assert said["made"] == counted.made
    assert counted.least <= said["least"] <= 1.1 * counted.least


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_open_annual_line_has_one_renewal_at_its_anniversary(ravenstack: Run, vendor: str) -> None:
    """Counted from the CSV files: each due (account, day) up to a week later has one deal, of its ARR."""
    made: Counter[Due] = Counter()
    amounts: dict[Due, float] = {}
    crm = ravenstack.crm(vendor)
    for account, deal in crm.deals("renewal"):
        due = (account, date.fromisoformat(deal[crm.field("due_on")]))
        made[due] += 1
        amounts[due] = float(deal["amount" if vendor == "hubspot" else "Amount"])
    expected = _due(YEAR_END, YEAR_END + WEEK + LEAD)
    assert {due: made[due] for due in expected} == dict.fromkeys(expected, 1)
    assert {due: amounts[due] for due in expected} == expected


@pytest.mark.parametrize("vendor", VENDORS)
def test_nothing_else_has_a_renewal(ravenstack: Run, vendor: str) -> None:
    """No renewal stands for a line that is closed, monthly or a trial, nor a second one for a day."""
    crm = ravenstack.crm(vendor)
    made = Counter(
        (account, date.fromisoformat(deal[crm.field("due_on")])) for account, deal in crm.deals("renewal")
    )
    assert made == Counter(_due(YEAR_END, YEAR_END + WEEK + LEAD).keys())
    kept, deals = ravenstack.kept("counts", vendor), "deals" if vendor == "hubspot" else "Opportunity"
    first_run = kept["after_first_run"][deals] - kept["loaded"][deals]
    assert first_run == len(_due(YEAR_END, YEAR_END + LEAD))


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_renewals_said_are_the_renewals_standing(ravenstack: Run, vendor: str) -> None:
    """The counts of deals in the report are those in the CRM; without users nothing is proposed."""
    crm, found = ravenstack.crm(vendor), ravenstack.report[vendor]
    assert found["renewals_created"] == len(crm.deals("renewal"))
    assert found["expansions_created"] == len(crm.deals("expansion")) == 0


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_milestones_said_are_the_milestones_standing(ravenstack: Run, vendor: str) -> None:
    """Milestones done and late in the report are those whose record says so."""
    crm = ravenstack.crm(vendor)
    standing = Counter(one[crm.field("status")] for one in crm.records("milestone"))
    assert ravenstack.report[vendor]["milestones"] == {"done": standing["done"], "late": standing["late"]}
    assert standing["done"] > 0


def _due(first: date, last: date) -> dict[Due, float]:
    """Return (account, due day) of the open annual lines due in [first, last], with their yearly amount.

    An open annual line (no end, billed yearly, no trial) is a 12-month term that rolls, due at each
    anniversary of its start; 29 February falls on the 28th.
    """
    due: dict[Due, float] = {}
    with (RAVENSTACK / "ravenstack_subscriptions.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["end_date"] or row["is_trial"] == "True" or row["billing_frequency"] != "annual":
                continue
            start = date.fromisoformat(row["start_date"])
            for year in range(start.year + 1, last.year + 1):
                if first <= (day := _anniversary(start, year)) <= last:
                    key = (row["account_id"], day)
                    due[key] = due.get(key, 0.0) + float(row["arr_amount"])
    return due


def _anniversary(start: date, year: int) -> date:
    try:
        return start.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
