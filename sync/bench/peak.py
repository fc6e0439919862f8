"""A process's own peak memory, and what it has cost: read by the processes the benchmarks start.

Imports nothing of the product, so that it weighs nothing in a peer's process.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path


def forget_peak() -> None:
    """Have the peak counted anew from what is resident now (Linux: ``clear_refs``)."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def peak_kb() -> int:
    """Return the largest resident size since the start or ``forget_peak``, in KB (Linux: ``VmHWM``)."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def measured(work: Callable[[], object], found: Callable[[], Mapping[str, object]]) -> None:
    """Do the work and print its seconds, processor seconds and the process's peak, with what was ``found``.

    Imports came before and are not in the seconds; what is found is looked up afterwards.
    """
    begun, cpu = time.perf_counter(), time.process_time()
    work()
    cost = {"seconds": time.perf_counter() - begun, "cpu_s": time.process_time() - cpu, "peak_kb": peak_kb()}
    sys.stdout.write(json.dumps({**cost, **found()}) + "\n")
