"""A churn model over a CRM: trained on its past, forced into force, told on the record, taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from mappings.charter import Charter
from mappings.load import load_charter
from mappings.models import ModelEntry
from success.prediction.model import Rung
from success.prediction.model_text import from_json
from success.prediction.table import FeatureTable, Row
from sync.backtest_gate import KeptReports
from sync.commands import modelling, showing
from sync.model_rows import past
from sync.models import Activation, activate, declared, held_out_from, train
from sync.onboard import apply_charter
from sync.state import installations
from sync.state.backtests import Report
from sync.state.engine import writing
from sync.state.errors import StateError
from sync.state.installations import Installation
from sync.workspace import open_workspace
from tests.success.drawn_rows import COLUMNS
from tests.success.drawn_rows import drawn as drawn_rows
from tests.sync.harness import CHARTER, HUBSPOT, SALESFORCE, Deployment, Office
from tests.sync.portfolios import Book

OPEN = Callable[..., Office]
LEFT, STAYED = 22, 14
LINES = {HUBSPOT: "line_items", SALESFORCE: "OpportunityLineItem"}
SEATS = {HUBSPOT: "contract_seats", SALESFORCE: "Contract_Seats__c"}
FORCED = Activation("churn", 1, "test", "to see it", force=True)


def customers(left: int = LEFT, stayed: int = STAYED) -> Book:
    """Return customers of a year of which the small leave in its second half, two or three a month."""
    book = Book()
    for number in range(left + stayed):
        name = f"c{number:02}"
        book.account(name, name.title())
        if number < left:
            end = date(2025, 3, 10) + timedelta(days=10 * number)
            book.sold(name, name, "2024-12-01", end.isoformat(), "1200", seats=1 + number % 3)
        else:
            book.sold(name, name, "2024-12-01", None, "12000", seats=20 + number % 5)
    return book


def with_model(vendor: str, **changes: Any) -> Charter:
    """Return the default charter with a model of seats, told on the record."""
    entry = {"key": "churn", "version": 1, "horizon_days": 30, "active": True}
    features = [{"measure": "seats", "direction": "lowers"}, {"attribute": "industry"}]
    model = ModelEntry.model_validate({**entry, "features": features, **changes})
    return load_charter(CHARTER, vendor).model_copy(update={"models": (model,)})


def lived_in(deployed: Deployment, office: OPEN, vendor: str, book: Book) -> Office:
    """Return an office of which the first load is 335 days old, with the charter that declares a model.

    On the 110th day (5 May) somebody changed the seats of the last customer to 99.
    """
    there = office(deployed, vendor, book).install()
    there.load()
    deployed.later(days=110)
    there.sandbox.edit(LINES[vendor], there.sandbox.lookup("line:l-c35"), {SEATS[vendor]: "99"})
    deployed.later(days=225)
    there.poll()
    apply_charter(deployed.runtime, there.id, with_model(vendor), author="test")
    return there


def told(there: Office, name: str) -> dict[str, Any]:
    """Return what the CRM's profile of a customer says of risk."""
    field = {HUBSPOT: "cs_{}", SALESFORCE: "CS_{}__c"}[there.sandbox.vendor]
    spelt = {"churn_rank": "Churn_Rank", "churn_risk": "Churn_Risk", "risk_reasons": "Risk_Reasons"}
    names = {one: field.format(spelt[one] if there.sandbox.vendor == SALESFORCE else one) for one in spelt}
    label = "Name" if there.sandbox.vendor == SALESFORCE else "cs_name"
    for record in there.sandbox.records(there.own("profile")):
        values = record.get("properties", record)
        if values[label] == name:
            return {one: values.get(spelling) for one, spelling in names.items()}
    raise AssertionError(f"no profile of {name}")


@pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])
def test_a_model_is_trained_forced_told_and_taken_back(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch, vendor: str
) -> None:
    """By hand: the firsts of months see every churn once, and for 22 events the rung is the ridge.

    Rows: 14 stayed through all months; the n-th to leave is there on the firsts up to its end. The CRM
    knew of the deals since 1 December, so January is the first month of which it knew them at the beginning.
    """
    there = lived_in(lite, office, vendor, customers())
    version = train(there.ws, "churn")
    model = from_json(version.training.body)
    ends = [date(2025, 3, 10) + timedelta(days=10 * number) for number in range(LEFT)]
    firsts = [date(2024 + month // 12, month % 12 + 1, 1) for month in range(12, 23)]
    assert (version.training.first_day, version.training.last_day) == (firsts[0], firsts[-1])
    assert model.trained.events == sum(firsts[0] < end <= date(2025, 12, 1) for end in ends) == LEFT
    assert model.trained.rows == STAYED * len(firsts) + sum(day < end for end in ends for day in firsts)
    assert (model.rung, model.evidence) == (Rung.RIDGE, "sufficient")
    assert train(there.ws, "churn") == version
    seats = {row.period: row.values[0] for row in _rows_of(there, "c35")}
    assert set(seats.values()) == {20, 99}
    assert [seats[2025 * 12 + month - 1] for month in (4, 5, 6)] == [20, 20, 99]

    there.go_live()
    there.settle()
    assert told(there, "C35") == {"churn_rank": None, "churn_risk": None, "risk_reasons": None}
    with pytest.raises(StateError, match="churn@1 has no passing backtest report"):
        activate(there.ws, Activation("churn", 1, "test"), KeptReports(there.ws))
    with pytest.raises(StateError, match="forcing a model needs a reason"):
        activate(there.ws, Activation("churn", 1, "test", force=True), KeptReports(there.ws))

    assert activate(there.ws, FORCED, KeptReports(there.ws)).forced
    there.settle()
    said = told(there, "C35")
    assert float(said["churn_rank"]) <= 5
    assert said["churn_risk"] is None
    assert said["risk_reasons"].startswith("Seats (99) lowers the risk: -")
    monkeypatch.setattr(modelling, "open_runtime", lambda _: lite.runtime)
    monkeypatch.setattr(showing, "open_runtime", lambda _: lite.runtime)
    _commands(there)
    there.settle()
    assert told(there, "C35") == {"churn_rank": None, "churn_risk": None, "risk_reasons": None}


def _rows_of(there: Office, name: str) -> list[Row]:
    """Return the rows of the past of one customer."""
    key = there.sandbox.lookup(f"account:{name}").lower()
    rows = past(there.ws, declared(there.ws, "churn").to_rules()).table.rows
    return [row for row in rows if row.account == key]


def _commands(there: Office) -> None:
    """Ask the commands about the model in force, and take it out of force."""
    runner = CliRunner()
    listed = json.loads(runner.invoke(modelling.model, ["list", "--json"]).output)
    assert [(one["name"], one["in_force"], one["forced"]) for one in listed] == [("churn@1", True, True)]
    shown = json.loads(runner.invoke(modelling.model, ["show", "churn", "--json"]).output)
    assert (shown["rung"], shown["content_hash"]) == ("ridge", listed[0]["content_hash"])
    assert [one["feature"] for one in shown["terms"]] == ["base", "seats", "attribute.industry"]
    assert [one["reason"] for one in shown["lives"]] == ["to see it"]
    doctor = json.loads(runner.invoke(showing.doctor, ["--json"]).output)
    mine = [one for one in doctor if "churn@1" in one["matter"]]
    assert mine[0]["matter"] == "the model churn@1 was forced into force by test: to see it"
    assert {one["severity"] for one in mine} == {"note"}
    refused = runner.invoke(modelling.model, ["show", "loyalty"])
    assert isinstance(refused.exception, StateError)
    assert "colonnade model train loyalty" in str(refused.exception)
    done = runner.invoke(modelling.model, ["deactivate", "churn", "--reason", "enough"])
    assert done.output == "churn is out of force.\n"


def test_a_report_of_the_same_content_lets_a_version_pass(lite: Deployment) -> None:
    """Not forced, and the report's hash is kept with it; the charter must put the model on the record."""
    portal = Installation(HUBSPOT, "1", "A portal", "http://127.0.0.1:9", "UTC", lite.now, lite.now)
    with writing(lite.runtime.engine) as conn:
        name = installations.connect(conn, portal).id
    apply_charter(lite.runtime, name, with_model(HUBSPOT), author="test")
    version = train(open_workspace(lite.runtime, name), "churn")
    model = from_json(version.training.body)
    assert (model.rung, model.evidence, model.trained.rows) == (Rung.EXPERT, "insufficient", 0)

    class Reports:
        """One passing report, of this version's content."""

        def passing_report(self, model_hash: str) -> Report | None:
            """Return it for that content only."""
            return Report("r1") if model_hash == version.training.content_hash else None

    life = activate(open_workspace(lite.runtime, name), Activation("churn", 1, "test"), Reports())
    assert (life.forced, life.report) == (False, "r1")
    assert [one.key for one in open_workspace(lite.runtime, name).rules.models or ()] == ["churn"]
    apply_charter(lite.runtime, name, with_model(HUBSPOT, active=False), author="test")
    ws = open_workspace(lite.runtime, name)
    assert ws.rules.models == ()
    with pytest.raises(StateError, match="set `active: true`"):
        activate(ws, FORCED, KeptReports(ws))
    with pytest.raises(StateError, match="no model 'loyalty' \\(churn\\)"):
        train(ws, "loyalty")


def test_the_last_periods_are_held_out_where_that_leaves_enough() -> None:
    """Of three periods with about 110 events each the last is held out; of one with 200 none can be."""
    spread = [row for period in range(3) for row in drawn_rows(340, period, period=period).rows]
    table = FeatureTable(COLUMNS, tuple(spread))
    assert all(table.within(period, period).events >= 100 for period in range(3))
    assert held_out_from(table) == 2
    assert held_out_from(table.within(0, 0)) is None
