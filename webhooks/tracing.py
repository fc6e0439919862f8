"""Each request begins a trace: the id that its log lines, and the work it sets off, are found by."""

from __future__ import annotations

from flask import Flask, request

from sync.logs import begin


def trace_requests(app: Flask) -> None:
    """Have every request begin with an id of its own and say which endpoint it came to."""

    def begin_request() -> None:
        begin(endpoint=request.endpoint or "none")

    app.before_request(begin_request)
