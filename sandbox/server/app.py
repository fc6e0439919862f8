"""A Flask app with what every vendor sandbox has: faults first, the request log last, control endpoints.

The vendor registers its own blueprints and ``before_request`` checks on what ``build_app`` returns.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, g, request
from pydantic_core import to_json

from sandbox.server.clock import SandboxClock
from sandbox.server.deliveries import DeliveryLog
from sandbox.server.faults import Fault, FaultPlan
from sandbox.server.requestlog import RequestLog, RequestNote
from sandbox.server.serve import DROP, DROP_CLOSE, DROP_RESET
from sandbox.server.storage import Settings, open_database

CONTROL = "/_sandbox"


@dataclass(frozen=True, slots=True)
class Services:
    """The shared pieces of one sandbox process. ``lock`` guards the file and the records in memory."""

    connection: sqlite3.Connection
    lock: threading.RLock
    settings: Settings
    clock: SandboxClock
    requests: RequestLog
    faults: FaultPlan
    deliveries: DeliveryLog


def open_services(path: str) -> Services:
    """Open the sandbox's file at ``path`` and make the shared pieces on it."""
    connection, lock = open_database(path), threading.RLock()
    settings = Settings(connection, lock)
    clock = SandboxClock(settings)
    return Services(connection, lock, settings, clock, RequestLog(clock), FaultPlan(), DeliveryLog())


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return ``body`` as compact JSON in UTF-8, with keys in the order given.

    pydantic writes it in a quarter of the time, so that a benchmark measures clients and not this.
    """
    try:
        written = to_json(body)
    except ValueError:  # half a character of UTF-16, which a caller escaped
        written = json.dumps(body, separators=(",", ":")).encode()
    return Response(written, status, headers, content_type="application/json;charset=utf-8")


def note() -> RequestNote:
    """Return the log note of the request being served, for the handler to fill."""
    found: RequestNote = g.note
    return found


def build_app(name: str, services: Services) -> Flask:
    """Return a Flask app called ``name`` that injects faults and logs vendor requests."""
    app = Flask(name, static_folder=None)
    app.url_map.strict_slashes = False

    @app.before_request
    def _begin() -> Response | None:
        g.note = RequestNote()
        g.drop = None
        if request.path.startswith(CONTROL):
            return None
        fault = services.faults.take(request.method, request.full_path.rstrip("?"))
        if fault is None:
            return None
        g.note.fault = fault.name
        return _apply(fault)

    @app.after_request
    def _end(response: Response) -> Response:
        if not request.path.startswith(CONTROL):
            _log(services, response)
        return response

    return app


def _log(services: Services, response: Response) -> None:
    if g.drop:
        request.environ[DROP] = g.drop
    status = 0 if g.drop else response.status_code
    services.requests.add(request.method, request.full_path.rstrip("?"), status, g.note)


def _apply(fault: Fault) -> Response | None:
    if fault.kind == "work":
        return None
    if fault.kind == "drop_response":
        g.drop = DROP_CLOSE
        return None
    if fault.kind == "reset":
        g.drop = DROP_RESET
        return Response(status=503)
    if fault.kind == "timeout":
        time.sleep(fault.seconds)
        g.drop = DROP_CLOSE
        return Response(status=503)
    if fault.kind == "html":
        page = fault.body if isinstance(fault.body, str) else "<html><body><h1>Bad Gateway</h1></body></html>"
        return Response(page, fault.status or 502, fault.headers, content_type="text/html")
    if isinstance(fault.body, str):
        return Response(fault.body, fault.status or 503, fault.headers)
    return json_response({} if fault.body is None else fault.body, fault.status or 503, fault.headers)
