"""What a query that reads well is refused for all the same: clauses that may not stand together.

Source: SOQL and SOSL Reference: "COUNT()" (no ORDER BY), "FIELDS()" (bounded by LIMIT 200 but for
STANDARD), "Comparison Operators", semi-joins (one id or reference; no ORDER BY, LIMIT, OFFSET or COUNT; not
beside OR, not one inside another, two at most), "OFFSET" (not in a child subquery). A subquery inside a child
subquery, which orgs know since v58, is refused too, in words of ours. Neighbours: ``soql_parse`` asks here,
``soql_where`` checks what only the schema can tell.
"""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.salesforce.errors import SfError
from sandbox.salesforce.soql_ast import Among, Both, Condition, Not, Query

_SEMI_JOINS = 2
_FIELDS_LIMIT = 200
_BOUNDED = "STANDARD"


def placed(text: str, at: int, message: str, code: str) -> SfError:
    """Return a query error with the vendor's excerpt and position before the message."""
    line_start = text.rfind("\n", 0, at) + 1
    row = text.count("\n", 0, at) + 1
    column = at - line_start + 1
    start = max(line_start, at - 40)
    excerpt = text[start : at + 40].split("\n", maxsplit=1)[0]
    caret = " " * (at - start) + "^"
    return SfError(code, f"\n{excerpt}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}")


def check(query: Query) -> None:
    """Raise MALFORMED_QUERY where clauses of a query, or of one inside it, may not stand together."""
    _check_own(query)
    for child in query.children:
        if child.count or child.children or child.offset:
            raise _refused(child, "a child subquery takes no COUNT(), OFFSET or further subquery")
        _check_own(child)


def _check_own(query: Query) -> None:
    if query.count and query.order:
        raise _refused(query, "COUNT() cannot be used with ORDER BY")
    if set(query.fields_of) - {_BOUNDED} and (query.limit is None or query.limit > _FIELDS_LIMIT):
        raise _refused(query, f"The SOQL FIELDS function must have a LIMIT of at most {_FIELDS_LIMIT}")
    found = list(_semi_joins(query.where, beside_or=False))
    if len(found) > _SEMI_JOINS:
        raise _refused(query, f"maximum {_SEMI_JOINS} semi join sub-selects are allowed")
    for one, beside_or in found:
        if beside_or:
            raise _refused(query, "Semi join sub-selects are not allowed with the 'OR' operator")
        _check_semi_join(one)


def _semi_joins(where: Condition | None, *, beside_or: bool) -> Iterator[tuple[Query, bool]]:
    if isinstance(where, Among) and where.subquery is not None:
        yield where.subquery, beside_or
    elif isinstance(where, Not):
        yield from _semi_joins(where.inner, beside_or=beside_or)
    elif isinstance(where, Both):
        for part in where.parts:
            yield from _semi_joins(part, beside_or=beside_or or where.op == "OR")


def _check_semi_join(inner: Query) -> None:
    if inner.count or inner.children or inner.fields_of or len(inner.select) != 1:
        raise _refused(inner, "a semi join sub-select has exactly one field")
    if inner.order or inner.limit is not None or inner.offset:
        raise _refused(inner, "a semi join sub-select takes no ORDER BY, LIMIT or OFFSET")
    if any(_semi_joins(inner.where, beside_or=False)):
        raise _refused(inner, "Nesting of semi join sub-selects is not supported")


def _refused(query: Query, words: str) -> SfError:
    return placed(query.text, query.source_at, words, "MALFORMED_QUERY")
