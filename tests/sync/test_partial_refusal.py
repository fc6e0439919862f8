"""A batch of which HubSpot takes a part: who goes again, who waits for a person, who is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from integration.port import WriteRow
from sync.state import ledger
from sync.state.engine import writing
from sync.state.leases import next_fence
from sync.state.ledger import WantedRow, WriteState
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import five_customers

OPEN = Callable[..., Office]
KEYS = ("acorn", "birch", "cedar")
UPDATE = "/crm/objects/2026-09/companies/batch/update"
WORDS = "Website must be in our own domain"


def installed(deployed: Deployment, office: OPEN) -> Office:
    """Return an office that has read its companies, with nothing to write."""
    there = office(deployed, HUBSPOT, five_customers()).install()
    there.load()
    return there


def want(there: Office, values: Mapping[str, str], companies: Sequence[str] = KEYS) -> list[str]:
    """Want the values on companies; return their ids in order."""
    ids = [there.sandbox.lookup(f"account:{key}") for key in companies]
    rows = [
        WantedRow("companies", f"row:{key}", one, "profile", values, record_id=one)
        for key, one in zip(companies, ids, strict=True)
    ]
    with writing(there.engine) as conn:
        ledger.want(conn, there.id, there.deployment.now, rows, next_fence(conn, there.id))
    return ids


def refusal(trace: str, category: str, code: str, message: str) -> dict[str, Any]:
    """Return one input's error of a 207."""
    return {
        "status": "error",
        "category": category,
        "message": message,
        "context": {"objectWriteTraceId": [trace]},
        "errors": [{"message": message, "code": code}],
    }


def sent(there: Office, after: int) -> list[list[str]]:
    """Return the records of each batch update since a number of the log."""
    return [one["written"] for one in there.sandbox.requests(after) if one["path"] == UPDATE]


def test_of_a_207_only_what_may_pass_goes_again(lite: Deployment, office: OPEN) -> None:
    """One is taken, one locked, one against the portal's rule: the locked one alone goes again.

    The rule stands with the row in the portal's own words. HubSpot's answer is laid in the sandbox's
    mouth, because it locks by chance; what it says it took was written by hand.
    """
    there = installed(lite, office)
    taken, locked, ruled = want(there, {"description": "Ours"})
    there.sandbox.edit("companies", taken, {"description": "Ours"})
    body = {
        "status": "COMPLETE",
        "results": [{"id": taken, "objectWriteTraceId": "row-0", "properties": {"description": "Ours"}}],
        "numErrors": 2,
        "errors": [
            refusal("row-2", "VALIDATION_ERROR", "INVALID_DOMAIN", WORDS),
            refusal("row-1", "CONFLICT", "CONFLICT", "The record is written by another process"),
        ],
    }
    there.sandbox.fault("status", UPDATE, status=207, body=body)
    done = there.push()
    assert (done.written, done.put_off, done.blocked) == (1, 1, 1)
    assert there.push().written == 0  # before its time nothing goes
    mark = there.sandbox.mark()
    lite.later(seconds=10)
    assert there.push().written == 1
    assert sent(there, mark) == [[locked]]
    states = {key: there.row("companies", f"row:{key}").state for key in KEYS}
    assert states == {
        "acorn": WriteState.ACKNOWLEDGED,
        "birch": WriteState.ACKNOWLEDGED,
        "cedar": WriteState.BLOCKED,
    }
    (row,) = there.blocked()
    assert (row.record_id, row.error_code, row.error_message) == (ruled, "INVALID_DOMAIN", WORDS)
    lite.later(days=2)
    mark = there.sandbox.mark()
    there.push()
    assert sent(there, mark) == []


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ({"industry": "Candles"}, "INVALID_OPTION", "Candles was not one of the allowed options"),
        ({"cs_renewal_on": "30 February"}, "INVALID_DATE", "30 February was not a valid date."),
        ({"numberofemployees": "many"}, "INVALID_INTEGER", "many was not a valid number."),
        ({"description": "x" * 65_537}, "PROPERTY_VALUE_TOO_LONG", "the maximum is 65536"),
    ],
    ids=["enumeration", "date", "number", "length"],
)
def test_a_value_against_the_rules_waits_for_a_person(
    lite: Deployment, office: OPEN, values: Mapping[str, str], code: str, words: str
) -> None:
    """HubSpot's code and words stand with the row, nothing of it is written, and it is not tried again."""
    there = installed(lite, office)
    want(there, values, ["acorn"])
    assert there.push().blocked == 1
    (row,) = there.blocked()
    assert row.error_code == code
    assert words in (row.error_message or "")
    lite.later(days=2)
    mark = there.sandbox.mark()
    there.push()
    assert there.sandbox.requests(mark) == []


def test_what_the_rules_allow_stands_and_empty_clears(lite: Deployment, office: OPEN) -> None:
    """An option, a day and 65,536 characters stand as sent; wanted empty they are gone."""
    there = installed(lite, office)
    values = {"industry": "ACCOUNTING", "cs_renewal_on": "2025-03-01", "description": "x" * 65_536}
    (company,) = want(there, values, ["acorn"])
    assert there.push().written == 1
    assert _held(there, company, values) == values
    want(there, dict.fromkeys(values, ""), ["acorn"])
    assert there.push().written == 1
    assert _held(there, company, values) == dict.fromkeys(values, "")


def _held(there: Office, company: str, names: Mapping[str, str]) -> dict[str, str]:
    (found,) = [one for one in there.sandbox.records("companies") if one["id"] == company]
    return {name: found["properties"].get(name) or "" for name in names}


def test_each_key_gets_its_own_record_whatever_the_order_of_the_answer(
    lite: Deployment, office: OPEN
) -> None:
    """Forty deals in one call: the sandbox answers in another order, and every key knows its own record."""
    there = installed(lite, office)
    values = {"dealstage": "qualifiedtobuy", "pipeline": "default"}
    rows = [WriteRow(f"order:{n}", {**values, "dealname": f"Deal number {n}"}) for n in range(40)]
    mark = there.sandbox.mark()
    results = there.ws.port.upsert("deals", "cs_key", rows)
    (call,) = there.sandbox.requests(mark)
    assert call["rows_in"] == 40
    stands = {one["properties"].get("cs_key"): one["id"] for one in there.sandbox.records("deals")}
    assert {one.key: one.record_id for one in results} == {row.key: stands[row.key] for row in rows}
