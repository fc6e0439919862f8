"""The call budget of every scenario, by the sandbox's log; what stands in the README is what a run gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.promises.budget_run import Line, run
from tests.promises.budget_scenarios import scenarios
from tests.promises.budget_table import HEAD, in_readme
from tests.sync.harness import HUBSPOT, SALESFORCE


@pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])
def test_every_scenario_takes_the_calls_it_is_allowed(vendor: str, tmp_path: Path, redis_url: str) -> None:
    """Exactly so many as were worked out by hand, and so many does the README say."""
    lines = run(tmp_path, vendor, redis_url)
    over = {
        one.scenario.name: (one.made, one.scenario.expected(vendor), one.calls)
        for one in lines
        if one.made != one.scenario.expected(vendor)
    }
    assert over == {}
    assert _said_of(vendor) == [_cell(one) for one in lines]


def test_the_readme_names_every_scenario_and_why_it_takes_more() -> None:
    """What is to be done and the reason stand there as in the list; a reason only where more is taken."""
    said = _rows()
    assert [row[0] for row in said] == [one.name for one in scenarios()]
    assert [row[3:] for row in said] == [[one.needs, one.why] for one in scenarios()]
    assert all(bool(one.above) == bool(one.why) for one in scenarios())


def _said_of(vendor: str) -> list[str]:
    column = HEAD.index({HUBSPOT: "HubSpot", SALESFORCE: "Salesforce"}[vendor])
    return [row[column] for row in _rows()]


def _rows() -> list[list[str]]:
    """Return the cells of the README's table, by row, without its head."""
    lines = in_readme().splitlines()[2:]
    return [
        [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
        for line in lines
    ]


def _cell(line: Line) -> str:
    return f"{line.made} / {line.least}"
