"""Change events of merges, restores and the recycle bin, received by the sandbox tests' own client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.sandbox.salesforce_pubsub import LATEST, Bus, channel, start


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """Give an org whose channel carries accounts and opportunities."""
    for found in start(tmp_path_factory.mktemp("org")):
        assert found.api.deploy(channel("Account", "Opportunity"))["success"]
        yield found


def edit(bus, record, **more):
    """Do what a person does at the screen with an account."""
    body = {"object": "Account", "id": record, "values": {}, **more}
    requests.post(f"{bus.api.url}/_sandbox/edit", json=body, timeout=30).raise_for_status()


def test_a_restored_record_is_an_undelete_with_its_values(bus):
    """Changed at the screen, it says so; what a delete took away is told again."""
    made = bus.api.create("Account", Name="Back", Phone="1")
    stream = bus.subscribe("/data/CS_Test__chn", LATEST).standing()
    edit(bus, made, delete=True)
    edit(bus, made, restore=True)
    gone, back = stream.events(2)
    stream.end()
    assert [gone.told, back.told] == [("Account", "DELETE", [made]), ("Account", "UNDELETE", [made])]
    assert (gone.body["Phone"], back.body["Name"], back.body["Phone"]) == (None, "Back", "1")
    assert back.header["changeOrigin"].endswith(";client=SfdcInternalAPI/")


def test_a_merge_tells_of_what_moved_and_of_the_loser(bus):
    """The deal moves to the survivor and the loser is deleted, in one transaction; who won is in no event."""
    keep, lose = bus.api.create("Account", Name="Keep"), bus.api.create("Account", Name="Lose")
    close = {"StageName": "Qualification", "CloseDate": "2026-01-31"}
    deal = bus.api.create("Opportunity", Name="Deal", AccountId=lose, **close)
    stream = bus.subscribe("/data/CS_Test__chn", LATEST).standing()
    edit(bus, keep, merge=lose)
    events = stream.events(2)
    stream.end()
    assert sorted(one.told for one in events) == [
        ("Account", "DELETE", [lose]),
        ("Opportunity", "UPDATE", [deal]),
    ]
    assert len({one.header["transactionKey"] for one in events}) == 1
    assert sorted(one.header["sequenceNumber"] for one in events) == [1, 2]


def test_what_leaves_the_recycle_bin_for_ever_is_not_told(bus):
    """A hard delete makes no event: only a census finds it."""
    made = bus.api.create("Account", Name="Purged")
    edit(bus, made, delete=True)
    stream = bus.subscribe("/data/CS_Test__chn", LATEST).standing()
    edit(bus, made, purge=True)
    after = bus.api.create("Account", Name="After")
    (event,) = stream.events(1)
    stream.end()
    assert event.told == ("Account", "CREATE", [after])
