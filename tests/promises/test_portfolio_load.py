"""``colonnade portfolio load``: somebody else's CSV files become records of a running sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.promises.demo_run import ROOT

MAPPING = """\
name: Two customers
currency: USD
contract_home: deal
products:
  - {key: Seat, name: Seat, unit_price: "120.00"}
accounts:
  file: customers.csv
  fields:
    key: id
    name: name
    domain: {template: "{id}.example"}
    industry: {const: Retail}
    country: {const: US}
    created_on: since
deals:
  file: contracts.csv
  fields:
    key: {template: "D-{number}"}
    account_key: customer
    name: {template: "Contract {number}"}
    stage: {const: won}
    kind: {const: new}
    amount: yearly
    created_on: start
    close_on: start
lines:
  file: contracts.csv
  fields:
    key: number
    deal_key: {template: "D-{number}"}
    account_key: customer
    product_key: {const: Seat}
    seats: seats
    start_on: start
    end_on: end
    term_months: {const: 12}
    arr: yearly
    kind: {const: recurring}
    billing: {const: annual}
    auto_renew: {const: "True"}
usage:
  file: use.csv
  fields:
    message_id: id
    line_key: contract
    feature: feature
    at: {template: "{day}T12:00:00Z"}
    count: count
"""
CUSTOMERS = "id,name,since\nc1,First,2025-01-01\nc2,Second,2025-02-01\n"
CONTRACTS = (
    "number,customer,seats,yearly,start,end\n"
    "n1,c1,10,1200,2025-01-01,\nn2,c2,5,600,2025-02-01,2026-02-01\nn3,c2,1,120,2025-03-01,\n"
)
USE = "id,contract,feature,day,count\nu1,n1,export,2025-05-01,3\nu2,n3,login,2025-05-02,1\n"
RECORDS = {
    "hubspot": {"companies": 2, "deals": 3, "line_items": 0},
    "salesforce": {"Account": 2, "Opportunity": 3, "OpportunityLineItem": 0},
}


@pytest.fixture(params=sorted(RECORDS))
def vendor(request: pytest.FixtureRequest) -> str:
    """Give the name of each vendor in turn."""
    return str(request.param)


@pytest.fixture
def sandbox(vendor: str, tmp_path: Path) -> Iterator[str]:
    """Give the address of an empty sandbox, started by the product's own command."""
    command = [
        sys.executable,
        "-m",
        "app",
        "sandbox",
        vendor,
        "--port",
        "0",
        "--db",
        str(tmp_path / "crm.db"),
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        yield ready.split()[1]
        os.killpg(process.pid, signal.SIGTERM)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder of foreign files: two customers, three contracts, two uses."""
    made = tmp_path / "theirs"
    made.mkdir()
    for name, text in (("customers", CUSTOMERS), ("contracts", CONTRACTS), ("use", USE)):
        (made / f"{name}.csv").write_text(text)
    (made / "mapping.yaml").write_text(MAPPING)
    return made


def _load(folder: Path, url: str, *options: str) -> subprocess.CompletedProcess[str]:
    given = ["--mapping", str(folder / "mapping.yaml"), "--as-of", "2025-06-30", "--url", url]
    command = [sys.executable, "-m", "app", "portfolio", "load", str(folder), *given, *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_foreign_files_become_records_and_usage(
    sandbox: str, vendor: str, folder: Path, tmp_path: Path
) -> None:
    """Two customers with three contracts stand in the CRM, and their two uses in a file of messages."""
    usage = tmp_path / "usage.jsonl"
    done = _load(folder, sandbox, "--usage", str(usage), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["usage"] == str(usage)
    standing: dict[str, int] = requests.get(f"{sandbox}/_sandbox/dump", timeout=60).json()["objects"]
    assert {name: standing[name] for name in RECORDS[vendor]} == RECORDS[vendor]
    assert {name: said["loaded"].get(name, 0) for name in RECORDS[vendor]} == RECORDS[vendor]
    messages: list[dict[str, Any]] = [json.loads(line) for line in usage.read_text().splitlines()]
    assert [
        (
            one["messageId"],
            one["context"]["groupId"],
            one["properties"]["subscription"],
            one["properties"]["count"],
        )
        for one in messages
    ] == [("u1", "c1", "n1", 3), ("u2", "c2", "n3", 1)]


def test_a_file_that_does_not_fit_its_mapping_loads_nothing(sandbox: str, vendor: str, folder: Path) -> None:
    """A column the mapping names and the file lacks is told with file and column; the CRM stays empty."""
    (folder / "contracts.csv").write_text(CONTRACTS.replace("seats", "places"))
    done = _load(folder, sandbox)
    assert done.returncode != 0
    assert "contracts.csv" in done.stderr
    assert "seats" in done.stderr
    standing: dict[str, int] = requests.get(f"{sandbox}/_sandbox/dump", timeout=60).json()["objects"]
    assert {standing[name] for name in RECORDS[vendor]} == {0}
