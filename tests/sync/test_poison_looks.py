"""An account that cannot be decided is kept apart with its error, tried again on a curve, and shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sync import look as looking
from sync.commands.diagnosis import Severity
from sync.commands.look_matters import of_looks
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]


def test_a_poisoned_account_stops_no_other_and_is_told_of(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of three are written; the third is tried after 10 s, 1 and 10 min, then hourly, and named."""
    there = office(lite, HUBSPOT, three_customers()).install()
    there.load()
    poisoned, real = there.sandbox.lookup("account:birch"), looking.decide

    def decide(state: Any, facts: Any, *more: Any) -> Any:
        if facts.account.account_id == poisoned:
            raise ZeroDivisionError("by nothing")
        return real(state, facts, *more)

    with monkeypatch.context() as patched:
        patched.setattr(looking, "decide", decide)
        there.go_live().settle()
        assert len(there.written(there.own("profile"))) == 2
        for wait in (10, 60, 600, 3_600, 3_600):
            lite.later(seconds=wait - 1)
            assert there.look() == []
            lite.later(seconds=1)
            assert [one.failed for one in there.look()] == [1]
        (matter,) = of_looks(there.ws)
        assert matter.severity is Severity.WRONG
        assert f"{poisoned}: ZeroDivisionError: by nothing (tried 6 times)" in matter.matter
    lite.later(hours=1)
    there.settle()
    assert len(there.written(there.own("profile"))) == 3
    assert of_looks(there.ws) == []
