"""A push of very many rows goes as one bulk job, held by one worker as long as the job may take.

How many are very many is the vendor's arithmetic (``test_salesforce_bulk.py``); here it is five.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync import push as pushing
from sync.state import held, ledger
from sync.state.engine import writing
from sync.state.leases import HOLD_S
from sync.state.ledger import WriteState
from tests.sync.harness import SALESFORCE
from tests.sync.portfolios import Book

PROFILES = "CS_Profile__c"


@pytest.fixture
def there(lite, office, monkeypatch):
    """Return an org with six customers looked at and nothing written; claims are of two rows."""
    monkeypatch.setattr("integration.salesforce.write.BULK_FROM_ROWS", 5)
    monkeypatch.setattr("integration.salesforce.write.BULK_CALLS", 0)
    monkeypatch.setattr("integration.salesforce.bulk_jobs.FIRST_POLL_S", 0.0)
    monkeypatch.setattr(pushing, "BATCH_ROWS", 2)
    book = Book()
    for number in range(6):
        book.account(f"a{number}", f"Account {number}")
    found = office(lite, SALESFORCE, book).install()
    found.load()
    found.go_live()
    found.look()
    return found


def jobs(office, mark):
    """Return the bulk jobs opened since a place in the request log."""
    made = office.sandbox.requests(mark)
    return [one for one in made if one["method"] == "POST" and one["path"].endswith("/jobs/ingest")]


def test_many_rows_go_as_one_job_and_are_entered_one_by_one(there):
    """Six profiles are one job though two are claimed at a time else, their accounts' links another by id."""
    mark = there.sandbox.mark()
    there.push()
    assert [one["object"] for one in jobs(there, mark)] == [PROFILES, "Account"]
    assert there.states()[PROFILES, WriteState.ACKNOWLEDGED] == 6
    assert len(there.written(PROFILES)) == 6
    mark = there.sandbox.mark()
    there.push()
    assert there.sandbox.requests(mark) == []


def test_a_refused_row_is_blocked_in_the_orgs_words_and_the_others_stand(there):
    """JobComplete is not taken for success."""
    name = next(iter(there.sandbox.get("dump", object="Account")["records"]))["Name"]
    rule = {"object": PROFILES, "field": "Name", "equals": name, "message": "Not this one"}
    there.sandbox.post("validation_rules", rule)
    there.push()
    assert [(row.object, row.error_message) for row in there.blocked()] == [(PROFILES, "Not this one")]
    assert there.states()[PROFILES, WriteState.ACKNOWLEDGED] == 5


def test_nobody_else_takes_the_rows_while_the_job_may_run(there, lite):
    """While its worker lives and prolongs, nine minutes on, they are its own; a minute after, another's."""
    ws = there.ws
    with writing(ws.runtime.engine) as conn:
        lease = pushing._lease(ws, "somebody else", PROFILES, conn)
        assert len(ledger.claim_pending(conn, ws.id, PROFILES, lease)) == 6
    for _ in range(12):
        lite.later(seconds=45)
        with writing(ws.runtime.engine) as conn:
            assert held.prolong(conn, "somebody else", lite.now + timedelta(seconds=HOLD_S)) == 6
    there.push()
    assert there.written(PROFILES) == {}
    lite.later(seconds=HOLD_S)
    there.push()
    assert len(there.written(PROFILES)) == 6
