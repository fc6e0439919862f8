"""Work in progress on the disk: in one folder of the home, so that what a killed process left is found there.

Copies of usage, uploads and rollups name people. Whoever works deletes them at the end; who is killed cannot.
What nobody has touched for an hour is nobody's any more. Neighbours: ``usage``, ``usage_rollup``,
``usage_objects`` and ``webhooks/usage_files.py`` work here, ``forget_files`` and ``prove`` look.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from sync.config import Settings

FOLDER: Final = "tmp"
PART: Final = ".part"
"""How a file's name ends that will be put in another's place once it is whole."""
LEFT_AFTER_S: Final = 3600.0


def work_folder(settings: Settings) -> Path:
    """Return the folder to make folders of work in progress in, made where it is missing."""
    folder = settings.home.absolute() / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def in_progress(settings: Settings, path: Path) -> bool:
    """Return whether a file is somebody's work, or what is left of it."""
    return path.suffix == PART or path.is_relative_to(settings.home.absolute() / FOLDER)


def put_in_place(part: Path, path: Path) -> None:
    """Put a file that is whole in another's place: its bytes are on the disk before its name is."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)


def delete_leftovers(settings: Settings) -> int:
    """Delete work that nobody has touched for an hour; return how many files and folders that were.

    Age is told by the disk's own time, which every process that shares it has.
    """
    folder, done = work_folder(settings), 0
    with tempfile.NamedTemporaryFile(dir=folder) as probe:
        before = Path(probe.name).stat().st_mtime - LEFT_AFTER_S
    for path in [*folder.iterdir(), *_parts(settings)]:
        with suppress(FileNotFoundError):  # whoever works there ended meanwhile
            if _touched(path) < before:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                done += 1
    return done


def _parts(settings: Settings) -> Iterator[Path]:
    """Yield the files beside those they were to replace; the home's own are beside its files, not below."""
    store = Path(settings.usage_store).absolute()
    yield from settings.home.absolute().glob(f".*{PART}")
    yield from store.rglob(f".*{PART}")


def _touched(path: Path) -> float:
    """Return when a file, or the newest in a folder, was last written, in seconds of the disk's time."""
    inside = path.rglob("*") if path.is_dir() else ()
    return max(float(one.lstat().st_mtime) for one in (path, *inside))
