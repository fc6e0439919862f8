"""Runs ``colonnade demo`` as a process of its own, and reads back what it left in its home."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VENDORS = ("hubspot", "salesforce")
OURS = ("DATABASE_URL", "REDIS_URL", "PORT")
LONGEST_RUN_S = 900
# What differs between two runs that did the same: the CRM's own ids, and when it wrote.
NOT_COMPARED = {
    "hs_object_id", "createdate", "hs_createdate", "hs_lastmodifieddate",
    "Id", "attributes", "CreatedDate", "LastModifiedDate", "SystemModstamp",
}  # fmt: skip
Record = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A finished demo: its exit code, what it printed, and its home."""

    code: int
    out: str
    err: str
    home: Path

    @cached_property
    def report(self) -> dict[str, Any]:
        """Return the printed JSON of a run that ended well."""
        assert self.code == 0, self.err[-3000:]
        found: dict[str, Any] = json.loads(self.out)
        return found

    def kept(self, what: str, vendor: str) -> Any:
        """Return one of the files the demo keeps: requests, counts or dump."""
        assert self.code == 0, self.err[-3000:]
        return json.loads((self.home / f"{what}-{vendor}.json").read_text())

    def portfolio(self, name: str) -> list[Record]:
        """Return the rows of one file of the portfolio the demo made."""
        with (self.home / "portfolio" / f"{name}.jsonl").open() as lines:
            return [json.loads(line) for line in lines]

    def truth(self) -> dict[str, set[str]]:
        """Return what the portfolio planted: account keys by story."""
        made = json.loads((self.home / "portfolio" / "portfolio.json").read_text())
        return {name: set(keys) for name, keys in made["truth"].items()}

    def crm(self, vendor: str) -> Crm:
        """Return what stands in a CRM at the end."""
        assert self.code == 0, self.err[-3000:]
        return _crm(self.home, vendor)


@dataclass(frozen=True)
class Crm:
    """What stood in one CRM at the end of a run; the same questions for both vendors' shapes."""

    vendor: str
    dump: dict[str, list[dict[str, Any]]]

    def field(self, name: str) -> str:
        """Return the vendor's name of a field of ours."""
        if self.vendor == "hubspot":
            return f"cs_{name}"
        return "CS_" + "_".join("ARR" if word == "arr" else word.title() for word in name.split("_")) + "__c"

    def records(self, kind: str) -> list[Record]:
        """Return the fields of our records of a kind."""
        return [one["values"] for one in self.dump[kind]]

    def accounts(self) -> dict[str, str]:
        """Return the customers' references by account id."""
        names = ("hs_object_id", "customer_ref") if self.vendor == "hubspot" else ("Id", "Customer_Ref__c")
        return {one[names[0]]: one[names[1]] for one in self.records("account")}

    def health(self) -> dict[str, float]:
        """Return the points of every scored account, by the customer's reference."""
        refs = {key.lower(): ref for key, ref in self.accounts().items()}
        return {
            refs[one[self.field("key")].removeprefix("profile:")]: float(one[self.field("health")])
            for one in self.records("profile")
            if one.get(self.field("health")) is not None
        }

    def deals(self, kind: str) -> list[tuple[str, Record]]:
        """Return our deals of a kind, each with the customer's reference of its account."""
        refs, found = self.accounts(), []
        for one in self.dump["deal"]:
            values = one["values"]
            owner = one["links"]["companies"][0] if self.vendor == "hubspot" else values["AccountId"]
            if values[self.field("key")].startswith(f"{kind}:"):
                found.append((refs[owner], values))
        return found

    def settled(self) -> dict[str, list[str]]:
        """Return every record by kind as text that is equal for equal content, ids and times left out."""
        keys = {
            one["values"].get("hs_object_id") or one["values"]["Id"]: one["values"][self.field("key")]
            for kind in self.dump
            for one in self.dump[kind]
            if kind != "account"
        }
        return {
            kind: sorted(json.dumps(self._settled(one, keys), sort_keys=True) for one in records)
            for kind, records in self.dump.items()
        }

    def _settled(self, record: dict[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
        values = {
            name: keys.get(value, value) if isinstance(value, str) else value
            for name, value in record["values"].items()
            if name not in NOT_COMPARED
        }
        links = {name: sorted(keys.get(one, one) for one in ids) for name, ids in record["links"].items()}
        return {"values": values, "links": links}


@cache
def _crm(home: Path, vendor: str) -> Crm:
    return Crm(vendor, json.loads((home / f"dump-{vendor}.json").read_text()))


@contextmanager
def started(
    home: Path, *options: str, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Start the demo in a process group of its own, which is gone afterwards whatever happened."""
    clean = {name: value for name, value in os.environ.items() if name not in OURS and name[:3] != "CS_"}
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "demo", "--home", str(home), *options],
        cwd=ROOT,
        env={**clean, "COLUMNS": "110", **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_demo(
    home: Path,
    *options: str,
    env: Mapping[str, str] | None = None,
    meanwhile: Callable[[Path, threading.Event], None] | None = None,
) -> Run:
    """Run the demo to its end; ``meanwhile`` runs beside it until the event is set."""
    ended = threading.Event()
    with started(home, *options, env=env) as process:
        beside = threading.Thread(target=meanwhile, args=(home, ended)) if meanwhile else None
        if beside:
            beside.start()
        try:
            out, err = process.communicate(timeout=LONGEST_RUN_S)
        finally:
            ended.set()
            if beside:
                beside.join()
    return Run(process.returncode, out, err, home)
