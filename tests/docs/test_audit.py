"""The dependency audit: red for a known flaw, and never quietly green where nobody was asked."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "audit.py"
CLEAN = {"name": "good", "version": "1", "vulns": []}
SKIPPED = {"name": "unknown", "skip_reason": "not found"}
FLAWED = {"name": "bad", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}


@pytest.fixture
def audit() -> ModuleType:
    """Give the script as a module."""
    spec = importlib.util.spec_from_file_location("audit_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("packages", "code", "required_code", "words"),
    [
        ([CLEAN], 0, 0, "1 packages looked up, 0 with"),
        ([CLEAN, FLAWED], 1, 1, "bad 2 has CVE-1; mended in: 3"),
        ([CLEAN, SKIPPED], 0, 3, "NOT AUDITED: a.lock: 1 of 2 packages could not be looked up: unknown"),
        ([FLAWED, SKIPPED], 1, 1, "NOT AUDITED"),
        (None, 0, 3, "NOT AUDITED: a.lock: the vulnerability service did not answer"),
        ([], 0, 3, "0 packages looked up"),
    ],
)
def test_the_verdict(audit: ModuleType, packages, code: int, required_code: int, words: str) -> None:
    """A flaw fails; what was not looked up is said, and fails where the audit is required."""
    found = {"a.lock": packages}
    assert audit.verdict(found, required=False)[0] == code
    assert audit.verdict(found, required=True)[0] == required_code
    assert words in "\n".join(audit.verdict(found, required=False)[1])
    assert audit.verdict({"b.lock": [FLAWED], **found}, required=True)[0] == 1
