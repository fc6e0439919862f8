"""One client's turn at pulling: a process, what it cost by itself, and what the sandbox saw of it.

Peers are started by the same interpreter, as scripts that import nothing of the product; what they need is
the extra ``bench``. Neighbours: ``pull`` has the turns, ``pull_ours``, ``pull_dlt``, ``pull_sdk`` and
``pull_floor`` are the processes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from sync.demo.children import ROOT
from sync.demo.control import Control

LOOK_EVERY_S: Final = 0.005
PAGE_ROWS: Final = 100
HELD_AFTER: Final = 3
HELD_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Task:
    """What a process is to do: ``what`` (load, again, search) of whom, and where it keeps it.

    ``fields`` and ``links`` are the same for all, by comma; ``mark`` is how changed names begin, ``since``
    the moment of the last pull (ISO 8601).
    """

    what: str
    url: str
    token: str
    fields: str
    links: str
    home: str
    mark: str
    since: str
    redis: str = ""
    installation: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn cost and found.

    ``calls`` by the sandbox's log, ``refused`` those of them answered 429; ``seconds`` and processor time
    without imports; ``peak_mb`` of the whole process. ``records`` are those it then holds, ``marked`` those
    of them whose name is the changed one; ``failed`` is how it ended where it did not do its work.
    """

    seconds: float
    cpu_us_per_record: float
    calls: int
    refused: int
    peak_mb: float
    records: int
    marked: int
    failed: str


@dataclass(frozen=True, slots=True)
class Restart:
    """A load killed (-9) once half of its calls were answered, and begun again.

    ``calls_again`` and ``records_again`` are what was asked and given more than once.
    """

    calls: int
    calls_again: int
    records_again: int


def take_turn(control: Control, module: str, task: Task) -> Turn:
    """Run a client to its end. Raises RuntimeError with its last words where it ends badly."""
    before = control.last_request()
    done = subprocess.run(_command(module, task), cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        raise RuntimeError(f"{module} ended with {done.returncode}: {done.stderr[-2000:]}")
    made, found = _made(control, before), json.loads(done.stdout.splitlines()[-1])
    given = sum(one["rows_out"] for one in made) or 1
    return Turn(
        seconds=round(found["seconds"], 2),
        cpu_us_per_record=round(1e6 * found["cpu_s"] / given, 1),
        calls=len(made),
        refused=sum(one["status"] == HTTPStatus.TOO_MANY_REQUESTS for one in made),
        peak_mb=round(found["peak_kb"] / 1024, 1),
        records=found["records"],
        marked=found.get("marked", 0) if task.mark else 0,
        failed=found.get("failed", ""),
    )


def kill_at_half(control: Control, module: str, task: Task, ids: Sequence[str]) -> Restart:
    """Kill a load of the companies ``ids`` once half of its pages were answered, run it again; count both.

    A page a little after half is held back, so that no load ends before the kill, however late that comes.
    """
    pages = -(-len(ids) // PAGE_ROWS)
    half, held = pages // 2, min(pages // 2 + HELD_AFTER, pages - 1)
    before, command = control.last_request(), _command(module, task)
    match = {"path_contains": f"after={ids[held * PAGE_ROWS]}"}
    control.post("faults", {"faults": [{"kind": "timeout", "match": match, "seconds": HELD_S}]})
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet) as running:  # noqa: S603 - ours
        while control.last_request() < before + half and running.poll() is None:
            time.sleep(LOOK_EVERY_S)
        if running.poll() is not None:
            raise RuntimeError(f"{module} ended with {running.returncode} before it could be killed")
        running.kill()
    control.clear_faults()
    take_turn(control, module, task)
    answered = [one for one in _made(control, before) if one["status"] == HTTPStatus.OK]
    once = {_page(one): one["rows_out"] for one in answered}
    given = sum(one["rows_out"] for one in answered)
    return Restart(len(answered), len(answered) - len(once), given - sum(once.values()))


def _page(request: Mapping[str, Any]) -> str:
    return f"{request['method']} {request['path']}"


def _command(module: str, task: Task) -> list[str]:
    return [sys.executable, "-m", module, json.dumps(asdict(task))]


def _made(control: Control, after: int) -> list[dict[str, Any]]:
    """Return the requests after a number, without sign-ins and those held back from who was killed."""
    return [one for one in control.requests(after) if one["object"] != "oauth" and one["status"]]


def folder(home: Path, name: str) -> Path:
    """Return a folder of that name under ``home``, made."""
    made = home / name
    made.mkdir(parents=True, exist_ok=True)
    return made
