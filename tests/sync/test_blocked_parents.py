"""What hangs under a refused record waits without asking for ever, and goes with it once that is mended."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from sync.mended import retry_blocked
from sync.state.engine import reading, writing
from sync.state.ledger import WriteState
from sync.state.ledger_rows import write_ledger
from tests.sync.harness import SALESFORCE, Office
from tests.sync.portfolios import three_customers

PLANS, MILESTONES = "CS_Plan__c", "CS_Milestone__c"


@pytest.fixture
def there(lite, office):
    """Return an org whose admin forbids plans for now; milestones are wanted under one."""
    found = office(lite, SALESFORCE, three_customers()).install()
    found.load()
    found.sandbox.post("validation_rules", {"object": PLANS, "always": True, "message": "Not before May"})
    found.go_live().settle()
    return found


def next_try(there: Office) -> datetime:
    """Return when the milestones are looked at again."""
    table = write_ledger.c
    with reading(there.engine) as conn:
        (at,) = conn.execute(select(table.next_try_at).where(table.object == MILESTONES).distinct()).scalars()
    return at


def test_children_of_a_refused_record_are_looked_at_less_and_less(there):
    """After 2, 4, 8 seconds and so on, at most every five minutes; no call is made for them."""
    waits, mark = [], there.sandbox.mark()
    for _ in range(10):
        waits.append(next_try(there) - there.deployment.now)
        there.deployment.at(next_try(there))
        there.push()
    assert [one.total_seconds() for one in waits] == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert [one for one in there.sandbox.requests(mark) if one["written"]] == []


def test_what_waited_goes_with_its_parent_once_that_is_mended(there):
    """One push writes the plan and all of its milestones, however long they had waited."""
    for _ in range(10):
        there.deployment.at(next_try(there))
        there.push()
    there.sandbox.delete("validation_rules")
    assert retry_blocked(there.ws, PLANS) == 1
    there.push()
    assert there.blocked() == []
    assert there.states()[MILESTONES, WriteState.ACKNOWLEDGED] == len(there.written(MILESTONES)) > 0


def test_every_blocked_write_is_tried_again_however_many_there_are(there):
    """More than the thousand a list shows, and others before them."""
    with writing(there.engine) as conn:
        row = dict(conn.execute(select(write_ledger).where(write_ledger.c.object == PLANS)).mappings().one())
        earlier = row["intent_at"] - timedelta(days=1)
        others = [row | {"object": "Nope", "key": f"n{n}", "intent_at": earlier} for n in range(1_001)]
        conn.execute(write_ledger.insert(), others)
        conn.execute(update(write_ledger).where(write_ledger.c.object == "Nope").values(state="blocked"))
    assert retry_blocked(there.ws, PLANS) == 1
    assert retry_blocked(there.ws) == 1_001
