r"""Writes a portfolio folder so that it is there whole or not at all.

Records stream into a temporary folder beside the target; the last step renames it. An
older portfolio in the way is replaced; any other folder with something in it is refused.
Equal records give equal bytes: keys in class order, no spaces, ``\n`` line ends.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, TextIO

from sandbox.portfolio.model import Portfolio
from sandbox.portfolio.read import FILE_NAMES, PORTFOLIO_FILE, Record

_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NAMES: Final = {kind: tuple(field.name for field in fields(kind)) for kind in FILE_NAMES}
_VALUES: Final = {kind: attrgetter(*names) for kind, names in _NAMES.items()}


class TargetError(ValueError):
    """The target folder holds something that is not a portfolio; it is left alone."""


def to_json(record: Record) -> str:
    """Return one record as one line of JSON, without the line end."""
    kind = type(record)
    values: tuple[Any, ...] = _VALUES[kind](record)
    return _ENCODE(dict(zip(_NAMES[kind], values, strict=True)))


class FolderWriter:
    """Takes records in any order and appends each to the file of its class."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Open one file per record class in ``folder``; ``stack`` closes them."""
        self.counts: dict[str, int] = {Path(name).stem: 0 for name in FILE_NAMES.values()}
        self._folder = folder
        self._files: dict[type[Record], TextIO] = {
            kind: stack.enter_context((folder / name).open("w", encoding="utf-8", newline="\n"))
            for kind, name in FILE_NAMES.items()
        }

    def add(self, records: Iterable[Record]) -> None:
        """Append the records, each to its own file."""
        for kind, group in groupby(records, key=type):
            lines = [to_json(record) for record in group]
            self._files[kind].write("\n".join(lines) + "\n")
            self.counts[FILE_NAMES[kind].removesuffix(".jsonl")] += len(lines)

    def describe(self, portfolio: Portfolio) -> None:
        """Write ``portfolio.json``; call it once, last."""
        text = json.dumps(asdict(portfolio), ensure_ascii=False, indent=1) + "\n"
        (self._folder / PORTFOLIO_FILE).write_text(text, encoding="utf-8", newline="\n")


def refuse_foreign(target: Path) -> None:
    """Raise TargetError unless ``target`` is absent, empty or a portfolio."""
    if target.exists() and not target.is_dir():
        raise TargetError(f"{target}: is a file. Name a folder.")
    if target.is_dir() and any(target.iterdir()) and not (target / PORTFOLIO_FILE).exists():
        raise TargetError(f"{target}: holds files that are no portfolio. Name an empty or a new folder.")


@contextmanager
def new_folder(target: Path) -> Iterator[FolderWriter]:
    """Yield a writer whose folder takes the target's place when the block ends well.

    When the block raises, the target stays as it was and nothing else is left behind.
    """
    refuse_foreign(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as room:
        fresh = Path(room) / "new"
        fresh.mkdir()
        with ExitStack() as files:
            yield FolderWriter(fresh, files)
        _swap(fresh, target, Path(room) / "old")


def _swap(fresh: Path, target: Path, old: Path) -> None:
    """Put the fresh folder where the target is; on failure put the target back."""
    if target.exists():
        target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
