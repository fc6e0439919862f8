"""The live suite itself: pointed at a sandbox as if it were a real portal, it passes and leaves nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sync.harness import HUBSPOT, ROOT, Sandbox

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("HUBSPOT_", "PYTEST_"))}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """Run a portal that somebody lives in."""
    started = Sandbox(HUBSPOT, tmp_path / "sandbox.db", ("--index-lag-seconds", "0")).start()
    try:
        started.post("edit", {"object": "companies", "id": None, "values": {"name": "Somebody's own"}})
        yield started
    finally:
        started.stop()


def as_live(sandbox: Sandbox, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the live tests against the sandbox's address, by its token alone."""
    told = {"HUBSPOT_URL": sandbox.url, "HUBSPOT_TOKEN": str(sandbox.get("credentials")["service_key"])}
    command = [sys.executable, "-m", "pytest", "-q", "-m", "live", "tests/integration/test_hubspot_portal.py"]
    return subprocess.run(
        [*command, *more],
        cwd=ROOT,
        env={**CLEAN, **told},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


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


def test_without_a_token_it_says_that_it_was_skipped() -> None:
    """``make test-live`` ends well, names the variable, and runs nothing."""
    done = subprocess.run(
        ["sh", ".ci/live"], cwd=ROOT, env=CLEAN, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "test-live: skipped, HUBSPOT_TOKEN is not set (a token of a portal to test in)\n"
