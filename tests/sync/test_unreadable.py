"""An object the CRM refuses to show holds up no other, and what was told of it is read once it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sync.state import findings, mirror
from sync.state.engine import reading
from sync.state.inbox import InboxState
from tests.sync.harness import Deployment, Office
from tests.sync.test_poison import installed, rename_acorn, states

OPEN = Callable[..., Office]
REFUSAL: dict[str, Any] = {
    "status": "error",
    "message": "This app hasn't been granted all required scopes",
    "category": "MISSING_SCOPES",
}


def told(there: Office) -> dict[str, str]:
    """Return the open findings about objects that cannot be read."""
    with reading(there.engine) as conn:
        return {one.subject: one.message for one in findings.open_findings(conn, there.id, "unreadable")}


def renamed_deal(there: Office) -> Callable[[], object]:
    """Rename a deal and tell of it, the CRM showing no deals; return what reads the name we know."""
    deal = there.sandbox.lookup("deal:d-b1")
    there.sandbox.edit("deals", deal, {"dealname": "Changed"})
    there.sandbox.fault("status", "/deals/batch/read", times=100, status=403, body=REFUSAL)
    there.tell("deal.propertyChange", deal, propertyName="dealname", propertyValue="Changed")

    def known() -> object:
        with reading(there.engine) as conn:
            return mirror.find(conn, there.id, "deals", [deal])[deal].values["dealname"]

    return known


def test_one_refused_object_holds_up_no_other(both: Deployment, office: OPEN) -> None:
    """Deals are refused: the company told of beside is known after one drain, the deal once they are shown.

    The deal is asked for at once, after 1, 2 and 4 minutes; after eight, with deals shown, it is read.
    """
    there = installed(both, office)
    deal = renamed_deal(there)
    company = rename_acorn(there, "Renamed")
    assert [one.put_off for one in there.drain()] == [1]
    assert company() == "Renamed"
    assert deal() != "Changed"
    assert "required scopes" in told(there)["deals"]
    for minutes in (1, 1, 2):
        both.later(minutes=minutes, seconds=-1)
        assert there.drain() == []
        both.later(seconds=1)
        assert [one.put_off for one in there.drain()] == [1]
    there.sandbox.heal()
    both.later(minutes=4)
    assert [one.put_off for one in there.drain()] == [0]
    assert (deal(), there.events_left(), told(there)) == ("Changed", 0, {})


def test_what_is_refused_for_a_day_is_given_up_and_stays_found(lite: Deployment, office: OPEN) -> None:
    """Tried at 0, 1, 2, 4 … 64 minutes, then every hour, the 24th hour over: then it is kept as failed."""
    there = installed(lite, office)
    renamed_deal(there)
    there.drain()
    minutes = [1, 1, 2, 4, 8, 16, 32, *[60] * 22]
    for wait in minutes:
        lite.later(minutes=wait)
        assert [one.put_off for one in there.drain()] == [1]
    assert states(there)[InboxState.NEW] == 1
    lite.later(minutes=60)
    there.drain()
    assert states(there).get(InboxState.NEW, 0) == 0
    assert states(there)[InboxState.FAILED] == 1
    assert list(told(there)) == ["deals"]
