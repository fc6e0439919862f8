"""Usage counts once, whatever is delivered, whenever it comes and whatever it waits for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from success.fold import FoldState
from sync.facts import Moment, assemble
from sync.state import findings, fold, usage_store
from sync.state.engine import reading
from tests.sync.harness import HUBSPOT, START, Deployment, Office, daily_use, event
from tests.sync.portfolios import three_customers
from webhooks.usage import named

OPEN = Callable[..., Office]
DAYS = (date(2024, 1, 1), date(2026, 1, 1))
TUESDAY = datetime(2025, 1, 14, 10, 0, tzinfo=UTC)


@pytest.fixture
def there(both: Deployment, office: OPEN) -> Office:
    """Give an installation of HubSpot after its first run, on either kind of database."""
    found = office(both, HUBSPOT, three_customers()).install()
    found.load()
    found.go_live().settle()
    return found


def total(there: Office, ref: str = "birch") -> tuple[int, int]:
    """Return (events, uses) counted for an account."""
    with reading(there.engine) as conn:
        sums = usage_store.usage(conn, there.id, [ref], DAYS)
    return sum(one.rows for one in sums), sum(one.count for one in sums)


def reported(there: Office) -> dict[str, str]:
    """Return the open findings about usage."""
    with reading(there.engine) as conn:
        return {one.subject: one.message for one in findings.open_findings(conn, there.id, "usage")}


def raw_events(there: Office) -> int:
    """Return how many raw events stand in the usage store."""
    files = sorted(Path(there.deployment.runtime.settings.usage_store).rglob("*.parquet"))
    return sum(len(duckdb.read_parquet(str(file)).project("message_id").fetchall()) for file in files)


def test_a_batch_delivered_again_is_counted_once(there: Office) -> None:
    """Two events of 3 and 4 uses, twice the same batch and once an overlapping one: two events, 7 uses."""
    batch = [event("birch", TUESDAY, "u1", count=3), event("birch", TUESDAY, "u2", count=4)]
    there.use(batch, "first")
    there.use(batch, "second")
    there.drain()
    there.use([*batch[:1], batch[0]], "third")
    there.drain()
    assert total(there) == (2, 7)
    assert raw_events(there) == 2
    assert reported(there) == {}


def test_one_id_with_two_contents_is_counted_twice_and_reported(there: Office) -> None:
    """Three uses and later five under one message id are both facts, and the admin is told the id."""
    there.use([event("birch", TUESDAY, "u1", count=3, name="m1"), event("birch", TUESDAY, "u1", name="m2")])
    there.drain()
    assert reported(there) == {}
    there.use([event("birch", TUESDAY, "u1", count=5, name="m1")])
    there.drain()
    assert total(there) == (3, 9)
    assert reported(there) == {"usage/m1": "the same id was told with other content; both are counted"}


def test_a_time_given_on_arrival_tells_no_messages_apart(there: Office) -> None:
    """A message with an id and no time, in two deliveries, is one event, of the day of the first.

    They are taken together, and once more alone; whoever it was has no name.
    """
    bare = {"messageId": "m1", "event": "Share", "context": {"groupId": "birch"}}
    bare |= {"userId": None, "anonymousId": "a-1"}
    arrivals = [TUESDAY + timedelta(days=day) for day in range(3)]
    first, second, third = (named(bare, f"body-{at.day}", at) for at in arrivals)
    there.use([first])
    there.use([second])
    there.drain()
    there.use([third])
    there.drain()
    assert total(there) == (1, 1)
    assert reported(there) == {}
    with reading(there.engine) as conn:
        (found,) = usage_store.usage(conn, there.id, ["birch"], DAYS)
    assert found.day == TUESDAY.date()


def test_a_refused_message_does_not_hold_up_the_others(there: Office) -> None:
    """A message dated in two years is refused with its reason; the rest of the batch counts."""
    wrong = event("birch", START + timedelta(days=700), "u1", name="early")
    there.use([wrong, event("birch", TUESDAY, "u2")])
    there.drain()
    assert total(there) == (1, 1)
    assert list(reported(there)) == ["usage/early"]
    assert "more than a year ahead" in reported(there)["usage/early"]


def uses_known(there: Office, day: date, received_by: date | None = None) -> int:
    """Return the uses birch's facts hold as of a day."""
    birch = there.sandbox.lookup("account:birch")
    with reading(there.engine) as conn:
        found = assemble(conn, there.ws, [birch], Moment(day, received_by=received_by))
    return sum(one.count for one in found.facts[birch].usage)


def test_use_dated_ahead_waits_for_its_day(there: Office) -> None:
    """What is dated next week is told and counts for nothing until then; the grid sees it the day after."""
    there.use([event("birch", START + timedelta(days=7), "u1", name="early", count=5)])
    there.drain()
    assert "it waits for its day" in reported(there)["usage/early"]
    today = there.ws.day_of(START)
    assert uses_known(there, today + timedelta(days=6)) == 0
    assert uses_known(there, today + timedelta(days=7)) == 5
    assert uses_known(there, today + timedelta(days=8), today + timedelta(days=6)) == 0
    assert uses_known(there, today + timedelta(days=8), today + timedelta(days=7)) == 5


def test_usage_of_an_unknown_account_counts_once_the_account_is_there(there: Office) -> None:
    """Ginkgo is used before anybody made it in the CRM: its first look knows of all its use."""
    there.use(daily_use("ginkgo", datetime(2025, 1, 6, 10, tzinfo=UTC), 9, 2))
    there.drain()
    assert there.waiting_accounts() == 0
    there.deployment.later(minutes=10)
    company = there.sandbox.edit("companies", None, {"name": "Ginkgo", "customer_ref": "ginkgo"})
    deal = there.sandbox.edit(
        "deals",
        None,
        {"dealname": "G", "pipeline": "default", "dealstage": "closedwon", "closedate": "2025-01-05"},
        associations=[{"object": "companies", "id": company}],
    )
    terms = {
        "name": "Core",
        "contract_ref": "l-g",
        "contract_product": "core",
        "contract_seats": "4",
        "contract_start": "2025-01-05",
        "contract_term_months": "12",
        "contract_arr": "400",
        "contract_kind": "recurring",
        "hs_line_item_currency_code": "USD",
    }
    line = there.sandbox.edit("line_items", None, terms, associations=[{"object": "deals", "id": deal}])
    there.tell("company.creation", company)
    there.tell("line_item.creation", line)
    there.settle()
    there.deployment.at(datetime(2025, 1, 16, 9, tzinfo=UTC))  # what came today opens things tomorrow
    there.look_at_all()
    there.settle()
    plan = there.written(there.own("plan"))[f"plan:{company}:onboarding:1"]
    assert plan["cs_milestones_done"] == "3"  # first use, eight days of nine, two of four seats
    milestones = there.written(there.own("milestone"))
    assert milestones[f"milestone:{company}:onboarding:1:first_use"]["cs_done_on"] == "2025-01-06"
    assert milestones[f"milestone:{company}:onboarding:1:regular_use"]["cs_done_on"] == "2025-01-13"


def reached(there: Office, account: str, day: date) -> dict[str, date]:
    """Return the milestones reached as the fold of a grid day remembers them."""
    with reading(there.engine) as conn:
        stored = fold.newest(conn, there.id, [account], day)[account]
    assert stored.grid_day == day
    (plan,) = FoldState.from_json(stored.state).plans.values()
    return dict(plan.reached)


def test_late_usage_changes_only_later_grid_points(both: Deployment, there: Office) -> None:
    """Use of the 14th received on the 18th is known from the 19th on; the states before stay as they were."""
    birch = there.sandbox.lookup("account:birch")
    kept: dict[date, Any] = {}
    for day in (16, 17, 18):
        both.at(datetime(2025, 1, day, 9, tzinfo=UTC))
        there.look_at_all()
        there.settle()
        kept[date(2025, 1, day)] = reached(there, birch, date(2025, 1, day))
    assert kept == {date(2025, 1, day): {} for day in (16, 17, 18)}
    there.use([event("birch", TUESDAY, "u1")])
    both.later(hours=1)
    there.settle()
    assert reached(there, birch, date(2025, 1, 18)) == {}
    both.at(datetime(2025, 1, 19, 9, tzinfo=UTC))
    there.look_at_all()
    there.settle()
    assert reached(there, birch, date(2025, 1, 19)) == {"first_use": date(2025, 1, 18)}

    with reading(there.engine) as conn:  # a fold dropped and replayed in one go is the same
        before = fold.newest(conn, there.id, [birch], date(2025, 1, 19))[birch].state
    with there.engine.begin() as conn:
        assert fold.drop(conn, there.id) > 0
    both.later(minutes=1)
    there.look_at_all()
    there.look()
    with reading(there.engine) as conn:
        assert fold.newest(conn, there.id, [birch], date(2025, 1, 19))[birch].state == before
