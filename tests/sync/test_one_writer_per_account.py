"""Workers that push one org at the same time never meet under an account, so nothing is ever locked.

The sandbox holds the account of every row that is being written, and refuses whoever comes meanwhile.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from integration.port import Unavailable
from integration.salesforce.connector import SalesforcePort
from sync import push as pushing
from sync.push_enter import give_back
from sync.state import ledger
from sync.state.engine import writing
from sync.state.leases import Lease
from sync.state.ledger import WriteState
from tests.sync.harness import SALESFORCE
from tests.sync.portfolios import Book


@pytest.fixture
def there(both, office, monkeypatch):
    """Return an org of six customers that renew soon, looked at, nothing written; claims are of two rows."""
    monkeypatch.setattr(pushing, "BATCH_ROWS", 2)
    book = Book()
    for number in range(6):
        book.account(f"a{number}", f"Account {number}")
        book.sold(f"a{number}", f"s{number}", "2024-03-01", "2025-03-01", "1200")
    found = office(both, SALESFORCE, book).install()
    found.load()
    found.go_live()
    found.look()
    return found


def test_a_worker_that_comes_while_another_writes_leaves_its_accounts_alone(there, monkeypatch):
    """While its call is under way the org holds its two accounts; the other four get everything."""
    taken: list[str] = []
    unhindered = SalesforcePort.upsert

    def slow_upsert(port, object_name, key_field, rows):
        if not taken:
            taken.extend(link.id for row in rows for link in row.parents)
            there.sandbox.post("locks", {"records": taken})
            pushing.push(there.ws, "the second worker")
            assert there.sandbox.post("locks", {}) == {"refused": 0}
            written = {one["AccountId"] for one in there.written("Opportunity").values()}
            assert len(written) == 4
            assert not written & set(taken)
            there.sandbox.delete("locks")
        return unhindered(port, object_name, key_field, rows)

    monkeypatch.setattr(SalesforcePort, "upsert", slow_upsert)
    pushing.push(there.ws, "the first worker")
    assert len(taken) == 2
    assert len(there.written("Opportunity")) == 6
    assert {state for _, state in there.states()} == {WriteState.ACKNOWLEDGED}


def test_what_a_worker_left_alone_is_written_by_the_one_it_was_left_to(there, monkeypatch):
    """While a deal is written its profile is asked for again; the other worker may not, this one does."""
    profile, left = there.own("profile"), []
    unhindered = SalesforcePort.upsert

    def slow_upsert(port, object_name, key_field, rows):
        if object_name == "Opportunity" and not left:
            deal = there.row(object_name, rows[0].key)
            left.append(f"profile:{deal.account_id.lower()}")
            with writing(there.engine) as conn:
                assert ledger.reopen(conn, there.id, profile, left) == 1
            pushing.push(there.ws, "the second worker")
            assert there.row(profile, left[0]).state is WriteState.PENDING
        return unhindered(port, object_name, key_field, rows)

    monkeypatch.setattr(SalesforcePort, "upsert", slow_upsert)
    pushing.push(there.ws, "the first worker")
    assert left
    assert {state for _, state in there.states()} == {WriteState.ACKNOWLEDGED}


def test_a_claim_whose_account_went_meanwhile_is_given_back(there):
    """Its row is dropped, for it was never made; the others of the claim wait for the CRM all the same."""
    profile = there.own("profile")
    with writing(there.engine) as conn:
        rows = ledger.claim_pending(conn, there.id, profile, Lease("me", there.deployment.now, 60, 2))
        assert ledger.drop_unmade(conn, there.id, [rows[0].account_id]) > 0
    give_back(there.ws, rows, Unavailable("no answer"))
    other = there.row(profile, rows[1].key)
    assert (other.state, other.error_code) == (WriteState.PENDING, "UNAVAILABLE")


def test_three_workers_at_once_write_everything_once(there):
    """All go at the same accounts from the first moment on, and a write keeps its locks for a while."""
    there.sandbox.post("locks", {"hold_seconds": 0.05})
    rows = sum(there.states().values())

    def work(number: int) -> int:
        written = 0
        for _ in range(100):
            if {state for _, state in there.states()} == {WriteState.ACKNOWLEDGED}:
                break
            written += pushing.push(there.ws, f"worker {number}").written
        return written

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(work, range(3))) == rows
    assert there.sandbox.post("locks", {}) == {"refused": 0}
    assert len(there.written("Opportunity")) == 6
