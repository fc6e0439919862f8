"""A deal, its lines and its contact roles as one composite graph: all of it stands, or none.

Deal and lines upsert by our key. A line cannot be moved to another deal or price, so a graph done before by a
try whose answer was lost is refused when it comes again, by those very fields: told as BUSY, it is looked
for before anything is sent. Where only a line is refused or has no price, the deal is written without any:
lines that are but part of what is sold would make the deal's amount wrong, for the org sums them up. Roles
have no key and are added however often they are sent: with roles the deal is inserted, not upserted, so that
its unique key refuses the whole graph when it comes again. Where a role is refused, the deal has none.
Neighbours: ``graph`` packs graphs into calls, ``prices`` finds what lines are sold at, ``roles`` who has
which role, ``write`` does single rows. Source: REST API guide, "Composite Graph"; object reference,
"OpportunityLineItem".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from integration.port import Refusal, RowError, WriteResult, WriteRow
from integration.salesforce.composite import Part
from integration.salesforce.errors import LOCKED, Failure, row_error
from integration.salesforce.graph import Graph, GraphAnswer, send_graphs
from integration.salesforce.limits import GRAPH_NODES, LOCK_TRIES
from integration.salesforce.prices import ENTRY, Priced, Wanted, find_prices
from integration.salesforce.roles import NODE, Roles, copy_roles, find_roles, role_nodes
from integration.salesforce.shape import Shapes
from integration.salesforce.transport import Transport
from integration.salesforce.values import soql_text
from integration.salesforce.write import Writer, pause_s
from integration.wholes import RolesWanted, Whole, WholeResult

BOOK: Final = "Pricebook2Id"
CURRENCY: Final = "CurrencyIsoCode"
RECORD: Final = "whole"
MADE_BEFORE: Final = "MADE_BEFORE"
"""Our code of a whole that an earlier try has made, whose answer was lost."""

LATER: Final = RowError(Refusal.BUSY, "ROLES_FOLLOW", "the contact roles follow their deal")
OPPORTUNITY: Final = "Opportunity"
PARTLY: Final = "ANOTHER_LINE_REFUSED"
NOT_UPDATEABLE: Final = "INVALID_FIELD_FOR_INSERT_UPDATE"
IDS_PER_QUERY: Final = 200


class WholeWriter:
    """The verbs of ``WholePort`` of one port."""

    def __init__(self, transport: Transport, shapes: Shapes, writer: Writer) -> None:
        """Send graphs over ``transport``, single rows by ``writer``."""
        self._transport = transport
        self._shapes = shapes
        self._writer = writer

    def upsert_wholes(
        self,
        object_name: str,
        part_object: str | None,
        key_field: str,
        wholes: Sequence[Whole],
        part_key: str | None = None,
    ) -> list[WholeResult]:
        """See ``WholePort.upsert_wholes``; 75 wholes or 500 rows a call, 1 or 2 for prices, 2 for roles.

        ``part_key`` is the key of parts where it is called otherwise than that of the records.
        """
        reason = f"write {object_name}"
        wanted = [_wanted(whole.parts, str(whole.row.values.get(CURRENCY) or "")) for whole in wholes]
        prices = find_prices(self._transport, reason, wanted)
        refused = _unsold(wholes, prices)
        roles, roleless = self._roles(wholes)
        names = (object_name, key_field), (part_object or "", part_key or key_field)
        graphs = {
            i: self._graph(names, sold, roles[i])
            for i, sold in ((i, _sold(whole, prices[i])) for i, whole in enumerate(wholes))
            if i not in refused
        }
        told: dict[int, WholeResult] = {}
        unwelcome: dict[int, RowError] = {}
        for i, answer in self._send(reason, graphs).items():
            result = _result(wholes[i], answer, key_field)
            if isinstance(result, WholeResult):
                told[i] = replace(result, roles_error=result.roles_error or roleless.get(i))
            elif isinstance(result, RowError):
                unwelcome[i] = result
            else:
                refused[i] = result
        written = self._writer.upsert(object_name, key_field, [wholes[i].row for i in refused])
        told |= {
            i: WholeResult(row, refused[i], _follow(wholes[i]))
            for i, row in zip(refused, written, strict=True)
        }
        if unwelcome:
            without = [replace(wholes[i], roles_of=()) for i in unwelcome]
            again = self.upsert_wholes(object_name, part_object, key_field, without, part_key)
            told |= {
                i: replace(result, roles_error=result.row.error or unwelcome[i])
                for i, result in zip(unwelcome, again, strict=True)
            }
        return [told[i] for i in range(len(wholes))]

    def copy_roles(self, object_name: str, wanted: Sequence[RolesWanted]) -> list[RowError | None]:
        """See ``WholePort.copy_roles``; roles hang under opportunities only."""
        if object_name != OPPORTUNITY:
            raise ValueError(f"{object_name} has no contact roles")
        return copy_roles(self._transport, wanted)

    def _roles(self, wholes: Sequence[Whole]) -> tuple[list[Roles], dict[int, RowError]]:
        """Return the roles each whole is made with, and why one has none that should."""
        found = find_roles(self._transport, [whole.roles_of for whole in wholes])
        roleless = {i: one for i, one in enumerate(found) if isinstance(one, RowError)}
        roles: list[Roles] = []
        for i, (whole, one) in enumerate(zip(wholes, found, strict=True)):
            held = () if isinstance(one, RowError) else one
            if 1 + len(whole.parts) + len(held) > GRAPH_NODES:
                held, roleless[i] = (), LATER
            roles.append(held)
        return roles, roleless

    def upsert_parts(
        self, object_name: str, part_object: str, key_field: str, rows: Sequence[WriteRow]
    ) -> list[WriteResult]:
        """See ``WholePort.upsert_parts``; a call for their deals, one or two for prices, then the rows."""
        deals = [next(link.id for link in row.parents if link.object == object_name) for row in rows]
        entries = self._entries(object_name, part_object, rows, deals)
        ready = [
            replace(row, values={**row.values, ENTRY: entry})
            for row, entry in zip(rows, entries, strict=True)
            if isinstance(entry, str)
        ]
        written = iter(self._writer.upsert(part_object, key_field, ready))
        return [
            WriteResult(row.key, None, error=entry) if isinstance(entry, RowError) else _seen(next(written))
            for row, entry in zip(rows, entries, strict=True)
        ]

    def _entries(
        self, object_name: str, part_object: str, rows: Sequence[WriteRow], deals: Sequence[str]
    ) -> list[str | RowError]:
        """Return each row's price under the deal at its place, or why it has none."""
        books = self._books(object_name, part_object, sorted(set(deals)))
        places = {deal: [n for n, one in enumerate(deals) if one == deal] for deal in books}
        wanted = [
            _wanted([rows[n] for n in places[deal]], books[deal][CURRENCY] or "", books[deal][BOOK])
            for deal in books
        ]
        gone = RowError(Refusal.GONE, "NOT_FOUND", "the deal of the line is not there any more")
        found: list[str | RowError] = [gone] * len(rows)
        for deal, priced in zip(
            books, find_prices(self._transport, f"write {part_object}", wanted), strict=True
        ):
            for n, entry in zip(places[deal], priced.entries, strict=True):
                found[n] = entry
        return found

    def _books(
        self, object_name: str, part_object: str, ids: Sequence[str]
    ) -> dict[str, Mapping[str, str | None]]:
        """Return the price book and currency of deals that stand, the latter where the org has several."""
        reason = f"write {part_object}"
        found: dict[str, Mapping[str, str | None]] = {}
        shown = f"Id, {BOOK}" + (f", {CURRENCY}" if self._many_currencies(object_name) else "")
        for start in range(0, len(ids), IDS_PER_QUERY):
            listed = ",".join(map(soql_text, ids[start : start + IDS_PER_QUERY]))
            soql = f"SELECT {shown} FROM {object_name} WHERE Id IN ({listed})"
            for row in self._transport.query(reason, soql)["records"]:
                found[str(row["Id"])] = {BOOK: row.get(BOOK), CURRENCY: row.get(CURRENCY)}
        return found

    def _many_currencies(self, object_name: str) -> bool:
        return any(spec.name == CURRENCY for spec in self._shapes.get(object_name).spec.fields)

    def _graph(self, names: tuple[tuple[str, str], tuple[str, str]], whole: Whole, roles: Roles) -> Graph:
        """Return the graph of a whole; ``names`` are the object and the key field of record and parts."""
        record, part = names
        made = f"@{{{RECORD}.id}}"
        nodes = {RECORD: self._inserted(*record, whole.row) if roles else self._node(*record, whole.row, {})}
        link = self._shapes.link_field(part[0], record[0]) if whole.parts else ""
        for place, row in enumerate(whole.parts):
            nodes[_name(place)] = self._node(*part, row, {link: made})
        return Graph({**nodes, **role_nodes(made, roles)})

    def _inserted(self, object_name: str, key_field: str, row: WriteRow) -> Part:
        fields = {**self._writer.fields(object_name, key_field, row), key_field: row.key}
        return Part("POST", f"sobjects/{quote(object_name, safe='')}", fields)

    def _node(self, object_name: str, key_field: str, row: WriteRow, more: Mapping[str, Any]) -> Part:
        names = (object_name, key_field, row.key)
        path = "sobjects/" + "/".join(quote(name, safe="") for name in names)
        return Part("PATCH", path, {**self._writer.fields(object_name, key_field, row), **more})

    def _send(self, reason: str, graphs: Mapping[int, Graph]) -> dict[int, GraphAnswer]:
        """Send graphs; those that met a lock again, alone, after random pauses."""
        answers: dict[int, GraphAnswer] = {}
        waiting = list(graphs)
        for attempt in range(LOCK_TRIES + 1):
            sent = send_graphs(self._transport, reason, [graphs[index] for index in waiting])
            answers |= dict(zip(waiting, sent, strict=True))
            waiting = [i for i in waiting if _code(answers[i]) == LOCKED]
            if not waiting or attempt == LOCK_TRIES:
                break
            self._transport.sleep(pause_s(attempt))
        return answers


def _wanted(parts: Sequence[WriteRow], currency: str, book: str | None = None) -> Wanted:
    return Wanted(tuple(part.values.get(ENTRY) for part in parts), currency, book)


def _unsold(wholes: Sequence[Whole], prices: Sequence[Priced]) -> dict[int, tuple[WriteResult, ...]]:
    """Return the refusals of the parts that cannot be sold with their record, by the whole's place."""
    refused = {
        i: _parts_refused(wholes[i], found.error, found.entries)
        for i, found in enumerate(prices)
        if found.error is not None
    }
    return refused | {i: _too_many(one) for i, one in enumerate(wholes) if len(one.parts) >= GRAPH_NODES}


def _sold(whole: Whole, priced: Priced) -> Whole:
    """Return the whole with its price book and today's prices; as it is where it has no parts."""
    if not whole.parts:
        return whole
    parts = tuple(
        replace(part, values={**part.values, ENTRY: entry if isinstance(entry, str) else None})
        for part, entry in zip(whole.parts, priced.entries, strict=True)
    )
    return Whole(replace(whole.row, values={**whole.row.values, BOOK: priced.book}), parts)


def _result(
    whole: Whole, answer: GraphAnswer, key_field: str
) -> WholeResult | tuple[WriteResult, ...] | RowError:
    """Return what became of a graph, or why its parts or a role were refused where the record may stand."""
    if answer.failure is None:
        bodies = [answer.bodies[name] for name in (RECORD, *map(_name, range(len(whole.parts))))]
        rows = [_made(row, body) for row, body in zip((whole.row, *whole.parts), bodies, strict=True)]
        return WholeResult(rows[0], tuple(rows[1:]))
    error = _error(answer.failure, key_field)
    if error.refusal is Refusal.BUSY or answer.failed_at == RECORD:
        return _all(whole, error)
    if answer.failed_at.startswith(NODE):
        return error
    place = next(n for n in range(len(whole.parts)) if _name(n) == answer.failed_at)
    return _parts_refused(whole, error, [error if n == place else "" for n in range(len(whole.parts))])


def _made(row: WriteRow, body: Mapping[str, Any]) -> WriteResult:
    return WriteResult(row.key, str(body["id"]), created=bool(body.get("created", True)))


def _all(whole: Whole, error: RowError) -> WholeResult:
    parts = tuple(WriteResult(part.key, None, error=error) for part in whole.parts)
    return WholeResult(WriteResult(whole.row.key, None, error=error), parts, error)


def _follow(whole: Whole) -> RowError | None:
    return LATER if whole.roles_of else None


def _parts_refused(whole: Whole, first: RowError, told: Sequence[str | RowError]) -> tuple[WriteResult, ...]:
    """Return the refusal of every part: its own words, or that another of the deal's was refused."""
    other = replace(first, code=PARTLY, message=f"another line of the deal was refused: {first.message}")
    errors = [one if isinstance(one, RowError) else other for one in told]
    return tuple(WriteResult(part.key, None, error=e) for part, e in zip(whole.parts, errors, strict=True))


def _too_many(whole: Whole) -> tuple[WriteResult, ...]:
    words = f"a graph takes {GRAPH_NODES} records; the lines follow their deal"
    error = RowError(Refusal.BUSY, "TOO_MANY_LINES", words)
    return tuple(WriteResult(part.key, None, error=error) for part in whole.parts)


def _error(failure: Failure, key_field: str) -> RowError:
    return _made_before(row_error(failure.code, failure.message, failure.fields, key_field))


def _made_before(error: RowError) -> RowError:
    """Return BUSY for a refusal to move a line: only one that stands already could be moved."""
    moved = error.code == NOT_UPDATEABLE and ENTRY in f"{error.message} {error.fields}"
    return replace(error, refusal=Refusal.BUSY, code=MADE_BEFORE) if moved else error


def _seen(result: WriteResult) -> WriteResult:
    return result if result.error is None else replace(result, error=_made_before(result.error))


def _code(answer: GraphAnswer) -> str:
    return answer.failure.code if answer.failure else ""


def _name(place: int) -> str:
    return f"part{place}"
