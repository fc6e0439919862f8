"""The clean replay as a process of its own: orders go in as lines, an answer comes back for each.

Of its own, since the product and the replay have one installation of one name in two databases, and a process
has one. Neighbours: ``replay`` is what runs there, ``play`` gives the orders.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from sync.chaos.replay import DONE, Order
from sync.demo.children import ROOT

ENDS_WITHIN_S = 10.0


class Replay:
    """The replay's process, under ``home``; ``env`` is what the product's processes are told."""

    def __init__(self, home: Path, env: Mapping[str, str]) -> None:
        """Start it."""
        self.home = home
        own = {
            "CS_HOME": str(home),
            "DATABASE_URL": f"sqlite:///{home / 'colonnade.db'}",
            "CS_USAGE_STORE": str(home / "usage"),
        }
        with (home / "replay.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - ours
                [sys.executable, "-m", "sync.chaos.replay", str(home)],
                cwd=ROOT,
                env={**os.environ, **env, **own},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def do(self, order: Order) -> None:
        """Have a step done. Raises RuntimeError, with the end of its log, when it cannot be."""
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        assert self._process.stdout is not None  # noqa: S101 - as above
        self._process.stdin.write(order.to_json() + "\n")
        self._process.stdin.flush()
        if self._process.stdout.readline().strip() != DONE:
            log = (self.home / "replay.log").read_text("utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"the replay cannot {order.step} {order.installation}:\n{log}")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
