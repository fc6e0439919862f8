"""The text of a charter as YAML: its plain data, and where in the file each value stands.

``mappings.load`` is the only caller. Positions come from ruamel.yaml's node tree, which also
shows keys written twice: the plain data keeps one of them and tells nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mappings.problems import CharterError, Problem

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; both numbers count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """A charter file as read: ``data`` for validation, ``root`` for positions."""

    file: str
    text: str
    data: object
    root: Node | None

    def value_at(self, path: Path) -> Position:
        """Return where the value at ``path`` stands, or the nearest thing above it that exists."""
        node = self._node(path)
        if path and isinstance(node, ScalarNode) and not node.value and node.style is None:
            return self.key_at(path)  # nothing is written: the node stands where the next thing does
        return _start(node)

    def key_at(self, path: Path) -> Position:
        """Return where the key of ``path`` stands; for a list item, the item."""
        parent = self._node(path[:-1])
        if isinstance(parent, MappingNode):
            for key, _ in parent.value:
                if key.value == str(path[-1]):
                    return _start(key)
        return _start(self._node(path))

    def inside(self, path: Path, line: int, column: int) -> Position:
        """Return where ``line``:``column`` (from 1) of the text value at ``path`` stands in the file."""
        node = self._node(path)
        if not isinstance(node, ScalarNode):
            return _start(node)
        pieces = list(_iter_pieces(node, self.text.splitlines()))
        if node.style == "|":
            _, start = pieces[min(line, len(pieces)) - 1]
            return Position(start.line, start.column + column - 1)
        return _in_folded(pieces, column)

    def iter_duplicates(self) -> Iterator[Problem]:
        """Yield a problem for every key its mapping already has."""
        for path, first, again in _iter_duplicate_keys(self.root, ()):
            at = _start(again)
            wrong = f"the key stands twice; the first is in line {_start(first).line}"
            yield Problem(self.file, at.line, at.column, dotted(path), wrong, "Keep one of them.")

    def _node(self, path: Path) -> Node | None:
        node = self.root
        for step in path:
            found = next((v for name, v in _iter_children(node) if str(name) == str(step)), None)
            node = found if found is not None else node
        return node


def parse(text: str, file: str) -> Source:
    """Return the file's data and positions; raise ``CharterError`` where it is no YAML at all."""
    try:
        root = YAML(pure=True).compose(text)
        plain = YAML(typ="safe", pure=True)
        plain.allow_duplicate_keys = True
        return Source(file, text, plain.load(text), root)
    except MarkedYAMLError as error:
        raise CharterError([_syntax_problem(error, file)]) from error
    except YAMLError as error:
        unreadable = Problem(file, 1, 1, "", f"this is not YAML: {error}", "Save it as UTF-8 text.")
        raise CharterError([unreadable]) from error


def dotted(path: Path) -> str:
    """Return a path the way people write it: ``scorecard.measures[2].weight``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def _syntax_problem(error: MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    said = " ".join(part for part in (error.context, error.problem) if part)
    remedy = "Check indentation, quotes and brackets here and on the line above."
    return Problem(file, line, column, "", f"this is not YAML: {said}", remedy)


def _start(node: Node | None) -> Position:
    if node is None:
        return Position(1, 1)
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def _iter_children(node: Node | None) -> Iterator[tuple[str | int, Node]]:
    if isinstance(node, MappingNode):
        yield from ((key.value, value) for key, value in node.value if isinstance(key, ScalarNode))
    elif isinstance(node, SequenceNode):
        yield from enumerate(node.value)


def _iter_duplicate_keys(node: Node | None, path: Path) -> Iterator[tuple[Path, Node, Node]]:
    if isinstance(node, MappingNode):
        seen: dict[str, Node] = {}
        for key in (key for key, _ in node.value if isinstance(key, ScalarNode)):
            if key.value in seen:
                yield (*path, key.value), seen[key.value], key
            seen.setdefault(key.value, key)
    for name, child in _iter_children(node):
        yield from _iter_duplicate_keys(child, (*path, name))


def _iter_pieces(node: ScalarNode, lines: list[str]) -> Iterator[tuple[str, Position]]:
    """Yield the lines of a text value as written, each with where it starts."""
    first, last = node.start_mark.line, node.end_mark.line
    if node.style in ("|", ">"):
        body = [(n, lines[n]) for n in range(first + 1, min(last, len(lines) - 1) + 1)]
        indent = next((len(text) - len(text.lstrip()) for _, text in body if text.strip()), 0)
        yield from ((text[indent:], Position(n + 1, indent + 1)) for n, text in body)
        return
    quote = 1 if node.style in ("'", '"') else 0
    column = node.start_mark.column + quote
    yield lines[first][column:].rstrip(), Position(first + 1, column + 1)
    for n in range(first + 1, last + 1):
        stripped = lines[n].strip()
        yield stripped, Position(n + 1, lines[n].find(stripped) + 1)


def _in_folded(pieces: list[tuple[str, Position]], column: int) -> Position:
    """Return the place of a column in text whose lines YAML joined with one space each."""
    left = column - 1
    for text, start in pieces:
        if left <= len(text):
            return Position(start.line, start.column + left)
        left -= len(text) + 1
    return pieces[-1][1]
