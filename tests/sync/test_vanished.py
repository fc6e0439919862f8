"""Records that vanished in the org before we write them: a person's deletion, an account deleted or merged.

Nothing has been polled in between: the write itself finds it out.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from integration.fates import Fate
from integration.salesforce.connector import SalesforcePort
from integration.salesforce.fates import find_fates
from sync.state.ledger import WriteState
from tests.integration.salesforce_wire import rig
from tests.sync.harness import SALESFORCE
from tests.sync.portfolios import Book

PROFILES, DEALS = "CS_Profile__c", "Opportunity"


@pytest.fixture
def there(lite, office):
    """Return an org of two customers looked at, nothing written; the first renews in 45 days."""
    book = Book().account("acorn", "Acorn").account("birch", "Birch")
    book.sold("acorn", "a1", "2024-03-01", "2025-03-01", "12000")
    found = office(lite, SALESFORCE, book).install()
    found.load()
    found.go_live()
    found.look()
    return found


def test_a_record_a_person_deleted_is_never_written_again(there):
    """The update finds it gone: that is the person's decision, and no matter for anybody."""
    there.push()
    there.deployment.later(minutes=5)
    there.sandbox.edit("Account", there.sandbox.lookup("account:acorn"), {"Name": "Oak"})
    profile = next(one for one in there.written(PROFILES).values() if one["Name"] == "Acorn")
    there.sandbox.edit(PROFILES, profile["Id"], {}, delete=True)
    there.poll()
    there.look()
    there.push()
    assert there.row(PROFILES, profile["CS_Key__c"]).state is WriteState.TOMBSTONE
    assert there.blocked() == []


def test_under_an_account_that_was_deleted_nothing_is_wanted_any_more(there):
    """Profile and renewal are refused with the account; the other customer has all of its own."""
    there.sandbox.edit("Account", there.sandbox.lookup("account:acorn"), {}, delete=True)
    there.push()
    assert [one["Name"] for one in there.written(PROFILES).values()] == ["Birch"]
    assert there.blocked() == []
    assert {state for _, state in there.states()} == {WriteState.ACKNOWLEDGED, WriteState.TOMBSTONE}


def test_what_was_wanted_under_a_merged_account_goes_on_under_the_survivor(there, monkeypatch):
    """Acorn became Birch: at the next grid point its renewal is opened there; one profile stands for both."""
    acorn, birch = (there.sandbox.lookup(f"account:{name}") for name in ("acorn", "birch"))
    line = there.sandbox.lookup("deal:d-a1")
    there.sandbox.edit(DEALS, line, {"AccountId": birch})
    there.sandbox.edit("Account", acorn, {}, delete=True)
    merged = Fate(acorn, there.deployment.now, birch)

    def told(_port, name, ids):
        return [merged] if name == "Account" and acorn in ids else []

    monkeypatch.setattr(SalesforcePort, "fates", told)
    there.push()
    there.look()
    there.deployment.later(days=1)
    there.look_at_all()
    there.settle()
    ours = there.written(DEALS)
    assert [one["AccountId"] for one in ours.values()] == [birch]
    assert len(there.written(PROFILES)) == 1
    assert there.blocked() == []


def bin_row(record_id, *, deleted=True, master=None):
    """Return a row of a query of the recycle bin."""
    stamp = "2025-01-02T03:04:05.000+0000"
    return {"Id": record_id, "IsDeleted": deleted, "SystemModstamp": stamp, "MasterRecordId": master}


def test_a_merged_account_names_the_one_that_still_stands():
    """Merged twice, it is the last; one that no query gives was purged; one that is there is no fate."""
    rows = [bin_row("001A", master="001B"), bin_row("001C"), bin_row("001E", deleted=False)]
    then = [bin_row("001B", master="001D")]
    last = [bin_row("001D", deleted=False)]
    pages = [(200, {"totalSize": len(one), "done": True, "records": one}) for one in (rows, then, last)]
    setup = rig(*pages)
    at = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    asked = ["001A", "001C", "001E", "001P"]
    assert find_fates(setup.port._transport, "Account", asked) == [
        Fate("001A", at, "001D"),
        Fate("001C", at),
        Fate("001P", None),
    ]
    assert all("queryAll" in sent.path for sent in setup.org.sent)
