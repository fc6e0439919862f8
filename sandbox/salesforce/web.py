"""One vendor call and its answer, apart from Flask, so that composite can make calls inside a call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from sandbox.salesforce.errors import SfError, resource_missing
from sandbox.salesforce.org import Actor, Org
from sandbox.salesforce.store import Change
from sandbox.salesforce.write import Writer
from sandbox.server.requestlog import RequestNote

NOTHING = object()


@dataclass(frozen=True, slots=True)
class Call:
    """A vendor request below ``/services/data/vNN.0``; header names are lower case."""

    method: str
    path: str
    args: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    version: int
    user_id: str
    base: str
    note: RequestNote = field(default_factory=RequestNote)
    within: Change | None = None

    def json(self) -> Any:
        """Return the body as JSON. Raises JSON_PARSER_ERROR as the vendor does."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            words = f"Unexpected character or end of input at [line:1, column:1]: {error}"
            raise SfError("JSON_PARSER_ERROR", words) from error

    def object(self) -> dict[str, Any]:
        """Return the body as a JSON object."""
        body = self.json()
        if not isinstance(body, dict):
            raise SfError(
                "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no JSON object."
            )
        return body

    def flag(self, name: str) -> bool:
        """Return a boolean query parameter."""
        return self.args.get(name, "false").lower() == "true"


def given_flag(body: dict[str, Any], name: str) -> bool:
    """Return a boolean of a JSON body, false where it is not given; texts count as Salesforce reads them."""
    value = body.get(name, False)
    return value.lower() == "true" if isinstance(value, str) else bool(value)


@dataclass(slots=True)
class Answer:
    """What a call gives back: JSON (``body``), or text with its own content type."""

    status: int = 200
    body: Any = NOTHING
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    content_type: str = "application/json;charset=UTF-8"


Handler = Callable[..., Answer]


class Router:
    """Addresses to handlers; ``*`` in a pattern stands for one URL-decoded segment."""

    def __init__(self) -> None:
        """Start without routes."""
        self._routes: list[tuple[str, tuple[str, ...], Handler]] = []

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        """Serve ``method pattern`` with ``handler(org, call, *segments)``."""
        self._routes.append((method, tuple(pattern.split("/")), handler))

    def serve(self, org: Org, call: Call) -> Answer:
        """Answer a call; refusals become the vendor's error array."""
        try:
            return self._serve(org, call)
        except SfError as error:
            return Answer(error.status, [error.rest()])

    def _serve(self, org: Org, call: Call) -> Answer:
        segments = [unquote(s) for s in call.path.strip("/").split("/")]
        methods = []
        for method, pattern, handler in self._routes:
            captured = _match(pattern, segments)
            if captured is not None:
                if method == call.method or (method == "GET" and call.method == "HEAD"):
                    return handler(org, call, *captured)
                methods.append(method)
        if not methods:
            raise resource_missing()
        words = f"HTTP Method '{call.method}' not allowed. Allowed are {','.join(sorted(set(methods)))}"
        raise SfError("METHOD_NOT_ALLOWED", words, 405)


def _match(pattern: tuple[str, ...], segments: list[str]) -> list[str] | None:
    if len(pattern) != len(segments):
        return None
    captured = []
    for want, have in zip(pattern, segments, strict=True):
        if want == "*":
            captured.append(have)
        elif want.lower() != have.lower():
            return None
    return captured


@contextmanager
def changing(org: Org, call: Call) -> Iterator[Writer]:
    """Give a writer whose change is taken back where the block raises.

    Within a composite request that is all-or-nothing the change joins the request's own.
    """
    change = Change()
    try:
        yield writer(org, call, change)
    except BaseException:
        org.store.undo(change)
        raise
    if call.within is not None:
        call.within.join(change)


def writer(org: Org, call: Call, change: Change) -> Writer:
    """Return the call's author, writing into ``change``."""
    header = call.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
    return Writer(org, acting(org, call), change, "allowsave=true" in header)


def acting(org: Org, call: Call) -> Actor:
    """Return the call's user with what the user may do now."""
    return org.actor(call.user_id)
