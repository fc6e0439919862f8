"""Records that belong together, written together: composite graphs.

Each graph is all or nothing, its neighbours stand for themselves, and a payload is one call whatever it
holds: 500 nodes, 75 graphs, 15 kinds of node. After 14 failed graphs an org halts the rest of a payload;
those are sent again in the next. A node refers to an earlier one's answer with ``@{reference.id}``. Nodes
should upsert by external key, or one of them be refused when it comes again, so that a call whose answer was
lost may be repeated. Source: REST API
guide, "Composite Graph Limits". Neighbour: ``composite`` (subrequests that each stand for themselves).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from integration.port import Unavailable
from integration.salesforce.composite import Part
from integration.salesforce.errors import Failure, parse_failure
from integration.salesforce.limits import GRAPH_DEPTH, GRAPH_KINDS, GRAPH_NODES, GRAPHS
from integration.salesforce.transport import Transport
from integration.salesforce.values import to_json

HALTED: Final = "PROCESSING_HALTED"
REFERENCE: Final = re.compile(r"@\{([A-Za-z_]\w*)\.")


@dataclass(frozen=True, slots=True)
class Graph:
    """Parts by reference, each referring to earlier ones only; their paths begin with ``sobjects/``."""

    nodes: Mapping[str, Part]


@dataclass(frozen=True, slots=True)
class GraphAnswer:
    """What became of a graph: the answer of each node, or why none of them was done and where."""

    bodies: Mapping[str, Any]
    failure: Failure | None = None
    failed_at: str = ""


def send_graphs(
    transport: Transport, reason: str, graphs: Sequence[Graph], *, again: bool = True
) -> list[GraphAnswer]:
    """Write ``graphs`` in as few calls as their limits allow; one answer per graph, in order.

    Without ``again`` a call that got no answer is not repeated: for graphs that would be done twice.
    Raises ValueError for a graph that no payload takes, Unavailable for an answer that leaves graphs out.
    """
    for graph in graphs:
        _check(graph)
    answers: dict[int, GraphAnswer] = {}
    waiting = list(range(len(graphs)))
    while waiting:
        payload = next(_payloads(graphs, waiting))
        told = _send(transport, reason, graphs, payload, again=again)
        answers |= told
        waiting = [index for index in waiting if index not in told]
    return [answers[index] for index in range(len(graphs))]


def _send(
    transport: Transport, reason: str, graphs: Sequence[Graph], payload: Sequence[int], *, again: bool
) -> dict[int, GraphAnswer]:
    """Send one payload; return the answers of the graphs that were tried."""
    body = {"graphs": [_shown(transport, f"g{index}", graphs[index]) for index in payload]}
    answer = transport.request(reason, "POST", "composite/graph", body=body, again=again)
    by_id = {row["graphId"]: row for row in answer["graphs"]}
    if set(by_id) != {f"g{index}" for index in payload}:
        raise Unavailable("a graph answer that leaves graphs out")
    read = {index: _answer(by_id[f"g{index}"]) for index in payload}
    tried = {index: one for index, one in read.items() if one.failure is None or one.failure.code != HALTED}
    if not tried:
        raise Unavailable("an org that tries no graph of a payload")
    return tried


def _payloads(graphs: Sequence[Graph], waiting: Iterable[int]) -> Iterator[list[int]]:
    """Yield runs of graphs that fit one payload each."""
    payload: list[int] = []
    nodes, kinds = 0, set[tuple[str, str]]()
    for index in waiting:
        more = nodes + len(graphs[index].nodes)
        joined = kinds | _kinds(graphs[index])
        if payload and (len(payload) == GRAPHS or more > GRAPH_NODES or len(joined) > GRAPH_KINDS):
            yield payload
            payload, more, joined = [], len(graphs[index].nodes), _kinds(graphs[index])
        payload.append(index)
        nodes, kinds = more, joined
    yield payload


def _check(graph: Graph) -> None:
    depths: dict[str, int] = {}
    for name, part in graph.nodes.items():
        if not part.path.startswith("sobjects/"):
            raise ValueError(f"a graph takes records only, not {part.path}")
        used = REFERENCE.findall(part.path + to_json(part.body))
        depths[name] = 1 + max((depths[one] for one in used), default=0)
    if len(depths) > GRAPH_NODES or len(_kinds(graph)) > GRAPH_KINDS:
        raise ValueError(f"a graph has at most {GRAPH_NODES} nodes of {GRAPH_KINDS} kinds")
    if max(depths.values(), default=0) > GRAPH_DEPTH:
        raise ValueError(f"a graph is at most {GRAPH_DEPTH} deep")


def _kinds(graph: Graph) -> set[tuple[str, str]]:
    """Return the kinds of node: what is done, to which object."""
    return {(part.method, part.path.split("/")[1]) for part in graph.nodes.values()}


def _shown(transport: Transport, graph_id: str, graph: Graph) -> Mapping[str, Any]:
    requests = [
        {"method": part.method, "url": transport.versioned(part.path), "referenceId": name}
        | ({} if part.body is None else {"body": part.body})
        for name, part in graph.nodes.items()
    ]
    return {"graphId": graph_id, "compositeRequest": requests}


def _answer(row: Mapping[str, Any]) -> GraphAnswer:
    """Return a graph's answer; of a failed one the refusal that halted its neighbours."""
    nodes = row["graphResponse"]["compositeResponse"]
    if row["isSuccessful"]:
        return GraphAnswer({node["referenceId"]: node["body"] for node in nodes})
    failures = [
        (parse_failure(int(node["httpStatusCode"]), node["body"]), str(node["referenceId"])) for node in nodes
    ]
    cause = next((pair for pair in failures if pair[0].code != HALTED), failures[0])
    return GraphAnswer({}, *cause)
