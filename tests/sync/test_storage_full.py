"""An org whose storage is full: what may wait does, what people work by fails loudly, and all of it resumes.

Birch is new, so a plan with milestones is wanted for it; Acorn renews in 45 days. Every row takes 2 KB.
"""

from __future__ import annotations

import pytest

from sync.state import findings
from sync.state.engine import reading
from sync.state.ledger import WriteState
from sync.storage import STORAGE_FULL
from tests.sync.harness import SALESFORCE
from tests.sync.portfolios import three_customers

PROFILES, PLANS, MILESTONES, DEALS = "CS_Profile__c", "CS_Plan__c", "CS_Milestone__c", "Opportunity"


@pytest.fixture
def there(lite, office):
    """Return an org looked at, with room for three profiles, a plan and two milestones, pushed once."""
    found = office(lite, SALESFORCE, three_customers()).install()
    found.load()
    found.go_live()
    found.look()
    found.wanted = found.states()
    found.sandbox.post("storage", {"free_rows": 6})
    found.push()
    return found


def told(there):
    """Return the open findings about storage."""
    with reading(there.engine) as conn:
        return [one.message for one in findings.open_findings(conn, there.id, STORAGE_FULL)]


def made_since(there, mark):
    """Return (method, end of the path) of the requests since a place in the log."""
    return [(one["method"], one["path"].split("/v68.0/")[1]) for one in there.sandbox.requests(mark)]


def test_what_may_wait_waits_and_what_people_work_by_fails_loudly(there):
    """Two milestones were made before it was full; the renewal is blocked in the org's words."""
    assert (len(there.written(PROFILES)), len(there.written(MILESTONES))) == (3, 2)
    assert [(row.object, row.error_message) for row in there.blocked()] == [
        (DEALS, "STORAGE_LIMIT_EXCEEDED: storage limit exceeded")
    ]
    (message,) = told(there)
    assert message.startswith(
        "0 of 0 MB of data storage are left: no plans, milestones and snapshots are made"
    )
    assert "Storage Usage in the org's Setup" in message


def test_a_full_org_is_not_asked_for_more_rows_but_what_stands_is_kept_true(there):
    """The next push sends nothing; a customer that is renamed is renamed on its profile all the same."""
    mark = there.sandbox.mark()
    there.push()
    assert made_since(there, mark) == []
    there.deployment.later(minutes=5)
    there.sandbox.edit("Account", there.sandbox.lookup("account:acorn"), {"Name": "Oak"})
    there.poll()
    there.look()
    there.push()
    assert "Oak" in {one["Name"] for one in there.written(PROFILES).values()}
    assert not any("CS_Milestone__c" in path for _, path in made_since(there, mark))


def test_everything_resumes_once_there_is_room_and_it_was_asked(there):
    """It is asked every half hour, once; then the rest is made, the renewal too, and the matter is closed."""
    there.deployment.later(minutes=31)
    mark = there.sandbox.mark()
    there.push()
    assert made_since(there, mark) == [("GET", "limits")]
    there.sandbox.post("storage", {"max_mb": 10})
    there.deployment.later(minutes=15)
    there.push()
    assert len(there.written(DEALS)) == 0
    there.deployment.later(minutes=16)
    there.push()
    there.push()
    assert there.states() == {
        (name, WriteState.ACKNOWLEDGED): number for (name, _), number in there.wanted.items()
    }
    assert told(there) == []
    assert there.blocked() == []
