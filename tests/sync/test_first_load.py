"""The first load reads everything once, whatever breaks, and polls read only what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from integration.port import Unavailable
from sync import pull
from sync.keep import Pulled
from sync.state import mirror
from sync.state.engine import reading
from tests.sync.harness import HUBSPOT, SALESFORCE, Deployment, Office
from tests.sync.portfolios import Book, three_customers

OPEN = Callable[..., Office]
ACCOUNTS = {HUBSPOT: ("companies", "/companies?", 100), SALESFORCE: ("Account", "/query/", 2000)}
SECOND_PAGE = {HUBSPOT: "&after=", SALESFORCE: "WHERE+Id+%3E"}


def many(count: int) -> Book:
    """Return a book of accounts that bought nothing."""
    book = Book()
    for number in range(count):
        book.account(f"a{number:05}", f"Account {number}")
    return book


@pytest.mark.usefixtures("one_try")
@pytest.mark.parametrize(("vendor", "count", "pages"), [(HUBSPOT, 201, 3), (SALESFORCE, 4001, 3)])
def test_an_interrupted_load_goes_on_where_it_stopped(
    both: Deployment, office: OPEN, vendor: str, count: int, pages: int
) -> None:
    """The connection breaks after the first page: the next load reads the other pages only."""
    there = office(both, vendor, many(count)).install()
    object_name, path, page_rows = ACCOUNTS[vendor]
    mark = there.sandbox.mark()
    there.sandbox.fault("reset", SECOND_PAGE[vendor])
    with pytest.raises(Unavailable):
        pull.load(there.ws)
    there.sandbox.heal()
    with reading(there.engine) as conn:
        assert mirror.counts(conn, there.id) == {object_name: page_rows}

    there.load()
    with reading(there.engine) as conn:
        held = mirror.counts(conn, there.id)
        held.pop("owners", None)
        assert held == {object_name: count}
    made = [one for one in there.sandbox.requests(mark) if one["object"] == object_name]
    read = [one["rows_out"] for one in made if gave_rows(one, path)]
    assert len(read) == pages
    assert sum(read) == count


def gave_rows(request: dict[str, object], path: str) -> bool:
    """Say whether a logged request was about the path and gave rows."""
    return path in str(request["path"]) and request["status"] == 200 and request["rows_out"] != 0


@pytest.mark.parametrize(
    ("vendor", "calls"),
    [
        (HUBSPOT, {"companies": 1, "deals": 1, "line_items": 1, "tickets": 1, "owners": 2}),
        (SALESFORCE, {"Account": 1, "Opportunity": 1, "OpportunityLineItem": 1, "Case": 1, "User": 1}),
    ],
)
def test_a_small_crm_is_read_in_one_call_per_object(
    lite: Deployment, office: OPEN, vendor: str, calls: dict[str, int]
) -> None:
    """HubSpot lists with links in the answer, Salesforce has links as fields.

    Owners are two lists there and one here, where the integration's own user is one of them.
    """
    there = office(lite, vendor, three_customers()).install()
    mark = there.sandbox.mark()
    pulled = there.load()
    people = 0 if vendor == HUBSPOT else 1
    assert (pulled.read, pulled.changed) == (9 + people, 9 + people)  # three accounts, deals and lines
    asked = Counter(_object(one) for one in there.sandbox.requests(mark))
    assert asked == calls
    assert there.waiting_accounts() == 3

    mark = there.sandbox.mark()
    assert there.load() == Pulled()
    assert there.sandbox.requests(mark) == []


def _object(request: dict[str, object]) -> str:
    """Return the object a read is about; HubSpot calls line items 0-8."""
    path = str(request["path"])
    names = {"/0-8?": "line_items", "/companies?": "companies", "/deals?": "deals"}
    names |= {"/tickets?": "tickets", "FROM+Account": "Account", "FROM+OpportunityLineItem": ""}
    names |= {"FROM+Case": "Case", "FROM+User": "User", "/owners/": "owners"}
    if "FROM+Opportunity+" in path:
        return "Opportunity"
    if "FROM+OpportunityLineItem" in path:
        return "OpportunityLineItem"
    return next(name for part, name in names.items() if part in path)


@pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])
def test_polling_an_unchanged_crm_takes_a_call_per_object_and_marks_nobody(
    lite: Deployment, office: OPEN, vendor: str
) -> None:
    """Ten minutes after everything is written, four calls find nothing and wake nobody."""
    there = office(lite, vendor, three_customers()).install()
    there.load()
    there.go_live().settle()
    lite.later(minutes=10)
    there.poll()  # sees our own writes once
    there.settle()
    lite.later(minutes=10)
    mark = there.sandbox.mark()
    assert there.poll() == Pulled()
    assert len(there.sandbox.requests(mark)) == 4
    assert there.waiting_accounts() == 0


@pytest.mark.parametrize(
    ("vendor", "object_name", "values"),
    [(HUBSPOT, "companies", {"name": "Renamed"}), (SALESFORCE, "Account", {"Name": "Renamed"})],
)
def test_polling_finds_a_change_of_a_person(
    lite: Deployment, office: OPEN, vendor: str, object_name: str, values: dict[str, str]
) -> None:
    """A renamed account is read, marked, and its profile carries the new name."""
    there = office(lite, vendor, three_customers()).install()
    there.load()
    there.go_live().settle()
    lite.later(minutes=10)
    birch = there.sandbox.lookup("account:birch")
    there.sandbox.edit(object_name, birch, values)
    lite.later(minutes=1)
    there.poll()
    there.settle()
    name = "cs_name" if vendor == HUBSPOT else "Name"
    assert there.written(there.own("profile"))[f"profile:{birch.lower()}"][name] == "Renamed"
