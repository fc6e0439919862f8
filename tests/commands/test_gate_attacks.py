"""Ways round the gate: a new scorecard comes into force by a report on the charter's terms, or a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from mappings.charter import Charter
from mappings.load import load_charter
from success.backtest.run import Options
from sync import backtest_evidence, backtest_gate
from sync.backtest_evidence import can_judge
from sync.backtest_gate import KeptReports, subject_of, validations
from sync.backtest_terms import terms
from sync.clock import clock_of, move_clock
from sync.config import read_settings
from sync.onboard import apply_charter, rollback_charter
from sync.runtime import Runtime, secret_box
from sync.state import backtests
from sync.state.engine import open_engine, writing
from sync.state.errors import StateError
from sync.workspace import open_workspace
from tests.commands.conftest import PORTAL, Home
from tests.commands.test_backtest_past import SMALLER, TODAY, charter, go_live

SEATS_90 = "      curve: [[0, 0], [100, 100]]\n"
TICKETS_10 = "    - measure: open_tickets\n      group: support\n      weight: 10\n"
LACKS = "has no passing backtest of this content"


@dataclass
class Gate:
    """A live installation whose past can judge a scorecard, at its gate."""

    home: Home
    runtime: Runtime
    folder: Path

    def new(self, more: str = "", **changes: Any) -> Charter:
        """Return a charter with another scorecard, and more to it."""
        path = charter(self.folder, **{"required": False, **changes})
        path.write_text(path.read_text("utf-8") + more, "utf-8")
        return load_charter(path, "hubspot")

    def edited(self, old: str, other: str) -> Charter:
        """Return the charter of ``new`` with a text in place of another."""
        path = charter(self.folder, required=False)
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, other), "utf-8")
        return load_charter(path, "hubspot")

    def report(self, found: Charter, **made: Any) -> None:
        """Keep a passing report of a charter's scorecard, made now, on its terms or on others."""
        options = Options(resamples=made.get("resamples", 1000), seed=made.get("seed", 0),
                          kept=frozenset(made.get("kept", ())))  # fmt: skip
        body = terms(made.get("by", found), options, made.get("since"), made.get("horizon"))
        at = self.runtime.clock.now() - made.get("ago", timedelta(0))
        with writing(self.runtime.engine) as conn:
            conn.exec_driver_sql("DELETE FROM backtest_report")
            backtests.keep(conn, made.get("of", PORTAL), subject_of(found.scorecard), at, True, body)

    def apply(self, found: Charter, forced: str = "") -> None:
        """Bring a charter into force."""
        apply_charter(self.runtime, PORTAL, found, "jane", forced, bool(forced))

    def refuses(self, found: Charter, *words: str) -> None:
        """Fail unless the charter stays out, with these words."""
        with pytest.raises(StateError) as refused:
            self.apply(found)
        missing = [word for word in (LACKS, *words) if word not in str(refused.value)]
        assert not missing, f"{missing} not in {refused.value}"


@pytest.fixture
def gate(home: Home, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Give a live installation at its gate, in whose past there is enough to go by."""
    settings = read_settings(home.env)
    engine, redis = open_engine(settings.database_url), Redis.from_url(redis_url)
    move_clock(engine, TODAY, running=False)
    go_live(home)
    monkeypatch.setattr(backtest_gate, "can_judge", lambda _ws, _horizon: True)
    yield Gate(home, Runtime(settings, engine, clock_of(engine), redis, secret_box(settings)), tmp_path)
    engine.dispose()
    redis.close()


def test_a_report_counts_on_the_charters_own_terms_only(gate: Gate) -> None:
    """Other choices, other policies, another year, another portal, other content: each stays out."""
    new = gate.new()
    gate.refuses(new, "of health@2 there is none")
    for made, why in (
        ({"kept": ["seats"]}, "it was made with --keep seats"),
        ({"since": date(2039, 1, 1)}, "it was made with --since 2039-01-01"),
        ({"horizon": 28}, "it was made with --horizon 28"),
        ({"seed": 7}, "it was made with --seed 7"),
        ({"resamples": 20}, "it was made with --bootstrap 20"),
        ({"by": gate.edited("policies:\n", "policies:\n  grace_days: 200\n")}, "by other policies"),
        ({"ago": timedelta(days=367)}, "older than a year"),
        ({"of": "hubspot-1"}, "of health@2 there is none"),
    ):
        gate.report(new, **made)
        gate.refuses(new, why)
    gate.report(new)
    for other in (
        gate.edited("      weight: 100\n", f"      weight: 90\n{SEATS_90}{TICKETS_10}"),
        gate.edited("[[0, 0], [100, 100]]", "[[0, 0], [90, 100]]"),
        gate.edited("key: health\n", "key: wealth\n"),
    ):
        gate.refuses(other)
    gate.report(new, horizon=90, resamples=100, ago=timedelta(days=366))
    gate.apply(new)
    (said,) = validations(open_workspace(gate.runtime, PORTAL))
    assert said.ground == "passed"


def test_two_scorecards_at_once_need_two_reports(gate: Gate) -> None:
    """The one that passed does not carry the other in with it."""
    both = gate.new(SMALLER)
    gate.report(both)
    gate.refuses(both, "smaller@1")
    with pytest.raises(StateError, match=r"health@2, smaller@1 has no") as refused:
        gate.apply(gate.new(SMALLER, turned=True))
    assert "of health@2 there is none; of smaller@1 there is none" in str(refused.value)


def test_a_longer_horizon_does_not_do_away_with_the_past(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a year and a half nothing is left to judge by within a year; by the horizon in force there is."""
    monkeypatch.setattr(backtest_gate, "can_judge", lambda _ws, horizon: horizon <= 90)
    gate.refuses(gate.new("\nbacktest:\n  horizon_days: 366\n"))


def test_a_rollback_is_asked_as_an_apply_is(gate: Gate) -> None:
    """Taken on its experts' word before going live, never judged: it comes back by a reason, and shows it."""
    gate.report(gate.new())
    gate.apply(gate.new())
    with pytest.raises(StateError, match="health@1 has no passing backtest of this content"):
        rollback_charter(gate.runtime, PORTAL, "jane", "too many reds")
    assert open_workspace(gate.runtime, PORTAL).charter.scorecard.version == 2
    rollback_charter(gate.runtime, PORTAL, "jane", "too many reds", forced=True)
    (said,) = validations(open_workspace(gate.runtime, PORTAL))
    assert (said.subject, said.ground) == ("health@1", "forced")
    assert said.told.endswith("because: too many reds")


def test_what_was_forced_stays_in_force_through_a_change_elsewhere(gate: Gate) -> None:
    """Also where a report is required by name; another weight of it is asked for again."""
    required = {"required": True}
    gate.refuses(gate.new(**required))
    gate.apply(gate.new(**required), forced="the board wants it by Monday")
    path = charter(gate.folder, required=True)
    text = path.read_text("utf-8")
    path.write_text(text.replace("name: Default", "name: Renamed"), "utf-8")
    gate.apply(load_charter(path, "hubspot"))
    path.write_text(text.replace("[[0, 0], [100, 100]]", "[[0, 0], [90, 100]]"), "utf-8")
    gate.refuses(load_charter(path, "hubspot"))


def test_an_empty_reason_forces_nothing(gate: Gate) -> None:
    """Neither for an apply nor for a rollback."""
    new = gate.new()
    for reason in ("", "  \n"):
        with pytest.raises(StateError, match=LACKS):
            apply_charter(gate.runtime, PORTAL, new, "jane", reason, forced=True)
    gate.report(new)
    gate.apply(new)
    with pytest.raises(StateError, match=LACKS):
        rollback_charter(gate.runtime, PORTAL, "jane", " ", forced=True)


def test_a_models_report_counts_on_the_same_terms(gate: Gate) -> None:
    """One that kept a column, or is of other policies than those in force, activates nothing."""
    ws = open_workspace(gate.runtime, PORTAL)
    subject, now = backtests.Subject("churn@1", "c" * 64), gate.runtime.clock.now()
    other = gate.edited("policies:\n", "policies:\n  grace_days: 200\n")
    for by, kept, counts in (
        (ws.charter, {"seats"}, False),
        (other, set(), False),
        (ws.charter, set(), True),
    ):
        with writing(gate.runtime.engine) as conn:
            body = terms(by, Options(kept=frozenset(kept)), None)
            backtests.keep(conn, PORTAL, subject, now, True, body)
        assert (KeptReports(ws).passing_report("c" * 64) is not None) is counts


@pytest.mark.parametrize(("learned", "tested", "enough"), [(20, 20, True), (19, 40, False), (40, 19, False)])
def test_the_past_can_judge_where_a_backtest_has_events_enough(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, learned: int, tested: int, enough: bool
) -> None:
    """Twenty in each part, as the backtest divides it and counts them; in one alone they do not do.

    Of twelve months and a horizon of 28 days the first five are learned from and the last six judged.
    """
    months = [date(2039, month, 1) for month in range(1, 13)]
    ends = [[date(2039, 3, 10)]] * learned + [[date(2039, 10, 10)]] * tested + [[date(2039, 6, 30)]] * 50
    monkeypatch.setattr(backtest_evidence, "months_judged", lambda *_: months)
    monkeypatch.setattr(backtest_evidence, "lost_days", lambda *_: dict(enumerate(ends)))
    assert can_judge(open_workspace(gate.runtime, PORTAL), 28) is enough
