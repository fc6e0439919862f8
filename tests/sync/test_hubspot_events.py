"""What each type of HubSpot's events does: restored, linked, forgotten, unknown, and who says who wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sync.state import mirror
from sync.state.engine import reading
from sync.state.inbox import InboxEvent
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.test_drain import account_deals, loaded, paths

OPEN = Callable[..., Office]


def test_a_restored_company_is_an_account_again(lite: Deployment, office: OPEN) -> None:
    """Deleted it is decided about no more; out of the recycle bin it is, by one event each."""
    there = loaded(lite, office)
    birch = there.sandbox.lookup("account:birch")
    for change, told, accounts in (({"delete": True}, "deletion", 2), ({"restore": True}, "restore", 3)):
        there.sandbox.edit("companies", birch, {}, **change)
        there.tell(f"company.{told}", birch)
        there.settle()
        lite.later(days=1)
        there.look_at_all()
        assert [one.accounts for one in there.look()] == [accounts]


def test_a_link_made_and_one_taken_away_move_a_deal(lite: Deployment, office: OPEN) -> None:
    """HubSpot tells of each side with ids of both ends and no objectId; the deal hangs where it hangs now."""
    there = loaded(lite, office)
    acorn, birch = (there.sandbox.lookup(f"account:{key}") for key in ("acorn", "birch"))
    deal = there.sandbox.lookup("deal:d-b1")
    ends: list[dict[str, Any]] = [
        {"object": "companies", "id": birch, "remove": True},
        {"object": "companies", "id": acorn},
    ]
    there.sandbox.edit("deals", deal, {}, associations=ends)
    for number, (company, removed) in enumerate(((birch, True), (acorn, False))):
        body = {
            "subscriptionType": "deal.associationChange", "eventId": 900 + number, "portalId": 1,
            "occurredAt": int(lite.now.timestamp() * 1000), "associationType": "DEAL_TO_COMPANY",
            "fromObjectId": int(deal), "toObjectId": int(company), "associationRemoved": removed,
        }  # fmt: skip
        there.receive([_event(f"link-{number}", body)])
    there.drain()
    assert deal in account_deals(there, acorn)
    assert deal not in account_deals(there, birch)


def test_a_restored_company_whose_own_time_is_older_is_an_account_again(
    lite: Deployment, office: OPEN
) -> None:
    """HubSpot dates the deletion later than the restored record: that it says restored is what counts."""
    there = loaded(lite, office)
    birch = there.sandbox.lookup("account:birch")
    there.sandbox.edit("companies", birch, {}, delete=True)
    there.tell("company.deletion", birch, occurredAt=int(lite.now.timestamp() * 1000) + 60_000)
    there.drain()
    there.sandbox.edit("companies", birch, {}, restore=True)
    there.tell("company.restore", birch)
    there.drain()
    with reading(there.engine) as conn:
        assert not mirror.find(conn, there.id, "companies", [birch])[birch].deleted


def test_a_link_made_by_a_person_while_we_write_is_no_echo(lite: Deployment, office: OPEN) -> None:
    """At the time of our write only a link that it made says nothing; another, or one less, is read."""
    there = loaded(lite, office)
    acorn, birch = (there.sandbox.lookup(f"account:{key}") for key in ("acorn", "birch"))
    row = there.row("deals", "renewal:l-a1:1")
    assert row.acknowledged_at is not None
    at = int(row.acknowledged_at.timestamp() * 1000) + 1_000
    echoes = []
    for number, (company, removed) in enumerate(((acorn, False), (birch, False), (acorn, True))):
        body = {
            "subscriptionType": "deal.associationChange", "eventId": 910 + number, "portalId": 1,
            "occurredAt": at, "associationType": "DEAL_TO_COMPANY", "associationRemoved": removed,
            "fromObjectId": int(row.record_id or 0), "toObjectId": int(company),
        }  # fmt: skip
        there.receive([_event(f"link-{number}", body)])
        echoes.append(sum(one.echoes for one in there.drain()))
    assert echoes == [1, 0, 0]


def test_what_means_nothing_here_costs_nothing(lite: Deployment, office: OPEN) -> None:
    """A forgotten person we never read, unknown types, no type, no id: worked in without a call."""
    there = loaded(lite, office)
    mark = there.sandbox.mark()
    there.tell("contact.privacyDeletion", "77")
    there.tell("company.levitation", "1")
    there.tell("conversation.newMessage", "2")
    there.tell("event.completed", "3")
    bare: list[dict[str, Any]] = [{}, {"subscriptionType": "deal.creation"}, {"subscriptionType": None}]
    there.receive([_event(f"bare-{number}", body) for number, body in enumerate(bare)])
    assert sum(one.events for one in there.drain()) == 7
    assert (there.sandbox.requests(mark), there.events_left()) == ([], 0)


def test_who_says_they_wrote_decides_nothing(lite: Deployment, office: OPEN) -> None:
    """Our value at our time is an echo whatever the source says; another value is read, also as ours."""
    there = loaded(lite, office)
    acorn = there.sandbox.lookup("account:acorn")
    (company,) = [one for one in there.sandbox.records("companies") if one["id"] == acorn]
    stage = company["properties"]["cs_stage"]
    acknowledged = there.row("companies", f"profile:{acorn}").acknowledged_at
    assert acknowledged is not None
    told = {"propertyName": "cs_stage", "changeSource": "CRM_UI", "sourceId": "userId:7"}
    told |= {"propertyValue": stage, "occurredAt": int(acknowledged.timestamp() * 1000)}
    mark = there.sandbox.mark()
    there.tell("company.propertyChange", acorn, **told)
    assert sum(one.echoes for one in there.drain()) == 1
    assert paths(there, mark) == []
    there.sandbox.edit("companies", acorn, {"cs_stage": "churned"})
    ours = {"changeSource": "INTEGRATION", "sourceId": "1357911", "propertyValue": "churned"}
    there.tell("company.propertyChange", acorn, propertyName="cs_stage", **ours)
    assert sum(one.echoes for one in there.drain()) == 0
    assert paths(there, mark) != []


def _event(name: str, body: Any) -> InboxEvent:
    return InboxEvent(name, HUBSPOT, body)
