"""Which records are still there: counted by search, narrowed by halves, confirmed by the store.

One search counts the live records up to the highest id we hold. Where that is as many as we hold, it is
the only call. Where it is not, the ids are halved (``roll_call``), so that one deletion among 50,000 records
takes nine searches and not 500 list pages. Up to 200 records the search names them.

Many deletions lie in as many halves. So where more than a few are missing the recycle bin is listed first,
a hundred a call; it says itself when each was deleted. It keeps those of 90 days, and may be large: it is
given up once it has cost half of what halving would, and what it does not hold (merged away, erased, beyond
what was read) is found by halves.

Search lags behind writes and must not bury what is merely late: whoever seems gone by halves is read from
the store by id, and from its recycle bin for when it was deleted. Pages: "Search the CRM" (``total``, 200
results, archived records never returned), "CRM API | Objects" (batch read, list, ``archived``).
Neighbours: ``search``, ``port``, ``integration.roll_call``.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from typing import Final
from urllib.parse import quote

from integration.census import Census, Gone
from integration.hubspot import vocabulary
from integration.hubspot.connector import BATCH_ROWS, LIST_PAGE_ROWS, SEARCH, SEARCH_PAGE_ROWS
from integration.hubspot.errors import problem_of, row_error
from integration.hubspot.portal import Portal
from integration.port import Refusal
from integration.roll_call import RollCall

ID: Final = "hs_object_id"
RECYCLE_BIN: Final = "?archived=true"
FEW: Final = 10
"""Missing records up to which halving is the cheaper way whatever the recycle bin holds."""


def census(portal: Portal, object_name: str, known: Iterable[str]) -> Census:
    """Compare ``known`` ids with the live records; see ``CensusPort.census``."""
    held = array("q", sorted(int(one) for one in known))  # 8 bytes an id
    look = cache(partial(_look, portal, object_name))
    binned: dict[int, Gone] = {}
    if len(held) > SEARCH_PAGE_ROWS:
        missing = len(held) - look(None, held[-1])[0]
        binned = _in_bin(portal, object_name, held, missing) if missing > FEW else {}
    left = array("q", (one for one in held if one not in binned)) if binned else held
    roll = RollCall(left, look, SEARCH_PAGE_ROWS)
    if left:
        # What lies in the bin is not counted, so the first count holds for those left as well.
        roll.settle(0, len(left), look(None, held[-1])[0] if binned else None)
    unknown = tuple(str(one) for one in sorted(roll.unknown))
    found = _confirmed(portal, object_name, sorted(roll.missing))
    return Census((*(binned[one] for one in sorted(binned)), *found), unknown)


def _in_bin(portal: Portal, object_name: str, held: Sequence[int], missing: int) -> dict[int, Gone]:
    """Return those of the ids ``held`` that lie in the recycle bin, as far as it pays to list it."""
    known, found, after = set(held), dict[int, Gone](), ""
    halvings = missing * (len(held) // SEARCH_PAGE_ROWS).bit_length()
    for _ in range(max(1, halvings // 2)):
        path = (
            f"{portal.objects_path(object_name)}{RECYCLE_BIN}&limit={LIST_PAGE_ROWS}&properties={ID}{after}"
        )
        answer = portal.transport.call(f"census {object_name}", "GET", path).body
        rows = {int(row["id"]): row.get("archivedAt") for row in answer.get("results", [])}
        found |= {one: Gone(str(one), _instant(at)) for one, at in rows.items() if one in known}
        following = answer.get("paging", {}).get("next", {}).get("after")
        if following is None or len(found) >= missing:
            break
        after = f"&after={quote(str(following), safe='')}"
    return found


def _look(portal: Portal, object_name: str, above: int | None, up_to: int) -> tuple[int, list[int]]:
    """Return how many records stand from one id to another, and the first page of their ids."""
    path = portal.objects_path(object_name, "search")
    body = vocabulary.range_body(above, up_to)
    answer = portal.transport.call(f"census {object_name}", "POST", path, body, SEARCH).body
    return int(answer["total"]), [int(row["id"]) for row in answer["results"]]


def _confirmed(portal: Portal, object_name: str, suspects: Sequence[int]) -> list[Gone]:
    """Return those of ``suspects`` the store says it does not hold, with when they went to its recycle bin.

    A record neither read, nor named as not there, nor in the bin had only a bad moment: it is left alone.
    """
    there, unheld = _looked_up(portal, object_name, suspects, "")
    unread = [one for one in suspects if one not in there]
    bin_, _ = _looked_up(portal, object_name, unread, RECYCLE_BIN)
    return [Gone(str(one), _instant(bin_.get(one))) for one in unread if one in unheld or one in bin_]


def _looked_up(
    portal: Portal, object_name: str, ids: Sequence[int], where: str
) -> tuple[dict[int, str | None], set[int]]:
    """Return the records there, by id with when they were deleted, and the ids named as not there (207)."""
    path = portal.objects_path(object_name, f"batch/read{where}")
    there: dict[int, str | None] = {}
    unheld: set[int] = set()
    for start in range(0, len(ids), BATCH_ROWS):
        body = vocabulary.batch_read_body([str(one) for one in ids[start : start + BATCH_ROWS]], [ID])
        answer = portal.transport.call(f"census {object_name}", "POST", path, body).body
        there |= {int(row["id"]): row.get("archivedAt") for row in answer.get("results", [])}
        problems = [problem_of(0, item) for item in answer.get("errors", [])]
        gone = [one for one in problems if row_error(one).refusal is Refusal.GONE]
        unheld |= {int(one) for problem in gone for one in problem.named("ids", "id")}
    return there, unheld


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
