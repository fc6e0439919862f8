"""gunicorn as the Procfile runs it, in two processes, for ``bench intake`` and its peer alike."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sync.demo.children import Children, listening_socket

PROCESSES: Final = 2
READY_WITHIN_S: Final = 180.0
TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers on ``port`` of this machine; ``pid`` is gunicorn's own process."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """Return the processor seconds its processes have used so far (Linux: ``/proc``)."""
        return sum(_cpu_s(one) for one in (self.pid, *_children(self.pid)))


@contextmanager
def served(home: Path, application: str, env: Mapping[str, str]) -> Iterator[Served]:
    """Serve an application until the block ends; its log is ``web.log`` under ``home``.

    Raises RuntimeError when it dies or is not ready in time.
    """
    home.mkdir(parents=True, exist_ok=True)
    listener = listening_socket()
    port = int(listener.getsockname()[1])
    children = Children(home, {**env, "PORT": str(port), "WEB_CONCURRENCY": str(PROCESSES)})
    options = [
        "--config",
        "webhooks/gunicorn.py",
        "--no-control-socket",
        "--bind",
        f"fd://{listener.fileno()}",
    ]
    try:
        children.start("web", "-m", "gunicorn", *options, application, inherit=[listener.fileno()])
        pid = int(json.loads((home / "pids.json").read_text("utf-8"))["web"])
        _wait_until_serving(children, pid, port)
        yield Served(port, pid)
    finally:
        children.stop()
        listener.close()


def _wait_until_serving(children: Children, pid: int, port: int) -> None:
    """Return once every process is there and one of them answers anything at all."""
    ends = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < ends:
        children.check()
        if len(_children(pid)) == PROCESSES and _answers(port):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the web process is not ready after {READY_WITHIN_S:.0f} s")


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2.0) as found:
            found.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return found.recv(12).startswith(b"HTTP/1.1")
    except OSError:
        return False


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
