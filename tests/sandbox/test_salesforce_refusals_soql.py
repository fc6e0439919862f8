"""Clauses of SOQL that may not stand together are refused, and those that may are done (reference 1.2)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

import pytest

from tests.sandbox.salesforce_refusals import Case
from tests.sandbox.salesforce_session import Api

MALFORMED = "MALFORMED_QUERY"
OF_CONTACTS = "SELECT Id FROM Account WHERE Id IN (SELECT {} FROM Contact{})"
ONE = "Id IN (SELECT AccountId FROM Contact)"


@pytest.fixture(scope="module")
def api(salesforce: Any) -> Api:
    """Give a session on an org with one account of three contacts and one of none."""
    api = Api(salesforce.url)
    full = api.create("Account", Name="Full")
    api.create("Account", Name="Empty")
    for name in "abc":
        api.create("Contact", LastName=name, AccountId=full)
    return api


def asked(soql: str) -> str:
    """Return the address of a query."""
    return f"/query?q={quote_plus(soql)}"


def child(soql: str) -> str:
    """Return the address of a query of accounts with a subquery."""
    return asked(f"SELECT Id, ({soql}) FROM Account")


def joined(field: str, rest: str = "") -> str:
    """Return the address of a query of the accounts that a field of contacts names."""
    return asked(OF_CONTACTS.format(field, rest))


NESTED = " WHERE AccountId IN (SELECT AccountId FROM Case)"
OTHERS = "SELECT Id FROM Account WHERE Id IN (SELECT OwnerId FROM Contact)"
THREE = f"SELECT Id FROM Account WHERE {ONE} AND {ONE} AND {ONE}"

CASES = [
    Case("child-offset", "GET", child("SELECT Id FROM Contacts LIMIT 1 OFFSET 1"), None, 400, MALFORMED),
    Case("child-count", "GET", child("SELECT COUNT() FROM Contacts"), None, 400, MALFORMED, "COUNT"),
    Case(
        "child-of-child",
        "GET",
        child("SELECT Id, (SELECT Id FROM Cases) FROM Contacts"),
        None,
        400,
        MALFORMED,
    ),
    Case("semi-join-fields", "GET", joined("AccountId, Id"), None, 400, MALFORMED, "one field"),
    Case("semi-join-count", "GET", joined("COUNT()"), None, 400, MALFORMED, "one field"),
    Case("semi-join-limit", "GET", joined("AccountId", " LIMIT 1"), None, 400, MALFORMED, "LIMIT"),
    Case("semi-join-order", "GET", joined("AccountId", " ORDER BY Id"), None, 400, MALFORMED, "ORDER BY"),
    Case("semi-join-nested", "GET", joined("AccountId", NESTED), None, 400, MALFORMED, "Nesting"),
    Case("semi-join-inner-text", "GET", joined("LastName"), None, 400, MALFORMED, "LastName"),
    Case("semi-join-others", "GET", asked(OTHERS), None, 400, MALFORMED, "same object type"),
    Case("semi-join-three", "GET", asked(THREE), None, 400, MALFORMED, "maximum 2"),
    Case(
        "semi-join-or",
        "GET",
        asked(f"SELECT Id FROM Account WHERE Name = 'x' OR {ONE}"),
        None,
        400,
        MALFORMED,
        "OR",
    ),
    Case(
        "semi-join-text",
        "GET",
        asked("SELECT Id FROM Account WHERE Name IN (SELECT AccountId FROM Contact)"),
        None,
        400,
        MALFORMED,
        "Name",
    ),
    Case(
        "semi-join-itself",
        "GET",
        asked("SELECT Id FROM Account WHERE Id IN (SELECT ParentId FROM Account)"),
        None,
        400,
        MALFORMED,
        "same object type",
    ),
    Case("count-ordered", "GET", asked("SELECT COUNT() FROM Account ORDER BY Id"), None, 400, MALFORMED),
    Case("fields-unbounded", "GET", asked("SELECT FIELDS(ALL) FROM Account"), None, 400, MALFORMED, "200"),
    Case(
        "fields-twice",
        "GET",
        asked("SELECT Name, FIELDS(STANDARD) FROM Account"),
        None,
        400,
        "INVALID_FIELD",
        "duplicate field selected: Name",
    ),
    Case(
        "text-escape",
        "GET",
        asked(r"SELECT Id FROM Account WHERE Name = 'a\d'"),
        None,
        400,
        MALFORMED,
        r"Illegal character sequence '\d'",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_refused(api: Api, case: Case) -> None:
    """One query, refused with the vendor's code."""
    case.check(api)


def test_the_limit_of_a_child_subquery_holds_for_each_parent(api: Api) -> None:
    """Two of three contacts, none of none."""
    two = "SELECT LastName FROM Contacts ORDER BY LastName DESC LIMIT 2"
    rows = api.rows(f"SELECT Name, ({two}) FROM Account ORDER BY Name")
    assert [row["Name"] for row in rows] == ["Empty", "Full"]
    assert rows[0]["Contacts"] is None
    assert [one["LastName"] for one in rows[1]["Contacts"]["records"]] == ["c", "b"]


def test_fields_stand_beside_others_and_in_subqueries(api: Api) -> None:
    """FIELDS(STANDARD) needs no limit; a path beside it, and one in a subquery, are not dropped."""
    soql = "SELECT FIELDS(STANDARD), Owner.Name, (SELECT FIELDS(ALL) FROM Contacts LIMIT 200) FROM Account "
    (row,) = api.rows(soql + f"WHERE {ONE}")
    assert row["Name"] == "Full"
    assert row["Owner"]["Name"]
    assert {one["LastName"] for one in row["Contacts"]["records"]} == {"a", "b", "c"}


def test_both_kinds_of_escape_are_read(api: Api) -> None:
    """Quotes and backslashes are escaped; a doubled backslash is one, whatever follows."""
    api.create("Account", Name="it's a\\d")
    assert [row["Name"] for row in api.rows(r"SELECT Name FROM Account WHERE Name = 'it\'s a\\d'")] == [
        "it's a\\d"
    ]
