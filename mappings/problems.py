"""What is wrong with a charter, where, and what to do about it.

``mappings.load`` finds the problems and raises them all at once as one ``CharterError``;
an admin, an editor and ``colonnade doctor`` print the same text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. ``line`` and ``column`` count from 1; ``where`` is the path of names to it."""

    file: str
    line: int
    column: int
    where: str
    wrong: str
    remedy: str

    def __str__(self) -> str:
        """Return the problem on one line, in the form editors and terminals make clickable."""
        place = f"{self.file}:{self.line}:{self.column}: "
        at = f"{self.where}: " if self.where else ""
        return f"{place}{at}{self.wrong}. {self.remedy}"


class CharterError(Exception):
    """A charter that cannot be used; ``problems`` holds every mistake, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Hold the problems, sorted by their place."""
        self.problems = tuple(sorted(problems))
        super().__init__(self.problems)

    def __str__(self) -> str:
        """Return one line per problem under a line that counts them."""
        count = len(self.problems)
        head = "1 problem in the charter" if count == 1 else f"{count} problems in the charter"
        return "\n".join([head, *map(str, self.problems)])


def suggest(word: str, known: Iterable[str]) -> str:
    """Return the remedy for a name nobody knows: the nearest known name, else all of them."""
    names = sorted(known)
    nearest = get_close_matches(word, names, n=1, cutoff=0.6)
    return f"Did you mean {nearest[0]!r}?" if nearest else f"Use one of: {', '.join(names) or '(none)'}."
