"""What the doctor says of the models in force: forced there, unreadable, or left behind by the world.

Neighbours: ``showing`` is the command, ``sync.models`` compares with training.
"""

from __future__ import annotations

from sync.backtest_gate import KeptReports
from sync.commands.diagnosis import Diagnosis, Severity
from sync.models import drift_of, standing
from sync.scorings import readable
from sync.state.errors import StateError
from sync.state.models import Life, Version
from sync.workspace import Workspace


def of_models(ws: Workspace) -> list[Diagnosis]:
    """Return what is the matter with the models in force; nothing where none is."""
    return [one for version, life in standing(ws).values() for one in _of_version(ws, version, life)]


def _of_version(ws: Workspace, version: Version, life: Life) -> list[Diagnosis]:
    found, again = [], f"`colonnade model train {life.key}`, then backtest and activate it"
    if life.forced and KeptReports(ws).passing_report(version.training.content_hash) is None:
        words = f"the model {version.name} was forced into force by {life.author}: {life.reason}"
        remedy = f"`colonnade model deactivate {life.key}` takes it back"
        found.append(Diagnosis(ws.id, words, remedy, Severity.NOTE))
    if readable(version) is None:
        return [*found, Diagnosis(ws.id, f"the model {version.name} cannot be read and tells nothing", again)]
    try:
        alarms = drift_of(ws, version).alarms
    except StateError as error:
        return [*found, Diagnosis(ws.id, str(error), again, Severity.NOTE)]
    return found + [
        Diagnosis(ws.id, f"the model {version.name}: {words}", again, Severity.NOTE) for words in alarms
    ]
