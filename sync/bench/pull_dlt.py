"""dlt's ``rest_api`` source into DuckDB by parquet, in a process of its own: a peer of ``bench pull``.

``load`` reads the list endpoint and replaces the table, which is also how it sees changes and deletions
later: a list has no filter by time. ``search`` merges what the search endpoint gives from the newest change
seen on. dlt's own settings but: parquet (its INSERT loader takes two gigabytes and twice the time), no
compression between its steps, and no child tables. Imports nothing of the product but ``peak``.
Neighbour: ``pull`` starts it. Arguments: one JSON object, see ``pull_processes.Task``.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

os.environ |= {  # before dlt is imported, which reads them
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
}

import dlt
import duckdb
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.sources.rest_api import rest_api_source

from sync.bench.peak import measured

PATH = "crm/objects/2026-09/"
CHANGED = "hs_lastmodifieddate"
TABLE = "companies"


def main() -> None:
    """Do one task and print what it cost and what the table then holds."""
    task = json.loads(sys.argv[1])
    home, what = Path(task["home"]), task["what"]
    destination = dlt.destinations.duckdb(str(home / "dlt.duckdb"))
    pipeline = dlt.pipeline(
        f"pull_{what}", pipelines_dir=str(home / "dlt"), destination=destination, dataset_name="crm"
    )
    source = _searched(task) if what == "search" else _listed(task)
    failed = ""

    def work() -> None:
        nonlocal failed
        try:
            pipeline.run(source, loader_file_format="parquet")
        except PipelineStepFailed as error:
            failed = f"{error.step}: {str(error.exception).splitlines()[0][:200]}"

    measured(work, lambda: {**_held(home, task["mark"]), "failed": failed})


def _listed(task: dict[str, Any]) -> Any:
    asked = {"limit": 100, "properties": task["fields"], "associations": task["links"]}
    endpoint = {"path": TABLE, "params": asked, "data_selector": "results"}
    cursor = {"type": "cursor", "cursor_path": "paging.next.after", "cursor_param": "after"}
    return _source(task, {**endpoint, "paginator": cursor}, "replace")


def _searched(task: dict[str, Any]) -> Any:
    since = {"propertyName": CHANGED, "operator": "GTE", "value": "{incremental.start_value}"}
    asked = {
        "filterGroups": [{"filters": [since]}],
        "sorts": [{"propertyName": CHANGED, "direction": "ASCENDING"}],
        "properties": task["fields"].split(","),
        "limit": 200,
    }
    cursor = {"type": "cursor", "cursor_path": "paging.next.after", "cursor_body_path": "after"}
    endpoint = {
        "path": f"{TABLE}/search",
        "method": "POST",
        "json": asked,
        "data_selector": "results",
        "paginator": cursor,
        "incremental": {
            "cursor_path": "updatedAt",
            "initial_value": task["since"],
            "convert": _milliseconds,
        },
    }
    return _source(task, endpoint, "merge")


def _milliseconds(instant: str) -> str:
    return str(int(datetime.fromisoformat(instant).timestamp() * 1000))


def _source(task: dict[str, Any], endpoint: dict[str, Any], disposition: str) -> Any:
    config: Any = {
        "client": {"base_url": f"{task['url']}/{PATH}", "auth": {"type": "bearer", "token": task["token"]}},
        "resource_defaults": {"primary_key": "id", "write_disposition": disposition},
        "resources": [{"name": TABLE, "endpoint": endpoint}],
    }
    return rest_api_source(config, name="pull", max_table_nesting=0)


def _held(home: Path, mark: str) -> dict[str, int]:
    with duckdb.connect(str(home / "dlt.duckdb"), read_only=True) as db:
        name = "json_extract_string(properties, '$.name')"
        found = db.execute(
            f"SELECT count(*), count(*) FILTER (WHERE starts_with({name}, ?)) FROM crm.{TABLE}",
            [mark],
        ).fetchone()
    records, marked = found or (0, 0)
    return {"records": records, "marked": marked}


if __name__ == "__main__":
    main()
