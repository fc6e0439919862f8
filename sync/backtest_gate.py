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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from mappings.charter import Charter
from mappings.scorecards import ScorecardEntry
from sync.backtest_evidence import can_judge
from sync.backtest_terms import against
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
    them, whether the charter is applied or brought back. Raises StateError that names what is missing
    and the ways out.
    """
    entries, standing = judged(charter), _standing(runtime, installation_id)
    named = [subject_of(entries[key]) for key in charter.backtest.required]
    wanted = dict.fromkeys([*named, *_new_and_judgeable(standing, charter)])
    lacking = _lacking(runtime, installation_id, charter, wanted, standing)
    if lacking and not (forced or "").strip():
        raise StateError(_refusal(lacking))
    with writing(runtime.engine) as conn:
        for one in lacking:
            said = Waiver(author, runtime.clock.now(), forced or "")
            backtests.waive(conn, installation_id, one, said)


def _standing(runtime: Runtime, installation_id: str) -> Workspace | None:
    """Return the installation under the charter in force, None before the first."""
    try:
        return open_workspace(runtime, installation_id)
    except StateError:
        return None


def _new_and_judgeable(ws: Workspace | None, charter: Charter) -> list[Subject]:
    """Return the scorecards that are not in force yet, where the past of a live installation can judge them.

    Before going live, and without enough of a past, scorecards stand on their experts' word (domain C.6).
    The horizon of the charter in force counts too: a longer one would leave less of the past.
    """
    if ws is None or not ws.live:
        return []
    new = [one for one in map(subject_of, judged(charter).values()) if one not in _in_force(ws)]
    horizon = min(charter.backtest.horizon_days, ws.charter.backtest.horizon_days)
    return new if new and can_judge(ws, horizon) else []


def _in_force(ws: Workspace) -> set[Subject]:
    return {subject_of(one) for one in judged(ws.charter).values()}


def _lacking(
    runtime: Runtime, installation_id: str, charter: Charter, wanted: Iterable[Subject], ws: Workspace | None
) -> dict[Subject, str]:
    """Return what has no report that counts, each with why not.

    What was forced and is in force stays so: another part of the charter brings nothing new into force.
    """
    standing, found = set() if ws is None else _in_force(ws), {}
    with reading(runtime.engine) as conn:
        for one in wanted:
            why = against(backtests.newest(conn, installation_id, one), charter, runtime.clock.now())
            answered = one in standing and backtests.waiver(conn, installation_id, one) is not None
            if why is not None and not answered:
                found[one] = why
    return found


def _refusal(lacking: Mapping[Subject, str]) -> str:
    names = ", ".join(one.name for one in lacking)
    told = "; ".join(f"of {one.name} {why}" for one, why in lacking.items())
    key = next(iter(lacking)).name.partition("@")[0]
    return (
        f"{names} has no passing backtest of this content ({told}); run `colonnade backtest {key} "
        '--charter FILE`, or force it with --force-unvalidated --reason "why"'
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
    if report is not None and report.passed and not _departs(report):
        return Ground.PASSED, f"passed its backtest of {ws.day_of(report.made_at)}"
    if waived is not None:
        on = ws.day_of(waived.made_at)
        told = f"not validated: brought into force by {waived.author} on {on} all the same, because: "
        return Ground.FORCED, told + waived.reason
    if report is not None:
        why = "did not pass" if not report.passed else "was not made on the charter's terms"
        return Ground.FAILED, f"its backtest of {ws.day_of(report.made_at)} {why}"
    return Ground.EXPERT, "expert weights, not validated: no backtest was made of them"


def _departs(report: StoredReport) -> bool:
    return isinstance(report.body, dict) and bool(report.body.get("departures"))


@dataclass(frozen=True, slots=True)
class KeptReports:
    """The reports an installation keeps, as the activation of a model asks for them."""

    ws: Workspace

    def passing_report(self, model_hash: str) -> Report | None:
        """Return the newest report of a model's content if it passed on the gate's terms, None otherwise.

        It is named by the SHA-256 of its canonical JSON.
        """
        with reading(self.ws.runtime.engine) as conn:
            found = backtests.newest_of_content(conn, self.ws.id, model_hash)
        if found is None or against(found, self.ws.charter, self.ws.now()) is not None:
            return None
        return Report(_sha256(found.body))


def _sha256(content: object) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
