"""Why health changed, from the mirror's past, the charters in force and the usage received by then."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from mappings.charter import Charter
from success.fold import FoldState
from success.rules import Language
from sync.commands import showing
from sync.onboard import apply_charter
from sync.state import fold
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from tests.sync.harness import HUBSPOT, START, Deployment, Office, event
from tests.sync.portfolios import Book

OPEN = Callable[..., Office]
DAY_ONE, DAY_TEN = "2025-01-15", "2025-01-25"


def one_customer() -> Book:
    """Return a customer with 45 days to go and one open ticket."""
    book = Book().account("acorn", "Acorn").sold("acorn", "a1", "2024-03-01", "2025-03-01", "12000")
    return book.ticket("acorn", "t1", "2025-01-10T08:00:00Z")


def weighed(charter: Charter, *weights: int, language: Language = Language.EN) -> Charter:
    """Return the charter with three measures, each a straight line, by these weights."""
    lines: dict[str, list[list[int]]] = {
        "days_to_renewal": [[0, 0], [100, 100]],
        "open_tickets": [[0, 100], [10, 0]],
        "active_days_28d": [[0, 0], [10, 100]],
    }
    measures = [
        {"measure": name, "group": "all", "weight": weight, "curve": curve}
        for (name, curve), weight in zip(lines.items(), weights, strict=True)
    ]
    bands = [{"key": "red", "title": "Red", "floor": 0}, {"key": "green", "title": "Green", "floor": 50}]
    card = type(charter.scorecard).model_validate(
        {"key": "h", "version": 1, "bands": bands, "measures": measures}
    )
    return charter.model_copy(update={"scorecard": card, "language": language})


@pytest.fixture
def explain(lite: Deployment, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Give a function that runs ``colonnade explain`` with words and returns how it ended."""
    monkeypatch.setattr(showing, "read_settings", lambda: lite.runtime.settings)
    monkeypatch.setattr(showing, "open_runtime", lambda _settings: lite.runtime)
    return lambda *words: CliRunner().invoke(showing.explain, list(words))


def ten_days(lite: Deployment, there: Office) -> str:
    """Look, close a ticket ten days later, tell of use late, change the weights, and look again."""
    apply_charter(lite.runtime, there.id, weighed(there.ws.charter, 40, 40, 20), author="test")
    there.install().load()
    account = there.sandbox.lookup("account:acorn")
    there.use([event("acorn", START - timedelta(days=1), "u1")])
    there.drain()
    there.go_live().settle()
    lite.later(days=10)
    ticket = there.sandbox.lookup("ticket:t1")
    there.sandbox.edit("tickets", ticket, {"hs_pipeline_stage": "4", "closed_date": "2025-01-24T08:00:00Z"})
    there.use([event("acorn", START - timedelta(days=3), "u1")])
    german = weighed(there.ws.charter, 80, 10, 10, language=Language.DE)
    apply_charter(lite.runtime, there.id, german, author="test")
    lite.later(minutes=10)
    there.poll()
    there.look_at_all()
    there.settle()
    return account


def test_the_change_of_ten_days_is_told_by_cause_and_in_the_language(
    lite: Deployment, office: OPEN, explain: Callable[..., Any]
) -> None:
    """Then 0.4 * 45 + 0.4 * 90 + 0.2 * 10 = 56; now 0.8 * 35 + 0.1 * 100 + 0.1 * 20 = 40.

    Ten days cost 0.4 * 10, the closed ticket brings 0.4 * 10 and the use told late 0.2 * 10: 58 by the
    weights of before, and 18 less by the new ones.
    """
    there = office(lite, HUBSPOT, one_customer())
    account = ten_days(lite, there)
    found = json.loads(explain("Acorn", "--since", DAY_ONE, "--json").output)["change"]
    assert (found["before"]["points"], found["after"]["points"], found["delta"]) == (56_000, 40_000, -16_000)
    parts = {part["cause"]: {one["key"]: one["points"] for one in part["items"]} for part in found["parts"]}
    assert parts == {
        "ageing": {"days_to_renewal": -4_000},
        "data": {"open_tickets": 4_000, "active_days_28d": 2_000},
        "weights": {"days_to_renewal": 14_000, "open_tickets": -30_000, "active_days_28d": -2_000},
    }
    said = explain(f"profile:{account}", "--since", DAY_ONE).output
    assert said == explain(account, "--since", DAY_ONE).output
    assert said.partition("\n\n")[2].splitlines()[:9] == [
        "Die Gesundheit ging von 56,0 (green) am 15.01.2025 auf 40,0 (red) am 25.01.2025: -16,0 Punkte.",
        "Vergangene Zeit, ohne Neues: -4,0 Punkte.",
        "  Zeit bis zur Verlängerung (zuvor 45 Tage, jetzt 35 Tage): -4,0 Punkte.",
        "Neue Daten: +6,0 Punkte.",
        "  Offene Tickets (zuvor 1, jetzt 0): +4,0 Punkte.",
        "  Aktive Tage in 28 Tagen (zuvor 1, jetzt 2): +2,0 Punkte.",
        "Andere Regeln in der Charta: -18,0 Punkte.",
        "  Zeit bis zur Verlängerung (35 Tage): +14,0 Punkte.",
        "  Offene Tickets (0): -30,0 Punkte.",
    ]
    none = json.loads(explain(account, "--since", DAY_TEN, "--json").output)["change"]
    assert (none["delta"], none["parts"]) == (0, [])
    (company,) = there.sandbox.records("companies")
    assert company["properties"]["cs_explanation"].startswith("Die Gesundheit ist 40,0 (red)")


def test_the_record_tells_what_changed_since_the_last_day_in_the_band_before(
    lite: Deployment, office: OPEN
) -> None:
    """Ten days as above, under two charters: green until the day before, with 36 days to go.

    Then 0.4 * 36 + 0.4 * 90 + 0.2 * 10 = 52.4; a day costs 0.4, what was heard brings 6, the weights take 18.
    """
    there = office(lite, HUBSPOT, one_customer())
    ten_days(lite, there)
    (profile,) = there.sandbox.records(there.own("profile"))
    assert profile["properties"]["cs_change"].splitlines()[:6] == [
        "Die Gesundheit war am 24.01.2025 52,4 (green) und ist jetzt 40,0 (red): -12,4 Punkte.",
        "Vergangene Zeit, ohne Neues: -0,4 Punkte.",
        "  Zeit bis zur Verlängerung (zuvor 36 Tage, jetzt 35 Tage): -0,4 Punkte.",
        "Neue Daten: +6,0 Punkte.",
        "  Offene Tickets (zuvor 1, jetzt 0): +4,0 Punkte.",
        "  Aktive Tage in 28 Tagen (zuvor 1, jetzt 2): +2,0 Punkte.",
    ]


def test_a_day_that_cannot_be_compared_is_one_clear_error(
    lite: Deployment, office: OPEN, explain: Callable[..., Any]
) -> None:
    """One to come, one before we came, and an account nobody knows; each says what to do."""
    there = office(lite, HUBSPOT, one_customer())
    there.load()
    for words, error in (
        (("Acorn", "--since", "2025-01-16"), "2025-01-16 is still to come; give --since 2025-01-15"),
        (("Acorn", "--since", "2025-01-14"), "known before 2025-01-15; give --since 2025-01-15 or later"),
        (("Nobody", "--since", "2025-01-15"), "0 accounts of hubspot-24680135 are called 'Nobody'"),
    ):
        done = explain(*words)
        assert isinstance(done.exception, StateError), done.output
        assert error in str(done.exception)
    assert explain("Acorn", "--since", "2025-13-40").exit_code == 2


def test_each_day_is_folded_under_the_charter_of_that_day(lite: Deployment, office: OPEN) -> None:
    """Daily looks, and one replay of all days after them, remember the same bands through a change of rules.

    With 45 days to go and a ticket open: 56 points by the first weights, 40 or so by the later ones.
    """
    there = office(lite, HUBSPOT, one_customer())
    apply_charter(lite.runtime, there.id, weighed(there.ws.charter, 40, 40, 20), author="test")
    there.install().load()
    there.go_live().settle()
    account = there.sandbox.lookup("account:acorn")

    def remembered() -> FoldState:
        there.look_at_all()
        there.settle()
        with reading(there.engine) as conn:
            found = fold.newest(conn, there.id, [account], there.ws.day_of(lite.now))
        return FoldState.from_json(found[account].state)

    for _ in range(3):
        lite.later(days=1)
        remembered()
    apply_charter(lite.runtime, there.id, weighed(there.ws.charter, 80, 10, 10), author="test")
    for _ in range(3):
        lite.later(days=1)
        daily = remembered()
    assert daily.band is not None
    assert [one.value for one in daily.band.changes] == ["green", "red"]
    with writing(there.engine) as conn:
        fold.drop(conn, there.id)
    assert remembered().to_json() == daily.to_json()
