"""The demo's table as a person reads it, at the width of a usual terminal."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from sync.demo.report import CrmReport, DealMade, DemoReport, Explained, show
from tests.promises.demo_run import VENDORS, Run


def _told(data: dict[str, Any], width: int) -> str:
    crms = {vendor: _crm(data[vendor]) for vendor in VENDORS}
    out = Console(file=io.StringIO(), width=width)
    show(out, DemoReport(**{**data, **crms}))
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def _crm(data: dict[str, Any]) -> CrmReport:
    deals = [DealMade(**one) for one in data["deals"]]
    explained = [Explained(**one) for one in data["explained"]]
    return CrmReport(**{**data, "deals": deals, "explained": explained})


@pytest.mark.parametrize("width", [80, 110])
def test_nothing_is_cut(made_up: Run, width: int) -> None:
    """Every number of the report stands whole in the table, and no line is wider than the terminal."""
    told = _told(made_up.report, width)
    assert "…" not in told
    assert max(len(line) for line in told.splitlines() if str(made_up.home) not in line) <= width
    words = " ".join(told.split())
    found = made_up.report["hubspot"]
    assert f"{found['arr']['stack']:,.0f} / {found['arr']['supersede']:,.0f}" in words
    assert f"{found['calls']['made']} / {found['calls']['least']}" in words
    assert all(f"{band} {count}" in words for band, count in found["bands"].items())


def test_the_second_run_is_told_in_words(made_up: Run) -> None:
    """The table says that the second run wrote nothing; a run that wrote says how much, and where."""
    words = " ".join(_told(made_up.report, 110).split())
    assert "wrote nothing to HubSpot and nothing to Salesforce" in words
    wrote = {**made_up.report, "salesforce": {**made_up.report["salesforce"], "second_run_writes": 3}}
    assert "wrote nothing to HubSpot and 3 to Salesforce" in " ".join(_told(wrote, 110).split())


def test_deals_and_milestones_are_told_with_their_reasons(made_up: Run) -> None:
    """Deals of both kinds stand with name and reason, the milestone reached with its evidence."""
    words = " ".join(_told(made_up.report, 110).split())
    deals = made_up.report["hubspot"]["deals"]
    for kind in ("renewal:", "expansion:"):
        first = next(one for one in deals if one["key"].startswith(kind))
        assert f"{first['name']}: {first['reason']}" in words
    assert "milestones reached: Used on two days a week (because active_days_28d >= 8)" in words


def test_names_are_not_read_as_markup(made_up: Run) -> None:
    """An account called like a style of the terminal keeps its name."""
    odd = {**made_up.report["hubspot"], "events": ["deal won at [bold]Ltd[/bold]"]}
    assert "deal won at [bold]Ltd[/bold]" in _told({**made_up.report, "hubspot": odd}, 110)
