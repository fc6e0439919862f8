"""The product's processes beside a ``stage``: web, workers and scheduler as the Procfile names them.

Neighbour: ``latency`` measures what they do.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sync.bench.stage import Stage
from sync.demo.children import Children, listening_socket

READY_WITHIN_S: Final = 180.0


@contextmanager
def processes(found: Stage, workers: int) -> Iterator[str]:
    """Run the product over the stage's state until the block ends; yield the web process's address."""
    listener = listening_socket()
    port = int(listener.getsockname()[1])
    url, settings = f"http://127.0.0.1:{port}", found.runtime.settings
    credentials = found.control.get("credentials")
    env = {
        "CS_HOME": str(settings.home),
        "REDIS_URL": str(settings.redis_url),
        "PORT": str(port),
        "CS_PUBLIC_URL": url,
        "CS_HUBSPOT_CLIENT_ID": str(credentials["client_id"]),
        "CS_HUBSPOT_CLIENT_SECRET": str(credentials["client_secret"]),
    }
    home = found.home / "processes"
    home.mkdir(exist_ok=True)
    children = Children(home, env)
    options = [
        "--config",
        "webhooks/gunicorn.py",
        "--no-control-socket",
        "--bind",
        f"fd://{listener.fileno()}",
    ]
    try:
        children.start("web", "-m", "gunicorn", *options, "app:create_app()", inherit=[listener.fileno()])
        for number in range(workers):
            children.start(f"worker-fast-{number + 1}", "-m", "app", "worker", "fast")
        children.start("worker-bulk", "-m", "app", "worker", "bulk")
        children.start("scheduler", "-m", "app", "scheduler")
        _wait_until_serving(children, port)
        yield url
        children.check()
    finally:
        children.stop()
        listener.close()


def _wait_until_serving(children: Children, port: int) -> None:
    ends = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < ends:
        children.check()
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5.0) as one:
                one.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if b" 200 " in one.recv(64):
                    return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"the web process is not ready after {READY_WITHIN_S:.0f} s")
