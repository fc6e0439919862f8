"""The org's passing refusals by name, over raw HTTP: what they answer, and what they leave undone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.sandbox.salesforce_session import Api

VERSION_PATH = "/services/data/v66.0"
REFUSED = {
    "session_expired": (401, "INVALID_SESSION_ID"),
    "concurrent": (403, "REQUEST_LIMIT_EXCEEDED"),
    "metering": (400, "TXN_SECURITY_METERING_ERROR"),
    "locked": (400, "UNABLE_TO_LOCK_ROW"),
    "unavailable": (503, "SERVER_UNAVAILABLE"),
}
WITHOUT_JSON = {"not_acceptable": 406, "setting_up": 420, "too_many": 429}


@pytest.fixture
def api(salesforce: Any) -> Iterator[Api]:
    """Give a session; no fault outlives the test."""
    yield Api(salesforce.url)
    requests.delete(f"{salesforce.url}/_sandbox/faults", timeout=30).raise_for_status()


def fault(api: Api, kind: str) -> None:
    """Have the next REST call meet a fault."""
    body = {"faults": [{"kind": kind, "match": {"path_contains": VERSION_PATH}}]}
    requests.post(f"{api.url}/_sandbox/faults", json=body, timeout=30).raise_for_status()


@pytest.mark.parametrize("kind", REFUSED)
def test_a_named_refusal_does_nothing_and_passes(api: Api, kind: str) -> None:
    """It has Salesforce's status and code; the account is made by the call after it."""
    fault(api, kind)
    assert api.refusal("POST", "/sobjects/Account", {"Name": kind})[:2] == REFUSED[kind]
    assert api.rows(f"SELECT Name FROM Account WHERE Name = '{kind}'") == []
    api.create("Account", Name=kind)
    assert api.rows(f"SELECT Name FROM Account WHERE Name = '{kind}'") == [{"Name": kind}]


def test_too_many_long_requests_are_told_from_a_spent_day(api: Api) -> None:
    """Both have one code; only the words say which."""
    fault(api, "concurrent")
    assert "concurrent" in api.refusal("GET", "/limits")[2].lower()


@pytest.mark.parametrize("kind", WITHOUT_JSON)
def test_some_refusals_have_no_json(api: Api, kind: str) -> None:
    """The edge in front of the org answers with text, a page or nothing."""
    fault(api, kind)
    answer = api.call("GET", "/limits")
    assert answer.status_code == WITHOUT_JSON[kind]
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    assert api.call("GET", "/limits").status_code == 200


def test_locked_rows_are_refused_alone(api: Api) -> None:
    """Every third row of the call is locked, the others are saved, and the call is a 200."""
    records = [{"attributes": {"type": "Account"}, "Name": f"row {number}"} for number in range(7)]
    fault(api, "locked_rows")
    answer = api.call("POST", "/composite/sobjects", {"records": records})
    assert answer.status_code == 200
    codes = [[error["statusCode"] for error in row["errors"]] for row in answer.json()]
    assert codes == [["UNABLE_TO_LOCK_ROW"] if number % 3 == 0 else [] for number in range(7)]
    made = {row["Name"] for row in api.rows("SELECT Name FROM Account WHERE Name LIKE 'row %'")}
    assert made == {"row 1", "row 2", "row 4", "row 5"}
