"""A large object comes as one bulk job after its first page, and no crash loses or doubles a row.

How large is the vendor's arithmetic; here any second page is large enough.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from integration.port import Page, Unavailable
from integration.salesforce.bulk_read import reads_as_bulk
from sync.keep import Pulled
from sync.state import mirror
from sync.state.engine import reading
from tests.sync.harness import SALESFORCE, Deployment, Office
from tests.sync.portfolios import Book

OPEN = Callable[..., Office]
DEALS = 2_020


@pytest.fixture
def cheap_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a job cost nothing, and be looked at without a wait."""
    monkeypatch.setattr("integration.salesforce.bulk_read.BULK_READ_CALLS", -1)
    monkeypatch.setattr("integration.salesforce.bulk_jobs.FIRST_POLL_S", 0.0)


def one_large_customer() -> Book:
    """Return a customer with more deals than a page holds, none of them won."""
    book = Book().account("acorn", "Acorn")
    for number in range(DEALS):
        book.open_deal("acorn", f"d{number:04}", "new", "2025-03-01")
    return book


def asked(there: Office, mark: int) -> list[str]:
    """Return method and address of what was asked about opportunities or jobs since a mark."""
    made = there.sandbox.requests(mark)
    paths = [(one["method"], one["path"].partition(".0/")[2].partition("?")[0]) for one in made]
    return [f"{method} {path.rstrip('/')}" for method, path in paths if "jobs" in path]


def deals_held(there: Office) -> int:
    """Return how many opportunities the mirror hangs under the customer."""
    with reading(there.engine) as conn:
        account = there.sandbox.lookup("account:acorn")
        return len(mirror.current(conn, there.id, "Opportunity", [account]))


@pytest.mark.usefixtures("cheap_jobs", "one_try")
def test_a_load_broken_off_within_the_stream_is_made_up_for(lite: Deployment, office: OPEN) -> None:
    """The result file breaks off once: the next load opens a job again, and every deal hangs as it should."""
    there = office(lite, SALESFORCE, one_large_customer()).install()
    there.sandbox.fault("reset", "/results", 1)
    mark = there.sandbox.mark()
    with pytest.raises(Unavailable):
        there.load()
    assert deals_held(there) == 2_000
    there.sandbox.heal()
    pulled = there.load()
    assert (pulled.changed, deals_held(there)) == (DEALS - 2_000 + len(["the one user"]), DEALS)
    opened = [one for one in asked(there, mark) if one == "POST jobs/query"]
    assert 1 <= len(opened) <= 2
    mark = there.sandbox.mark()
    assert there.load() == Pulled()
    assert asked(there, mark) == []


@pytest.mark.usefixtures("cheap_jobs")
def test_an_org_that_refuses_the_job_is_read_by_page(lite: Deployment, office: OPEN) -> None:
    """Its words are logged, and nothing is missing."""
    there = office(lite, SALESFORCE, one_large_customer()).install()
    body = [{"errorCode": "FEATURENOTENABLED", "message": "Bulk is not for you"}]
    there.sandbox.fault("status", "/jobs/query", 1, status=400, body=body)
    there.load()
    assert deals_held(there) == DEALS


def test_a_job_pays_above_some_pages() -> None:
    """By hand: four calls and one for each 50,000 rows against one for each page of 2,000."""
    full = [None] * 2_000

    def pays(left: int, rows: int = 2_000) -> bool:
        return reads_as_bulk(Page(tuple(full[:rows]), "x", left))  # type: ignore[arg-type]

    assert [pays(left) for left in (0, 10_000, 10_001, 50_000, 1_000_000)] == [False, False, True, True, True]
    assert pays(2_000, 300)  # wide rows: seven pages
