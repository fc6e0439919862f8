"""Bulk loads against the sandbox org, over real HTTP: thousands of rows, lost answers, streams both ways."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integration.port import FieldSpec, FieldType, ReadQuery, Refusal, WriteRow
from tests.integration.salesforce_steps import install
from tests.integration.test_salesforce_org import CHANGES, KEY, NOW, port_on

ROWS = 7_001
TYPES = [FieldSpec("CS_Done__c", "D", FieldType.NUMBER), FieldSpec("CS_Notes__c", "N", FieldType.LONG_TEXT)]


@pytest.fixture
def installed(salesforce_sandbox):
    """Return an org with our objects in it, its clock standing still, and the port that installed them."""
    salesforce_sandbox.post("/_sandbox/clock", {"now": "2024-12-31T09:00:00Z", "running": False})
    port = port_on(salesforce_sandbox)
    assert install(port, CHANGES).done
    return salesforce_sandbox, port


def rows_of(count=ROWS, **values):
    """Return that many rows."""
    return [WriteRow(f"p:{n}", {"Name": "P", **values}) for n in range(count)]


def paths_since(sandbox, seq):
    """Return method, path and status of the requests logged past a number."""
    return [(r["method"], r["path"].split("/v68.0/")[1], r["status"]) for r in sandbox.requests(seq)]


def test_thousands_of_rows_go_through_a_bulk_job(installed):
    """Above the break-even one job carries all rows: create, upload, close, two looks, the results."""
    _, port = installed
    before = port.calls.total
    results = port.upsert("CS_Plan__c", KEY, rows_of())
    assert sum(result.created for result in results) == ROWS
    assert port.calls.total - before == 6


def test_what_is_streamed_in_is_streamed_out(installed):
    """Values with line breaks, quotes and numbers survive; a cleared field comes back empty."""
    _, port = installed
    port.learn_fields("CS_Plan__c", TYPES)
    text = 'a "b", c\r\nd'
    rows = (WriteRow(f"p:{n}", {"CS_Done__c": "2.5", "CS_Notes__c": text}) for n in range(ROWS))
    assert sum(1 for result in port.upsert_stream("CS_Plan__c", KEY, rows) if result.created) == ROWS
    again = (WriteRow(f"p:{n}", {"CS_Done__c": None} if n else {"CS_Notes__c": "only"}) for n in range(ROWS))
    assert not any(result.created for result in port.upsert_stream("CS_Plan__c", KEY, again))
    query = ReadQuery("CS_Plan__c", (KEY, "CS_Done__c", "CS_Notes__c"))
    found = {record.values[KEY]: record.values for record in port.record_stream(query)}
    assert len(found) == ROWS
    assert found["p:0"] == {KEY: "p:0", "CS_Done__c": "2.5", "CS_Notes__c": "only"}
    assert found["p:7"] == {KEY: "p:7", "CS_Done__c": None, "CS_Notes__c": text}


def test_a_stream_of_what_changed_holds_the_deleted_ones(installed):
    """A read by change asks for the recycle bin too."""
    sandbox, port = installed
    made = port.upsert("CS_Plan__c", KEY, rows_of(2))
    sandbox.post("/_sandbox/edit", {"object": "CS_Plan__c", "id": made[0].record_id, "delete": True})
    query = ReadQuery("CS_Plan__c", ("Name",), ("Account",), changed_since=NOW - timedelta(minutes=5))
    found = {record.id: record.archived for record in port.record_stream(query)}
    assert found == {made[0].record_id: True, made[1].record_id: False}


@pytest.mark.parametrize(("method", "path"), [("PUT", "/batches"), ("PATCH", "/jobs/ingest/")])
def test_a_lost_answer_writes_no_row_twice(installed, method, path):
    """The upload or its end took effect, the answer was lost: the same job goes on."""
    sandbox, port = installed
    match = {"method": method, "path_contains": path}
    sandbox.post("/_sandbox/faults", {"faults": [{"match": match, "times": 1, "kind": "drop_response"}]})
    results = port.upsert("CS_Plan__c", KEY, rows_of())
    assert sum(result.created for result in results) == ROWS
    assert sandbox.get("/_sandbox/dump")["objects"]["CS_Plan__c"] == ROWS


def test_rows_the_org_refuses_are_told_with_its_words_and_the_others_written(installed):
    """A restricted value refuses its row only."""
    _, port = installed
    rows = [*rows_of(ROWS - 1), WriteRow("p:bad", {"CS_Starts__c": "soon"})]
    results = {result.key: result for result in port.upsert_stream("CS_Plan__c", KEY, rows)}
    assert (len(results), results["p:bad"].error.refusal) == (ROWS, Refusal.FIXABLE)
    assert sum(result.error is None for result in results.values()) == ROWS - 1


def test_a_job_whose_looks_fail_is_not_left_running(installed):
    """A call that is refused in the middle ends in an aborted job."""
    sandbox, port = installed
    match = {"method": "PUT", "path_contains": "/batches"}
    refusal = [{"errorCode": "EXCEEDEDSIZE", "message": "too large"}]
    fault = {"match": match, "times": 1, "kind": "status", "status": 413, "body": refusal}
    sandbox.post("/_sandbox/faults", {"faults": [fault]})
    before = sandbox.get("/_sandbox/requests?after=1000000000")["last"]
    with pytest.raises(Exception, match="too large"):
        port.upsert("CS_Plan__c", KEY, rows_of())
    made = paths_since(sandbox, before)
    assert [(method, status) for method, _, status in made] == [("POST", 200), ("PUT", 413), ("PATCH", 200)]
