"""``colonnade bench push``: what a cycle costs that wants many rows of which few have changed.

Beside the product its peers, each in a process of its own on the same sandbox with its limits enforced:
hubspot-api-client with 100 rows a batch on 8 threads; simple-salesforce with collections below 2,000 rows and
Bulk 2.0 from there on; each with and without hashes that skip what has not changed. Calls come from the
sandbox's request log, and what stands there afterwards is compared with what was meant. Neighbours:
``push_ours``, ``push_hubspot_client`` and ``push_simple_salesforce`` are the processes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Final

from mappings.outbound import own_object
from success.desired import RecordKind
from sync.bench.book import Size
from sync.bench.push_rows import HUBSPOT, SALESFORCE, TITLE, Done, Job, key_of, values, write_job
from sync.bench.runs import Say
from sync.bench.stage import Stage, stage
from sync.demo.children import ROOT
from sync.parity import org_token

ACCOUNTS: Final = 100
OURS: Final = "sync.bench.push_ours"
PEERS: Final = {HUBSPOT: "sync.bench.push_hubspot_client", SALESFORCE: "sync.bench.push_simple_salesforce"}
MANY: Final = 200
REFUSED: Final = (5, 105, 150)
"""Rows of the round in which some are refused, and which those are."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """One contender's cycle. ``cpu_us_per_row`` is over all rows wanted, sent or not.

    ``wrong`` rows stand otherwise in the CRM than was meant; ``own_errors``: of three rows refused among 200
    it named exactly those three, and the others were written.
    """

    seconds: float
    cpu_us_per_row: float
    calls: int
    throttled: int
    sent: int
    wrong: int
    own_errors: bool = False


@dataclass(frozen=True, slots=True)
class Ratio:
    """A peer's figure over ours, more than one where ours is less."""

    seconds: float
    cpu: float
    calls: float


@dataclass(frozen=True, slots=True)
class HubSpotPush:
    """HubSpot's part: ``ratio`` beside the client that sends all, ``ratio_hash_skip`` with hashes."""

    ours: Cycle
    hubspot_api_client: Cycle
    hubspot_api_client_hash_skip: Cycle
    ratio: Ratio
    ratio_hash_skip: Ratio


@dataclass(frozen=True, slots=True)
class SalesforcePush:
    """Salesforce's part, with the same ratios."""

    ours: Cycle
    simple_salesforce: Cycle
    simple_salesforce_hash_skip: Cycle
    ratio: Ratio
    ratio_hash_skip: Ratio


@dataclass(frozen=True, slots=True)
class PushBench:
    """The whole benchmark: how many rows were wanted and how many of them had changed, and both vendors."""

    rows: int
    changed: int
    hubspot: HubSpotPush
    salesforce: SalesforcePush


def run(home: Path, rows: int, share: float, *, say: Say) -> PushBench:
    """Return the figures for so many rows of which a share changes from cycle to cycle; takes minutes."""
    changed = max(1, round(rows * share))
    ours, plain, skipping = _vendor(home / HUBSPOT, HUBSPOT, rows, changed, say)
    hubspot = HubSpotPush(ours, plain, skipping, _ratio(plain, ours), _ratio(skipping, ours))
    ours, plain, skipping = _vendor(home / SALESFORCE, SALESFORCE, rows, changed, say)
    salesforce = SalesforcePush(ours, plain, skipping, _ratio(plain, ours), _ratio(skipping, ours))
    return PushBench(rows, changed, hubspot, salesforce)


def _vendor(home: Path, vendor: str, rows: int, changed: int, say: Say) -> tuple[Cycle, Cycle, Cycle]:
    """Return ours, the peer's and the peer's with hashes, in that order, each over the state before it."""
    with stage(home, vendor, Size(ACCOUNTS, ACCOUNTS)) as found:
        found.install()
        job = _job(found, rows, changed)
        say(f"{vendor}: {rows} rows written for the first time")
        _start(OURS, job, home)
        cycles = []
        contenders = ((OURS, False), (PEERS[vendor], False), (PEERS[vendor], True))
        for turn, (module, skips) in enumerate(contenders, 1):
            say(f"{vendor}: {module.rpartition('.')[2]}{' with hashes' if skips else ''}, {changed} changed")
            told = replace(job, round=turn, hash_skip=skips)
            cycles.append(_cycle(found, module, told if module == OURS else _for_others(found, told)))
        say(f"{vendor}: {len(REFUSED)} of {MANY} rows refused")
        ours = replace(cycles[0], own_errors=_names_errors(found, OURS, replace(job, round=4)))
        named = _names_errors(found, PEERS[vendor], _for_others(found, replace(job, round=5)))
        return ours, replace(cycles[1], own_errors=named), replace(cycles[2], own_errors=named)


def _job(found: Stage, rows: int, changed: int) -> Job:
    ws = found.ws
    name = own_object(RecordKind.MILESTONE, ws.charter, found.vendor, ws.homes)
    assert name is not None  # noqa: S101 - the default charter's milestones are records
    token = found.credentials()["token"] if found.vendor == HUBSPOT else org_token(found)
    return Job(
        vendor=found.vendor,
        url=found.control.url,
        object=name,
        rows=rows,
        changed=changed,
        round=0,
        home=str(found.home),
        installation=ws.id,
        redis=str(found.runtime.settings.redis_url),
        token=token,
    )


def _for_others(found: Stage, job: Job) -> Job:
    """Return the job with the object's name in the CRM itself."""
    return replace(job, object=_crm_name(found, job))


def _crm_name(found: Stage, job: Job) -> str:
    """Return how the CRM calls the object: a portal puts its number before it."""
    return next(name for name in found.control.counts() if name.endswith(job.object))


def _cycle(found: Stage, module: str, job: Job) -> Cycle:
    before = found.control.last_request()
    done = _start(module, job, found.home)
    calls = found.calls(before)
    wrong = _wrong(found, job, range(job.rows))
    return Cycle(
        done.seconds,
        round(done.cpu_s * 1e6 / job.rows, 1),
        len(calls),
        sum(one["status"] == HTTPStatus.TOO_MANY_REQUESTS for one in calls),
        done.written,
        wrong,
    )


def _names_errors(found: Stage, module: str, job: Job) -> bool:
    """Say whether a contender names the rows refused among others, and has the others written."""
    told = replace(job, rows=MANY, changed=MANY, refused=REFUSED)
    done = _start(module, told, found.home)
    others = [number for number in range(MANY) if number not in REFUSED]
    named = set(done.refused) == {key_of(number) for number in REFUSED}
    return named and _wrong(found, told, others) == 0


def _wrong(found: Stage, job: Job, numbers: Iterable[int]) -> int:
    """Return how many rows stand otherwise than meant, by the sandbox's own records."""
    key, title = ("cs_key" if job.vendor == HUBSPOT else "CS_Key__c"), TITLE[job.vendor]
    records = [one.get("properties", one) for one in found.control.records(_crm_name(found, job))]
    stands = {one[key]: one[title] for one in records}
    return sum(stands.get(key_of(number)) != values(job, number)[title] for number in numbers)


def _start(module: str, job: Job, home: Path) -> Done:
    """Run a contender in a process of its own. Raises RuntimeError with its words when it fails."""
    file = home / "job.json"
    write_job(job, file)
    command = [sys.executable, "-m", module, str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        raise RuntimeError(f"{module} failed: {done.stderr[-2000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    return Done(told["seconds"], told["cpu_s"], told["written"], tuple(told["refused"]))


def _ratio(peer: Cycle, ours: Cycle) -> Ratio:
    return Ratio(
        round(peer.seconds / max(ours.seconds, 0.001), 2),
        round(peer.cpu_us_per_row / max(ours.cpu_us_per_row, 0.1), 2),
        round(peer.calls / max(ours.calls, 1), 2),
    )
