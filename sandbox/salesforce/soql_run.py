"""Running a parsed query over the store: candidates, filter, order, window, and the shape of rows.

``plan`` compiles once; the resulting ``Plan`` keeps the matching ids and renders any slice of them,
which is what ``nextRecordsUrl`` pages through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce.access import Access
from sandbox.salesforce.errors import SfError
from sandbox.salesforce.history_rows import forgotten
from sandbox.salesforce.ids import to18
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.soql_ast import Among, Both, Compare, Condition, Path, Query
from sandbox.salesforce.soql_parse import parse
from sandbox.salesforce.soql_rules import placed
from sandbox.salesforce.soql_where import Read, Scope, compile_condition, resolve, unknown_type
from sandbox.salesforce.standard_history import is_history
from sandbox.salesforce.store import Row

Render = Callable[[Row], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """A query that was run: its object, the rows it matched, and how to show one."""

    object: str
    rows: list[Row]
    render: Render
    count_only: bool
    columns: tuple[tuple[str, Read], ...]


def plan(org: Org, access: Access, text: str, version: int, *, deleted: bool = False) -> Plan:
    """Run a SOQL text for a user. ``deleted`` includes the recycle bin (queryAll). Raises SfError."""
    if not text.strip():
        raise SfError("MALFORMED_QUERY", "unexpected token: '<EOF>'")
    return run(org, access, parse(text), version, deleted=deleted)


def run(org: Org, access: Access, query: Query, version: int, *, deleted: bool) -> Plan:
    """Run a parsed query."""
    obj = access.object(query.source)
    if obj is None:
        raise unknown_type(query.text, query.source_at, query.source)
    scope = Scope(org, access, obj, query.text, lambda inner: _subselect(org, access, inner, version))
    paths = _selected(scope, query)
    columns = tuple((p.text, resolve(scope, p)[1]) for p in paths)
    render = renderer(scope, paths, version)
    if query.children:
        render = _with_children(scope, query, render, version)
    rows = _matching(scope, query, deleted=deleted)
    window = rows[query.offset :]
    window = window if query.limit is None else window[: query.limit]
    return Plan(obj.name, window, render, query.count, columns)


def _subselect(org: Org, access: Access, query: Query, version: int) -> list[Any]:
    found = run(org, access, query, version, deleted=False)
    read = found.columns[0][1]
    return [read(row) for row in found.rows]


def _selected(scope: Scope, query: Query) -> tuple[Path, ...]:
    named = [
        Path((f.name,), 0)
        for which in query.fields_of
        for f in scope.access.fields(scope.obj).values()
        if which == "ALL" or f.custom == (which == "CUSTOM")
    ]
    seen: set[str] = set()
    for path in (*named, *query.select):
        if path.text.lower() in seen:
            words = f"duplicate field selected: {path.text}"
            raise placed(query.text, path.at, words, "INVALID_FIELD")
        seen.add(path.text.lower())
    return (*named, *query.select)


def _matching(scope: Scope, query: Query, *, deleted: bool) -> list[Row]:
    rows: Iterable[Row] = _candidates(scope, query.where)
    if not deleted:
        rows = (r for r in rows if not r.get("IsDeleted"))
    if query.where is not None:
        test = compile_condition(scope, query.where)
        rows = (r for r in rows if test(r))
    found = (
        [r for r in rows if not forgotten(scope.org, scope.obj, r)] if is_history(scope.obj) else list(rows)
    )
    for order in reversed(query.order):
        f, read = resolve(scope, order.path)
        if f.type == "textarea" and f.length > 255:
            words = f"field '{order.path.text}' can not be sorted in a query call"
            raise placed(query.text, order.path.at, words, "MALFORMED_QUERY")
        found = _sorted(found, f, read, descending=order.descending, nulls_last=order.nulls_last)
    return found


def _sorted(rows: list[Row], f: Field, read: Read, *, descending: bool, nulls_last: bool) -> list[Row]:
    empty = [r for r in rows if read(r) is None]
    full = [r for r in rows if read(r) is not None] if empty else rows
    key: Callable[[Row], Any] = (lambda r: str(read(r)).lower()) if f.textual else read
    full = sorted(full, key=key, reverse=descending)
    return full + empty if nulls_last else empty + full


def _candidates(scope: Scope, where: Condition | None) -> Iterable[Row]:
    """Return the rows worth testing: by id or unique field where the condition pins one, else all."""
    table = scope.org.store.table(scope.obj.name)
    for part in where.parts if isinstance(where, Both) and where.op == "AND" else (where,):
        pinned = _pinned(scope, part)
        if pinned is not None:
            return [table[i] for i in sorted(pinned) if i in table]
    return list(table.values())


def _pinned(scope: Scope, part: Condition | None) -> set[str] | None:
    if isinstance(part, Compare) and part.op == "=":
        path, values = part.path, [part.value]
    elif isinstance(part, Among) and not part.negated and part.subquery is None:
        path, values = part.path, list(part.values)
    else:
        return None
    f = scope.obj.get(path.text)
    if any(v.kind != "string" or not v.value for v in values) or f is None:
        return None
    if f.name == "Id":
        found = [
            scope.org.store.find(scope.obj.name, to) for to in (to18(str(v.value)) for v in values) if to
        ]
        return {r["Id"] for r in found if r}
    return None


def renderer(scope: Scope, paths: tuple[Path, ...], version: int) -> Render:
    """Return how a row shows the selected paths, parents nested, each with its ``attributes``."""
    plain: list[tuple[str, Read]] = []
    parents: dict[str, list[Path]] = {}
    for path in paths:
        f, read = resolve(scope, path)
        parts = path.parts
        if (
            len(parts) > 1
            and parts[0].lower() == scope.obj.name.lower()
            and scope.obj.relationship(parts[0]) is None
        ):
            parts = parts[1:]
        if len(parts) == 1:
            plain.append((f.name, read))
        else:
            parents.setdefault(parts[0].lower(), []).append(Path(parts[1:], path.at))
    nested = [_parent(scope, name, rest, version) for name, rest in parents.items()]
    name = scope.obj.name
    base = f"/services/data/v{version}.0/sobjects/{name}/"

    def show(row: Row) -> dict[str, Any]:
        shown: dict[str, Any] = {"attributes": {"type": name, "url": base + row["Id"]}}
        for field_name, read in plain:
            shown[field_name] = read(row)
        for relation, render in nested:
            shown[relation] = render(row)
        return shown

    return show


def _parent(scope: Scope, name: str, rest: list[Path], version: int) -> tuple[str, Callable[[Row], Any]]:
    link = scope.obj.relationship(name)
    assert link is not None
    target = scope.org.schema[link.reference_to[0]]
    inner = Scope(scope.org, scope.access, target, scope.text, scope.subselect)
    show = renderer(inner, tuple(rest), version)
    store = scope.org.store

    def render(row: Row) -> dict[str, Any] | None:
        key = row.get(link.name)
        parent = store.find(target.name, key) if key else None
        return show(parent) if parent is not None else None

    return link.relationship_name or name, render


def _with_children(scope: Scope, query: Query, render: Render, version: int) -> Render:
    subs = [_child(scope, child, version) for child in query.children]

    def show(row: Row) -> dict[str, Any]:
        shown = render(row)
        for name, rows_of in subs:
            found = rows_of(row)
            shown[name] = {"totalSize": len(found), "done": True, "records": found} if found else None
        return shown

    return show


def _child(scope: Scope, child: Query, version: int) -> tuple[str, Callable[[Row], list[dict[str, Any]]]]:
    wanted = child.source.lower()
    pairs = [(o, f) for o, f in scope.org.schema.children_of(scope.obj.name)
             if (f.child_relationship or "").lower() == wanted and scope.access.object(o.name)]  # fmt: skip
    if not pairs:
        words = f"Didn't understand relationship '{child.source}' in FROM part of query call."
        raise placed(child.text, child.source_at, words, "INVALID_TYPE")
    obj, link = pairs[0]
    inner = Scope(scope.org, scope.access, obj, child.text, scope.subselect)
    show = renderer(inner, _selected(inner, child), version)
    by_parent: dict[str, list[Row]] = {}
    for row in _matching(inner, child, deleted=False):
        by_parent.setdefault(row.get(link.name) or "", []).append(row)
    return link.child_relationship or child.source, lambda row: [
        show(r) for r in by_parent.get(row["Id"], [])[: child.limit]
    ]


def whole_record(org: Org, access: Access, obj: SObject, row: Row, version: int) -> dict[str, Any]:
    """Return a row with every field the user sees, as GET on a record shows it."""
    scope = Scope(org, access, obj, "", lambda _q: [])
    paths = tuple(Path((f.name,), 0) for f in access.fields(obj).values())
    return renderer(scope, paths, version)(row)
