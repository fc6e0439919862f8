"""Stands between the product and a sandbox: keeps what was asked and answered, and acts at chosen moments.

It knows nothing of the product but its ledger's file, which it reads with SQL of its own.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ANSWER_WITHIN_S = 60
HELD = "SELECT record_id, acknowledged FROM write_ledger WHERE acknowledged IS NOT NULL"
OWN_HEADERS = ("connection", "transfer-encoding", "content-length", "server", "date")


@dataclass
class Exchange:
    """One request and what became of it. ``status`` 0: no answer reached the product.

    ``writes``: it writes records or links. ``known`` is what the ledger held as acknowledged when the request
    came in: values by record id.
    """

    number: int
    method: str
    path: str
    body: Any
    known: Mapping[str, Mapping[str, str | None]]
    status: int = 0
    answer: Any = None
    writes: bool = True

    @property
    def delivered(self) -> bool:
        """Return whether the CRM's acknowledgement reached the product."""
        return self.status in (200, 201, 207) and isinstance(self.answer, (dict, list))


@dataclass
class Listener:
    """Forwards every request to ``url``. ``before`` and ``after`` see each around its answer.

    What ``before`` returns says whether the answer is delivered; ``writes`` whether a path and body write.
    """

    url: str
    database: Path
    writes: Callable[[str, Any], bool]
    before: Callable[[Exchange], bool] = lambda _exchange: True
    after: Callable[[Exchange], None] = lambda _exchange: None
    exchanges: list[Exchange] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, method: str, path: str, body: Any) -> Exchange:
        """Note a request, with what the ledger knows where it writes."""
        with self._lock:
            writes = self.writes(path, body)
            one = Exchange(len(self.exchanges), method, path, body, {}, writes=writes)
            self.exchanges.append(one)
        if one.writes:
            one.known = acknowledged(self.database)
        return one

    def ask(self, method: str, path: str, raw: bytes, headers: Mapping[str, str]) -> Any:
        """Return the sandbox's answer as (status, headers, bytes), ``None`` where it gives none."""
        place = urlsplit(self.url)
        with closing(HTTPConnection(str(place.hostname), place.port, timeout=ANSWER_WITHIN_S)) as wire:
            try:
                wire.request(method, path, raw or None, dict(headers))
                answer = wire.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            except (OSError, HTTPException):
                return None


def acknowledged(database: Path) -> dict[str, dict[str, str | None]]:
    """Return what the ledger holds as acknowledged, by record id."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as conn:
        return {record_id: json.loads(values) for record_id, values in conn.execute(HELD)}


@contextmanager
def listening(listener: Listener) -> Iterator[str]:
    """Serve until the block ends; give the address to call instead of the sandbox's."""
    server = _Server(("127.0.0.1", 0), _handler(listener))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing of connections that a killed worker left, and all of anything else."""
        if not isinstance(sys.exception(), ConnectionError):
            traceback.print_exc()


def _handler(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            one = listener.begin(self.command, self.path, _json(raw))
            # With the caller's Host: Salesforce names its own address in what it answers.
            answer = listener.ask(self.command, self.path, raw, dict(self.headers.items()))
            if answer is not None:
                one.answer = _json(answer[2])
            if not listener.before(one) or answer is None:
                self.close_connection = True
                return
            # Raises where the caller is gone, who was told nothing: the status stays 0.
            self._deliver(*answer)
            one.status = answer[0]
            listener.after(one)

        def _deliver(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in OWN_HEADERS:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - the names http.server calls

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
