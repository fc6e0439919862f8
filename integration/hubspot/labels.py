"""Labels of associations between our objects and what they hang under.

Page "Associate records": labels are defined per pair of objects and come with an id for each
direction, by which links are made. Neighbours: ``survey``, ``schema``, ``associate``.
"""

from __future__ import annotations

from typing import Any, Final

from integration.hubspot.connector import ASSOCIATIONS
from integration.hubspot.portal import Portal
from integration.install_specs import LabelSpec, StandingLabels
from integration.port import Refused

LABELS_A_PAIR: Final = 10
"""Page "Associate records": custom labels between two objects; some accounts may have more."""

USER_DEFINED: Final = "USER_DEFINED"


def standing_labels(portal: Portal, source: str, target: str, reason: str) -> StandingLabels:
    """Return the labels from one object to another, by label; one call, or two where ten stand."""
    answer = portal.transport.call(reason, "GET", _path(portal, source, target), kind=ASSOCIATIONS).body
    ids = {
        str(one["label"]): str(one["typeId"])
        for one in answer.get("results", [])
        if one.get("label") and one.get("category") == USER_DEFINED
    }
    limit = LABELS_A_PAIR if len(ids) < LABELS_A_PAIR else _limit(portal, source, target, reason)
    return StandingLabels(ids, max(0, limit - len(ids)))


def _limit(portal: Portal, source: str, target: str, reason: str) -> int:
    """Return how many labels a pair may have in this account (page "Limits tracking")."""
    ends = (portal.names.type_id(source), portal.names.type_id(target))
    try:
        path = f"{portal.paths.limits}/associations/labels"
        rows = portal.transport.call(reason, "GET", path).body.get("results", [])
    except Refused:
        return LABELS_A_PAIR
    found = (int(row["limit"]) for row in rows if _row_ends(row) == ends)
    return next(found, LABELS_A_PAIR)


def _row_ends(row: dict[str, Any]) -> tuple[str, str]:
    return str(row["fromObjectType"]["objectTypeId"]), str(row["toObjectType"]["objectTypeId"])


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
