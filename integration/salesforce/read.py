"""Reading records: pages by keyset, single records by id, and records by external key.

A first load walks ``Id`` upwards, an incremental read walks (SystemModstamp, Id), because the
stamp has a resolution of one second and a bulk write gives thousands of rows the same one.
Each page is its own query with the last row's position, never ``nextRecordsUrl``: the number of
calls is the same, and the cursor survives a crash, two days, and another process. No LIMIT is
given: ``done`` then says whether more is there without a call to find out, and a page that is
short because its rows are wide is not taken for the last one.
Source: SOQL and SOSL guide, "Querying Large Data Sets"; REST API guide, "Query" and "QueryAll".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from integration.port import CrmRecord, Link, Page, ReadQuery
from integration.salesforce.bulk_read import iter_bulk_rows
from integration.salesforce.limits import RETRIEVE_IDS
from integration.salesforce.names import MERGED, points_to
from integration.salesforce.shape import USUAL_TIMES, Shapes, TimeColumns
from integration.salesforce.soql import among, split_to_fit
from integration.salesforce.transport import Transport
from integration.salesforce.values import from_csv, parse_instant, soql_instant, soql_text, to_text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MASTER = "MasterRecordId"


@dataclass(frozen=True, slots=True)
class Selection:
    """What to select of an object: the fields, and per linked object the field that holds its id."""

    object_name: str
    fields: tuple[str, ...]
    links: tuple[tuple[str, str], ...] = ()
    times: TimeColumns = USUAL_TIMES

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns to select, each once, ``Id`` and the stamps first."""
        stamps = ["Id", *(name for name in (self.times.created, self.times.changed) if name)]
        if self.times.tells_deleted:
            stamps.append("IsDeleted")
        if self.object_name in MERGED:
            stamps.append(MASTER)
        linked = [column for _, column in self.links]
        return tuple(dict.fromkeys([*stamps, *self.fields, *linked]))

    @property
    def head(self) -> str:
        """Return the query up to its conditions."""
        return f"SELECT {','.join(self.columns)} FROM {self.object_name}"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row read: its id, and its stamp when reading by change."""

    last_id: str
    stamp: str | None = None

    def to_text(self) -> str:
        """Return the cursor as JSON text."""
        return json.dumps({"id": self.last_id, "stamp": self.stamp})

    @classmethod
    def from_text(cls, text: str) -> Cursor:
        """Return the cursor written by ``to_text``; ValueError when it is none."""
        try:
            held = json.loads(text)
            return cls(str(held["id"]), held["stamp"])
        except (KeyError, TypeError) as error:
            raise ValueError("not a Salesforce read cursor") from error


class Reader:
    """The reading verbs of one port."""

    def __init__(self, transport: Transport, shapes: Shapes) -> None:
        """Find link fields in ``shapes``."""
        self._transport = transport
        self._shapes = shapes

    def iter_pages(self, query: ReadQuery) -> Iterator[Page]:
        """Yield all pages after ``query.resume``; by Id, or by stamp when ``changed_since`` is set.

        A read by change includes deleted records (``archived``) while the org still keeps them. An object
        that does not say when its records change is read whole each time.
        """
        selection = self._select(query.object, query.fields, query.link_to)
        since = query.changed_since if selection.times.changed else None
        cursor = Cursor.from_text(query.resume) if query.resume else None
        while True:
            page, cursor = self._page(selection, since, cursor)
            yield page
            if page.resume is None:
                return

    def stream(self, query: ReadQuery) -> Iterator[CrmRecord]:
        """Yield all records of a query by a bulk job: a few calls whatever their number, in no order.

        A first load goes on after ``query.resume``; a read by change has no position a job could begin at.
        """
        selection = self._select(query.object, query.fields, query.link_to)
        kinds = self._shapes.types(query.object, [name for name in selection.fields if "." not in name])
        soql = selection.head
        changed = query.changed_since if selection.times.changed else None
        if changed is not None:
            soql += f" WHERE {selection.times.changed} >= {soql_instant(changed)}"
        elif query.resume:
            soql += f" WHERE Id > {soql_text(Cursor.from_text(query.resume).last_id)}"
        reason = f"read {query.object}"
        for row in iter_bulk_rows(self._transport, reason, soql, include_deleted=changed is not None):
            yield to_record(selection, {name: from_csv(cell, kinds.get(name)) for name, cell in row.items()})

    def read(
        self, object_name: str, ids: Sequence[str], fields: Sequence[str], link_to: Sequence[str]
    ) -> list[CrmRecord]:
        """Return the records that exist among ``ids``, in the order asked, deleted ones left out."""
        selection = self._select(object_name, fields, link_to)
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return []
        lists = split_to_fit(selection.head + among("Id", []), [soql_text(one) for one in wanted])
        # Paths through a relationship are not retrievable by body, only by query.
        plain = not any("." in column for column in selection.columns)
        if plain and len(lists) > -(-len(wanted) // RETRIEVE_IDS):
            rows = self._retrieve(selection, wanted)
        else:
            rows = self._select_where(selection, "Id", lists)
        found = {str(row["Id"]): to_record(selection, row) for row in rows}
        return [found[one] for one in wanted if one in found and not found[one].archived]

    def find(
        self, object_name: str, key_field: str, keys: Sequence[str], fields: Sequence[str]
    ) -> dict[str, CrmRecord]:
        """Return the records that carry one of ``keys`` in ``key_field``, by key."""
        selection = self._select(object_name, (*fields, key_field), ())
        literals = [soql_text(key) for key in dict.fromkeys(keys)]
        lists = split_to_fit(selection.head + among(key_field, []), literals)
        records = [to_record(selection, row) for row in self._select_where(selection, key_field, lists)]
        return {str(record.values[key_field]): record for record in records}

    def _select(self, object_name: str, fields: Sequence[str], link_to: Sequence[str]) -> Selection:
        links = tuple((target, self._shapes.link_field(object_name, target)) for target in link_to)
        return Selection(object_name, tuple(fields), links, self._shapes.times(object_name))

    def _page(
        self, selection: Selection, since: datetime | None, cursor: Cursor | None
    ) -> tuple[Page, Cursor | None]:
        soql = page_soql(selection, since, cursor)
        reason = f"read {selection.object_name}"
        answer = self._transport.query(reason, soql, include_deleted=since is not None)
        rows = answer["records"]
        records = tuple(to_record(selection, row) for row in rows)
        if answer["done"] or not rows:
            return Page(records, None), None
        changed = rows[-1][selection.times.changed] if since is not None else None
        stamp = soql_instant(parse_instant(changed)) if changed else None
        after = Cursor(str(rows[-1]["Id"]), stamp)
        return Page(records, after.to_text(), max(0, int(answer["totalSize"]) - len(rows))), after

    def _select_where(self, selection: Selection, column: str, lists: list[list[str]]) -> Iterator[Any]:
        reason = f"read {selection.object_name}"
        return iter_rows_among(self._transport, reason, selection.head, (column, lists))

    def _retrieve(self, selection: Selection, ids: list[str]) -> Iterator[Any]:
        path = f"composite/sobjects/{quote(selection.object_name, safe='')}"
        for start in range(0, len(ids), RETRIEVE_IDS):
            body = {"ids": ids[start : start + RETRIEVE_IDS], "fields": list(selection.columns)}
            rows = self._transport.request(f"read {selection.object_name}", "POST", path, body=body)
            yield from (row for row in rows or [] if row is not None)


def iter_rows_among(
    transport: Transport, reason: str, head: str, among_lists: tuple[str, Sequence[Sequence[str]]]
) -> Iterator[Any]:
    """Yield the rows whose column holds one of the literals of any list, by id within each list."""
    column, lists = among_lists
    for literals in lists:
        soql = head + among(column, literals)
        answer = transport.query(reason, f"{soql} ORDER BY Id")
        yield from answer["records"]
        while not answer["done"]:
            after = soql_text(str(answer["records"][-1]["Id"]))
            answer = transport.query(reason, f"{soql} AND Id > {after} ORDER BY Id")
            yield from answer["records"]


def page_soql(selection: Selection, since: datetime | None, cursor: Cursor | None) -> str:
    """Return the query of one page, starting after ``cursor``."""
    if since is None:
        where = f" WHERE Id > {soql_text(cursor.last_id)}" if cursor else ""
        return f"{selection.head}{where} ORDER BY Id"
    changed = selection.times.changed
    where = f"{changed} >= {soql_instant(since)}"
    if cursor and cursor.stamp:
        last_id = soql_text(cursor.last_id)
        where = f"{changed} > {cursor.stamp} OR ({changed} = {cursor.stamp} AND Id > {last_id})"
    return f"{selection.head} WHERE {where} ORDER BY {changed}, Id"


def to_record(selection: Selection, row: Mapping[str, Any]) -> CrmRecord:
    """Return a row as the port's record; a field given as a path is walked."""
    ids = [(target, _walk(row, column)) for target, column in selection.links]
    return CrmRecord(
        object=selection.object_name,
        id=str(row["Id"]),
        values={name: to_text(_walk(row, name)) for name in selection.fields},
        created_at=_instant(row.get(selection.times.created or "")),
        source_at=_instant(row.get(selection.times.changed or "")),
        archived=bool(row.get("IsDeleted", False)),
        links=tuple(Link(target, str(one)) for target, one in ids if one and points_to(str(one), target)),
        merged_into=row.get(MASTER) or None,
    )


def _walk(row: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path: of a nested row, or of a flat one, as a bulk query gives it."""
    if path in row:
        return row[path]
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _instant(text: str | None) -> datetime:
    return parse_instant(text) if text else EPOCH
