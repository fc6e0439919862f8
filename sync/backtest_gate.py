"""What the gate asks before a charter or a model comes into force, and what is told of those in force.

A scorecard that is new to a live installation, or that the charter lists under ``backtest.required``, needs
a passing report of exactly its content, or an admin's reason to do without; so does every churn model.
Where no past can judge it yet, a scorecard that is not listed stands on its experts' word and is shown as
not validated. Neighbours: ``onboard`` asks at an apply, ``models`` at an activation, ``backtest_evidence``
knows the past, ``explain``, ``metrics`` and ``doctor`` show.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from mappings.charter import Charter
from mappings.scorecards import ScorecardEntry
from sync.backtest_evidence import can_judge
from sync.runtime import Runtime
from sync.state import backtests, models
from sync.state.backtests import Report, StoredReport, Subject, Waiver
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.state.models import Life, Version
from sync.workspace import Workspace, open_workspace

SCORECARD, MODEL = "scorecard", "model"


class Ground(StrEnum):
    """On what a score stands."""

    PASSED = "passed"
    FORCED = "forced"
    FAILED = "failed"
    EXPERT = "expert"


@dataclass(frozen=True, slots=True)
class Validation:
    """On what one scorecard or model stands, in a word and a sentence; whether a report is ``required``."""

    kind: str
    subject: str
    ground: Ground
    required: bool
    told: str


def subject_of(entry: ScorecardEntry) -> Subject:
    """Return by which name and content a scorecard's reports are kept."""
    content = _sha256(entry.model_dump(mode="json", by_alias=True))
    return Subject(f"{entry.key}@{entry.version}", content)


def judged(charter: Charter) -> dict[str, ScorecardEntry]:
    """Return the parts of a charter that can be judged on the past, by key."""
    return {one.key: one for one in (charter.scorecard, *charter.scorecards)}


def demand(
    runtime: Runtime, installation_id: str, charter: Charter, author: str, forced: str | None = None
) -> None:
    """Let a charter pass whose scorecards have a passing report; with ``forced`` keep it as the reason.

    Asked of those it requires one of, and of those that are new to an installation whose own past can judge
    them. Raises StateError that names what is missing and the ways out.
    """
    entries = judged(charter)
    named = [subject_of(entries[key]) for key in charter.backtest.required]
    wanted = list(dict.fromkeys([*named, *_new_and_judgeable(runtime, installation_id, charter)]))
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


def _new_and_judgeable(runtime: Runtime, installation_id: str, charter: Charter) -> list[Subject]:
    """Return the scorecards that are not in force yet, where the past of a live installation can judge them.

    Before going live, and without enough of a past, scorecards stand on their experts' word (domain C.6).
    """
    try:
        ws = open_workspace(runtime, installation_id)
    except StateError:  # no charter was in force yet
        return []
    standing = {subject_of(one) for one in judged(ws.charter).values()}
    new = [one for one in map(subject_of, judged(charter).values()) if one not in standing]
    return new if new and ws.live and can_judge(ws, charter.backtest.horizon_days) else []


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
    """Return on what each score of the charter in force stands, and each model in force."""
    with reading(ws.runtime.engine) as conn:
        found = [_of_scorecard(conn, ws, entry) for _, entry in sorted(judged(ws.charter).items())]
        trained = models.in_force(conn, ws.id, ws.now()) or {}
        lives = {one.key: one for one in models.history(conn, ws.id)}
        told = [_of_model(conn, ws, version, lives[key]) for key, version in sorted(trained.items())]
    return found + told


def _of_scorecard(conn: Connection, ws: Workspace, entry: ScorecardEntry) -> Validation:
    subject = subject_of(entry)
    report = backtests.newest(conn, ws.id, subject)
    waived = backtests.waiver(conn, ws.id, subject)
    ground, told = _ground(ws, report, waived)
    if ground is Ground.FAILED:
        told = f"expert weights; {told}"
    return Validation(SCORECARD, subject.name, ground, entry.key in ws.charter.backtest.required, told)


def _of_model(conn: Connection, ws: Workspace, version: Version, life: Life) -> Validation:
    report = backtests.newest_of_content(conn, ws.id, version.training.content_hash)
    forced = Waiver(life.author, life.effective_at, life.reason) if life.forced else None
    ground, told = _ground(ws, report, forced)
    return Validation(MODEL, version.name, ground, True, told)


def _ground(ws: Workspace, report: StoredReport | None, waived: Waiver | None) -> tuple[Ground, str]:
    """Return on what something stands by its newest report and by who did without one."""
    if report is not None and report.passed:
        return Ground.PASSED, f"passed its backtest of {ws.day_of(report.made_at)}"
    if waived is not None:
        on = ws.day_of(waived.made_at)
        told = f"not validated: brought into force by {waived.author} on {on} all the same, because: "
        return Ground.FORCED, told + waived.reason
    if report is not None:
        return Ground.FAILED, f"its backtest of {ws.day_of(report.made_at)} did not pass"
    return Ground.EXPERT, "expert weights, not validated: no backtest was made of them"


@dataclass(frozen=True, slots=True)
class KeptReports:
    """The reports an installation keeps, as the activation of a model asks for them."""

    ws: Workspace

    def passing_report(self, model_hash: str) -> Report | None:
        """Return the newest report of a model's content if it passed, None otherwise.

        It is named by the SHA-256 of its canonical JSON.
        """
        with reading(self.ws.runtime.engine) as conn:
            found = backtests.newest_of_content(conn, self.ws.id, model_hash)
        return Report(_sha256(found.body)) if found is not None and found.passed else None


def _sha256(content: object) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
