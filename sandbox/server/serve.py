"""A small threaded HTTP/1.1 server for one WSGI app: keep-alive, TCP_NODELAY, one write per answer.

Python's own ``wsgiref`` closes every connection and writes header and body apart, which costs
a delayed ACK (about 40 ms) per call; a vendor stand-in with that habit would hide what a client costs.
The app may ask for the connection to be dropped through ``environ["sandbox.drop"]``.
"""

from __future__ import annotations

import io
import socket
import struct
import sys
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote
from wsgiref.types import WSGIApplication, WSGIEnvironment

DROP = "sandbox.drop"
DROP_CLOSE = "close"
DROP_RESET = "reset"
_MAX_BODY = 200_000_000
_BODILESS = {204, 304}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rbufsize = 65536
    server: _Server

    def handle_one_request(self) -> None:
        """Serve one request of any method, or end the connection."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self._body()
        if body is None:
            self.close_connection = True
            self.send_error(413)
            return
        self._answer(body)

    def _body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(length) if length <= _MAX_BODY else None

    def _chunks(self) -> bytes | None:
        parts: list[bytes] = []
        total = 0
        while size := int(self.rfile.readline().split(b";")[0].strip() or b"0", 16):
            total += size
            if total > _MAX_BODY:
                return None
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, body: bytes) -> None:
        environ = self._environ(body)
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
            head[:] = [status, headers]
            return lambda _data: None

        chunks: Iterable[bytes] = self.server.app(environ, start_response)
        payload = b"".join(chunks)
        if hasattr(chunks, "close"):
            chunks.close()
        if environ.get(DROP):
            self._drop(environ[DROP])
            return
        self._write(head[0], head[1], payload)

    def _environ(self, body: bytes) -> WSGIEnvironment:
        path, _, query = self.path.partition("?")
        environ: WSGIEnvironment = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": self.path,
            "SERVER_NAME": self.server.host,
            "SERVER_PORT": str(self.server.port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
        }
        for name, value in self.headers.items():
            key = "HTTP_" + name.upper().replace("-", "_")
            if key not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"):
                environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ

    def _drop(self, how: str) -> None:
        self.close_connection = True
        if how == DROP_RESET:
            # Linger of zero makes close() send RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _write(self, status: str, headers: list[tuple[str, str]], payload: bytes) -> None:
        bodiless = int(status[:3]) in _BODILESS
        lines = [f"HTTP/1.1 {status}"]
        lines += [f"{k}: {v}" for k, v in headers if k.lower() not in ("content-length", "connection")]
        if not bodiless:
            lines.append(f"Content-Length: {len(payload)}")
        if self.close_connection:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self.wfile.write(head if bodiless or self.command == "HEAD" else head + payload)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the parent's own name
        """Stay silent: the request log is ``/_sandbox/requests``."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, host: str, port: int, app: WSGIApplication) -> None:
        self.app = app
        super().__init__((host, port), _Handler)
        self.host, self.port = host, int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that went away; print anything else."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError, ValueError, OSError)):
            super().handle_error(request, client_address)


def serve(app: WSGIApplication, port: int, host: str = "127.0.0.1", more: str = "") -> None:
    """Serve ``app`` until the process ends; prints ``ready http://HOST:PORT`` once, and ``more`` behind it.

    Port 0 takes a free one.
    """
    server = _Server(host, port, app)
    sys.stdout.write(f"ready http://{host}:{server.port}{more}\n")
    sys.stdout.flush()
    try:
        server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        server.server_close()


__all__ = ["DROP", "DROP_CLOSE", "DROP_RESET", "serve"]
