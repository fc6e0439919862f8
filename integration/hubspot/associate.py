"""Links between records: read in batches of 1,000, made in batches of 2,000.

Links carry our label where their objects have one, and are default ones elsewhere; making one
twice changes nothing (page "Associate records").
Neighbours: ``read`` and ``write``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any

from integration.hubspot import vocabulary
from integration.hubspot.connector import (
    ASSOCIATION_CREATE_ROWS,
    ASSOCIATION_READ_ROWS,
    ASSOCIATIONS,
    CHILD_TO_PARENT_COMPANY,
    PRIMARY_TYPE_IDS,
)
from integration.hubspot.errors import Problem, RefusedCall, problem_of, row_error
from integration.hubspot.portal import Portal
from integration.hubspot.transport import Answer
from integration.port import Link, RowError

Pair = tuple[str, str]


def read_links(portal: Portal, source: str, target: str, ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
    """Return each record's links to ``target``, the primary one first; none is no entry.

    From companies to companies only the parent company is a link, not the children.
    """
    path = portal.associations_path(source, target, "read")
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    waiting: list[tuple[str, str | None]] = [(item, None) for item in ids]
    while waiting:
        batch, waiting = waiting[:ASSOCIATION_READ_ROWS], waiting[ASSOCIATION_READ_ROWS:]
        body = vocabulary.association_read_body(batch)
        answer = portal.transport.call(f"read {source}", "POST", path, body, ASSOCIATIONS).body
        for result in answer.get("results", []):
            record_id = str(result["from"]["id"])
            found[record_id] += result.get("to", [])
            after = result.get("paging", {}).get("next", {}).get("after")
            if after is not None:
                waiting.append((record_id, str(after)))
    return {record_id: _links(source, target, ties) for record_id, ties in found.items()}


def write_links(portal: Portal, source: str, target: str, pairs: Iterable[Pair]) -> dict[Pair, RowError]:
    """Link each (source id, target id) pair; return the refusals by pair."""
    refused: dict[Pair, RowError] = {}
    remaining = iter(dict.fromkeys(pairs))
    while batch := list(islice(remaining, ASSOCIATION_CREATE_ROWS)):
        try:
            answer = _link(portal, source, target, batch)
        except RefusedCall as refusal:
            refused.update(dict.fromkeys(batch, refusal.error))
            continue
        if answer.status == HTTPStatus.MULTI_STATUS:
            refused.update(_refusals(batch, answer.body))
    return refused


def _link(portal: Portal, source: str, target: str, batch: Sequence[Pair]) -> Answer:
    """Link a batch with our label; without it once somebody has deleted it."""
    label = portal.labels.get((source, target))
    if label is not None:
        body = vocabulary.label_body(batch, label)
        path = portal.associations_path(source, target, "create")
        try:
            return portal.transport.call("associate", "POST", path, body, ASSOCIATIONS)
        except RefusedCall as refusal:
            if label not in refusal.problem.message.split():
                raise
            portal.labels.pop((source, target), None)
    path = portal.associations_path(source, target, "associate/default")
    return portal.transport.call("associate", "POST", path, vocabulary.associate_body(batch), ASSOCIATIONS)


def _links(source: str, target: str, ties: Iterable[dict[str, Any]]) -> tuple[Link, ...]:
    kept: dict[str, bool] = {}
    for tie in ties:
        kinds = {int(kind["typeId"]) for kind in tie.get("associationTypes", [])}
        if source == target == "companies" and CHILD_TO_PARENT_COMPANY not in kinds:
            continue
        record_id = str(tie["toObjectId"])
        kept[record_id] = kept.get(record_id, False) or bool(kinds & PRIMARY_TYPE_IDS) or _is_primary(tie)
    return tuple(Link(target, record_id) for record_id in sorted(kept, key=lambda item: not kept[item]))


def _is_primary(tie: dict[str, Any]) -> bool:
    return any(kind.get("label") == "Primary" for kind in tie.get("associationTypes", []))


def _refusals(batch: Sequence[Pair], body: dict[str, Any]) -> dict[Pair, RowError]:
    """Return an error for each pair that a 207 neither confirms, in the words that name its ids."""
    linked = {_ends(item) for item in body.get("results", [])}
    problems = [problem_of(0, item) for item in body.get("errors", [])]
    if not problems:
        return {}
    return {pair: row_error(_naming(problems, pair)) for pair in batch if pair not in linked}


def _ends(item: dict[str, Any]) -> Pair:
    """Return the pair an answer confirms; labelled links come in another shape than default ones."""
    if "fromObjectId" in item:
        return str(item["fromObjectId"]), str(item["toObjectId"])
    return str(item["from"]["id"]), str(item["to"]["id"])


def _naming(problems: Sequence[Problem], pair: Pair) -> Problem:
    def score(problem: Problem) -> int:
        words = {value for values in problem.context.values() for value in values}
        return sum(record_id in words or record_id in problem.message.split() for record_id in pair)

    return max(problems, key=score)
