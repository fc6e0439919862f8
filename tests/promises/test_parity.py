"""The same customers have the same customer success in both CRMs, as clients of others read it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from app import cli  # noqa: TID251 - tests stand above the composition root
from sandbox.parity.compare import Difference, compare
from sandbox.parity.fields import Record
from sync import parity
from sync.bench.stage import Stage
from sync.commands import comparing
from sync.commands.sandboxes import run_portfolio
from sync.demo.usage_feed import UsageFeed
from sync.parity import Pair, pair

ACCOUNTS = 40
KINDS = {"account", "profile", "plan", "milestone", "snapshot", "renewal", "expansion"}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Give both sandboxes, synced and a week on; each test gives back what it changes."""
    home = tmp_path_factory.mktemp("parity")
    folder = home / "portfolio"
    run_portfolio(
        "generate", str(folder), "--accounts", str(ACCOUNTS), "--seed", "7", "--as-of", "2026-06-30"
    )
    run_portfolio("usage", str(folder), str(folder / "usage.segment.jsonl"))
    with pair(home, folder) as found:
        found.sync(UsageFeed(folder), lambda _words: None)
        yield found


def edit(stage: Stage, object_name: str, record_id: str, **values: Any) -> None:
    """Change a record as a person would."""
    stage.control.post("edit", {"object": object_name, "id": record_id, "values": values})


def test_every_value_is_the_same_in_both(both: Pair) -> None:
    """Nothing differs, there are records of each kind, and the values counted are those that are there."""
    found = both.compare()
    assert (found.differences, found.first_differences) == (0, ())
    assert set(found.records) == KINDS
    assert found.records["profile"] == found.records["account"] == ACCOUNTS
    assert found.records["milestone"] == 4 * found.records["plan"]
    # Of a profile: name, band, coverage, trend, stage, ARR, explanation, scorecard, two counts, account.
    assert found.compared > 11 * ACCOUNTS + 9 * found.records["milestone"] + 10 * found.records["renewal"]


def test_a_value_changed_in_either_crm_is_found_and_told(both: Pair) -> None:
    """A person's other day of a plan in Salesforce and other name of a deal in HubSpot: two differences."""
    plan = both.salesforce.control.records("CS_Plan__c")[0]
    deal = next(one for one in both.hubspot.control.records("deals") if one["properties"].get("cs_key"))
    edit(both.salesforce, "CS_Plan__c", plan["Id"], CS_Target_On__c="2031-01-02")
    edit(both.hubspot, "deals", deal["id"], dealname="Renamed by a person")
    try:
        found = both.compare()
    finally:
        edit(both.salesforce, "CS_Plan__c", plan["Id"], CS_Target_On__c=plan["CS_Target_On__c"])
        edit(both.hubspot, "deals", deal["id"], dealname=deal["properties"]["dealname"])
    renamed, moved = sorted(found.first_differences, key=lambda one: one.field)
    assert found.differences == 2
    assert (moved.kind, moved.field, moved.hubspot) == ("plan", "target_on", plan["CS_Target_On__c"])
    assert moved.salesforce == "2031-01-02"
    assert (renamed.field, renamed.hubspot) == ("name", "Renamed by a person")
    assert renamed.salesforce == deal["properties"]["dealname"]


def test_a_record_that_is_not_once_in_each_is_a_difference() -> None:
    """Missing here, missing there, or there twice: told as a whole, and none of its values is compared."""
    one, two, three = (Record("plan", key, {"status": "active", "name": None}) for key in ("a", "b", "c"))
    found = compare([one, two, two], [two, three])
    assert found.first_differences == [
        Difference("plan", "a", "the record", "1 times", "0 times"),
        Difference("plan", "b", "the record", "2 times", "1 times"),
        Difference("plan", "c", "the record", "0 times", "1 times"),
    ]
    assert (compare([one], [one]).compared, compare([one], [one]).differences) == (1, 0)


def test_the_first_ten_are_listed_and_all_are_counted() -> None:
    """Of twelve profiles that differ by their band."""
    places = [f"p{number:02}" for number in range(12)]
    found = compare(
        [Record("profile", one, {"band": "red"}) for one in places],
        [Record("profile", one, {"band": "green"}) for one in places],
    )
    assert (found.compared, found.differences) == (12, 12)
    assert [one.key for one in found.first_differences] == places[:10]


def run(monkeypatch: pytest.MonkeyPatch, differences: tuple[parity.Difference, ...]) -> tuple[int, Any]:
    """Return exit code and answer of the command where a run has had this outcome."""
    outcome = parity.Parity(7, len(differences), differences, {"plan": 1})
    monkeypatch.setattr(comparing, "_compared", lambda *_: outcome)
    done = CliRunner().invoke(cli, ["parity", "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_the_command_ends_with_1_where_anything_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    """And with 0 where nothing does; both answer with the same keys."""
    code, told = run(monkeypatch, ())
    assert (code, told["compared"], told["differences"]) == (0, 7, 0)
    code, told = run(monkeypatch, (parity.Difference("plan", "a", "status", "active", None),))
    assert (code, told["differences"]) == (1, 1)
    assert told["first_differences"] == [
        {"kind": "plan", "key": "a", "field": "status", "hubspot": "active", "salesforce": None}
    ]


def test_without_the_reader_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """One error names the package and what brings it."""
    monkeypatch.setitem(sys.modules, "hubspot_sdk", None)
    done = CliRunner().invoke(cli, ["parity"])
    assert done.exit_code == 2
    assert "pip install 'colonnade[parity]'" in done.stderr
