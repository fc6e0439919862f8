"""``colonnade install`` into a portal without custom objects, as its admin reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mappings.charter import content_hash
from mappings.load import load_charter
from tests.commands.conftest import PORTAL, run_process
from tests.sync.harness import CHARTER, HUBSPOT, Sandbox
from tests.sync.portfolios import three_customers


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Sandbox]:
    """Run a Starter portal with three customers."""
    sandbox = Sandbox(HUBSPOT, tmp_path / "sandbox.db", ("--tier", "starter")).start()
    try:
        sandbox.post("load", {"dir": str(three_customers().write(tmp_path / "book"))})
        yield sandbox
    finally:
        sandbox.stop()


def test_the_plan_says_where_everything_will_stand_and_the_apply_makes_it(
    starter: Sandbox, tmp_path: Path
) -> None:
    """Notes name the scopes and each kind's home; after the apply a plan finds nothing to do."""
    key = tmp_path / "key.json"
    key.write_text(json.dumps(starter.credentials()), "utf-8")
    env = {"CS_HOME": str(tmp_path / "home")}
    install = ("install", "hubspot", "--credentials", str(key), "--url", starter.url)

    told = run_process(env, *install, "--plan").well().out
    lines = " ".join(told.split())
    assert "crm.schemas.custom.read" in lines
    assert "Note: CS Milestones stand as tasks of companies: no custom object is left for it" in lines

    applied = run_process(env, *install, "--apply", "--json").json()
    places = {"profile": "account", "plan": "account", "milestone": "task", "snapshot": "mirror"}
    assert applied["homes"] == places
    assert [one["object"] for one in applied["steps"]] == ["companies", "deals"]
    assert all(one["done"] for one in applied["results"])
    again = run_process(env, *install, "--plan", "--json").json()
    assert (again["questions"], [one["adds"] for one in again["steps"]]) == ([], [[], []])
    assert again["homes"] == applied["homes"]


def test_an_uninstall_shows_its_plan_and_takes_back_what_was_made(starter: Sandbox, tmp_path: Path) -> None:
    """The plan names the parts and changes nothing; the apply counts what went; a second finds nothing."""
    key = tmp_path / "key.json"
    key.write_text(json.dumps(starter.credentials()), "utf-8")
    env = {"CS_HOME": str(tmp_path / "home")}
    run_process(env, "install", "hubspot", "--credentials", str(key), "--url", starter.url, "--apply").well()

    mark = starter.mark()
    told = run_process(env, "uninstall", PORTAL, "--plan").well().out
    assert "cs_health" in told
    assert "The CRM was not changed; run again with --apply." in told
    assert [one for one in starter.requests(mark) if one["written"]] == []

    done = run_process(env, "uninstall", PORTAL, "--apply", "--json").json()
    assert [one["part"]["name"] for one in done["removals"] if not one["gone"]] == []
    assert len(done["removals"]) == len(done["parts"]) > 0
    again = run_process(env, "uninstall", PORTAL, "--apply").well().out
    assert "Taken back: 0 parts and 0 records." in again

    mark = starter.mark()
    for verb in ("load", "history", "live", "run"):
        run_process(env, "sync", verb, PORTAL).refused("was uninstalled", "--portal 24680135 --apply")
    assert starter.requests(mark) == []


def test_a_part_the_portal_keeps_ends_an_uninstall_with_its_words(starter: Sandbox, tmp_path: Path) -> None:
    """The customer's own list stands on cs_health: exit code 1, the property and what uses it named."""
    key = tmp_path / "key.json"
    credentials = starter.credentials()
    key.write_text(json.dumps(credentials), "utf-8")
    env = {"CS_HOME": str(tmp_path / "home")}
    run_process(env, "install", "hubspot", "--credentials", str(key), "--url", starter.url, "--apply").well()
    operation = {"operationType": "NUMBER", "operator": "IS_LESS_THAN", "value": 50}
    condition = {"filterType": "PROPERTY", "property": "cs_health", "operation": operation}
    inner = {"filterBranchType": "AND", "filterBranches": [], "filters": [condition]}
    body = {
        "name": "Theirs",
        "objectTypeId": "0-2",
        "processingType": "DYNAMIC",
        "filterBranch": {"filterBranchType": "OR", "filterBranches": [inner], "filters": []},
    }
    headers = {"Authorization": f"Bearer {credentials['token']}"}
    made = starter.http.post(f"{starter.url}/crm/lists/2026-09", json=body, headers=headers, timeout=30)
    assert made.ok, made.text

    done = run_process(env, "uninstall", PORTAL, "--apply")
    assert done.code == 1
    assert done.err.count("Error:") == 1
    assert "field companies.cs_health" in done.err
    assert "used by: Theirs" in " ".join(done.err.split())
    assert "Can't delete or purge a group with active properties" in " ".join(done.err.split())
    assert "correlationId" not in done.err
    assert "mend that and run again" in done.err


def test_an_install_begins_from_the_charter_of_the_deployment_and_shows_the_portal(
    starter: Sandbox, tmp_path: Path
) -> None:
    """CS_CHARTER is what a first install is for; it tells the account, its calls and its lists."""
    charter = tmp_path / "charter.yaml"
    charter.write_text(CHARTER.read_text("utf-8").replace("name: Default", "name: Ours", 1), "utf-8")
    key = tmp_path / "key.json"
    key.write_text(json.dumps(starter.credentials()), "utf-8")
    env = {"CS_HOME": str(tmp_path / "home"), "CS_CHARTER": str(charter)}
    install = ("install", "hubspot", "--credentials", str(key), "--url", starter.url, "--apply")

    shown = " ".join(run_process(env, *install).well().out.split())
    assert "Account: standard, without custom objects" in shown
    assert "Create: list CS At risk" in shown
    assert "An apply makes 8 calls." in shown
    again = run_process(env, *install, "--json").json()
    assert (again["calls_to_apply"], {one["outcome"] for one in again["parts"]}) == (0, {"right"})
    history = run_process(env, "charter", "history", again["installation"], "--json").json()
    assert [one["content_hash"] for one in history] == [content_hash(load_charter(charter, HUBSPOT))]
