"""Which records are still there: one count where nothing differs, then the delete log, then a roll call.

Polls through ``queryAll`` tell of what is in the recycle bin. What was purged between two of them, deleted
for good, or left the bin after 15 days without a poll is in no query: one ``COUNT()`` sees that records are
missing. The delete log (``getDeleted``) names those of 15 days in one call; what it does not know any more
the ids say, by halves. Source: SOAP API guide, ``getDeleted()`` (15 days, 600,000 ids, ``latestDateCovered``
begins the next window, a purged log is refused as INVALID_REPLICATION_DATE); REST API guide, "Get Deleted".
Neighbours: ``read``, ``integration.roll_call``; ``sync/census.py`` keeps how far the log was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from integration.census import Census, Gone, LogWindow
from integration.port import CrmRecord, Refused
from integration.roll_call import RollCall
from integration.salesforce.limits import DELETED_DAYS, PAGE_ROWS
from integration.salesforce.read import Selection, to_record
from integration.salesforce.soql import among, split_to_fit
from integration.salesforce.transport import Transport
from integration.salesforce.values import parse_instant, soql_instant, soql_text

TOO_MANY: Final = "EXCEEDED_ID_LIMIT"
PURGED: Final = "INVALID_REPLICATION_DATE"
SHORTEST: Final = timedelta(minutes=2)
"""The log refuses windows of a minute and less."""
SLACK: Final = timedelta(hours=1)
"""How much later than 15 days ago a window begins: the org's clock is not ours."""


def census(transport: Transport, selection: Selection, known: Iterable[str], log: LogWindow | None) -> Census:
    """Compare ``known`` ids with the live records; see ``CensusPort.census``.

    ``selection`` names the object and the columns of its records' times.
    """
    object_name = selection.object_name
    held = sorted(known)
    there = _count(transport, object_name, held[-1]) if held else 0
    if there == len(held):
        return Census()
    logged, until = _read_log(transport, object_name, log) if log else ({}, None)
    gone = {one: logged[one] for one in held if one in logged}
    if there == len(held) - len(gone):
        return Census(tuple(Gone(one, at) for one, at in gone.items()), (), until)
    roll = RollCall(held, partial(_look, transport, object_name), PAGE_ROWS)
    roll.settle(0, len(held), there)
    missing = tuple(_confirmed(transport, selection, sorted(roll.missing), gone))
    return Census(missing, tuple(sorted(roll.unknown)), until)


def _count(transport: Transport, object_name: str, up_to: str) -> int:
    soql = f"SELECT COUNT() FROM {object_name} WHERE Id <= {soql_text(up_to)}"
    return int(transport.query(f"census {object_name}", soql)["totalSize"])


def _look(transport: Transport, object_name: str, above: str | None, up_to: str) -> tuple[int, list[str]]:
    """Return how many records stand from one id to another, and the first page of their ids."""
    lower = f"Id > {soql_text(above)} AND " if above else ""
    soql = f"SELECT Id FROM {object_name} WHERE {lower}Id <= {soql_text(up_to)} ORDER BY Id"
    answer = transport.query(f"census {object_name}", soql)
    return int(answer["totalSize"]), [str(row["Id"]) for row in answer["records"]]


def _read_log(
    transport: Transport, object_name: str, log: LogWindow
) -> tuple[dict[str, datetime], datetime | None]:
    """Return when each record the log tells of was deleted, and up to when the log is read.

    A window with too many ids is halved. A log that was purged, or an object that has none, tells nothing.
    """
    window = replace(log, start=max(log.start, log.end - timedelta(days=DELETED_DAYS) + SLACK))
    found: dict[str, datetime] = {}
    until: datetime | None = None
    end = window.end
    while window.end - window.start >= SHORTEST:
        try:
            answer = _deleted(transport, object_name, LogWindow(window.start, end))
        except Refused as refused:
            if refused.error.code != TOO_MANY or end - window.start < 2 * SHORTEST:
                return found, until
            end = window.start + (end - window.start) / 2
            continue
        found |= {str(row["id"]): parse_instant(row["deletedDate"]) for row in answer["deletedRecords"]}
        until = min(end, parse_instant(answer["latestDateCovered"]))
        if until < end or until <= window.start:
            break
        window, end = replace(window, start=until), window.end
    return found, until


def _deleted(transport: Transport, object_name: str, window: LogWindow) -> Any:
    path = f"sobjects/{quote(object_name, safe='')}/deleted"
    asked = {"start": soql_instant(window.start), "end": soql_instant(window.end)}
    return transport.request(f"census {object_name}", "GET", path, params=asked)


def _confirmed(
    transport: Transport, selection: Selection, suspects: Sequence[str], logged: dict[str, datetime]
) -> list[Gone]:
    """Return those of ``suspects`` the org does not hold, with when they went to its recycle bin."""
    head, rows = selection.head, dict[str, CrmRecord]()
    for literals in split_to_fit(head + among("Id", []), [soql_text(one) for one in suspects]):
        soql = head + among("Id", literals)
        answer = transport.query(f"census {selection.object_name}", soql, include_deleted=True)
        rows |= {str(row["Id"]): to_record(selection, row) for row in answer["records"]}
    deleted = {one: record.source_at for one, record in rows.items() if record.archived}
    gone = [one for one in suspects if one not in rows or one in deleted]
    return [Gone(one, deleted.get(one) or logged.get(one)) for one in gone]
