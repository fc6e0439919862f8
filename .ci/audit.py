"""Looks every locked package up among known vulnerabilities, and says which could not be looked up.

Exit code 1 where one has a known vulnerability; 0 where none of those looked up has. pip-audit itself calls a
package it could not find skipped and ends well, also where the index answered for none of them: here each is
counted and said, and with AUDIT_REQUIRED=1 one that was not looked up is a failure too (exit code 3).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import Any

WITHIN_S = 600
FOUND, NOT_LOOKED_UP = 1, 3
NAMED = 10


def asked(lock: str) -> list[Mapping[str, Any]] | None:
    """Return what pip-audit says of each package of a lock file; ``None`` where it could not ask at all."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--no-deps", "--disable-pip"]
    options = ["--format", "json", "--progress-spinner", "off", "--timeout", "30"]
    try:
        done = subprocess.run(  # noqa: S603 - its own interpreter and files
            [*command, *options], capture_output=True, text=True, timeout=WITHIN_S, check=False
        )
        return list(json.loads(done.stdout)["dependencies"])
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None


def verdict(found: Mapping[str, list[Mapping[str, Any]] | None], *, required: bool) -> tuple[int, list[str]]:
    """Return the exit code and what to say, for the answers by lock file."""
    lines, code = [], 0
    for lock, packages in found.items():
        known = packages or []
        bad = [one for one in known if one.get("vulns")]
        unseen = [one for one in known if "skip_reason" in one]
        lines += [f"{lock}: {words}" for one in bad for words in _told(one)]
        if packages is None:
            lines.append(f"NOT AUDITED: {lock}: the vulnerability service did not answer")
        elif unseen:
            names = ", ".join(str(one["name"]) for one in unseen[:NAMED])
            more = f" and {len(unseen) - NAMED} more" if len(unseen) > NAMED else ""
            share = f"{len(unseen)} of {len(known)} packages"
            lines.append(f"NOT AUDITED: {lock}: {share} could not be looked up: {names}{more}")
        seen = len(known) - len(unseen)
        lines.append(f"{lock}: {seen} packages looked up, {len(bad)} with a known vulnerability")
        missed = packages is None or bool(unseen) or not known
        code = FOUND if bad or code == FOUND else (NOT_LOOKED_UP if missed and required else code)
    return code, lines


def _told(one: Mapping[str, Any]) -> Iterable[str]:
    for flaw in one["vulns"]:
        fixed = ", ".join(flaw.get("fix_versions") or ()) or "none yet"
        yield f"{one['name']} {one['version']} has {flaw['id']}; mended in: {fixed}"


def main(locks: list[str]) -> int:
    """Ask about the lock files, print what came of it, and return the exit code."""
    found = {lock: asked(lock) for lock in locks}
    code, lines = verdict(found, required=os.environ.get("AUDIT_REQUIRED") == "1")
    print("\n".join(lines))  # noqa: T201 - it is a command
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
