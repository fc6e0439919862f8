"""A poll that is broken off goes on where it stopped, and what changed meanwhile is read by the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync import keep, pull
from sync.state import cursors
from sync.state.cursors import Cursor, Phase
from sync.state.engine import reading, writing
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import Book

OPEN = Callable[..., Office]
COMPANIES, PAGE = "companies", 200


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def there(lite: Deployment, office: OPEN) -> Office:
    """Give a loaded portal of 450 companies, all of which have changed since its last poll: three pages."""
    book = Book()
    for number in range(450):
        book.account(f"a{number:05}", f"Account {number}")
    found = office(lite, HUBSPOT, book).install()
    found.load()
    lite.later(hours=1)
    with writing(found.engine) as conn:
        last = lite.now - timedelta(days=900)
        cursors.put(conn, found.id, lite.now, Cursor(COMPANIES, Phase.INCREMENTAL, None, last))
    return found


def read(there: Office) -> list[int]:
    """Poll the companies; return how many records each page had."""
    pages: list[int] = []
    query = {one.object: one for one in keep.in_reading_order(there.ws)}[COMPANIES]
    pull.poll_object(there.ws, query, lambda _object, rows: pages.append(rows))
    return pages


def killed_at(there: Office, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """Poll until a page is to be kept, and have the process killed then."""
    kept: list[int] = []

    def keep_or_end(*given: Any) -> keep.Pulled:
        kept.append(1)
        if len(kept) == page:
            raise Killed
        return keep.keep(*given)

    with monkeypatch.context() as patch:
        patch.setattr("sync.pull.keep", keep_or_end)
        with pytest.raises(Killed):
            read(there)


def place(there: Office) -> Cursor:
    """Return the place in the companies."""
    with reading(there.engine) as conn:
        found = cursors.get(conn, there.id, COMPANIES)
    assert found is not None
    return found


def test_a_poll_broken_off_at_its_last_page_reads_that_page_only(
    there: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of three pages are kept: the next poll reads the third, and all is read up to the first's begin."""
    began, before = there.deployment.now, place(there).high_water
    killed_at(there, monkeypatch, 3)
    assert place(there).high_water == before  # until its end nothing more counts as read
    there.deployment.later(minutes=30)
    assert read(there) == [50]
    assert (place(there).position, place(there).high_water) == (None, began)


def test_what_changes_in_a_page_that_was_kept_is_read_by_the_poll_after(
    there: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first company changes while nobody reads: the pass that goes on is past it, the next one has it."""
    killed_at(there, monkeypatch, 3)
    there.deployment.later(minutes=30)
    there.sandbox.edit(COMPANIES, there.sandbox.lookup("account:a00000"), {"name": "Changed"})
    there.deployment.later(minutes=30)
    assert read(there) == [50]
    assert read(there) == [1]


def test_a_poll_that_read_other_fields_is_made_anew(there: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A charter that reads one field more has all three pages read, not the last alone."""
    killed_at(there, monkeypatch, 3)
    query = {one.object: one for one in keep.in_reading_order(there.ws)}[COMPANIES]
    more = replace(query, fields=(*query.fields, "phone"))
    assert pull.poll_object(there.ws, more).read == 450


def test_a_poll_that_began_before_the_clock_was_set_back_is_made_anew(
    there: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its begin would count as what is read, and lies in the future."""
    killed_at(there, monkeypatch, 3)
    there.deployment.at(there.deployment.now - timedelta(minutes=1))
    assert read(there) == [200, 200, 50]
