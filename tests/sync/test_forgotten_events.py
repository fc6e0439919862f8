"""HubSpot's events of a forgotten contact: number and value go; those of a company of that number stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from sync.forget import forget
from sync.person import Person
from sync.person_text import Traces
from sync.prove import prove
from sync.state.engine import reading
from sync.state.inbox import InboxEvent, inbox
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers

ANN, BIRCH = 4711, 815
PERSON = Person(contact=frozenset({str(ANN)}))

THEIRS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a property, as our subscriptions deliver it": (
        {
            "subscriptionType": "object.propertyChange",
            "objectTypeId": "0-1",
            "objectId": ANN,
            "propertyName": "phone",
            "propertyValue": '030 "1234" {home}',
        },
        {"objectId": None, "propertyValue": None},
    ),
    "a property, as it was delivered before": (
        {
            "subscriptionType": "contact.propertyChange",
            "objectId": ANN,
            "propertyName": "jobtitle",
            "propertyValue": "Head of Rye",
        },
        {"objectId": None, "propertyValue": None},
    ),
    "the company's side of a link": (
        {
            "subscriptionType": "object.associationChange",
            "objectTypeId": "0-2",
            "associationType": "COMPANY_TO_CONTACT",
            "fromObjectId": BIRCH,
            "toObjectId": ANN,
        },
        {"toObjectId": None},
    ),
    "the same, as it was delivered before": (
        {
            "subscriptionType": "company.associationChange",
            "associationType": "COMPANY_TO_CONTACT",
            "fromObjectId": BIRCH,
            "toObjectId": ANN,
        },
        {"toObjectId": None},
    ),
    "the contact's side of a link": (
        {
            "subscriptionType": "contact.associationChange",
            "associationType": "CONTACT_TO_COMPANY",
            "fromObjectId": ANN,
            "toObjectId": BIRCH,
        },
        {"fromObjectId": None},
    ),
    "a merge": (
        {
            "subscriptionType": "object.merge",
            "objectTypeId": "0-1",
            "objectId": 12,
            "primaryObjectId": 12,
            "newObjectId": 12,
            "mergedObjectIds": [ANN, 13],
        },
        {"mergedObjectIds": [13]},
    ),
}
"""Events of the contact, and what stands in them afterwards."""

ELSES: dict[str, dict[str, Any]] = {
    "a company of the number": {
        "subscriptionType": "object.propertyChange",
        "objectTypeId": "0-2",
        "objectId": ANN,
        "propertyName": "name",
        "propertyValue": "Birch",
    },
    "a deal of the number, linked to the company": {
        "subscriptionType": "object.associationChange",
        "objectTypeId": "0-2",
        "associationType": "COMPANY_TO_DEAL",
        "fromObjectId": BIRCH,
        "toObjectId": ANN,
    },
    "a company of the number, linked to another contact": {
        "subscriptionType": "object.associationChange",
        "objectTypeId": "0-2",
        "associationType": "COMPANY_TO_CONTACT",
        "fromObjectId": ANN,
        "toObjectId": BIRCH,
    },
    "another contact": {
        "subscriptionType": "object.propertyChange",
        "objectTypeId": "0-1",
        "objectId": 47110,
        "propertyName": "phone",
        "propertyValue": "030 99",
    },
}


@pytest.mark.parametrize("name", THEIRS)
def test_an_event_of_the_contact_is_told_and_cleaned(name: str) -> None:
    """In a row, in a file and as a text within a document it is told; cleaned it is told no more."""
    event, changes = THEIRS[name]
    traces, text = Traces(PERSON, "hubspot-1"), json.dumps(event)
    for told in (text, f"body {text} and more", json.dumps({"refused": text})):
        assert traces.tells(told)
    assert traces.cleaned(event) == event | changes
    assert json.loads(traces.without(text)) == event | changes
    assert not traces.tells(json.dumps(event | changes))


@pytest.mark.parametrize("name", ELSES)
def test_an_event_of_another_record_of_that_number_stays(name: str) -> None:
    """HubSpot counts each object by itself."""
    traces, text = Traces(PERSON, "hubspot-1"), json.dumps(ELSES[name])
    assert not traces.tells(text)
    assert traces.cleaned(ELSES[name]) == ELSES[name]
    assert traces.without(text) == text


def test_a_value_left_where_the_number_went_already_is_told_and_taken_out() -> None:
    """An earlier forgetting took the number alone: nobody can say whose value it was, so it goes."""
    traces = Traces(Person(contact=frozenset({"5"})), "hubspot-1")
    event = THEIRS["a property, as our subscriptions deliver it"][0] | {"objectId": None}
    assert traces.tells(json.dumps(event))
    assert traces.cleaned(event)["propertyValue"] is None


def test_events_are_forgotten_wherever_they_are_kept(lite: Deployment, office: Callable[..., Office]) -> None:
    """In the inbox and in a file of the home folder; the proof finds each before, and none after."""
    there = office(lite, HUBSPOT, three_customers())
    events = [event for event, _ in THEIRS.values()] + list(ELSES.values())
    there.receive([InboxEvent(f"event-{n}", HUBSPOT, one) for n, one in enumerate(events)])
    file = lite.runtime.settings.home / "events.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{json.dumps(one)}\n" for one in events))
    expected = [event | changes for event, changes in THEIRS.values()] + list(ELSES.values())

    def hits() -> dict[str, int]:
        found = prove(there.ws, Traces(PERSON, there.id), lambda _what, _count: None).hits
        return {one.place: one.count for one in found if ".db" not in one.place}

    assert hits() == {"inbox.body": len(THEIRS), str(file): 1}
    forget(there.ws, PERSON)
    assert hits() == {}
    assert [json.loads(line) for line in file.read_text().splitlines()] == expected
    with reading(there.engine) as conn:
        kept = conn.execute(select(inbox.c.body).order_by(inbox.c.dedupe_key)).scalars().all()
    assert kept == expected
