"""`serve` and the Procfile: every process is there, answers, and is gone when asked to stop."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from app import cli  # noqa: TID251 - tests stand above the composition root
from sync.commands.running import PROCESSES
from tests.commands.conftest import ROOT, bare_environment

PATIENCE_S = 90


def procfile() -> dict[str, str]:
    """Return the Procfile's commands by process."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return {name: rest.strip() for name, _, rest in (line.partition(":") for line in lines if line.strip())}


@pytest.mark.parametrize("name", ["release", "worker-fast", "worker-bulk", "scheduler", "listen"])
def test_every_line_of_the_procfile_is_a_command(name):
    """Its words parse as the command line takes them."""
    words = procfile()[name].split()[1:]
    command = cli.commands[words[0]]
    with command.make_context(words[0], words[1:]) as made:
        assert made.command is command


def test_the_web_line_names_a_file_and_an_application_that_exist():
    """The same words start it in `serve`, where its answers are tested."""
    command = procfile()["web"]
    name, _, config, application = shlex.split(command)
    assert (name, application) == ("gunicorn", "app:create_app()")
    assert (ROOT / config).exists()
    assert PROCESSES[0][3:] == ("--config", config, application)


def test_serve_runs_what_the_procfile_names():
    """One machine or many: the same processes, but for the release step, which serve does itself."""
    assert {name for name, *_ in PROCESSES} == set(procfile()) - {"release"}


def alive(pid: int) -> bool:
    """Say whether a process still runs; one that ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def family(pid: int) -> set[int]:
    """Return a process and everything that descends from it."""
    found, parents = {pid}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def until(done) -> None:
    """Wait for something to come true."""
    ends = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.05)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_serve_answers_and_leaves_no_process(tmp_path, stop):
    """Ready means that web and Valkey answer; after the signal nothing of it runs, and it ends well."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**bare_environment(), "CS_HOME": str(tmp_path / "home"), "PORT": str(port)}
    command = [sys.executable, "-m", "app", "serve", "--json"]
    out = tmp_path / "out"
    with out.open("w") as said:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=said, stderr=subprocess.STDOUT)
    born: set[int] = set()
    try:
        until(lambda: "Stop with Ctrl-C" in out.read_text() or process.poll() is not None)
        assert process.poll() is None, out.read_text()
        ready = requests.get(f"http://127.0.0.1:{port}/readyz", timeout=10)
        assert (ready.status_code, ready.json()) == (200, {"database": True, "redis": True})
        assert requests.get(f"http://127.0.0.1:{port}/console", timeout=10).status_code == 200
        named = json.loads((tmp_path / "home" / "pids.json").read_text())
        born = family(process.pid)
        assert set(named) == {name for name, *_ in PROCESSES}
        assert set(named.values()) < born
        process.send_signal(stop)
        assert process.wait(PATIENCE_S) == 0, out.read_text()
        until(lambda: not any(alive(pid) for pid in born))
    finally:
        for pid in born | {process.pid}:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        process.wait()
    assert "Traceback" not in out.read_text()
