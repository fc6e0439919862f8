"""A plain loop over ``hubspot-api-client`` into SQLite, a process of its own: a peer of ``bench pull``.

What an engineer writes by HubSpot's page: list everything once; later search by the time of change, from
the moment of the last pull on, in pages of 200 up to the 10,000 a search gives, then again from the newest
of those (inclusive, so that no record of that time is missed); and list the recycle bin. One API object
(each access of the client's makes another pool), a transaction a page. Imports nothing of the product but
``peak``. Neighbour: ``pull`` starts it. Arguments: one JSON object, see ``pull_processes.Task``.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from hubspot import HubSpot
from hubspot.crm.companies import PublicObjectSearchRequest

from sync.bench.peak import measured

LIST_ROWS, SEARCH_ROWS, SEARCH_WINDOW = 100, 200, 10_000
CHANGED = "hs_lastmodifieddate"


class Loop:
    """The loop and its table of records: id, when changed, name, everything."""

    def __init__(self, task: dict[str, Any]) -> None:
        """Open the client and the table."""
        client = HubSpot(access_token=task["token"], host=task["url"])
        self.pages, self.search = client.crm.companies.basic_api, client.crm.companies.search_api
        self.since, self.last = task["since"], 0
        self.fields, self.links = task["fields"].split(","), task["links"].split(",")
        self.db = sqlite3.connect(Path(task["home"]) / "sdk.db")
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS company (id TEXT PRIMARY KEY, changed TEXT, name TEXT, body TEXT)"
        )

    def load(self) -> None:
        """Read every page of live records."""
        for results in self._listed(archived=False):
            self._keep(results)

    def again(self) -> None:
        """Read what changed since the last pull, and what lies in the recycle bin."""
        since = self.since
        while True:
            self._window(since)
            newest = self._newest()
            if self.last < SEARCH_WINDOW or newest == since:
                break  # more than one search gives share a time: it would give the same again
            since = newest
        for results in self._listed(archived=True):
            with self.db:
                self.db.executemany("DELETE FROM company WHERE id = ?", [(one.id,) for one in results])

    def _newest(self) -> str:
        return str(self.db.execute("SELECT max(changed) FROM company").fetchone()[0])

    def _window(self, since: str) -> None:
        moment = int(datetime.fromisoformat(since).timestamp() * 1000)
        asked: dict[str, Any] = {
            "filter_groups": [
                {"filters": [{"propertyName": CHANGED, "operator": "GTE", "value": str(moment)}]}
            ],
            "sorts": [{"propertyName": CHANGED, "direction": "ASCENDING"}],
            "properties": self.fields,
            "limit": SEARCH_ROWS,
        }
        self.last = 0
        while self.last < SEARCH_WINDOW:
            answer = self.search.do_search(PublicObjectSearchRequest(**asked))
            self.last += len(answer.results)
            self._keep(answer.results)
            if answer.paging is None:
                return
            asked["after"] = answer.paging.next.after

    def _listed(self, *, archived: bool) -> Iterable[list[Any]]:
        after = None
        while True:
            page = self.pages.get_page(
                limit=LIST_ROWS,
                after=after,
                properties=self.fields,
                associations=self.links,
                archived=archived,
            )
            yield page.results
            if page.paging is None:
                return
            after = page.paging.next.after

    def _keep(self, results: list[Any]) -> None:
        rows = [
            (
                one.id,
                one.updated_at.isoformat(),
                one.properties.get("name"),
                json.dumps(one.properties),
            )
            for one in results
        ]
        with self.db:
            self.db.executemany("INSERT OR REPLACE INTO company VALUES (?, ?, ?, ?)", rows)


def main() -> None:
    """Do one task and print what it cost and what the table then holds."""
    task = json.loads(sys.argv[1])
    loop = Loop(task)

    def found() -> dict[str, int]:
        counted = "SELECT count(*), coalesce(sum(name LIKE ? || '%'), 0) FROM company"
        records, marked = loop.db.execute(counted, (task["mark"],)).fetchone()
        return {"records": records, "marked": marked}

    measured(loop.load if task["what"] == "load" else loop.again, found)


if __name__ == "__main__":
    main()
