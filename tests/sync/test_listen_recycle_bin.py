"""What people merge and restore in an org is heard of and found by reading, never by what the event says."""

from __future__ import annotations

from collections.abc import Callable

from sync.state import mirror
from sync.state.engine import reading
from tests.sync.harness import Deployment, Office
from tests.sync.listening import ear

OPEN = Callable[..., Office]


def test_a_deal_out_of_the_recycle_bin_is_read_again(lite: Deployment, office: OPEN) -> None:
    """Deleted, polled for and buried; restored, it stands as it was, without another poll."""
    there = ear(lite, office)
    deal = there.office.sandbox.lookup("deal:d-b1")
    with there.open() as words:
        there.caught_up()
        there.office.sandbox.edit("Opportunity", deal, {}, delete=True)
        next(words)
        there.caught_up()
        assert there.value("Opportunity", "deal:d-b1", "Name") is None
        there.office.sandbox.edit("Opportunity", deal, {}, restore=True)
        next(words)
    assert there.due() == []
    there.office.drain()
    assert there.value("Opportunity", "deal:d-b1", "Name") == "Deal b1"


def test_merged_accounts_become_one_with_all_deals(lite: Deployment, office: OPEN) -> None:
    """The loser's delete has the accounts polled, which tells into whom it went; its deals follow."""
    there = ear(lite, office)
    acorn, birch = (there.office.sandbox.lookup(f"account:{one}") for one in ("acorn", "birch"))
    with there.open() as words:
        there.caught_up()
        there.office.sandbox.edit("Account", acorn, {}, merge=birch)
        next(words)
        if "poll Account" not in there.due():
            next(words)
    there.office.drain()
    there.caught_up()
    assert there.value("Account", "account:birch", "Name") is None
    deal = there.office.sandbox.lookup("deal:d-b1")
    with reading(there.office.engine) as conn:
        assert mirror.find(conn, there.office.id, "Opportunity", [deal])[deal].account_id == acorn
