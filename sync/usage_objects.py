"""The files of a folder or bucket: found by a pattern, each with a mark of its form, fetched one at a time.

A folder is read in place. An object store (`s3://`, `gs://`, `abfs://`) is read by PyArrow, a file at a time
through a temporary file, so that memory does not grow with the store. Source of the addresses: PyArrow page
"Filesystem Interface". Neighbour: ``usage_pull``.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A file below the address; ``mark`` is another one once the file was written anew."""

    path: str
    mark: str


class Files(Protocol):
    """Where the files are."""

    def found(self, pattern: str) -> list[Found]:
        """Return the files that fit, by path."""
        ...

    def opened(self, file: Found) -> Any:
        """Return a context that gives a local file to read."""
        ...


def files_at(url: str, within: Path) -> Files:
    """Return the files at an address: ``file://``, or one PyArrow knows, whose copies are made ``within``.

    Raises ValueError for a folder that is not there and for an address nothing here can open.
    """
    if urlsplit(url).scheme == "file":
        return Folder(Path(unquote(urlsplit(url).path)))
    return Store(url, within)


class Folder:
    """A folder every process reaches."""

    def __init__(self, folder: Path) -> None:
        """Take a folder. Raises ValueError where there is none."""
        if not folder.is_dir():
            raise ValueError(f"there is no folder {folder}")
        self._folder = folder

    def found(self, pattern: str) -> list[Found]:
        """Return the files that fit; what links out of the folder is not among them."""
        root, files = self._folder.resolve(), []
        for one in sorted(root.glob(pattern)):
            if one.is_file() and one.resolve().is_relative_to(root):
                seen = one.stat()
                files.append(Found(one.relative_to(root).as_posix(), f"{seen.st_size}:{seen.st_mtime_ns}"))
        return files

    @contextmanager
    def opened(self, file: Found) -> Iterator[Path]:
        """Give the file where it is."""
        yield self._folder.resolve() / file.path


class Store:
    """An object store, by PyArrow's file systems."""

    def __init__(self, url: str, within: Path) -> None:
        """Take an address, and the folder to copy files to.

        Raises ValueError where PyArrow is missing or knows no such address.
        """
        try:
            from pyarrow import fs
        except ImportError as error:
            raise ValueError("object stores need PyArrow: pip install 'colonnade[warehouse]'") from error
        try:
            self._store, self._root = fs.FileSystem.from_uri(url)
        except Exception:  # noqa: BLE001 - PyArrow's words repeat the address, and with it its password
            raise ValueError("the address is none of an object store that PyArrow knows") from None
        self._within = within
        self._selector = fs.FileSelector(self._root, allow_not_found=True, recursive=True)

    def found(self, pattern: str) -> list[Found]:
        """Return the files that fit the pattern below the address."""
        root, files = PurePosixPath(self._root), []
        for one in self._store.get_file_info(self._selector):
            path = PurePosixPath(one.path).relative_to(root).as_posix()
            if one.is_file and _fits(path, pattern):
                files.append(Found(path, f"{one.size}:{one.mtime_ns}"))
        return sorted(files, key=lambda one: one.path)

    @contextmanager
    def opened(self, file: Found) -> Iterator[Path]:
        """Give a copy of the file that goes again afterwards."""
        with tempfile.TemporaryDirectory(prefix="colonnade-usage-", dir=self._within) as folder:
            name = hashlib.sha256(file.path.encode()).hexdigest()[:16] + PurePosixPath(file.path).suffix
            target = Path(folder) / name
            place = f"{self._root.rstrip('/')}/{file.path}"
            with self._store.open_input_stream(place) as source, target.open("wb") as out:
                shutil.copyfileobj(source, out, COPY_BYTES)
            yield target


def _fits(path: str, pattern: str) -> bool:
    """Return whether a path fits: ``*`` within one part of it, ``**`` over any number of parts."""
    return _parts_fit(path.split("/"), pattern.split("/"))


def _parts_fit(path: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_parts_fit(path[skipped:], pattern[1:]) for skipped in range(len(path) + 1))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _parts_fit(path[1:], pattern[1:])
