"""What was sent to HubSpot a second time although it had said that it took it: from the wire alone.

A value of a record, and a link, is taken when an answer that reached us says so. The same value for
the same record afterwards, with no other in between, was sent again; ``known`` is whether our ledger
held it as acknowledged by then. Nothing of the product is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.promises.listening_between import Exchange


@dataclass(frozen=True)
class SentAgain:
    """One value (or link) of one record: the request that it was taken from, and the one that repeated it."""

    first: int
    request: int
    record: str
    field: str
    known: bool


def sent_again(exchanges: Sequence[Exchange], ids: Mapping[str, str]) -> list[SentAgain]:
    """Return what was sent again; ``ids`` gives the record id of each ``object/key``."""
    taken: dict[tuple[str, str], tuple[str, int]] = {}
    found: list[SentAgain] = []
    for one in exchanges:
        if not one.writes:
            continue
        for record, field, value in _sent(one, ids):
            before, first = taken.get((record, field), (None, -1))
            if before == value:
                found.append(SentAgain(first, one.number, record, field, _known(one, record, field, value)))
        taken |= {(record, field): (value, one.number) for record, field, value in _taken(one, ids)}
    return found


def values_taken(exchanges: Sequence[Exchange], ids: Mapping[str, str]) -> int:
    """Return how many values and links HubSpot said it took."""
    return sum(len(list(_taken(one, ids))) for one in exchanges if one.writes)


def _known(one: Exchange, record: str, field: str, value: str) -> bool:
    held = one.known.get(record)
    if held is None:
        return False
    return field.startswith("link to ") or (held.get(field) or "") == value


def _sent(one: Exchange, ids: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for raw in one.body["inputs"]:
        if "from" in raw:
            yield raw["from"]["id"], f"link to {raw['to']['id']}", "linked"
            continue
        record = _record(one, raw, ids)
        for field, value in raw["properties"].items():
            yield record, field, value


def _taken(one: Exchange, ids: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield what an answer that reached the product says HubSpot took."""
    if not one.delivered:
        return
    results = one.answer["results"]
    if "from" in one.body["inputs"][0]:
        made = {_ends(raw) for raw in results}
        yield from (sent for sent in _sent(one, ids) if (sent[0], sent[1].removeprefix("link to ")) in made)
        return
    traces = {raw["objectWriteTraceId"] for raw in results}
    for raw in one.body["inputs"]:
        if raw["objectWriteTraceId"] in traces:
            record = _record(one, raw, ids)
            yield from ((record, field, value) for field, value in raw["properties"].items())


def _ends(made: Mapping[str, Any]) -> tuple[str, str]:
    """Return the ids of a link an answer names: a labelled one is told by flat keys, a default one not."""
    if "fromObjectId" in made:
        return str(made["fromObjectId"]), str(made["toObjectId"])
    return made["from"]["id"], made["to"]["id"]


def _record(one: Exchange, raw: Mapping[str, Any], ids: Mapping[str, str]) -> str:
    """Return the id of the record an input means: given itself, or by its key."""
    object_name = one.path.split("/")[4]
    return ids[f"{object_name}/{raw['id']}"] if raw.get("idProperty") else raw["id"]
