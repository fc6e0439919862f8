"""How records are read from Salesforce: what is asked, in how many calls, and how values arrive."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.port import FieldType, Link, ReadQuery, Refused
from integration.salesforce.limits import URI_AND_HEADER_BYTES
from integration.salesforce.soql import split_to_fit
from integration.salesforce.values import from_text, soql_text, to_json, to_text
from tests.integration.salesforce_wire import account_row, page, rig

SINCE = datetime(2024, 6, 1, 12, 0, 0, 900_000, tzinfo=UTC)


def numbered_pages(total: int, size: int = 2_000):
    """Return answers for ``total`` opportunities in pages of ``size``."""
    rows = [account_row(number, AccountId=f"001{number:015d}") for number in range(total)]
    starts = range(0, max(total, 1), size)
    return [page(rows[start : start + size], done=start + size >= total) for start in starts]


def test_five_thousand_opportunities_with_their_accounts_cost_three_calls():
    """Links are a column of the same query, and no call is spent on describing or on asking for the end."""
    setup = rig(*numbered_pages(5_000))
    pages = list(setup.port.iter_pages(ReadQuery("Opportunity", ("Name",), ("Account",))))
    assert [len(one.records) for one in pages] == [2_000, 2_000, 1_000]
    assert pages[0].records[7].links == (Link("Account", "001000000000000007"),)
    assert setup.port.calls.by_reason == {"read Opportunity": 3}


def test_a_last_page_that_is_full_needs_no_further_call():
    """The org says itself that nothing is left."""
    setup = rig(*numbered_pages(4_000))
    assert len(list(setup.port.iter_pages(ReadQuery("Opportunity", ())))) == 2


def test_a_page_short_because_its_rows_are_wide_is_not_the_last():
    """Salesforce returns fewer rows when they are wide; only ``done`` ends a read."""
    setup = rig(*numbered_pages(500, size=200))
    assert sum(len(one.records) for one in setup.port.iter_pages(ReadQuery("Opportunity", ()))) == 500


def test_a_first_load_goes_on_after_a_crash_where_it_was():
    """The cursor is text; a new process asks for what comes after the last row."""
    setup = rig(*numbered_pages(4_000))
    first = next(setup.port.iter_pages(ReadQuery("Opportunity", ("Name",))))
    later = rig(page([]))
    list(later.port.iter_pages(ReadQuery("Opportunity", ("Name",), resume=first.resume)))
    assert later.org.sent[0].soql == (
        "SELECT Id,CreatedDate,SystemModstamp,IsDeleted,Name FROM Opportunity "
        f"WHERE Id > '{first.records[-1].id}' ORDER BY Id"
    )


def test_changes_are_read_from_the_whole_second_on_and_include_deletions():
    """The stamp has whole seconds: rounding up would lose changes of that second."""
    setup = rig(page([account_row(1, IsDeleted=True)]))
    pages = list(setup.port.iter_pages(ReadQuery("Account", (), changed_since=SINCE)))
    assert setup.org.sent[0].path == "/services/data/v68.0/queryAll/"
    assert setup.org.sent[0].soql.endswith(
        "WHERE SystemModstamp >= 2024-06-01T12:00:00Z ORDER BY SystemModstamp, Id"
    )
    assert pages[0].records[0].archived


def test_thousands_of_changes_in_one_second_are_walked_by_id():
    """A bulk write gives all its rows one stamp; the walk goes on within that second."""
    same = {"SystemModstamp": "2024-06-01T12:00:05.000+0000"}
    setup = rig(page([account_row(1, **same), account_row(2, **same)], done=False), page([]))
    list(setup.port.iter_pages(ReadQuery("Account", (), changed_since=SINCE)))
    assert setup.org.sent[1].soql.endswith(
        "WHERE SystemModstamp > 2024-06-01T12:00:05Z OR "
        "(SystemModstamp = 2024-06-01T12:00:05Z AND Id > '0015g0000000002AAA') ORDER BY SystemModstamp, Id"
    )


def test_a_foreign_cursor_is_refused():
    """A cursor of another vendor or version is not taken for a position."""
    with pytest.raises(ValueError, match="cursor"):
        list(rig().port.iter_pages(ReadQuery("Account", (), resume='{"after": "x"}')))


def test_users_are_read_without_a_column_they_have_not():
    """User has no IsDeleted; asking for it would refuse the whole query."""
    setup = rig(page([]))
    list(setup.port.iter_pages(ReadQuery("User", ("Email",))))
    assert "IsDeleted" not in setup.org.sent[0].soql


def describe(name: str, *fields: str) -> tuple[int, dict]:
    """Return the description of an object with these fields."""
    return 200, {"name": name, "label": name, "fields": [{"name": one, "type": "datetime"} for one in fields]}


def test_an_object_is_read_by_the_stamp_it_has():
    """Described once: without SystemModstamp and IsDeleted, by when it was last modified."""
    modified = account_row(1, LastModifiedDate="2024-07-01T00:00:00.000+0000")
    setup = rig(describe("Odd", "Id", "CreatedDate", "LastModifiedDate"), page([modified]), page([]))
    since = datetime(2024, 5, 1, tzinfo=UTC)
    (found,) = next(setup.port.iter_pages(ReadQuery("Odd", (), changed_since=since))).records
    assert setup.org.sent[1].soql == (
        "SELECT Id,CreatedDate,LastModifiedDate FROM Odd WHERE LastModifiedDate >= 2024-05-01T00:00:00Z "
        "ORDER BY LastModifiedDate, Id"
    )
    assert found.source_at == datetime(2024, 7, 1, tzinfo=UTC)
    list(setup.port.iter_pages(ReadQuery("Odd", ())))
    assert setup.port.calls.by_reason == {"describe": 1, "read Odd": 2}


def test_an_object_without_any_stamp_is_read_whole_each_time():
    """Nothing says what changed."""
    setup = rig(describe("Odd", "Id"), page([]))
    list(setup.port.iter_pages(ReadQuery("Odd", (), changed_since=datetime(2024, 5, 1, tzinfo=UTC))))
    assert setup.org.sent[1].soql == "SELECT Id FROM Odd ORDER BY Id"


def test_users_who_own_nothing_are_not_read_as_owners():
    """A portal's customers are users too; the others come 2,000 a call, inactive ones told as gone."""
    user = {"Email": "a@b.example", "FirstName": None, "LastName": "A", "IsActive": False}
    setup = rig(page([account_row(1, **user)], done=False), page([]))
    (owner,) = setup.port.owners()
    assert (owner.email, owner.first_name, owner.archived) == ("a@b.example", "", True)
    assert "UserType NOT IN ('CspLitePortal'," in setup.org.sent[0].soql
    assert setup.org.sent[1].soql.endswith(f" AND Id > '{owner.id}' ORDER BY Id")
    assert setup.port.calls.by_reason == {"read owners": 2}


def test_a_case_owned_by_a_queue_has_no_owner_among_users():
    """An owner field may hold a group's id; that is no link to a user."""
    setup = rig(
        page([account_row(1, OwnerId="00G5g000000AbCdEAK"), account_row(2, OwnerId="0055g000000AbCdAAK")])
    )
    records = next(setup.port.iter_pages(ReadQuery("Case", (), ("User",)))).records
    assert [record.links for record in records] == [(), (Link("User", "0055g000000AbCdAAK"),)]


def test_a_customers_own_object_is_described_once_for_its_parent():
    """Where no table knows the lookup, the org's describe does, and standard fields are preferred."""
    describe = {
        "name": "Subscription__c",
        "label": "Subscription",
        "fields": [
            {"name": "Billed_To__c", "label": "B", "type": "reference", "referenceTo": ["Account"]},
            {"name": "AccountId", "label": "A", "type": "reference", "referenceTo": ["Account"]},
        ],
    }
    setup = rig((200, describe), page([]), page([]))
    query = ReadQuery("Subscription__c", (), ("Account",))
    list(setup.port.iter_pages(query))
    list(setup.port.iter_pages(query))
    assert ",AccountId FROM" in setup.org.sent[1].soql
    assert setup.port.calls.by_reason == {"describe": 1, "read Subscription__c": 2}


def test_an_object_that_points_nowhere_is_said_so():
    """A link that cannot be read is an error to show, not an empty list."""
    describe = {"name": "Thing__c", "label": "Thing", "fields": []}
    with pytest.raises(Refused, match="no field that refers to Account"):
        list(rig((200, describe)).port.iter_pages(ReadQuery("Thing__c", (), ("Account",))))


def test_our_own_objects_link_by_convention_without_a_describe():
    """A profile hangs under its account by CS_Account__c."""
    setup = rig(page([]))
    list(setup.port.iter_pages(ReadQuery("CS_Profile__c", (), ("Account",))))
    assert ",CS_Account__c FROM CS_Profile__c" in setup.org.sent[0].soql


def test_many_ids_are_retrieved_by_body_two_thousand_a_call():
    """A query string holds some hundred ids; a body holds 2,000, and what is gone comes as null."""
    ids = [f"001{number:015d}" for number in range(2_100)]
    setup = rig((200, [account_row(1, Id=ids[1]), None]), (200, [None]))
    records = setup.port.read("Account", ids, ["Name"])
    assert [record.id for record in records] == [ids[1]]
    assert [(one.method, len(one.json["ids"])) for one in setup.org.sent] == [("POST", 2_000), ("POST", 100)]


def test_reading_nothing_costs_nothing():
    """No ids, no call."""
    assert rig().port.read("Account", [], ["Name"]) == []


def test_keys_with_quotes_cannot_leave_their_literal():
    """A key is data, whatever characters it holds."""
    setup = rig(page([]))
    setup.port.find("CS_Plan__c", "CS_Key__c", ["a' OR Name != '", "b\\"], [])
    assert "IN ('a\\' OR Name != \\'','b\\\\')" in setup.org.sent[0].soql


def test_found_records_come_by_their_key():
    """A lost answer is settled by asking for the keys."""
    setup = rig(page([account_row(5, CS_Key__c="plan:1")]))
    assert setup.port.find("CS_Plan__c", "CS_Key__c", ["plan:1", "plan:2"], [])["plan:1"].id.startswith("001")


@given(st.lists(st.text(min_size=1, max_size=200), max_size=300))
def test_no_query_is_longer_than_an_org_accepts(keys):
    """Every list fits the URI limit with room for headers, and no key is lost."""
    literals = [soql_text(key) for key in keys]
    lists = split_to_fit("SELECT Id FROM CS_Plan__c WHERE CS_Key__c IN ()", literals)
    assert [literal for part in lists for literal in part] == literals
    assert all(len(quote_plus(",".join(part))) < URI_AND_HEADER_BYTES - 4_096 for part in lists)


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        ("1000.0", "1000"),
        ("1.0E7", "10000000"),
        ("0.1", "0.1"),
        ("123456789012345.67", "123456789012345.67"),
        ("-0.0", "0"),
        ("true", "true"),
        ("null", None),
        ('"2024-01-31"', "2024-01-31"),
        ('"2024-01-31T23:59:59.000+0000"', "2024-01-31T23:59:59Z"),
        ('"2024-01-31T23:59:59.120+0000"', "2024-01-31T23:59:59.120Z"),
        ('" 007 "', " 007 "),
    ],
)
def test_values_arrive_as_the_ports_text(wire, text):
    """Numbers lose no digit and carry no padding, instants end in Z, text is untouched."""
    assert to_text(json.loads(wire, parse_float=Decimal)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_a_number_survives_the_way_there_and_back(number):
    """What is written is what is read, digit for digit."""
    sent = from_text(format(number, "f"), FieldType.NUMBER)
    assert Decimal(to_text(json.loads(to_json(sent), parse_float=Decimal))) == number


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("true", FieldType.BOOLEAN, True),
        (None, FieldType.BOOLEAN, False),
        (None, FieldType.DATE, None),
        ("", FieldType.TEXT, None),
        ("12", FieldType.TEXT, "12"),
        ("12", FieldType.NUMBER, Decimal(12)),
        ("many", FieldType.NUMBER, "many"),
        ("NaN", FieldType.NUMBER, "NaN"),
    ],
)
def test_values_leave_typed_by_their_field(text, kind, value):
    """A checkbox has no null; what is no number is left for the org to refuse in its own words."""
    assert from_text(text, kind) == value
