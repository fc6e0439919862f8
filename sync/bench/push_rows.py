"""The rows of ``colonnade bench push``: what each contender is to have stand in the CRM, and how it is told.

A row is a milestone of ours: a key, a name and a day. From round to round the name of some changes.
Neighbours: ``push`` starts a process for each contender; ``push_ours``, ``push_hubspot_client`` and
``push_simple_salesforce`` are those.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

HUBSPOT: Final = "hubspot"
SALESFORCE: Final = "salesforce"
TITLE: Final = {HUBSPOT: "cs_name", SALESFORCE: "Name"}
DUE_ON: Final = {HUBSPOT: "cs_due_on", SALESFORCE: "CS_Due_On__c"}


@dataclass(frozen=True, slots=True)
class Job:
    """What one process is asked to do: rows by their number, of a round, against a sandbox."""

    vendor: str
    url: str
    object: str
    rows: int
    changed: int
    """So many rows change from round to round."""
    round: int
    home: str
    installation: str = ""
    redis: str = ""
    token: str = ""
    hash_skip: bool = False
    refused: tuple[int, ...] = ()
    """Rows by number that the CRM refuses: for the day of one is none, or its name is too long."""


@dataclass(frozen=True, slots=True)
class Done:
    """What the process says of itself: rows it found written, and the keys it knows to be refused."""

    seconds: float
    cpu_s: float
    written: int
    refused: tuple[str, ...]


def key_of(number: int) -> str:
    """Return the key of a row."""
    return f"milestone:bench:{number}"


def values(job: Job, number: int) -> dict[str, str]:
    """Return the fields of a row in a round, in the vendor's names."""
    turn = job.round if number < job.changed else 0
    name, day = f"Step {number}, as of {turn}", f"2027-{number % 12 + 1:02}-{number % 28 + 1:02}"
    if number in job.refused:
        name, day = (name, "no day") if job.vendor == HUBSPOT else (name * 10, day)
    return {TITLE[job.vendor]: name, DUE_ON[job.vendor]: day}


class Skip:
    """Hashes of what was last sent, in a file: what an engineer adds to a client to send changes only."""

    def __init__(self, job: Job) -> None:
        """Read the file of the vendor."""
        self._file = Path(job.home) / f"hashes-{job.vendor}.json"
        self._known: dict[str, str] = json.loads(self._file.read_text()) if job.hash_skip else {}
        self._new = {key_of(number): _hash(values(job, number)) for number in range(job.rows)}

    def changed(self) -> list[int]:
        """Return the rows that differ from what was last sent; all where nothing was kept."""
        return [n for n, (key, new) in enumerate(self._new.items()) if self._known.get(key) != new]

    def keep(self) -> None:
        """Write what was sent."""
        self._file.write_text(json.dumps(self._new), "utf-8")


def _hash(row: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()


def read_job() -> Job:
    """Return the job of this process, from its first argument."""
    told = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    return Job(**{**told, "refused": tuple(told["refused"])})


def write_job(job: Job, file: Path) -> None:
    """Write a job for a process to read."""
    file.write_text(json.dumps(asdict(job)), "utf-8")


def batches(rows: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Yield the rows in batches."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


class Watch:
    """Seconds and processor seconds of this process and its threads, since it was begun."""

    def __init__(self) -> None:
        """Begin."""
        self._wall, self._cpu = time.perf_counter(), _cpu_s()

    def done(self, written: int, refused: Sequence[str]) -> None:
        """Print what was done since, as the process's answer."""
        spent = Done(
            round(time.perf_counter() - self._wall, 3),
            round(_cpu_s() - self._cpu, 3),
            written,
            tuple(sorted(refused)),
        )
        sys.stdout.write(json.dumps(asdict(spent)) + "\n")


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
