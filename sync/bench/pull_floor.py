"""The floor of ``bench pull``, a process of its own: a bare ``requests`` loop that parses and keeps nothing.

Neighbour: ``pull`` starts it. Arguments: one JSON object, see ``pull_processes.Task``.
"""

from __future__ import annotations

import json
import sys

import requests

from sync.bench.peak import measured

OK = 200


def main() -> None:
    """Read every page once and print what it cost."""
    task, read = json.loads(sys.argv[1]), 0

    def work() -> None:
        nonlocal read
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {task['token']}"
        asked = {"limit": "100", "properties": task["fields"], "associations": task["links"]}
        while True:
            answer = session.get(f"{task['url']}/crm/objects/2026-09/companies", params=asked, timeout=60)
            answer.raise_for_status()
            body = answer.json()
            read += len(body["results"])
            following = body.get("paging", {}).get("next", {}).get("after")
            if following is None:
                return
            asked["after"] = following

    measured(work, lambda: {"records": read})


if __name__ == "__main__":
    main()
