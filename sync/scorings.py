"""The trained models in force, as part of the rules of a charter.

A model is told where it was activated and the charter puts it on the record. One this release cannot read
tells nothing, and the doctor says so. Neighbours: ``workspace`` and ``charter_plan`` ask, ``models`` brings
versions into force.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from mappings.charter import Charter
from success.prediction.features import unknown_columns
from success.prediction.model import Model
from success.prediction.model_text import from_json
from success.prediction.rule import Scoring
from success.rules import Rules
from sync.state import models
from sync.state.models import Version

_MODELS: dict[str, Model | None] = {}


def with_models(
    conn: Connection, installation_id: str, at: datetime, charter: Charter, rules: Rules
) -> Rules:
    """Return a charter's rules with the models in force at ``at`` (UTC, inclusive)."""
    trained = models.in_force(conn, installation_id, at)
    if trained is None:
        return replace(rules, models=None)
    told = (trained[one.key] for one in charter.models if one.active and one.key in trained)
    return replace(rules, models=tuple(found for one in told if (found := _scoring(one)) is not None))


def readable(version: Version) -> Model | None:
    """Return a version's model; None where this release cannot read it or lacks a measure it asks."""
    content = version.training.content_hash
    if content not in _MODELS:
        try:
            model = from_json(version.training.body)
        except ValueError:
            _MODELS[content] = None
        else:
            _MODELS[content] = None if unknown_columns(model.names) else model
    return _MODELS[content]


def _scoring(version: Version) -> Scoring | None:
    model, training = readable(version), version.training
    if model is None:
        return None
    return Scoring(training.key, version.version, training.content_hash, training.horizon_days, model)
