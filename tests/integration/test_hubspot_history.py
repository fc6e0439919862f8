"""Property history as HubSpot gives it: fifty a call, folded into versions; on a scripted server."""

from datetime import UTC, datetime

from integration.history import Held, History

FIELDS = ("amount", "dealstage")


def at(day):
    """Return noon of a day in January 2025."""
    return datetime(2025, 1, day, 12, tzinfo=UTC)


def kept(value, day):
    """Return a value as HubSpot keeps it."""
    return {"value": value, "timestamp": f"2025-01-{day:02}T12:00:00Z", "sourceType": "CRM_UI"}


def test_the_past_of_a_deal_comes_newest_first_and_is_told_oldest_first(scripted_hubspot, script):
    """Two fields changed on different days, one was cleared: a version for each day."""
    row = {
        "id": "7",
        "createdAt": "2025-01-01T12:00:00Z",
        "propertiesWithHistory": {
            "amount": [kept("", 5), kept("20", 3), kept("10", 1)],
            "dealstage": [kept("won", 5), kept("open", 2)],
        },
    }
    script.answer(200, {"results": [row]})
    (found,) = scripted_hubspot.history("deals", ["7"], FIELDS)
    assert list(found.versions()) == [
        (at(1), {"amount": "10", "dealstage": None}),
        (at(2), {"amount": "10", "dealstage": "open"}),
        (at(3), {"amount": "20", "dealstage": "open"}),
        (at(5), {"amount": None, "dealstage": "won"}),
    ]
    (body,) = script.bodies()
    assert body["propertiesWithHistory"] == list(FIELDS)
    assert scripted_hubspot.calls.by_reason == {"history deals": 1}


def test_fifty_records_are_one_call(scripted_hubspot, script):
    """HubSpot refuses 51 with history."""
    script.answer(200, {"results": []}).answer(200, {"results": []})
    assert scripted_hubspot.history("deals", [str(one) for one in range(51)], FIELDS) == []
    assert [len(body["inputs"]) for body in script.bodies()] == [50, 1]


def test_what_came_with_a_merged_record_may_be_older_than_the_record():
    """The survivor of a merge was made later than its values; both instants are versions."""
    past = History("9", at(4), {"amount": [Held(at(2), "5")]})
    assert list(past.versions()) == [(at(2), {"amount": "5"}), (at(4), {"amount": "5"})]


def test_values_hubspot_has_forgotten_are_unknown_before_the_oldest_it_kept():
    """Of 25 changes 20 are kept: between the creation and the sixth the field is empty, not guessed."""
    past = History("9", at(1), {"amount": [Held(at(6 + number), str(number)) for number in range(20)]})
    versions = list(past.versions())
    assert versions[0] == (at(1), {"amount": None})
    assert versions[1] == (at(6), {"amount": "0"})
    assert len(versions) == 21
