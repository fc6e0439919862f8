"""What the outside may send, at a real web process: no body, depth, packing or header beyond its limit."""

from __future__ import annotations

import base64
import gzip
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync.state import installations
from sync.state.engine import writing
from sync.state.secrets import SecretBox, new_key
from tests.webhooks.conftest import NOW, PATH_SECRET, connect, kept_by
from tests.webhooks.test_real_delivery import gunicorn

WITHIN_S = 30
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def key() -> str:
    """Give the key that seals secrets."""
    return new_key()


def answered(url: str, head: list[str], pieces: Iterator[bytes] | list[bytes]) -> int:
    """Send a request as bytes and return the status of its answer; the server may hang up meanwhile."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=WITHIN_S) as line:
        try:
            line.sendall(("\r\n".join([*head, f"Host: {host}:{port}", "", ""])).encode())
            for piece in pieces:
                line.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            answer = line.recv(4096)
        except ConnectionResetError:
            return 0
    found = re.match(rb"HTTP/1\.\d (\d{3})", answer)
    return int(found.group(1)) if found else 0


def chunked(megabytes: int) -> Iterator[bytes]:
    """Yield a body in chunks, of so many megabytes and of no length told."""
    piece = b" " * MEGABYTE
    for _ in range(megabytes):
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    yield b"0\r\n\r\n"


def nested(depth: int) -> bytes:
    """Return a message nested so deep."""
    inner = "[" * depth + "]" * depth
    return f'{{"batch":[{{"type":"track","properties":{{"deep":{inner}}}}}]}}'.encode()


def test_nothing_beyond_its_limit_is_taken(
    sqlite_engine: Engine, redis_url: str, tmp_path: Path, key: str
) -> None:
    """Each is refused by its own status, and not a row is kept; afterwards a small batch is."""
    owner = connect(sqlite_engine, "hubspot", "24680135", "A portal")
    org = connect(sqlite_engine, "salesforce", "00D5g00000AbCdEEAV", "An org")
    with writing(sqlite_engine) as conn:
        installations.save_secret(conn, SecretBox([key]), owner, NOW, "write_key", "s3cret")
        installations.save_secret(conn, SecretBox([key]), org, NOW, "webhook_path", PATH_SECRET)
    address = sqlite_engine.url.render_as_string(hide_password=False)
    log = tmp_path / "access.log"
    env = {
        "DATABASE_URL": address,
        "REDIS_URL": redis_url,
        "CS_SECRET_KEYS": key,
        "CS_HUBSPOT_CLIENT_SECRET": "secret",
        "GUNICORN_CMD_ARGS": f"--access-logfile {log}",
    }
    basic = base64.b64encode(f"{owner}.s3cret:".encode()).decode()
    usage = ["POST /v1/batch HTTP/1.1", f"Authorization: Basic {basic}", "Connection: close"]
    hubspot = ["POST /webhooks/hubspot HTTP/1.1", "Connection: close"]
    salesforce = [f"POST /webhooks/salesforce/{org}/{PATH_SECRET} HTTP/1.1", "Connection: close"]
    in_chunks, bomb = "Transfer-Encoding: chunked", gzip.compress(b" " * 200 * MEGABYTE)
    with gunicorn(tmp_path, env) as url:
        for head in (usage, hubspot, salesforce):
            assert answered(url, [*head, in_chunks], chunked(9)) in {413, 0}
            assert answered(url, [*head, f"Content-Length: {9 * MEGABYTE}"], [b" " * 9 * MEGABYTE]) in {
                413,
                0,
            }
        packed = [*usage, "Content-Encoding: gzip", f"Content-Length: {len(bomb)}"]
        assert answered(url, packed, [bomb]) == 413
        for depth in (65, 900, 990, 100_000):
            deep = nested(depth)
            assert answered(url, [*usage, f"Content-Length: {len(deep)}"], [deep]) == 400
        assert answered(url, [*usage, *(f"X-{n}: 1" for n in range(200)), "Content-Length: 0"], []) in {
            400,
            431,
        }
        assert answered(url, [*usage, f"X-Long: {'x' * 20_000}", "Content-Length: 0"], []) in {400, 431}
        assert answered(url, [f"GET /{'x' * 9_000} HTTP/1.1"], []) in {400, 414}
        assert kept_by(sqlite_engine) == []
        batch = json.dumps({"batch": [{"type": "track", "event": "f", "userId": "u"}]}).encode()
        assert answered(url, [*usage, f"Content-Length: {len(batch)}"], [batch]) == 202
    assert len(kept_by(sqlite_engine)) == 1
    told = log.read_text()
    assert " POST 202 " in told
    said = (tmp_path / "web.log").read_text()
    assert PATH_SECRET not in told + said
    assert {json.loads(line)["process"] for line in said.splitlines()} == {"web"}
