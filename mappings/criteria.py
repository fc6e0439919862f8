"""What segments, stages of the journey and stages of adoption have in common: a key and a condition.

``segments`` and ``journey`` add what is their own. All of them check the list as a whole: names that
differ, and no entry that nobody can ever be in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from mappings.rulebook import repeated
from mappings.scalars import Finding, Key, Model, Name

HoldDays = Annotated[
    int,
    Field(ge=0, le=366, description="Days another value must have been asked for before it follows."),
]
Version = Annotated[int, Field(ge=1)]


class CriterionEntry(Model):
    """One segment or stage; ``leave_when`` keeps an account in until it holds."""

    key: Key
    title: Name | None = None

    @property
    def shown(self) -> str:
        """Return the title, made of the key where there is none."""
        return self.title or self.key.replace("_", " ").capitalize()


def list_findings(whens: Sequence[str | None], leaves: Sequence[str | None]) -> list[Finding]:
    """Return a finding for each entry that repeats a condition, or has only the one to leave."""
    findings = [
        Finding(
            (index, "when"),
            f"the same condition stands at number {whens.index(when) + 1}",
            "Nobody can be told apart by it: change one of the two, or leave this one out.",
        )
        for index, when in enumerate(whens)
        if when is not None and when in whens[:index]
    ]
    findings += [
        Finding((index, "leave_when"), "there is `leave_when` without `when`", "Leave it out.")
        for index, (when, leave) in enumerate(zip(whens, leaves, strict=True))
        if when is None and leave is not None
    ]
    return findings


def key_findings(keys: Sequence[str]) -> list[Finding]:
    """Return a finding for each key that stands before, or that means something else."""
    reserved = "'unknown' is where an account stands of which too little is known"
    return repeated(keys, "key") + [
        Finding((index, "key"), reserved, "Choose another key.")
        for index, key in enumerate(keys)
        if key == "unknown"
    ]
