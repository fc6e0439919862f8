"""Portals lived in for years: pipelines of their own, worded anew, with ids nobody chose.

Where deals of ours open is told by ids and flags. A doubt is one question before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mappings.load import load_charter
from sync.onboard import apply_charter, plan_install
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers
from tests.sync.test_install import charter_with, reasons_not_to_apply

OPEN = Callable[..., Office]
DEFAULTS = "        pipeline: default\n        stage: qualifiedtobuy\n"
PIPELINES = "/crm/pipelines/2026-09/deals"
GERMAN = (("Erstkontakt", "0.1"), ("Angebot", "0.5"), ("Gewonnen", "1.0"), ("Verloren", "0.0"))


def ask(office: Office, method: str, path: str, body: Any = None) -> Any:
    """Return HubSpot's answer to a call of a person's."""
    port: Any = office.ws.port
    return port._portal.transport.call("test", method, path, body).body


def add_pipeline(office: Office, label: str) -> Any:
    """Make a pipeline as an admin would; HubSpot numbers it and its stages."""
    stages = [
        {"label": name, "displayOrder": at, "metadata": {"probability": probability}}
        for at, (name, probability) in enumerate(GERMAN)
    ]
    return ask(office, "POST", PIPELINES, {"label": label, "displayOrder": 1, "stages": stages})


def move_in(office: Office, pipeline: Any) -> None:
    """Move every deal, all of them won, into a pipeline, and delete HubSpot's own."""
    won = pipeline["stages"][2]["id"]
    for deal in office.sandbox.records("deals"):
        office.sandbox.edit("deals", deal["id"], {"pipeline": pipeline["id"], "dealstage": won})
    ask(office, "DELETE", f"{PIPELINES}/default")


def opened_in(office: Office, opening: str, tmp_path: Path) -> tuple[str, str]:
    """Install with deals opening so, run once, and return pipeline and stage of Acorn's renewal."""
    charter = load_charter(charter_with(tmp_path, DEFAULTS, opening), HUBSPOT)
    apply_charter(office.deployment.runtime, office.id, charter, author="test")
    office.install().load()
    office.go_live().settle()
    (renewal,) = [one for key, one in office.written("deals").items() if key.startswith("renewal:")]
    return renewal["pipeline"], renewal["dealstage"]


def test_a_portal_without_hubspots_own_pipeline_is_one_question(lite: Deployment, office: OPEN) -> None:
    """Every pipeline is listed with the ids and words of its open stages, and the lines to set."""
    there = office(lite, HUBSPOT, three_customers())
    first, second = add_pipeline(there, "Neugeschäft"), add_pipeline(there, "Bestand")
    move_in(there, first)
    (question,) = reasons_not_to_apply(there)
    for pipeline in (first, second):
        contact, offer = pipeline["stages"][:2]
        listed = f"pipeline '{pipeline['id']}' ({pipeline['label']}): "
        assert f"{listed}'{contact['id']}' (Erstkontakt), '{offer['id']}' (Angebot)" in question
    assert "`crm.hubspot.writes.renewal` and `crm.hubspot.writes.expansion`" in question
    assert "Gewonnen" not in question


def test_two_pipelines_and_a_charter_that_names_none_is_a_question(
    lite: Deployment, office: OPEN, tmp_path: Path
) -> None:
    """Either would do, so neither is guessed."""
    there = office(lite, HUBSPOT, three_customers())
    add_pipeline(there, "Bestand")
    charter = load_charter(charter_with(tmp_path, DEFAULTS, ""), HUBSPOT)
    apply_charter(lite.runtime, there.id, charter, author="test")
    (question,) = reasons_not_to_apply(there)
    assert "names no stage, and not exactly one pipeline has open stages" in question


def test_renewals_open_in_the_pipeline_the_charter_names(
    lite: Deployment, office: OPEN, tmp_path: Path
) -> None:
    """A pipeline without a stage means its first open one; contracts are won by flag, not by name."""
    there = office(lite, HUBSPOT, three_customers())
    first, second = add_pipeline(there, "Neugeschäft"), add_pipeline(there, "Bestand")
    move_in(there, first)
    place = opened_in(there, f"        pipeline: '{second['id']}'\n", tmp_path)
    assert place == (second["id"], second["stages"][0]["id"])


def test_a_stage_says_which_pipeline_it_is(lite: Deployment, office: OPEN, tmp_path: Path) -> None:
    """Stage ids are unique in a portal: naming one is enough."""
    there = office(lite, HUBSPOT, three_customers())
    first, second = add_pipeline(there, "Neugeschäft"), add_pipeline(there, "Bestand")
    move_in(there, first)
    offer = second["stages"][1]["id"]
    assert opened_in(there, f"        stage: '{offer}'\n", tmp_path) == (second["id"], offer)


def test_the_only_pipeline_needs_no_naming(lite: Deployment, office: OPEN, tmp_path: Path) -> None:
    """One pipeline, numbered stages: deals of ours open in its first open stage."""
    there = office(lite, HUBSPOT, three_customers())
    only = add_pipeline(there, "Neugeschäft")
    move_in(there, only)
    assert opened_in(there, "", tmp_path) == (only["id"], only["stages"][0]["id"])


def test_a_closed_stage_is_no_place_to_open_in(lite: Deployment, office: OPEN, tmp_path: Path) -> None:
    """A charter that opens deals in a won stage is asked about."""
    there = office(lite, HUBSPOT, three_customers())
    closed = "        pipeline: default\n        stage: closedwon\n"
    charter = load_charter(charter_with(tmp_path, DEFAULTS, closed), HUBSPOT)
    apply_charter(lite.runtime, there.id, charter, author="test")
    (question,) = reasons_not_to_apply(there)
    assert "stage 'closedwon', which is no open stage of pipeline 'default'" in question


@pytest.mark.parametrize(("won", "told"), [("", True), ("9001", False)])
def test_a_pipeline_in_which_nothing_can_be_won_is_told(
    lite: Deployment, office: OPEN, tmp_path: Path, won: str, told: bool
) -> None:
    """Without a stage marked as won no contract would count; the charter may name the stage."""
    there = office(lite, HUBSPOT, three_customers())
    stages = [{"label": "Ja", "stageId": "9001", "displayOrder": 0, "metadata": {"probability": "0.9"}}]
    ask(there, "POST", PIPELINES, {"label": "Partner", "displayOrder": 1, "stages": stages})
    line = "        parent: companies\n        fields:\n          name: dealname\n"
    text = (
        line.replace("        fields", f"        stages: {{won: ['{won}']}}\n        fields") if won else line
    )
    charter = load_charter(charter_with(tmp_path, line, text), HUBSPOT)
    apply_charter(lite.runtime, there.id, charter, author="test")
    notes = [one for one in plan_install(there.ws).notes if "(Partner) is marked as won" in one]
    assert bool(notes) == told
