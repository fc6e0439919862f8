"""Finding out who is still there: exact against the sandbox, and few calls however many records there are."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from integration.budget import LocalBudget
from integration.census import Census, Gone
from integration.hubspot import HubSpotPort, MemoryTokenStore, ServiceKey, connect
from integration.hubspot.transport import Transport
from tests.integration.conftest import Sandbox

RECORDS = 1000
DELETED_AT = datetime(2025, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture
def portal(prompt_hubspot_sandbox: Sandbox) -> tuple[HubSpotPort, list[str]]:
    """Give a portal with 1,000 companies, and their ids in order."""
    key = prompt_hubspot_sandbox.get("/_sandbox/credentials")["service_key"]
    prompt_hubspot_sandbox.post("/_sandbox/clock", {"now": "2025-02-03T04:05:06Z", "running": False})
    budget = LocalBudget({})
    port = connect(
        ServiceKey(key), prompt_hubspot_sandbox.url, budget, lambda: DELETED_AT, MemoryTokenStore()
    )
    ids: list[str] = []
    path = "/crm/objects/2026-09/companies/batch/create"
    for start in range(0, RECORDS, 100):
        rows = [{"properties": {"name": f"Company {number}"}} for number in range(start, start + 100)]
        made = port._portal.transport.call("make", "POST", path, {"inputs": rows}).body["results"]
        ids += [one["id"] for one in made]
    return port, sorted(ids, key=int)


def change(sandbox: Sandbox, record_id: str, **how: bool) -> None:
    """Delete or restore a company as a person does."""
    sandbox.post("/_sandbox/edit", {"object": "companies", "id": record_id, **how})


@pytest.mark.parametrize(("which", "searches"), [(0, 4), (RECORDS - 1, 5), (499, 5)])
def test_one_deletion_among_a_thousand_is_found_by_halves(
    prompt_hubspot_sandbox: Sandbox, portal: tuple[HubSpotPort, list[str]], which: int, searches: int
) -> None:
    """1,000 are halved to 125, which a search names; two reads say that it is gone, and since when."""
    port, ids = portal
    change(prompt_hubspot_sandbox, ids[which], delete=True)
    before = port.calls.by_reason.get("census companies", 0)
    assert port.census("companies", ids) == Census((Gone(ids[which], DELETED_AT),))
    assert port.calls.by_reason["census companies"] - before == searches + 2


def test_a_census_finds_exactly_what_differs(
    prompt_hubspot_sandbox: Sandbox, portal: tuple[HubSpotPort, list[str]]
) -> None:
    """However many were deleted, or were never heard of, each is found by id."""
    port, ids = portal
    chosen = random.Random(20250203)
    for deleted, unheard in ((0, 1), (1, 0), (0, 250), (40, 0), (300, 0), (990, 0)):
        gone = set(chosen.sample(ids, deleted))
        unknown = set(chosen.sample([one for one in ids[:-1] if one not in gone], unheard))
        for one in gone:
            change(prompt_hubspot_sandbox, one, delete=True)
        found = port.census("companies", [one for one in ids if one not in unknown])
        top = max(int(one) for one in ids if one not in unknown)
        assert {one.id for one in found.gone} == gone
        assert set(found.unknown) == {one for one in unknown if int(one) <= top}
        for one in gone:
            change(prompt_hubspot_sandbox, one, restore=True)


def test_many_deletions_are_read_from_the_recycle_bin(
    prompt_hubspot_sandbox: Sandbox, portal: tuple[HubSpotPort, list[str]]
) -> None:
    """300 spread over all ids lie on three pages: a count and three lists name each and its time."""
    port, ids = portal
    gone = ids[1::3][:300]
    for one in gone:
        change(prompt_hubspot_sandbox, one, delete=True)
    before = port.calls.by_reason.get("census companies", 0)
    assert port.census("companies", ids) == Census(tuple(Gone(one, DELETED_AT) for one in gone))
    assert port.calls.by_reason["census companies"] - before == 1 + 3


def test_a_recycle_bin_full_of_others_is_given_up(
    prompt_hubspot_sandbox: Sandbox, portal: tuple[HubSpotPort, list[str]]
) -> None:
    """600 deleted long ago lie before twelve of today: it costs half of halving, then ids are halved."""
    port, ids = portal
    for one in ids[:600]:
        change(prompt_hubspot_sandbox, one, delete=True)
    held, gone = ids[600:], ids[610:910:25]
    more = [{"properties": {"name": f"More {number}"}} for number in range(100)]
    path = "/crm/objects/2026-09/companies/batch/create"
    made = port._portal.transport.call("make", "POST", path, {"inputs": more}).body["results"]
    held += [one["id"] for one in made]
    for one in gone:
        change(prompt_hubspot_sandbox, one, delete=True)
    found = port.census("companies", held)
    assert found == Census(tuple(Gone(one, DELETED_AT) for one in gone))


def test_among_two_hundred_any_mixture_is_found(
    prompt_hubspot_sandbox: Sandbox, portal: tuple[HubSpotPort, list[str]]
) -> None:
    """Ids are compared there, so that one gone and one unheard of do not cancel out."""
    port, ids = portal
    change(prompt_hubspot_sandbox, ids[50], delete=True)
    held = [one for one in ids[:200] if one != ids[120]]
    assert port.census("companies", held) == Census((Gone(ids[50], DELETED_AT),), (ids[120],))


def test_nobody_held_is_no_call(portal: tuple[HubSpotPort, list[str]]) -> None:
    """An object without records is asked nothing about."""
    port, _ids = portal
    before = port.calls.total
    assert port.census("companies", []) == Census()
    assert port.calls.total == before


def test_a_record_whose_read_went_wrong_is_not_gone(
    prompt_hubspot_sandbox: Sandbox, portal: tuple[HubSpotPort, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 207 that leaves out a live record for a reason of its own buries nobody; one erased is named."""
    port, ids = portal
    late, erased = ids[10], str(int(ids[-1]) + 1)
    real = Transport.call

    def call(self: Transport, reason: str, method: str, path: str, *more: Any) -> Any:
        answer = real(self, reason, method, path, *more)
        body = dict(answer.body)
        if path.endswith("/search"):  # the index does not know it yet
            rows = [one for one in body["results"] if one["id"] != late]
            body |= {"results": rows, "total": body["total"] - 1}
        elif path.endswith("/batch/read"):
            failed = {"category": "INTERNAL_ERROR", "message": "later", "context": {"ids": [late]}}
            rows = [one for one in body["results"] if one["id"] != late]
            body |= {"results": rows, "errors": [*body.get("errors", []), failed]}
        return replace(answer, body=body)

    monkeypatch.setattr(Transport, "call", call)
    assert port.census("companies", [*ids[:100], erased]).gone == (Gone(erased, None),)
