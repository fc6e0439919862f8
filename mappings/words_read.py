"""What a charter's expressions read of the charter itself: attributes it maps, segments and stages it names.

The type checker knows that an attribute is a text and a segment is one; that there is such an
attribute or segment is for the charter to say. Neighbour: ``charter`` asks once its parts are read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from pydantic import BaseModel

from mappings.bindings import CrmEntry
from mappings.problems import suggest
from mappings.scalars import Finding
from success.expressions import attributes_in, place

EXPRESSIONS = frozenset({"when", "leave_when", "evidence", "suppress_when"})
_COMPARED = re.compile(r"""(?<![\w.])(segment|stage)\s*(?:==|!=)\s*(["'])(.*?)\2""")
_LISTED = re.compile(r"(?<![\w.])(segment|stage)\s+in\s*\[([^\]]*)\]")
_TEXT = re.compile(r"""(["'])(.*?)\1""")


def attribute_findings(part: BaseModel, crms: Mapping[str, CrmEntry]) -> list[Finding]:
    """Return a finding for each attribute that an expression reads and one of the CRMs does not map."""
    findings = []
    for path, expression in _expressions(part, ()):
        for name, line, column in attributes_in(expression):
            lacking = [
                crm for crm, entry in crms.items() if name not in entry.reads.account.fields.attributes
            ]
            if lacking:
                known = {one for crm in lacking for one in crms[crm].reads.account.fields.attributes}
                wrong = f"the account has no attribute {name!r} in {' and '.join(lacking)}"
                remedy = f"Map it under `attributes` there. {suggest(name, known)}"
                findings.append(Finding(path, wrong, remedy, (line, column)))
    return findings


def name_findings(part: BaseModel, known: Mapping[str, Collection[str]]) -> list[Finding]:
    """Return a finding for each segment or stage an expression compares with and the charter does not have.

    ``known`` are the keys by word; a word that is not there is not looked at.
    """
    return [
        Finding(path, f"there is no {word} {name!r}", suggest(name, known[word]), place(expression, at))
        for path, expression in _expressions(part, ())
        for word, name, at in _named(expression)
        if word in known and name not in known[word]
    ]


def _named(expression: str) -> Iterator[tuple[str, str, int]]:
    for one in _COMPARED.finditer(expression):
        yield one[1], one[3], one.start(2)
    for one in _LISTED.finditer(expression):
        for text in _TEXT.finditer(one[2]):
            yield one[1], text[2], one.start(2) + text.start()


def _expressions(part: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(part, BaseModel):
        for name in type(part).model_fields:
            value = getattr(part, name)
            if name in EXPRESSIONS and isinstance(value, str):
                yield (*path, name), value
            else:
                yield from _expressions(value, (*path, name))
    elif isinstance(part, tuple):
        for index, one in enumerate(part):
            yield from _expressions(one, (*path, index))
