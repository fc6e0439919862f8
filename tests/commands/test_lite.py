"""``colonnade install`` into a portal without custom objects, as its admin reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import run_process
from tests.sync.harness import HUBSPOT, Sandbox
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
    assert applied["homes"] == {"profile": "account", "plan": "account", "milestone": "task"}
    assert [one["object"] for one in applied["steps"]] == ["companies", "deals"]
    assert all(one["done"] for one in applied["results"])
    again = run_process(env, *install, "--plan", "--json").json()
    assert (again["questions"], [one["adds"] for one in again["steps"]]) == ([], [[], []])
    assert again["homes"] == applied["homes"]
