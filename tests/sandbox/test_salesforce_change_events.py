"""The org's change events, received by a client that shares no code with the sandbox or the product."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import requests

from tests.sandbox.salesforce_pubsub import CUSTOM, LATEST, Bus, channel, start
from tests.sandbox.salesforce_session import NS, field, package

TOPIC = "/data/CS_Test__chn"
CLIENT = {"Sforce-Call-Options": "client=somebody"}


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """Give an org whose channel carries accounts and opportunities."""
    for found in start(tmp_path_factory.mktemp("org")):
        done = found.api.deploy(channel("Account", "Opportunity"))
        assert done["success"], done
        yield found


def positions(event, *names):
    """Return where fields stand in the event's schema, counted from the header."""
    order = [one["name"] for one in event.schema["fields"]]
    return [order.index(name) for name in names]


def inside(event, compound, *names):
    """Return where fields stand in a compound field's own schema."""
    kinds = next(one["type"] for one in event.schema["fields"] if one["name"] == compound)
    order = [one["name"] for kind in kinds if isinstance(kind, dict) for one in kind["fields"]]
    return [order.index(name) for name in names]


def bits(positions):
    """Return a bitmap as the vendor writes it: hexadecimal, whole bytes, the first field lowest."""
    number = sum(2**position for position in positions)
    digits = f"{number:X}"
    return "0x" + digits.zfill(len(digits) + len(digits) % 2)


def test_a_create_an_update_and_a_delete_are_three_events(bus):
    """Each names its object, its record and who did it from where; a delete carries no values."""
    stream = bus.subscribe(TOPIC, LATEST).standing()
    made = bus.api.create("Account", Name="Acme", BillingCity="Bern")
    bus.api.call("PATCH", f"/sobjects/Account/{made}", {"Phone": "1"}, headers=CLIENT)
    bus.api.call("DELETE", f"/sobjects/Account/{made}")
    first, second, third = stream.events(3)
    stream.end()
    kinds = ["CREATE", "UPDATE", "DELETE"]
    assert [one.told for one in (first, second, third)] == [("Account", kind, [made]) for kind in kinds]
    assert first.body["Name"] == "Acme"
    assert first.body["BillingAddress"]["City"] == "Bern"
    assert first.header["changedFields"] == []
    assert second.header["changeOrigin"] == "com/salesforce/api/rest/66.0;client=somebody"
    assert second.body["Name"] is None
    assert {name: value for name, value in third.body.items() if value is not None} == {}
    assert first.header["transactionKey"] != second.header["transactionKey"]


def test_changed_fields_are_bitmaps_with_the_first_field_lowest(bus):
    """A field inside a compound one has a bitmap of its own behind its parent's position; null is told."""
    made = bus.api.create("Account", Name="Bitmap", Phone="1")
    stream = bus.subscribe(TOPIC, LATEST).standing()
    change = {
        "Phone": None,
        "Website": "https://bitmap.example",
        "BillingCity": "Bern",
        "BillingCountry": "CH",
    }
    bus.api.call("PATCH", f"/sobjects/Account/{made}", change)
    (event,) = stream.events(1)
    stream.end()
    (address,) = positions(event, "BillingAddress")
    nested = f"{address}-{bits(inside(event, 'BillingAddress', 'City', 'Country'))}"
    plain = [
        bits(positions(event, "Phone", "Website")),
        bits(positions(event, "Phone", "Website", "LastModifiedDate")),
    ]
    top, *rest = event.header["changedFields"]
    assert top in plain
    assert rest == [nested]
    assert event.header["nulledFields"] == [bits(positions(event, "Phone"))]


def test_like_changes_of_one_transaction_are_one_event(bus):
    """A collection that sets the same value on three records is told once, with three ids."""
    ids = [bus.api.create("Account", Name=f"Merged {number}") for number in range(3)]
    stream = bus.subscribe(TOPIC, LATEST).standing()
    rows = [{"attributes": {"type": "Account"}, "Id": one, "Rating": "Hot"} for one in ids]
    bus.api.call("PATCH", "/composite/sobjects", {"allOrNone": False, "records": rows})
    (event,) = stream.events(1)
    stream.end()
    assert event.told == ("Account", "UPDATE", ids)


def test_what_was_taken_back_or_changed_nothing_is_not_told(bus):
    """A refused row and a save of the same value make no event; the next real change is the next event."""
    made = bus.api.create("Account", Name="Quiet")
    stream = bus.subscribe(TOPIC, LATEST).standing()
    rows = [
        {"attributes": {"type": "Account"}, "Name": "Rolled back"},
        {"attributes": {"type": "Account"}},
    ]
    bus.api.call("POST", "/composite/sobjects", {"allOrNone": True, "records": rows})
    bus.api.call("PATCH", f"/sobjects/Account/{made}", {"Name": "Quiet"})
    bus.api.create("Contact", LastName="Not selected")
    bus.api.call("PATCH", f"/sobjects/Account/{made}", {"Name": "Loud"})
    (event,) = stream.events(1)
    stream.end()
    assert (event.told, event.body["Name"]) == (("Account", "UPDATE", [made]), "Loud")


def test_a_replay_id_goes_on_behind_its_event(bus):
    """Who asks again with the replay id of an event gets the events after it, none twice."""
    stream = bus.subscribe(TOPIC, LATEST).standing()
    ids = [bus.api.create("Account", Name=f"Replay {number}") for number in range(3)]
    events = stream.events(3)
    stream.end()
    again = bus.subscribe(TOPIC, CUSTOM, replay=events[0].replay)
    assert [one.header["recordIds"] for one in again.events(2)] == [[one] for one in ids[1:]]
    again.end()


def test_no_more_is_sent_than_was_asked_for(bus):
    """Two of three are sent, and the third once one more is asked for; a keep-alive passes over nothing."""
    stream = bus.subscribe(TOPIC, LATEST, wanted=2).standing()
    ids = [bus.api.create("Account", Name=f"Flow {number}") for number in range(3)]
    assert [one.header["recordIds"] for one in stream.events(2)] == [[one] for one in ids[:2]]
    bus.control(keepalive=True)
    events, alive, pending = stream.more()
    assert (events, pending) == ([], 0)
    stream.ask(b"\x20\x01")  # field 4, num_requested: 1
    assert [one.header["recordIds"] for one in stream.events(1)] == [[ids[2]]]
    stream.end()
    again = bus.subscribe(TOPIC, CUSTOM, replay=alive)
    assert [one.header["recordIds"] for one in again.events(1)] == [[ids[2]]]
    again.end()


def test_a_keep_alive_brings_a_replay_id_to_go_on_from(bus):
    """It comes at 270 seconds by the sandbox's clock, holds no event, and what is told later follows it."""
    requests.post(f"{bus.api.url}/_sandbox/clock", json={"running": False}, timeout=30).raise_for_status()
    clock = requests.get(f"{bus.api.url}/_sandbox/clock", timeout=30).json()
    stream = bus.subscribe(TOPIC, LATEST).standing()
    bus.api.create("Account", Name="Alive")
    stream.events(1)
    moved = (datetime.fromisoformat(clock["now"]) + timedelta(minutes=5)).isoformat()
    requests.post(f"{bus.api.url}/_sandbox/clock", json={"now": moved, "running": False}, timeout=30)
    events, alive, _ = stream.more()
    stream.end()
    made = bus.api.create("Account", Name="After")
    again = bus.subscribe(TOPIC, CUSTOM, replay=alive)
    assert events == []
    assert [one.header["recordIds"] for one in again.events(1)] == [[made]]
    again.end()


def test_topics_carry_what_was_chosen_for_them(bus):
    """One object's own topic, a channel's members, and what the Setup page selects, each and no more."""
    bus.control(selected=["Case"])
    whole = bus.subscribe("/data/ChangeEvents", LATEST).standing()
    one = bus.subscribe("/data/OpportunityChangeEvent", LATEST).standing()
    account = bus.api.create("Account", Name="Topics")
    deal = bus.api.create(
        "Opportunity", Name="Deal", AccountId=account, StageName="Qualification", CloseDate="2026-01-31"
    )
    case = bus.api.create("Case", Subject="Case", AccountId=account)
    assert [e.told for e in whole.events(1)] == [("Case", "CREATE", [case])]
    (found,) = one.events(1)
    assert found.told == ("Opportunity", "CREATE", [deal])
    assert found.body["CloseDate"] == 1769817600000  # 2026-01-31T00:00:00Z in milliseconds
    whole.end()
    one.end()


def test_gaps_and_overflows_are_told_without_values(bus):
    """What the platform itself tells: only a header, and ids that may be a wildcard."""
    stream = bus.subscribe(TOPIC, LATEST).standing()
    bus.control(emit={"object": "Account", "type": "GAP_UPDATE", "ids": ["0018d0000000001AAA"]})
    bus.control(emit={"object": "Account", "type": "GAP_OVERFLOW", "ids": ["001*"]})
    told = [one.told for one in stream.events(2)]
    stream.end()
    assert told == [
        ("Account", "GAP_UPDATE", ["0018d0000000001AAA"]),
        ("Account", "GAP_OVERFLOW", ["001*"]),
    ]


def test_a_field_out_of_the_users_sight_is_in_no_event(bus):
    """Deployed without a right to it, neither its value nor its bit is told; what changed beside it is."""
    hidden = f"<CustomObject {NS}>{field('Secret__c', 'Text', length='20')}</CustomObject>"
    done = bus.api.deploy(
        {"package.xml": package(CustomField=["Account.Secret__c"]), "objects/Account.object": hidden}
    )
    assert done["success"], done
    made = bus.api.create("Account", Name="Seen")
    stream = bus.subscribe(TOPIC, LATEST).standing()
    body = {"object": "Account", "id": made, "values": {"Secret__c": "hidden", "Phone": "1"}}
    requests.post(f"{bus.api.url}/_sandbox/edit", json=body, timeout=30).raise_for_status()
    (event,) = stream.events(1)
    stream.end()
    (secret,) = positions(event, "Secret__c")
    assert (event.body["Phone"], event.body["Secret__c"]) == ("1", None)
    assert int(event.header["changedFields"][0], 16) >> secret & 1 == 0
