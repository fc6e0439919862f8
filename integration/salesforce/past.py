"""The past an org keeps: stage history of opportunities always, field history where fields are tracked.

``OpportunityHistory`` has the values after each change of stage, amount, close date and probability.
``AccountHistory``, ``OpportunityFieldHistory`` and ``X__History`` have old and new value of each change of a
tracked field, for 18 to 24 months; an object without tracked fields has none, and its query is refused.
Neither says what a field held that never changed, nor whether it is tracked: such a field is taken to have
held its present value from the beginning. Source: Object Reference, "OpportunityHistory",
"OpportunityFieldHistory", "StandardObjectNameHistory" (values cannot be filtered, long texts have none).
Neighbours: ``read``, ``integration.history``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from integration.history import Held, History
from integration.port import CrmRecord, Refused
from integration.salesforce.ids import is_long_id
from integration.salesforce.limits import QUERY_BYTES
from integration.salesforce.names import is_custom, stem
from integration.salesforce.read import Reader, iter_rows_among
from integration.salesforce.soql import among, split_to_fit
from integration.salesforce.transport import Transport
from integration.salesforce.values import parse_instant, soql_text, to_text

OPPORTUNITY: Final = "Opportunity"
STAGED: Final = ("StageName", "Amount", "CloseDate", "Probability")
ID_BYTES: Final = len("%2C%27%27") + 18
HEAD_BYTES: Final = 1_000
"""What a query of many fields needs besides its ids."""

HISTORY_ROWS: Final = (QUERY_BYTES - HEAD_BYTES) // ID_BYTES
BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
UNTRACKED: Final = "INVALID_TYPE"

Changes = Mapping[str, Sequence[Held]]


class Past:
    """The history of one org's records; remembers which objects have none."""

    def __init__(self, transport: Transport, reader: Reader) -> None:
        """Ask over ``transport``; the records as they are now come by ``reader``."""
        self._transport = transport
        self._reader = reader
        self._untracked: set[str] = set()

    def read(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> list[History]:
        """Return what the org keeps of the records that exist among ``ids``; counted as ``history``."""
        records = self._reader.read(object_name, ids, fields, ())
        changes = self._changes(object_name, ids)
        stages = self._stages(ids, fields) if object_name == OPPORTUNITY else {}
        return [
            History(one.id, one.created_at, _fields(one, changes.get(one.id, {}), stages.get(one.id, {})))
            for one in records
        ]

    def _stages(self, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Changes]:
        """Return the values after each change of stage history, by opportunity and field."""
        wanted = [name for name in STAGED if name in fields]
        if not wanted:
            return {}
        columns = ",".join(["Id", "OpportunityId", "CreatedDate", *wanted])
        held: defaultdict[str, defaultdict[str, list[Held]]] = defaultdict(lambda: defaultdict(list))
        for row in self._rows(OPPORTUNITY, f"SELECT {columns} FROM OpportunityHistory", "OpportunityId", ids):
            at = parse_instant(row["CreatedDate"])
            for name in wanted:
                held[row["OpportunityId"]][name].append(Held(at, to_text(row[name])))
        return dict(held)

    def _changes(self, object_name: str, ids: Sequence[str]) -> dict[str, Changes]:
        """Return what tracked fields held before and after each change, by record and name of history."""
        history, parent = history_of(object_name)
        if history in self._untracked:
            return {}
        head = f"SELECT Id,{parent},Field,OldValue,NewValue,CreatedDate FROM {history}"
        try:
            rows = list(self._rows(object_name, head, parent, ids))
        except Refused as refused:
            if refused.error.code != UNTRACKED:
                raise
            self._untracked.add(history)
            return {}
        told: defaultdict[str, list[Any]] = defaultdict(list)
        for row in rows:
            told[row[parent]].append(row)
        return {record_id: _by_field(rows) for record_id, rows in told.items()}

    def _rows(self, object_name: str, head: str, column: str, ids: Sequence[str]) -> Iterable[Any]:
        lists = split_to_fit(head + among(column, []), [soql_text(one) for one in ids])
        return iter_rows_among(self._transport, f"history {object_name}", head, (column, lists))


def history_of(object_name: str) -> tuple[str, str]:
    """Return what an object's field history is called, and its field that names the record."""
    if is_custom(object_name):
        return f"{stem(object_name)}__History", "ParentId"
    if object_name == OPPORTUNITY:
        return "OpportunityFieldHistory", "OpportunityId"
    return f"{object_name}History", f"{object_name}Id"


def _by_field(rows: Sequence[Any]) -> dict[str, list[Held]]:
    """Return the values held, by the history's name of the field; what was before them from the beginning.

    A change of a lookup is told twice, by names and by ids: the ids are what the record holds. A row
    without values only says that a long text changed.
    """
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for row in sorted(rows, key=lambda one: (parse_instant(one["CreatedDate"]), str(one["Id"]))):
        if row["OldValue"] is not None or row["NewValue"] is not None:
            found[str(row["Field"])].append(row)
    return {name: _held([row for row in told if _holds_ids(row)] or told) for name, told in found.items()}


def _held(changes: Sequence[Any]) -> list[Held]:
    before = Held(BEGINNING, to_text(changes[0]["OldValue"]))
    return [before, *(Held(parse_instant(row["CreatedDate"]), to_text(row["NewValue"])) for row in changes)]


def _holds_ids(row: Mapping[str, Any]) -> bool:
    return all(one is None or is_long_id(str(one)) for one in (row["OldValue"], row["NewValue"]))


def _fields(record: CrmRecord, changes: Changes, stages: Changes) -> dict[str, list[Held]]:
    found: dict[str, list[Held]] = {}
    for name, value in record.values.items():
        told = stages.get(name) or changes.get(name) or changes.get(name.removesuffix("Id"))
        held = told or [Held(record.created_at, value)]
        found[name] = [Held(max(one.at, record.created_at), one.value) for one in held]
    return found
