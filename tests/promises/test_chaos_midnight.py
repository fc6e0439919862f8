"""A day of ``colonnade chaos`` ends before midnight, or says what it waited for: the replay reads by days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from sync.chaos import play
from sync.chaos.play import FRESH, SPAN, Play

EVENING = datetime(2026, 6, 9, 18, tzinfo=UTC)


class Clocks:
    """A stage with a clock and nothing else: nobody is at work, and nothing is on its way."""

    def __init__(self, tmp_path) -> None:
        """Begin in the evening."""
        self.home, self.present = tmp_path, EVENING
        workspace = SimpleNamespace(now=self.now, day_of=lambda instant: instant.date())
        self.crms = [
            SimpleNamespace(
                control=SimpleNamespace(last_request=lambda: 0), workspace=lambda _runtime: workspace
            )
        ]
        self.relay = SimpleNamespace(under_way=lambda: 0)
        self.children = SimpleNamespace(check=lambda: None)
        self.runtime = None

    def now(self) -> datetime:
        """Return the present."""
        return self.present

    def later(self, span: timedelta) -> None:
        """Move on."""
        self.present += span

    def at_work(self) -> bool:
        """Say no."""
        return False


@pytest.fixture
def evening(monkeypatch, tmp_path):
    """Give the clocks and a run on them that waits for hardly anything of the wall's."""
    for name, seconds in {"STILL_FOR_S": 0.002, "LOOK_EVERY_S": 0.001, "INDEX_LAG_S": -1.0}.items():
        monkeypatch.setattr(play, name, seconds)
    clocks = Clocks(tmp_path)
    return clocks, Play(clocks, (), 7, lambda _text: None)


def test_a_day_whose_work_does_not_end_before_midnight_says_what_it_waited_for(evening, monkeypatch) -> None:
    """Two accounts that nobody looks at until the next day: time passed over both, as often as it passed."""
    clocks, run = evening
    assert timedelta(hours=6) == 108 * SPAN
    monkeypatch.setattr(
        run,
        "_waiting",
        lambda: {"hubspot accounts": 2} if clocks.now().date() == EVENING.date() else {},
    )
    with pytest.raises(RuntimeError, match="midnight passed before the work of 2026-06-09 ended") as ended:
        run._settle()
    assert "time passed over 216 times hubspot accounts" in str(ended.value)


def test_a_day_whose_work_ends_is_moved_on_by_what_freshness_promises(evening, monkeypatch) -> None:
    """Nothing waits, so no time passes but what brings all polls and the census."""
    clocks, run = evening
    monkeypatch.setattr(run, "_waiting", dict)
    run._settle()
    assert clocks.now() == EVENING + FRESH
