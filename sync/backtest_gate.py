"""What the gate asks before a charter comes into force, and what is told of scores already in force.

A scorecard the charter lists under ``backtest.required`` needs a passing report of exactly its
content, or an admin's reason to do without. Others stand on their experts' word and are shown as
not validated. Neighbours: ``onboard`` asks at an apply, ``explain``, ``metrics`` and ``doctor`` show.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from mappings.charter import Charter
from mappings.scorecards import ScorecardEntry
from sync.runtime import Runtime
from sync.state import backtests
from sync.state.backtests import Subject, Waiver
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.workspace import Workspace


class Ground(StrEnum):
    """On what a score stands."""

    PASSED = "passed"
    FORCED = "forced"
    FAILED = "failed"
    EXPERT = "expert"


@dataclass(frozen=True, slots=True)
class Validation:
    """On what one scorecard stands, in a word and a sentence; ``required`` by the charter or not."""

    subject: str
    ground: Ground
    required: bool
    told: str


def subject_of(entry: ScorecardEntry) -> Subject:
    """Return by which name and content a scorecard's reports are kept."""
    content = json.dumps(entry.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":"))
    return Subject(f"{entry.key}@{entry.version}", hashlib.sha256(content.encode()).hexdigest())


def judged(charter: Charter) -> dict[str, ScorecardEntry]:
    """Return the parts of a charter that can be judged on the past, by key."""
    return {one.key: one for one in (charter.scorecard, *charter.scorecards)}


def demand(
    runtime: Runtime, installation_id: str, charter: Charter, author: str, forced: str | None = None
) -> None:
    """Let a charter pass whose required parts have a passing report; with ``forced`` keep it as the reason.

    Raises StateError that names what is missing and the ways out.
    """
    entries = judged(charter)
    wanted = [subject_of(entries[key]) for key in charter.backtest.required]
    if not wanted:
        return
    with reading(runtime.engine) as conn:
        lacking = [one for one in wanted if not _passes(conn, installation_id, one)]
    if lacking and not (forced or "").strip():
        raise StateError(_refusal(lacking))
    with writing(runtime.engine) as conn:
        for one in lacking:
            said = Waiver(author, runtime.clock.now(), forced or "")
            backtests.waive(conn, installation_id, one, said)


def _passes(conn: Connection, installation_id: str, subject: Subject) -> bool:
    found = backtests.newest(conn, installation_id, subject)
    return found is not None and found.passed


def _refusal(lacking: list[Subject]) -> str:
    names = ", ".join(one.name for one in lacking)
    key = lacking[0].name.partition("@")[0]
    return (
        f"{names} has no passing backtest of this content; run `colonnade backtest {key} --charter FILE`, "
        'or apply with --force-unvalidated --reason "why"'
    )


def validations(ws: Workspace) -> list[Validation]:
    """Return on what each score of the charter in force stands."""
    with reading(ws.runtime.engine) as conn:
        return [
            _validation(conn, ws, key, subject_of(entry)) for key, entry in sorted(judged(ws.charter).items())
        ]


def _validation(conn: Connection, ws: Workspace, key: str, subject: Subject) -> Validation:
    required = key in ws.charter.backtest.required
    report = backtests.newest(conn, ws.id, subject)
    waived = backtests.waiver(conn, ws.id, subject)
    if report is not None and report.passed:
        on = ws.day_of(report.made_at)
        return Validation(subject.name, Ground.PASSED, required, f"passed its backtest of {on}")
    if waived is not None:
        on = ws.day_of(waived.made_at)
        told = f"not validated: brought into force by {waived.author} on {on} all the same, because: "
        return Validation(subject.name, Ground.FORCED, required, told + waived.reason)
    if report is not None:
        on = ws.day_of(report.made_at)
        told = f"expert weights; its backtest of {on} did not pass"
        return Validation(subject.name, Ground.FAILED, required, told)
    told = "expert weights, not validated: no backtest was made of them"
    return Validation(subject.name, Ground.EXPERT, required, told)
