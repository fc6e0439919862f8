"""A first load in a process of its own: ``python -m sync.bench.first_load HOME ACCOUNTS DEALS``.

Prints records read and the process's peak memory, which a process that has done other work
could not tell. Neighbour: ``hubspot_sync`` starts it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sync.bench.book import Size
from sync.bench.stage import HUBSPOT, stage


def forget_peak() -> None:
    """Have the peak counted anew from what is resident now (Linux: ``clear_refs``)."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def peak_kb() -> int:
    """Return the largest resident size since ``forget_peak``, in KB (Linux: ``VmHWM``)."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def main() -> None:
    """Load and print."""
    home, accounts, deals = sys.argv[1:]
    with stage(Path(home), HUBSPOT, Size(int(accounts), int(deals))) as found:
        found.install()
        forget_peak()
        before = peak_kb()
        read = found.load()
        sys.stdout.write(json.dumps({"read": read, "before_kb": before, "peak_kb": peak_kb()}) + "\n")


if __name__ == "__main__":
    main()
