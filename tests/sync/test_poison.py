"""No single message and no outage stops the inbox or makes it give up what it should keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integration.port import Unavailable
from sync import usage
from sync.state import findings, inbox, mirror, usage_store
from sync.state.engine import reading
from sync.state.inbox import InboxItem, InboxState
from sync.usage import TakenIn
from sync.usage_events import RefusedEvent, UsageEvent, read_message
from sync.workspace import Workspace
from tests.sync.harness import HUBSPOT, START, Deployment, Office, event
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
DAYS = (date(2024, 1, 1), date(2026, 1, 1))
MORNING = datetime(2025, 1, 14, 10, 0, tzinfo=UTC)

POISON: dict[str, tuple[dict[str, Any], str]] = {
    "a count beyond 64 bits": ({"properties": {"count": 10**30}}, "properties.count"),
    "a count of 64 bits": ({"properties": {"count": 2**63 - 1}}, "properties.count"),
    "one more than the most": ({"properties": {"count": 10**9 + 1}}, "properties.count"),
    "a duration of 64 bits": ({"properties": {"duration_s": 2**63 - 1}}, "properties.duration_s"),
    "errors of 64 bits": ({"properties": {"errors": 2**63 - 1}}, "properties.errors"),
    "fewer than none": ({"properties": {"errors": -1}}, "properties.errors"),
    "before the calendar": ({"timestamp": "0001-01-01T00:00:00+14:00"}, "outside the calendar"),
    "half a character as id": ({"messageId": "\ud800"}, "messageId"),
    "half a character as user": ({"userId": "\ud800"}, "userId"),
    "NUL in the id": ({"messageId": "a\0b"}, "messageId"),
    "NUL in the event": ({"event": "a\0b"}, "event"),
    "NUL in the user": ({"userId": "a\0b"}, "userId"),
    "NUL in the product": ({"properties": {"product": "a\0b"}}, "properties.product"),
    "NUL in the subscription": ({"properties": {"subscription": "a\0b"}}, "properties.subscription"),
    "NUL in the account": ({"properties": {"account": "a\0b"}}, "properties.account"),
    "NUL in the group": ({"context": {"groupId": "a\0b"}}, "context.groupId"),
    "longer than an index takes": ({"event": "e" * 501}, "longer than 500 bytes"),
}
ODD = ("\\0", "NULL", 'a "quoted", one', "two\r\nlines", "\n", "\r", "\\", "#", " ", "é" * 250)
"""Texts that mean something to some reader of rows, and mean only themselves here."""


def poisoned(name: str) -> dict[str, Any]:
    """Return a message bad in one place, its id the name of what is bad unless that is the id."""
    return event("birch", MORNING, "u1", name=name) | POISON[name][0]


def installed(deployed: Deployment, office: OPEN) -> Office:
    """Return an installation of HubSpot after its first run."""
    there = office(deployed, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live().settle()
    return there


def counted(there: Office) -> dict[str, int]:
    """Return the uses counted for Birch, by feature."""
    with reading(there.engine) as conn:
        found = usage_store.usage(conn, there.id, ["birch"], DAYS)
    return {one.feature: one.count for one in found}


def reported(there: Office) -> dict[str, str]:
    """Return the open findings about usage."""
    with reading(there.engine) as conn:
        return {one.subject: one.message for one in findings.open_findings(conn, there.id, "usage")}


def states(there: Office) -> dict[InboxState, int]:
    """Return how many events of the inbox stand where."""
    with reading(there.engine) as conn:
        return inbox.counts(conn, there.id)


def rename_acorn(there: Office, name: str) -> Callable[[], object]:
    """Rename a company in the CRM and tell of it; return what reads the name we know."""
    company = there.sandbox.lookup("account:acorn")
    there.sandbox.edit("companies", company, {"name": name})
    there.tell("company.propertyChange", company, propertyName="name", propertyValue=name)

    def known() -> object:
        with reading(there.engine) as conn:
            return mirror.find(conn, there.id, "companies", [company])[company].values["name"]

    return known


@pytest.mark.parametrize("name", POISON)
def test_what_no_database_holds_is_refused_with_its_reason(name: str) -> None:
    """The reason names the place, and both it and the id can be stored anywhere."""
    read = read_message(poisoned(name), ZoneInfo("UTC"), START)
    assert isinstance(read, RefusedEvent)
    assert POISON[name][1] in read.reason
    for text in (read.message_id, read.reason):
        assert "\0" not in text
        assert len(text.encode("utf-8")) <= 500


def test_a_refused_id_of_any_length_is_cut() -> None:
    """An id of 251 two-byte letters is two bytes too long: it is refused and shown by its first 250."""
    read = read_message(event("birch", MORNING, "u1", name="é" * 251), ZoneInfo("UTC"), START)
    assert isinstance(read, RefusedEvent)
    assert read.message_id == "é" * 250


def test_the_most_a_message_may_say_is_counted() -> None:
    """A billion uses is a fact; the day is the installation's, the instant the same."""
    message = event("birch", MORNING, "u1", count=10**9) | {"timestamp": "2025-01-14T23:30:00-05:00"}
    read = read_message(message, ZoneInfo("America/New_York"), START)
    assert isinstance(read, UsageEvent)
    assert (read.count, read.day) == (10**9, date(2025, 1, 14))
    assert read.at == datetime(2025, 1, 15, 4, 30, tzinfo=UTC)


def test_bad_messages_stop_neither_the_good_nor_the_crm(both: Deployment, office: OPEN) -> None:
    """In a batch with every bad message, odd texts count once each, and the CRM's event is worked in."""
    there = installed(both, office)
    good = [event("birch", MORNING, "u1", feature=text, name=f"m{n}") for n, text in enumerate(ODD)]
    there.use([*(poisoned(name) for name in POISON), *good])
    known = rename_acorn(there, "Renamed")
    there.drain()
    assert known() == "Renamed"
    assert there.events_left() == 0
    assert states(there).get(InboxState.FAILED, 0) == 0
    assert counted(there) == dict.fromkeys(ODD, 1)
    ids = {name for name, (change, _) in POISON.items() if "messageId" not in change}
    assert reported(there).keys() == {f"usage/{one}" for one in ids | {"\\ud800", "a\\x00b"}}


def test_a_batch_that_cannot_be_counted_is_given_up_alone(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried at once, after 1 and 10 minutes, 1 and 6 hours; then it is kept, and people are told."""
    there = installed(lite, office)
    real, tries = usage.take_in, list[datetime]()

    def take_in(ws: Workspace, items: Sequence[InboxItem]) -> TakenIn:
        if any(item.dedupe_key == "bad" for item in items):
            if len(items) == 1:
                tries.append(lite.now)
            raise RuntimeError("never \0 foreseen")
        return real(ws, items)

    monkeypatch.setattr(usage, "take_in", take_in)
    there.use([event("birch", MORNING, "u1", feature="bad")], "bad")
    there.use([event("birch", MORNING, "u1", feature="good")], "good")
    known = rename_acorn(there, "Renamed")
    there.drain()
    assert known() == "Renamed"
    assert counted(there) == {"good": 1}
    assert states(there)[InboxState.NEW] == 1
    for minutes in (1, 10, 60, 360):
        assert reported(there) == {}
        lite.later(minutes=minutes, seconds=-1)
        there.drain()
        lite.later(seconds=1)
        there.drain()
    minutes_after = [(one - tries[0]).total_seconds() / 60 for one in tries]
    # The lone batch is met twice per drain: first as the whole group, then alone.
    assert sorted(set(minutes_after)) == [0, 1, 11, 71, 431]
    assert states(there)[InboxState.FAILED] == 1
    assert there.events_left() == 0
    assert list(reported(there)) == ["batch/bad"]
    assert "given up after 5 attempts: RuntimeError: never" in reported(there)["batch/bad"]


@pytest.mark.usefixtures("one_try")
def test_an_outage_is_no_look_for_a_record(both: Deployment, office: OPEN) -> None:
    """After six drains in an outage a record not there yet is still looked for five times, then gone."""
    there = installed(both, office)
    there.sandbox.fault("status", "/deals/batch/read", times=100, status=503)
    there.tell("deal.creation", "77777")
    for _ in range(6):
        with pytest.raises(Unavailable):
            there.drain()
        both.later(minutes=1)
    there.sandbox.heal()
    for span in ({"seconds": 2}, {"seconds": 10}, {"minutes": 1}, {"minutes": 10}):
        assert [one.put_off for one in there.drain()] == [1]
        assert there.events_left() == 1
        both.later(**span)
    there.drain()
    assert there.events_left() == 0
    assert states(there)[InboxState.FAILED] == 1
