"""Owners' books: where the charter asks, each owner's accounts by month, marked by what changes in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from mappings.snapshots import SnapshotsEntry
from success.snapshots import Snapshot
from sync import look
from sync.allocation import allocate
from sync.onboard import apply_charter
from sync.state import dirty, snapshots
from sync.state.dirty import Scope
from sync.state.engine import reading
from tests.sync.harness import HUBSPOT, SALESFORCE, Deployment, Office
from tests.sync.portfolios import Book

OPEN = Callable[..., Office]
VENDORS = pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])
FEBRUARY = datetime(2025, 2, 1, 0, 5, tzinfo=UTC)
JANUARY = date(2025, 1, 1)


def book() -> Book:
    """Return Ann's two accounts of 5,000 and 700, and Bob's one of 300."""
    found = Book().owner("ann", "ann@vendor.example").owner("bob", "bob@vendor.example")
    for key, owner, arr in (("a", "ann", "5000"), ("b", "ann", "700"), ("c", "bob", "300")):
        found.account(key, key.title(), owner=owner).sold(key, f"{key}1", "2024-01-01", "2026-01-01", arr)
    return found


def live(lite: Deployment, office: OPEN, vendor: str, *, asked: bool = True) -> Office:
    """Return an installation after its first run on 15 January, its charter asking for books."""
    there = office(lite, vendor, book()).install()
    if asked:
        charter = there.ws.charter.model_copy(update={"snapshots": SnapshotsEntry(by_owner=True)})
        apply_charter(lite.runtime, there.id, charter, author="test")
    there.load()
    there.go_live().settle()
    return there


def books(there: Office, month: date = JANUARY) -> dict[str, tuple[int, int]]:
    """Return accounts and ARR (in whole units) of each owner's book of a month, by the owner's key."""
    with reading(there.engine) as conn:
        held = snapshots.every(conn, there.id)
    owners = {there.sandbox.lookup(f"owner:{one}"): one for one in ("ann", "bob")}
    found = {one.scope: Snapshot.from_json(one.body) for one in held if one.month == month}
    return {
        owners[scope.removeprefix("owner:")]: (one.accounts, one.closing // 100)
        for scope, one in found.items()
        if scope.startswith("owner:")
    }


def give_to(there: Office, account: str, owner: str) -> None:
    """Have a person give an account another owner, and tell of it."""
    hubspot = there.sandbox.vendor == HUBSPOT
    name, field = ("companies", "hubspot_owner_id") if hubspot else ("Account", "OwnerId")
    record = there.sandbox.lookup(f"account:{account}")
    there.sandbox.edit(name, record, {field: there.sandbox.lookup(f"owner:{owner}")})
    there.deployment.later(minutes=1)
    there.poll()


@VENDORS
def test_each_owner_has_a_book(lite: Deployment, office: OPEN, vendor: str) -> None:
    """Accounts and ARR are those of each owner's accounts, and nothing of them is written into the CRM."""
    there = live(lite, office, vendor)
    assert books(there) == {"ann": (2, 5_700), "bob": (1, 300)}
    assert not [key for key in there.written(there.own("snapshot")) if "owner" in key]


@VENDORS
def test_an_account_that_changes_hands_moves_between_both_books(
    lite: Deployment, office: OPEN, vendor: str
) -> None:
    """Both owners are marked by the account's look, and counted anew at once."""
    there = live(lite, office, vendor)
    give_to(there, "b", "bob")
    there.settle()
    assert books(there) == {"ann": (1, 5_000), "bob": (2, 1_000)}


def test_an_ended_month_keeps_who_owned_the_account_then(lite: Deployment, office: OPEN) -> None:
    """January is taken for good by what was known at its end; February goes on with the new owner."""
    there = live(lite, office, HUBSPOT)
    there.deployment.at(FEBRUARY)
    give_to(there, "b", "bob")
    there.look_at_all()
    there.settle()
    assert books(there) == {"ann": (2, 5_700), "bob": (1, 300)}
    assert books(there, date(2025, 2, 1)) == {"ann": (1, 5_000), "bob": (2, 1_000)}


def test_only_what_changed_marks_a_book(lite: Deployment, office: OPEN) -> None:
    """A look that finds owner, band and ARR as before asks for nothing."""
    there = live(lite, office, HUBSPOT)
    account = there.sandbox.lookup("account:a")
    there.sandbox.edit("companies", account, {"name": "Another"})
    lite.later(minutes=1)
    there.poll()
    while there.waiting_accounts():
        look.look(there.ws, "w")
    with reading(there.engine) as conn:
        assert dirty.count(conn, there.id) == {}
    assert allocate(there.ws, "w", Scope.OWNER) is None


def test_nothing_is_counted_by_owner_where_nobody_asked(lite: Deployment, office: OPEN) -> None:
    """Without the charter's word no owner is marked and no book kept."""
    there = live(lite, office, HUBSPOT, asked=False)
    give_to(there, "b", "bob")
    there.settle()
    assert books(there) == {}
    with reading(there.engine) as conn:
        assert dirty.count(conn, there.id) == {}
