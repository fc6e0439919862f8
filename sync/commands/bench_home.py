"""Where a benchmark works: a folder of its own, given or made. Neighbours: the commands of ``bench``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sync.commands.demonstration import fresh_home


@contextmanager
def bench_home(home: Path | None) -> Iterator[Path]:
    """Give the empty folder named, which stays, or one that goes with the run."""
    if home is not None:
        yield fresh_home(home)
        return
    with tempfile.TemporaryDirectory(prefix="colonnade-bench-") as folder:
        yield Path(folder)
