"""The demo's processes: sandboxes, web, workers, scheduler; started, watched, stopped together.

A worker that dies is started again, as a process supervisor would; what it was doing is
found in the database. Process ids stand in ``pids.json`` under the demo's home.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
WATCH_EVERY_S = 0.3
READY_WITHIN_S = 120.0
LOOK_EVERY_S = 0.05
STOP_WITHIN_S = 15.0


@dataclass(slots=True)
class Child:
    """One process: how it is started, and whether it is started again when it dies."""

    name: str
    command: Sequence[str]
    keep: bool
    process: subprocess.Popen[bytes]
    env: Mapping[str, str] = field(default_factory=dict)
    inherit: Sequence[int] = ()


@dataclass(slots=True)
class Children:
    """The processes of one demo, with one environment and a log file each under ``home``."""

    home: Path
    env: Mapping[str, str]
    _children: dict[str, Child] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    restarts: int = 0

    def start(
        self,
        name: str,
        *command: str,
        keep: bool = False,
        env: Mapping[str, str] | None = None,
        inherit: Sequence[int] = (),
    ) -> None:
        """Start ``python`` with the arguments; with ``keep`` again whenever it dies.

        ``inherit`` names open files the process gets, such as a socket that already listens.
        """
        full = [sys.executable, *command]
        process = self._spawn(name, full, env or {}, inherit)
        with self._lock:
            self._children[name] = Child(name, full, keep, process, env or {}, inherit)
            self._write_pids()

    def pid(self, name: str) -> int:
        """Return the process id under which a child runs, or ran last."""
        with self._lock:
            return self._children[name].process.pid

    def watch(self) -> None:
        """Start dead workers again until the demo ends."""
        threading.Thread(target=self._watch, daemon=True).start()

    def check(self) -> None:
        """Raise RuntimeError naming a process that died and is not started again."""
        with self._lock:
            dead = [one for one in self._children.values() if not one.keep and one.process.poll() is not None]
        if dead:
            log = (self.home / f"{dead[0].name}.log").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{dead[0].name} died with exit code {dead[0].process.returncode}:\n{log}")

    def url_of(self, name: str) -> str:
        """Return the address a server prints as ``ready URL`` once it serves.

        Raises RuntimeError when it dies first, or is not ready in time.
        """
        ends = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < ends:
            for line in (self.home / f"{name}.log").read_text(errors="replace").splitlines(keepends=True):
                if line.startswith("ready ") and line.endswith("\n"):
                    return line.split()[1]
            self.check()
            time.sleep(LOOK_EVERY_S)
        raise RuntimeError(f"{name} is not ready after {READY_WITHIN_S:.0f} s")

    def stop(self) -> None:
        """Stop everything, gently first."""
        self._ended.set()
        with self._lock:
            processes = [one.process for one in self._children.values()]
        for process in processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _spawn(
        self, name: str, command: Sequence[str], env: Mapping[str, str], inherit: Sequence[int] = ()
    ) -> subprocess.Popen[bytes]:
        with (self.home / f"{name}.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own commands
                command,
                cwd=ROOT,
                env={**os.environ, **self.env, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=tuple(inherit),
            )

    def _watch(self) -> None:
        while not self._ended.wait(WATCH_EVERY_S):
            with self._lock:
                for child in self._children.values():
                    if child.keep and child.process.poll() is not None:
                        child.process = self._spawn(child.name, child.command, child.env, child.inherit)
                        self.restarts += 1
                        self._write_pids()

    def _write_pids(self) -> None:
        pids = {name: child.process.pid for name, child in self._children.items()}
        whole = self.home / "pids.json.new"
        whole.write_text(json.dumps(pids), encoding="utf-8")
        whole.replace(self.home / "pids.json")  # readers never see half of it


def listening_socket() -> socket.socket:
    """Return a socket that listens on a port of its own, for a child to inherit.

    A port that was merely found free may be taken before the child gets to it.
    """
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener
