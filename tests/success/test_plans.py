"""Success plans: true days from evidence, late by computation, opened once."""

from __future__ import annotations

from datetime import date
from typing import Any

from success.decide import advance, decide
from success.facts import AccountFacts
from success.fold import FoldState
from tests.success.builders import facts, fields, line, rules, used

START = date(2024, 1, 1)
PLAN = "plan:acme:onboarding:1"
USE = "milestone:acme:onboarding:1:use"
BREADTH = "milestone:acme:onboarding:1:breadth"


def looked(account: AccountFacts, grid_day: date, as_of: date, **changes: Any) -> tuple[Any, ...]:
    """Return the records after one step on a grid day and a look on a day."""
    charter = rules(**changes)
    return decide(advance(FoldState.empty(), account, charter, grid_day), account, charter, as_of).records


def test_a_first_load_finds_the_true_days() -> None:
    """Use on 10 January and a second feature on 1 March were reached then, not at the load in June."""
    rows = (used(date(2024, 1, 10)), used(date(2024, 2, 20)), used(date(2024, 3, 1), feature="other"))
    records = looked(facts([line()], usage=rows), date(2024, 6, 1), date(2024, 6, 1))
    assert fields(records, USE)["done_on"] == date(2024, 1, 10)
    assert fields(records, BREADTH)["done_on"] == date(2024, 3, 1)
    plan = fields(records, PLAN)
    assert (plan["status"], plan["milestones_done"], plan["milestones_late"]) == ("complete", 2, 0)
    assert (plan["starts_on"], plan["target_on"]) == (START, date(2024, 3, 1))


def test_a_milestone_is_late_the_day_after_it_was_due() -> None:
    """Due 14 days after the start: open on that day, late on the next."""
    account = facts([line()], usage_seen=True)
    for as_of, status in ((date(2024, 1, 15), "open"), (date(2024, 1, 16), "late")):
        records = looked(account, date(2024, 1, 2), as_of)
        assert fields(records, USE)["due_on"] == date(2024, 1, 15)
        assert fields(records, USE)["status"] == status
        assert fields(records, PLAN)["milestones_late"] == (status == "late")
        assert fields(records, PLAN)["status"] == "active"


def test_evidence_of_today_counts_today_and_stays_on_that_day() -> None:
    """A look at noon shows it reached today; the next night's step keeps the same day."""
    account, charter = facts([line()], usage=(used(date(2024, 1, 10)),)), rules()
    state = advance(FoldState.empty(), account, charter, date(2024, 1, 10))
    assert fields(decide(state, account, charter, date(2024, 1, 10)).records, USE)["done_on"] == date(
        2024, 1, 10
    )
    state = advance(state, account, charter, date(2024, 1, 11))
    assert state.plans[PLAN].reached == {"use": date(2024, 1, 10)}


def test_a_reached_milestone_stays_reached() -> None:
    """Use that is later withdrawn from the facts leaves the day in memory."""
    account, charter = facts([line()], usage=(used(date(2024, 1, 10)),)), rules()
    state = advance(FoldState.empty(), account, charter, date(2024, 1, 20))
    emptied = facts([line()], usage_seen=True)
    state = advance(state, emptied, charter, date(2024, 1, 21))
    assert fields(decide(state, emptied, charter, date(2024, 1, 21)).records, USE)["status"] == "done"


def test_only_young_accounts_get_a_plan_and_keep_it() -> None:
    """Within 180 days of the start a plan opens, a day later it does not; an opened one stays."""
    account, charter = facts([line()], usage_seen=True), rules()
    on_time = advance(FoldState.empty(), account, charter, date(2024, 6, 29))
    assert list(on_time.plans) == [PLAN]
    assert not advance(FoldState.empty(), account, charter, date(2024, 6, 30)).plans
    later = advance(on_time, account, charter, date(2024, 12, 31))
    assert later.plans[PLAN].opened_on == date(2024, 6, 29)


def test_a_future_contract_has_no_plan_yet() -> None:
    """A plan opens on the first grid day of the contract."""
    account, charter = facts([line()]), rules()
    assert not advance(FoldState.empty(), account, charter, date(2023, 12, 31)).plans
    assert advance(FoldState.empty(), account, charter, START).plans


def test_milestones_hang_under_their_plan() -> None:
    """Each milestone names its plan as the parent, in template order."""
    records = looked(facts([line()]), START, START)
    found = [(record.key, record.parent_key) for record in records if record.kind == "milestone"]
    assert found == [(USE, PLAN), (BREADTH, PLAN)]
