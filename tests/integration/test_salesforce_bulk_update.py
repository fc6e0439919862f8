"""Rows whose record is known, by thousands: one job by id against the sandbox org, told row by row.

From how many rows a job pays is the vendor's arithmetic (``test_salesforce_bulk.py``); here from six on.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from integration.port import Refusal, WriteRow
from tests.integration.salesforce_steps import install
from tests.integration.test_salesforce_org import CHANGES, KEY, port_on

PLAN = "CS_Plan__c"


@pytest.fixture
def installed(salesforce_sandbox, monkeypatch):
    """Return an org with our objects and eight plans in it, a port on it, and the plans by id."""
    monkeypatch.setattr("integration.salesforce.write.BULK_FROM_ROWS", 5)
    monkeypatch.setattr("integration.salesforce.write.BULK_CALLS", 0)
    monkeypatch.setattr("integration.salesforce.bulk_jobs.FIRST_POLL_S", 0.0)
    port = port_on(salesforce_sandbox)
    assert install(port, CHANGES).done
    made = [port.upsert(PLAN, KEY, [WriteRow(f"p:{n}", {"Name": f"n{n}"})])[0].record_id for n in range(8)]
    return salesforce_sandbox, port, made


def rows_by_id(made, **values):
    """Return an update of each record."""
    return [WriteRow(f"p:{n}", {"Name": f"new {n}", **values}, record_id=one) for n, one in enumerate(made)]


def jobs(sandbox):
    """Return how many bulk jobs were opened."""
    made = sandbox.requests()
    return sum(one["method"] == "POST" and one["path"].endswith("/jobs/ingest") for one in made)


def names(sandbox):
    """Return the names of the plans by id."""
    return {one["Id"]: one["Name"] for one in sandbox.get(f"/_sandbox/dump?object={PLAN}")["records"]}


def test_many_updates_are_one_job_by_id(installed):
    """Each record has its new name and was not made again; the rest of it stands."""
    sandbox, port, made = installed
    results = port.update(PLAN, rows_by_id(made))
    assert [(one.key, one.record_id, one.created) for one in results] == [
        (f"p:{n}", record_id, False) for n, record_id in enumerate(made)
    ]
    assert names(sandbox) == {record_id: f"new {n}" for n, record_id in enumerate(made)}
    assert jobs(sandbox) == 1


def test_records_that_are_adopted_in_number_are_given_their_keys(installed):
    """A row of an upsert whose record is known goes by id, its key among its values."""
    sandbox, port, made = installed
    adopted = [replace(one, key=f"mine:{n}") for n, one in enumerate(rows_by_id(made))]
    assert all(one.error is None for one in port.upsert(PLAN, KEY, adopted))
    assert jobs(sandbox) == 1
    assert set(port.find(PLAN, KEY, [f"mine:{n}" for n in range(8)], [])) == {f"mine:{n}" for n in range(8)}


def test_each_row_of_a_job_is_told_by_its_key(installed):
    """One deleted, one refused by a rule, six written, though the job says JobComplete."""
    sandbox, port, made = installed
    sandbox.post("/_sandbox/edit", {"object": PLAN, "id": made[2], "delete": True})
    rule = {"object": PLAN, "field": "Name", "equals": "new 5", "message": "Not this one"}
    sandbox.post("/_sandbox/validation_rules", rule)
    results = port.update(PLAN, rows_by_id(made))
    assert jobs(sandbox) == 1
    refused = {one.key: (one.error.refusal, one.error.message) for one in results if one.error}
    assert refused == {
        "p:2": (Refusal.GONE, "entity is deleted"),
        "p:5": (Refusal.FIXABLE, "Not this one"),
    }


def test_a_row_that_a_duplicate_rule_met_in_a_job_goes_by_collection(installed):
    """A job carries no header and names no match: only those rows go again, with what the caller allows."""
    sandbox, port, made = installed
    rule = {"object": PLAN, "fields": ["Name"], "allow_save": True, "name": "Same name"}
    sandbox.post("/_sandbox/duplicate_rules", rule)
    rows = rows_by_id(made)
    alike = replace(rows[7], values={"Name": "new 0"})
    blocked = port.update(PLAN, [*rows[:7], alike])[7].error
    assert blocked.message.endswith(f"(Same name matches {made[0]})")
    allowed = replace(alike, allow_duplicate=True)
    assert port.update(PLAN, [*rows[:7], allowed])[7].error is None
    assert names(sandbox)[made[7]] == "new 0"


def test_one_record_twice_does_not_go_in_a_job(installed):
    """A job promises no order: what names a record twice goes by collections, which refuse it in words."""
    sandbox, port, made = installed
    results = port.update(PLAN, rows_by_id([made[0]] * 8))
    assert jobs(sandbox) == 0
    assert {one.error.code for one in results} == {"DUPLICATE_VALUE"}
