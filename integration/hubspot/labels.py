"""Labels of associations between our objects and what they hang under.

Page "Associate records": labels are defined per pair of objects and come with an id for each
direction, by which links are made. Neighbours: ``survey``, ``schema``, ``associate``.
"""

from __future__ import annotations

from typing import Final

from integration.hubspot.connector import ASSOCIATIONS
from integration.hubspot.portal import Portal
from integration.install_specs import LabelSpec, StandingLabels

LABELS_A_PAIR: Final = 10
"""Page "Associate records": custom labels between two objects."""

USER_DEFINED: Final = "USER_DEFINED"


def standing_labels(portal: Portal, source: str, target: str, reason: str) -> StandingLabels:
    """Return the labels from one object to another, by label; one call."""
    answer = portal.transport.call(reason, "GET", _path(portal, source, target), kind=ASSOCIATIONS).body
    ids = {
        str(one["label"]): str(one["typeId"])
        for one in answer.get("results", [])
        if one.get("label") and one.get("category") == USER_DEFINED
    }
    return StandingLabels(ids, max(0, LABELS_A_PAIR - len(ids)))


def create_label(portal: Portal, spec: LabelSpec, reason: str) -> str:
    """Make a label both ways and return its id from the child to its parent. Raises RefusedCall."""
    body = {"name": spec.name, "label": spec.label, "inverseLabel": spec.inverse}
    answer = portal.transport.call(
        reason, "POST", _path(portal, spec.object, spec.target), body, ASSOCIATIONS, repeatable=False
    ).body
    return next(str(one["typeId"]) for one in answer["results"] if one.get("label") == spec.label)


def _path(portal: Portal, source: str, target: str) -> str:
    ends = f"{portal.names.in_path(source)}/{portal.names.in_path(target)}"
    return f"{portal.paths.associations}/{ends}/labels"
