"""A first load in a process of its own: ``python -m sync.bench.first_load HOME ACCOUNTS DEALS``.

Prints records read and the process's peak memory, which a process that has done other work
could not tell. Neighbour: ``hubspot_sync`` starts it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sync.bench.book import Size
from sync.bench.peak import forget_peak, peak_kb
from sync.bench.stage import HUBSPOT, stage


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
