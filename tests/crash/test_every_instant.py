"""Killed at every instant of its work: what the next process makes of it stands in both CRMs once.

A process forked from the test works in an event, looks and pushes, and is killed at its n-th instant; the
next account's at the instant after it, until one is through. Instants are: before and after every commit that
wrote something, before a request is sent, when it has been sent, and when its answer has come. A kill between
the statements of a transaction leaves what a kill before its commit leaves.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from requests.adapters import HTTPAdapter
from sqlalchemy import Engine, event

from sync.state.inbox import InboxEvent
from sync.state.leases import HOLD_S
from sync.state.ledger import WriteState
from sync.workspace import CONNECTIONS
from tests.crash.world import until
from tests.sync.harness import HUBSPOT, SALESFORCE, Deployment, Office
from tests.sync.portfolios import Book

pytestmark = pytest.mark.crash
MOST = 99
"""Accounts; more than a process has instants."""

COMPANY = {HUBSPOT: "companies", SALESFORCE: "Account"}
OWN = ("profile", "plan", "milestone")
LINKS = frozenset({"CS_Account__c", "CS_Plan__c", "AccountId"})
"""Salesforce's fields that say what a record hangs under."""

DEALS = {HUBSPOT: "deals", SALESFORCE: "Opportunity"}


def alike() -> Book:
    """Return customers that differ in nothing but their names: new, with a plan, and due in 45 days."""
    book = Book()
    for number in range(MOST):
        name = f"a{number:02d}"
        book.account(name, name.title()).sold(name, name, "2024-12-01", "2025-03-01", "12000")
    return book


@dataclass
class Death:
    """Kills this process at an instant of its own; says on a pipe how many requests it has sent."""

    at: int
    sent: int
    instants: int = 0

    def instant(self, *_given: object) -> None:
        """Let an instant come."""
        self.instants += 1
        if self.instants == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def lurk(self, engine: Engine) -> None:
        """Have every instant of what this process does from now on come by here."""
        wrote: set[int] = set()

        @event.listens_for(engine, "before_cursor_execute")
        def _(conn: Any, _cursor: object, statement: str, *_more: object) -> None:
            if not statement.lstrip().startswith(("SELECT", "BEGIN", "PRAGMA")):
                wrote.add(id(conn.connection.dbapi_connection))

        commit = engine.dialect.do_commit

        def committing(connection: Any) -> None:
            writes = id(connection.dbapi_connection) in wrote
            wrote.discard(id(connection.dbapi_connection))
            if writes:
                self.instant()
            commit(connection)
            if writes:
                self.instant()

        engine.dialect.do_commit = committing
        send, answer = HTTPAdapter.send, http.client.HTTPConnection.getresponse

        def sending(*given: Any, **named: Any) -> Any:
            self.instant()
            found = send(*given, **named)
            self.instant()
            return found

        def answering(connection: Any) -> Any:
            os.write(self.sent, b".")
            self.instant()
            return answer(connection)

        HTTPAdapter.send = sending
        http.client.HTTPConnection.getresponse = answering


def works_until(there: Office, at: int) -> bool:
    """Have a process of its own settle the office and die at an instant; return whether it came through."""
    before = there.sandbox.mark()
    reads, writes = os.pipe()
    there.engine.dispose()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            there.engine.dispose(close=False)
            CONNECTIONS.forget(there.id)
            Death(at, writes).lurk(there.engine)
            there.settle()
            code = 0
        finally:
            os._exit(code)
    os.close(writes)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reads, "rb") as pipe:
        sent = len(pipe.read())
    until(lambda: there.sandbox.mark() >= before + sent)  # what was sent is done, whoever waits for it
    assert status in {0, signal.SIGKILL}, status
    return status == 0


def begin(deployed: Deployment, office: Callable[..., Office], vendor: str) -> Office:
    """Return an office in which nobody has been looked at, and everybody waits to be told of."""
    there = office(deployed, vendor, alike()).install()
    there.load()
    there.go_live()
    with there.engine.begin() as conn:
        conn.exec_driver_sql("DELETE FROM dirty")
    return there


def tell(there: Office, number: int) -> str:
    """Have a person change an account, and the event of it arrive; return the account's id."""
    account = there.sandbox.lookup(f"account:a{number:02d}")
    name = "name" if there.sandbox.vendor == HUBSPOT else "Name"
    there.sandbox.edit(COMPANY[there.sandbox.vendor], account, {name: f"A{number:02d} Inc"})
    if there.sandbox.vendor == HUBSPOT:
        there.tell("company.propertyChange", account)
    else:
        hint = {"object": "Account", "id": account}
        there.receive([InboxEvent(f"hint-{number}", SALESFORCE, hint)])
    return account


@pytest.mark.usefixtures("one_try")
@pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])
def test_a_kill_at_any_instant_leaves_every_record_once(
    either: Deployment, office: Callable[..., Office], vendor: str
) -> None:
    """All accounts end alike: the one nobody disturbed, and those whose workers died on the way."""
    there, through, killed = begin(either, office, vendor), False, 0
    accounts: list[str] = []
    while not through and killed < MOST - 1:
        accounts.append(tell(there, killed))
        before = there.sandbox.mark()
        through = works_until(there, killed + 1)
        if not through:
            killed += 1
            either.later(seconds=HOLD_S)
            stood = standing(there)
            with overheard() as values:
                there.settle()
            assert [key for key in values if key in stood] == [], killed
        assert {state for _, state in there.states()} == {WriteState.ACKNOWLEDGED}, killed
        assert there.events_left() == there.waiting_accounts() == 0
        assert max(taken(there, before).values()) <= 2, killed
    assert through
    assert killed > 25, "the instants of a drain, a look and a push"
    check_all_alike(there, accounts)


def standing(there: Office) -> set[str]:
    """Return the keys of our records that stand in the CRM."""
    names = [*(there.own(kind) for kind in OWN), DEALS[there.sandbox.vendor]]
    return {key for name in names for key in there.written(name)}


@contextmanager
def overheard() -> Iterator[list[str]]:
    """Yield the keys of the records that this process sends any value for, beside its key and its links."""
    found, send = [], HTTPAdapter.send

    def sending(adapter: Any, request: Any, *given: Any, **named: Any) -> Any:
        found.extend(key for key, names in records_in(request) if names - LINKS)
        return send(adapter, request, *given, **named)

    HTTPAdapter.send = sending
    try:
        yield found
    finally:
        HTTPAdapter.send = send


def records_in(request: Any) -> list[tuple[str, set[str]]]:
    """Return the keys of the records a request writes, each with the fields it writes beside the key."""
    url = str(request.url)
    if "batch/upsert" in url:
        inputs = json.loads(request.body)["inputs"]
        return [(one["id"], set(one["properties"]) - {"cs_key"}) for one in inputs]
    if "composite/sobjects" in url and request.method == "PATCH":
        keyed = [one for one in json.loads(request.body)["records"] if "CS_Key__c" in one]
        return [(one["CS_Key__c"], set(one) - {"CS_Key__c", "Id", "attributes"}) for one in keyed]
    return []


def taken(there: Office, after: int) -> Counter[str]:
    """Return how often the CRM took each record from us since a request.

    Once; a second time where its answer was lost, to see to its links, and then without its values.
    """
    return Counter(
        f"{one['object']} {record}"
        for one in there.sandbox.requests(after)
        for record in one["written"]
        if one["status"] < 300
    )


def check_all_alike(there: Office, accounts: list[str]) -> None:
    """Every account has what the last one has, which was written in one go: as many records, same values."""
    kinds = {kind: there.own(kind) for kind in OWN}
    kinds["renewal"] = DEALS[there.sandbox.vendor]
    for kind, name in kinds.items():
        found = Counter(shape(one) for one in there.written(name).values())
        per_account = {"profile": 1, "plan": 1, "milestone": 4, "renewal": 1}[kind]
        assert sum(found.values()) == per_account * len(accounts), kind
        assert len(found) == per_account, (kind, found)
        assert len(there.sandbox.records(name)) - already(there, kind) == per_account * len(accounts), kind


def shape(record: dict[str, Any]) -> str:
    """Return our fields of a record as text, without the account's name and without ids."""
    ours = {name: value for name, value in record.items() if name.lower().startswith("cs_")}
    nameless = re.sub(r"(?i)\ba\d\d\b", "NAME", json.dumps(ours, sort_keys=True))
    return re.sub(r"\b(?=[0-9A-Za-z]*\d)[0-9A-Za-z]{9,18}\b", "ID", nameless)


def already(there: Office, kind: str) -> int:
    """Return how many records of a kind stood there before: the deals that were won."""
    return MOST if kind == "renewal" else 0
