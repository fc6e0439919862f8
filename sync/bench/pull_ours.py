"""Our pull of companies in a process of its own, as a worker does it.

``load`` is a first load; ``again`` a poll and a census. Neighbour: ``pull`` starts it. Arguments: one JSON
object, see ``pull_processes.Task``; its ``home`` is a ``CS_HOME`` with an installation.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from sync.bench.peak import measured
from sync.census import take_census
from sync.config import read_settings
from sync.keep import in_reading_order
from sync.pull import poll_object
from sync.runtime import Runtime, open_runtime
from sync.state import mirror
from sync.state.engine import reading
from sync.workspace import open_workspace

COMPANIES = "companies"


def main() -> None:
    """Do one task and print what it cost and what the mirror then holds."""
    task = json.loads(sys.argv[1])
    runtime = open_runtime(read_settings({"CS_HOME": task["home"], "REDIS_URL": task["redis"]}))

    def work() -> None:
        ws = open_workspace(runtime, task["installation"])
        query = next(one for one in in_reading_order(ws) if one.object == COMPANIES)
        poll_object(ws, query)
        if task["what"] == "again":
            take_census(ws, COMPANIES)

    measured(work, lambda: _held(runtime, task))
    runtime.engine.dispose()


def _held(runtime: Runtime, task: Mapping[str, Any]) -> dict[str, int]:
    with reading(runtime.engine) as conn:
        live = mirror.current(conn, task["installation"], COMPANIES)
    named = sum(str(one.values.get("name")).startswith(task["mark"]) for one in live)
    return {"records": len(live), "marked": named}


if __name__ == "__main__":
    main()
