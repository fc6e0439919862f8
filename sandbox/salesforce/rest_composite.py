"""``/composite`` and ``/composite/graph``: several calls in one, with references between them.

Limits: 25 subrequests (5 of them queries or collections); a graph payload 500 nodes, 75 graphs, depth
15, 15 kinds of node, and after 14 failed graphs the rest are halted (REST API guide, Composite Graph Limits).
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from sandbox.salesforce.errors import SfError
from sandbox.salesforce.org import Org
from sandbox.salesforce.store import Change
from sandbox.salesforce.web import NOTHING, Answer, Call, Router, given_flag

Json = dict[str, Any]
_SUBREQUESTS, _QUERIES = 25, 5
_NODES, _GRAPHS, _DEPTH, _KINDS, _FAILED_GRAPHS = 500, 75, 15, 15, 14
_INHERITED = frozenset({"accept", "authorization", "content-type"})
"""The headers of a call that its subrequests have as well (REST guide, "Composite Subrequest")."""

_NAME = re.compile(r"[A-Za-z0-9]\w*", re.ASCII)
_TAKEN = re.compile(r"/services/data/v\d+\.0/(sobjects|query|queryAll|composite/sobjects)\b")
"""What a subrequest may ask for (REST guide, "Composite", the list of resources)."""

_REFERENCE = re.compile(r"@\{([A-Za-z_]\w*)\.([^}]+)\}")
_HALTED = {
    "errorCode": "PROCESSING_HALTED",
    "message": "The transaction was rolled back since another operation in the same transaction failed.",
}
_DEPENDED = "Invalid reference specified. No value for {0} found in {1}"


class Composite:
    """The composite resources over the router that also serves plain calls."""

    def __init__(self, router: Router) -> None:
        """Send subrequests to ``router``."""
        self._router = router
        router.add("POST", "composite", self.composite)
        router.add("POST", "composite/graph", self.graphs)

    def composite(self, org: Org, call: Call) -> Answer:
        """Run up to 25 subrequests in order, all or nothing where ``allOrNone``."""
        body = call.object()
        requests = _requests(body)
        if len(requests) > _SUBREQUESTS:
            raise SfError(
                "LIMIT_EXCEEDED",
                f"Limit exceeded: composite request has more than {_SUBREQUESTS} subrequests",
            )
        heavy = [
            r for r in requests if re.search(r"/(query|queryAll|composite/sobjects)\b", str(r.get("url")))
        ]
        if len(heavy) > _QUERIES:
            raise SfError(
                "LIMIT_EXCEEDED", f"Limit exceeded: more than {_QUERIES} query or collection subrequests"
            )
        for sub in requests:
            if not _TAKEN.match(sub["url"]):
                raise SfError("INVALID_INPUT", f"The url is not supported in a composite: {sub['url']}")
        answers, _ = self._run(org, call, requests, all_or_none=given_flag(body, "allOrNone"))
        return Answer(body={"compositeResponse": answers})

    def graphs(self, org: Org, call: Call) -> Answer:
        """Run graphs, each all or nothing."""
        graphs = call.object().get("graphs")
        if not isinstance(graphs, list) or not graphs:
            raise SfError("JSON_PARSER_ERROR", "graphs must be a list")
        _check_graphs(graphs)
        shown: list[Json] = []
        failed = 0
        for graph in graphs:
            requests = _requests(graph)
            if failed >= _FAILED_GRAPHS:
                answers, good = [_halted(r) for r in requests], False
            else:
                answers, good = self._run(org, call, requests, all_or_none=True)
            failed += not good
            shown.append({"graphId": graph.get("graphId"), "graphResponse": {"compositeResponse": answers},
                          "isSuccessful": good})  # fmt: skip
        return Answer(body={"graphs": shown})

    def _run(
        self, org: Org, call: Call, requests: list[Json], *, all_or_none: bool
    ) -> tuple[list[Json], bool]:
        whole = Change()
        answers: list[Json] = []
        bodies: dict[str, Any] = {}
        broken = False
        for sub in requests:
            if broken and all_or_none:
                answers.append(_halted(sub))
                continue
            answer = self._one(org, call, sub, bodies, whole)
            broken = broken or answer["httpStatusCode"] >= 300
            answers.append(answer)
        if broken and all_or_none:
            org.store.undo(whole)
            answers = [
                a if a["httpStatusCode"] >= 300 else _halted(r)
                for a, r in zip(answers, requests, strict=True)
            ]
        return answers, not broken

    def _one(self, org: Org, call: Call, sub: Json, bodies: dict[str, Any], whole: Change) -> Json:
        try:
            url = _filled(str(sub["url"]), bodies)
            body = _filled(sub.get("body"), bodies)
            answer = self._router.serve(org, _call(call, sub, url, body, whole))
        except SfError as error:
            answer = Answer(error.status, [error.rest()])
        shown = None if answer.body is NOTHING else answer.body
        if answer.status < 300:
            bodies[str(sub["referenceId"])] = shown
        return {"body": shown, "httpHeaders": answer.headers, "httpStatusCode": answer.status,
                "referenceId": sub["referenceId"]}  # fmt: skip


def _requests(body: Json) -> list[Json]:
    requests = body.get("compositeRequest")
    if not isinstance(requests, list) or not requests:
        raise SfError("JSON_PARSER_ERROR", "compositeRequest must be a list of subrequests")
    seen: set[str] = set()
    for sub in requests:
        if not isinstance(sub, dict) or not all(
            isinstance(sub.get(n), str) for n in ("method", "url", "referenceId")
        ):
            raise SfError("JSON_PARSER_ERROR", "Each subrequest needs method, url and referenceId")
        if sub["referenceId"] in seen:
            raise SfError("INVALID_INPUT", f"Duplicate referenceId: {sub['referenceId']}")
        if named := _INHERITED & {name.lower() for name in sub.get("httpHeaders") or {}}:
            raise SfError("INVALID_INPUT", f"A subrequest inherits these headers: {', '.join(sorted(named))}")
        if not _NAME.fullmatch(sub["referenceId"]):
            raise SfError("INVALID_INPUT", f"Letters, numbers and underscores only: {sub['referenceId']}")
        seen.add(sub["referenceId"])
    return requests


def _check_graphs(graphs: list[Json]) -> None:
    names = [g.get("graphId") if isinstance(g, dict) else None for g in graphs]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise SfError("INVALID_INPUT", "Each graph needs a graphId of its own")
    requests = [r for g in graphs for r in _requests(g)]
    if len(graphs) > _GRAPHS or len(requests) > _NODES:
        raise SfError(
            "LIMIT_EXCEEDED", f"Limit exceeded: at most {_GRAPHS} graphs and {_NODES} nodes in a payload"
        )
    kinds = {(r["method"], "/".join(r["url"].split("/")[:6])) for r in requests}
    if len(kinds) > _KINDS:
        raise SfError("LIMIT_EXCEEDED", f"Limit exceeded: more than {_KINDS} different kinds of nodes")
    for graph in graphs:
        if _depth(graph["compositeRequest"]) > _DEPTH:
            raise SfError("LIMIT_EXCEEDED", f"Limit exceeded: a graph is deeper than {_DEPTH}")
    for sub in requests:
        if not re.match(r"^/services/data/v\d+\.0/sobjects/", sub["url"]):
            raise SfError("INVALID_INPUT", f"The url is not supported in a graph: {sub['url']}")


def _depth(requests: list[Json]) -> int:
    depth: dict[str, int] = {}
    for sub in requests:
        used = {m[0] for m in _REFERENCE.findall(json.dumps([sub["url"], sub.get("body")]))}
        depth[sub["referenceId"]] = 1 + max((depth.get(u, 0) for u in used), default=0)
    return max(depth.values(), default=0)


def _halted(sub: Json) -> Json:
    return {
        "body": [dict(_HALTED)],
        "httpHeaders": {},
        "httpStatusCode": 400,
        "referenceId": sub["referenceId"],
    }


def _filled(value: Any, bodies: dict[str, Any]) -> Any:
    """Replace every ``@{reference.path}`` by what the earlier answer holds there."""
    if isinstance(value, dict):
        return {k: _filled(v, bodies) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, bodies) for v in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda m: str(_found(bodies, m[1], m[2])), value)


def _found(bodies: dict[str, Any], reference: str, path: str) -> Any:
    here = bodies.get(reference)
    for part in re.findall(r"\w+", path):
        if isinstance(here, list) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            here = here.get(part) if isinstance(here, dict) else None
    if here is None:
        raise SfError("PROCESSING_HALTED", _DEPENDED.format(path, reference))
    return here


def _call(call: Call, sub: Json, url: str, body: Any, whole: Change) -> Call:
    match = re.match(r"^/services/data/v(\d+)\.0/([^?]*)(?:\?(.*))?$", url)
    if match is None:
        raise SfError("NOT_FOUND", "The requested resource does not exist", 404)
    inherited = {name: value for name, value in call.headers.items() if name in _INHERITED}
    headers = inherited | {k.lower(): str(v) for k, v in (sub.get("httpHeaders") or {}).items()}
    return replace(call, method=sub["method"].upper(), path=match[2],
                   args=dict(parse_qsl(match[3] or "")), headers=headers, within=whole,
                   body=b"" if body is None else json.dumps(body).encode(),
                   version=int(match[1]))  # fmt: skip
