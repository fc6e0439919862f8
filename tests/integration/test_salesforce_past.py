"""What an org's history rows mean: values held from when to when, of which field."""

from __future__ import annotations

from integration.history import Held
from tests.integration.salesforce_wire import account_row, page, rig

ACCOUNT = "0015g0000000001AAA"
OLD, NEW = "0055g000000AbCdAAK", "0055g000000AbCeAAK"
UNTRACKED = (
    400,
    [{"errorCode": "INVALID_TYPE", "message": "sObject type 'AccountHistory' is not supported."}],
)


def change(
    number: int, field: str, old: object, new: object, at: str = "2025-01-02T00:00:00.000+0000"
) -> dict:
    """Return a row of AccountHistory."""
    values = {"Id": f"0P{number:016d}", "AccountId": ACCOUNT, "Field": field, "CreatedDate": at}
    return {**values, "OldValue": old, "NewValue": new}


def held(setup, *fields: str) -> dict[str, list[tuple[str, str | None]]]:
    """Return what was held by field, as (day, value)."""
    (found,) = setup.port.history("Account", [ACCOUNT], fields)
    return {name: [(f"{one.at:%d}", one.value) for one in values] for name, values in found.fields.items()}


def test_a_lookup_holds_ids_a_number_its_digits_and_a_long_text_nothing_new():
    """A lookup is told by names and ids, a long text without values; of one second both."""
    born = {"CreatedDate": "2025-01-01T00:00:00.000+0000"}
    now = account_row(1, Id=ACCOUNT, OwnerId=NEW, Description="d", NumberOfEmployees=30, Name="Now", **born)
    rows = [
        change(1, "Owner", "Ann", "Bob"),
        change(2, "Owner", OLD, NEW),
        change(3, "Description", None, None),
        change(4, "NumberOfEmployees", 10, 20),
        change(5, "NumberOfEmployees", 20, 30),
    ]
    setup = rig(page([now]), page(rows))
    assert held(setup, "OwnerId", "Description", "NumberOfEmployees", "Name") == {
        "OwnerId": [("01", OLD), ("02", NEW)],
        "Description": [("01", "d")],
        "NumberOfEmployees": [("01", "10"), ("02", "20"), ("02", "30")],
        "Name": [("01", "Now")],
    }


def test_an_object_without_history_is_asked_once():
    """The org's refusal is remembered; every record has had its present values all the time."""
    now = account_row(1, Id=ACCOUNT, Name="Now")
    setup = rig(page([now]), UNTRACKED, page([now]))
    for _ in range(2):
        (found,) = setup.port.history("Account", [ACCOUNT], ["Name"])
        assert found.fields["Name"] == [Held(found.created_at, "Now")]
    assert setup.port.calls.by_reason == {"read Account": 2, "history Account": 1}
