"""A JSON file with the line of every value, so that a mistake can be pointed at.

Neighbours: ``hsmeta_lint`` reads a developer project through it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

JsonPath = tuple[str | int, ...]
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: its value, the line of each path in it, and keys that stand twice."""

    value: Any
    lines: dict[JsonPath, int]
    twice: tuple[JsonPath, ...]

    def line(self, path: JsonPath) -> int:
        """Return the line of a path, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_document(text: str) -> Document:
    """Return the document in ``text``. Raises ``json.JSONDecodeError``, which knows its line."""
    value = json.loads(text)
    walk = _Walk(text)
    walk.value(())
    return Document(value, walk.lines, tuple(walk.twice))


def shown(path: JsonPath) -> str:
    """Return a path as people write it: ``config.auth.redirectUrls[0]``."""
    told = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return told.removeprefix(".")


class _Walk:
    """Goes through text known to be JSON, noting where each value begins."""

    def __init__(self, text: str) -> None:
        self.lines: dict[JsonPath, int] = {}
        self.twice: list[JsonPath] = []
        self._tokens: list[tuple[str, int]] = []
        self._at, line, before = 0, 1, 0
        for found in _TOKEN.finditer(text):
            line += text.count("\n", before, found.start())
            before = found.start()
            self._tokens.append((found[0], line))

    def value(self, path: JsonPath) -> None:
        opens, line = self._next()
        self.lines[path] = line
        if opens == "{":
            self._members(path)
        elif opens == "[":
            self._items(path)

    def _members(self, path: JsonPath) -> None:
        while (key := self._next())[0] != "}":
            if key[0] == ",":
                continue
            inner = (*path, str(json.loads(key[0])))
            if inner in self.lines:
                self.twice.append(inner)
            self._next()  # the colon
            self.value(inner)
            self.lines[inner] = key[1]  # a member is found by its key

    def _items(self, path: JsonPath) -> None:
        index = 0
        while self._tokens[self._at][0] != "]":
            if self._tokens[self._at][0] == ",":
                self._at += 1
                continue
            self.value((*path, index))
            index += 1
        self._at += 1

    def _next(self) -> tuple[str, int]:
        self._at += 1
        return self._tokens[self._at - 1]
