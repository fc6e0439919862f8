"""Reading a portal's owners: both lists, page by page; on a scripted server and on the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from integration.owners import Owner, OwnersPort
from integration.port import Refusal, Refused, Unavailable

PATH = "GET /crm/owners/2026-09?limit=100&archived"


def row(owner_id: str, **more: Any) -> dict[str, Any]:
    """Return an owner as HubSpot gives one."""
    return {
        "id": owner_id,
        "email": f"{owner_id}@customer.example",
        "type": "PERSON",
        "firstName": "Ann",
        "lastName": "Able",
        "userId": 5,
        "createdAt": "2024-01-01T00:00:00Z",
        "updatedAt": "2024-12-31T09:00:00.250Z",
        "archived": False,
        **more,
    }


def page(*rows: dict[str, Any], after: str | None = None) -> dict[str, Any]:
    """Return a list answer; ``after`` is HubSpot's cursor to the next page."""
    return {"results": list(rows)} | ({"paging": {"next": {"after": after}}} if after else {})


def test_live_and_archived_owners_are_two_lists(scripted_hubspot: OwnersPort, script: Any) -> None:
    """The cursor goes back as it came; an owner is known by its id, and its user's is kept beside it."""
    script.answer(200, page(row("9"), after="NA")).answer(200, page(row("11", firstName=None)))
    script.answer(
        200, page(row("7", archived=True, userId=None, userIdIncludingInactive=6, email=None, lastName=None))
    )
    found = scripted_hubspot.owners()
    assert script.paths() == [f"{PATH}=false", f"{PATH}=false&after=NA", f"{PATH}=true"]
    made, changed = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 12, 31, 9, 0, 0, 250_000, UTC)
    assert found == [
        Owner("11", "11@customer.example", "", "Able", False, made, changed, "5"),
        Owner("7", "", "Ann", "", True, made, changed, "6"),
        Owner("9", "9@customer.example", "Ann", "Able", False, made, changed, "5"),
    ]


def test_an_owner_who_leaves_between_the_lists_is_archived_once(
    scripted_hubspot: OwnersPort, script: Any
) -> None:
    """Named by both lists, the later one counts."""
    script.answer(200, page(row("9"))).answer(200, page(row("9", archived=True)))
    (found,) = scripted_hubspot.owners()
    assert found.archived


def test_a_list_of_owners_that_does_not_move_is_an_outage_not_a_loop(
    scripted_hubspot: OwnersPort, script: Any
) -> None:
    """The same cursor twice ends the reading."""
    script.answer(200, page(row("9"), after="NA")).answer(200, page(row("9"), after="NA"))
    with pytest.raises(Unavailable, match="did not go forward"):
        scripted_hubspot.owners()


def test_a_missing_scope_is_named(scripted_hubspot: OwnersPort, script: Any) -> None:
    """HubSpot's 403 is the portal's to mend."""
    context = {"requiredGranularScopes": ["crm.objects.owners.read"]}
    errors = [{"message": "no", "context": context}]
    script.answer(403, {"category": "MISSING_SCOPES", "message": "not granted", "errors": errors})
    with pytest.raises(Refused) as refused:
        scripted_hubspot.owners()
    assert refused.value.error.refusal is Refusal.PERMISSION
