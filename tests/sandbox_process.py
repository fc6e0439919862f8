"""A vendor's sandbox as a process of its own, forked from one that has imported both sandboxes already.

Most tests have a sandbox of their own, and importing one takes longer than many of them. The process a
sandbox is forked from holds their modules and nothing else: no test, no state, no thread.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["sandbox.hubspot.__main__", "sandbox.salesforce.__main__"])


@dataclass(frozen=True)
class SandboxProcess:
    """A sandbox that serves: the line by which it said so, and the process."""

    ready: str
    process: BaseProcess

    @property
    def url(self) -> str:
        """Return its address."""
        return self.ready.split()[1]

    def kill(self) -> None:
        """End it at once, as ``kill -9`` does."""
        self.process.kill()
        self.process.join()


def start_sandbox(vendor: str, db: Path, *options: str, port: int = 0) -> SandboxProcess:
    """Run ``python -m sandbox.<vendor>``; return once it serves. Its errors are in a file beside ``db``."""
    ours, theirs = _FORKS.Pipe(duplex=False)
    words = (f"sandbox.{vendor}", "--port", str(port), "--db", str(db), *options)
    process = _FORKS.Process(target=_serve, args=(words, theirs, str(db.with_suffix(".log"))), daemon=True)
    process.start()
    theirs.close()
    with os.fdopen(os.dup(ours.fileno())) as said:
        ours.close()
        ready = said.readline()
    assert ready.startswith("ready http://"), f"the sandbox did not start: {ready!r}"
    return SandboxProcess(ready, process)


def _serve(words: tuple[str, ...], stdout: Connection, log: str) -> None:
    with Path(log).open("ab") as errors:
        os.dup2(errors.fileno(), 2)
    os.dup2(stdout.fileno(), 1)
    stdout.close()
    sys.stdout = os.fdopen(1, "w")
    sys.argv = list(words)
    importlib.import_module(f"{words[0]}.__main__").main()
