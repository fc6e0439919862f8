"""The live suites themselves: pointed at a sandbox as if it were real, they pass and leave nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.sync.harness import HUBSPOT, ROOT, SALESFORCE, Sandbox

NOT_OURS = ("HUBSPOT_", "SF_", "PYTEST_")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)}
PORTAL, ORG = "tests/integration/test_hubspot_portal.py", "tests/integration/test_salesforce_borrowed.py"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """Run a portal that somebody lives in."""
    started = Sandbox(HUBSPOT, tmp_path / "sandbox.db", ("--index-lag-seconds", "0")).start()
    try:
        started.post("edit", {"object": "companies", "id": None, "values": {"name": "Somebody's own"}})
        yield started
    finally:
        started.stop()


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Sandbox]:
    """Run an org that somebody lives in."""
    started = Sandbox(SALESFORCE, tmp_path / "sandbox.db").start()
    try:
        started.post("edit", {"object": "Account", "id": None, "values": {"Name": "Somebody's own"}})
        yield started
    finally:
        started.stop()


def run_live(tests: str, told: Mapping[str, str], *more: str) -> subprocess.CompletedProcess[str]:
    """Run live tests by the variables told alone."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "live", tests]
    return subprocess.run(
        [*command, *more],
        cwd=ROOT,
        env={**CLEAN, **told},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def as_live(sandbox: Sandbox, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the live tests against a portal's address, by its token alone."""
    told = {"HUBSPOT_URL": sandbox.url, "HUBSPOT_TOKEN": str(sandbox.get("credentials")["service_key"])}
    return run_live(PORTAL, told, *more)


def standing(sandbox: Sandbox) -> dict[str, Any]:
    """Return all records, and the properties and groups of the objects the suite works on."""
    header = {"Authorization": f"Bearer {sandbox.get('credentials')['service_key']}"}
    found: dict[str, Any] = {name: sandbox.records(name) for name in sandbox.get("dump")["objects"]}
    for name in ("companies", "deals"):
        for below in ("", "/groups"):
            answer = sandbox.http.get(
                f"{sandbox.url}/crm/properties/2026-09/{name}{below}", headers=header, timeout=60
            )
            found[name + below] = (
                found.get(name + below, []),
                sorted(one["name"] for one in answer.json()["results"]),
            )
    return found


def test_it_passes_and_gives_the_portal_back_as_it_was(sandbox: Sandbox) -> None:
    """Every test of the connector runs by the token, none is skipped, and nothing stays."""
    before = standing(sandbox)
    done = as_live(sandbox)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " skipped" not in done.stdout
    asked = [one for one in sandbox.requests() if one["path"].endswith("/batch/upsert")]
    assert len(asked) >= 10
    assert standing(sandbox) == before


def test_it_gives_the_portal_back_after_failures_too(sandbox: Sandbox) -> None:
    """A rule of the portal's own makes tests fail; what they had made is gone all the same."""
    rule = {"object": "deals", "required_on_create": ["closed_lost_reason"]}
    sandbox.post("portal", {"write_rules": [rule]})
    before = standing(sandbox)
    done = as_live(sandbox, "-k", "hangs_under or is_created_once")
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    assert standing(sandbox) == before


def standing_in(org: Sandbox) -> dict[str, list[dict[str, Any]]]:
    """Return all live records of an org by object, its assignments and permission sets among them."""
    return {name: org.records(name) for name in org.get("dump")["objects"]}


def test_it_passes_by_a_key_and_gives_the_org_back_as_it_was(org: Sandbox, tmp_path: Path) -> None:
    """Every test of the Salesforce connector runs by JWT, none is skipped, and nothing stays."""
    opens, key = org.credentials(), tmp_path / "key.pem"
    key.write_text(opens["private_key_pem"])
    told = {
        "SF_INSTANCE_URL": org.url,
        "SF_CLIENT_ID": opens["client_id"],
        "SF_USERNAME": opens["username"],
        "SF_PRIVATE_KEY_FILE": str(key),
    }
    before = standing_in(org)
    done = run_live(ORG, told)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " skipped" not in done.stdout
    assert len([one for one in org.requests() if one["object"] == "CS_Test__c" and one["written"]]) >= 10
    assert standing_in(org) == before


def test_it_gives_the_org_back_after_failures_too(org: Sandbox) -> None:
    """A rule of the org's own makes a test fail; what the others had made is gone all the same."""
    org.post("app", {"consumer_key": "live", "client_secret": "secret"})
    org.post("validation_rules", {"object": "Account", "field_required": "Website", "message": "Give a site"})
    told = {"SF_INSTANCE_URL": org.url, "SF_CLIENT_ID": "live", "SF_CLIENT_SECRET": "secret"}
    before = standing_in(org)
    done = run_live(ORG, told, "-k", "hangs_under or is_created_once")
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    assert standing_in(org) == before


def test_without_variables_it_says_what_was_skipped() -> None:
    """``make test-live`` ends well, names the variables, and runs nothing."""
    done = subprocess.run(
        ["sh", ".ci/live"], cwd=ROOT, env=CLEAN, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    hubspot, salesforce = done.stdout.splitlines()
    assert hubspot == "test-live: HubSpot skipped, HUBSPOT_TOKEN is not set (a token of a portal to test in)"
    assert salesforce.startswith("test-live: Salesforce skipped, SF_INSTANCE_URL, SF_CLIENT_ID")
