"""A portal the connector's tests borrow: a sandbox's, or a real one; given back as it was found.

Everything made in it carries a name of its own (``cs_test_``) and is taken back, whether the tests
passed or not. Nothing here asks for what only a sandbox has.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integration.budget import LocalBudget
from integration.hubspot import HubSpotPort, MemoryTokenStore, ServiceKey, connect
from integration.hubspot.connector import BASE_URL, PROPERTY_GROUP, WINDOWS
from integration.port import CrmError, FieldSpec, FieldType, ObjectSpec, SchemaChange, WriteRow
from sync.clock import WallClock
from tests.integration.hubspot_steps import install

TOKEN, URL = "HUBSPOT_TOKEN", "HUBSPOT_URL"
KEY = "cs_test_key"
CHOICES = (("red", "Red"), ("green", "Green"))
COMPANY_FIELDS = (
    FieldSpec(KEY, "CS test key", FieldType.TEXT, unique=True),
    FieldSpec("cs_test_text", "CS test text", FieldType.LONG_TEXT),
    FieldSpec("cs_test_amount", "CS test amount", FieldType.NUMBER),
    FieldSpec("cs_test_day", "CS test day", FieldType.DATE),
    FieldSpec("cs_test_choice", "CS test choice", FieldType.CHOICE, choices=CHOICES),
)
DEAL_FIELDS = (COMPANY_FIELDS[0],)
COMPANIES = ObjectSpec("companies", "Company", "Companies", COMPANY_FIELDS)
DEALS = ObjectSpec("deals", "Deal", "Deals", DEAL_FIELDS)
CHANGES = (SchemaChange(COMPANIES, False, COMPANY_FIELDS), SchemaChange(DEALS, False, DEAL_FIELDS))
INDEXED_WITHIN_S = 60.0  # "a few moments" (page "Search the CRM"); a few seconds were measured
LOOK_EVERY_S = 2.0


def given() -> tuple[str, str] | None:
    """Return address and token of the real portal, ``None`` where no token is set."""
    token = os.environ.get(TOKEN, "")
    return (os.environ.get(URL) or BASE_URL, token) if token else None


@dataclass
class Borrowed:
    """A portal at ``url``, opened by ``token``; ``run`` tells this run's records from all others."""

    url: str
    token: str
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    keys: dict[str, list[str]] = field(default_factory=dict)
    _standing: set[tuple[str, str]] = field(default_factory=set)

    @property
    def now(self) -> datetime:
        """Return the present instant."""
        return WallClock().now()

    def open(self, token: str = "") -> HubSpotPort:
        """Return a port, by another token where one is given."""
        key = ServiceKey(token or self.token)
        return connect(key, self.url, LocalBudget(WINDOWS), WallClock().now, MemoryTokenStore())

    def row(self, object_name: str, name: str, **values: str | None) -> WriteRow:
        """Return a row under a key of this run, which is remembered and taken back at the end."""
        key = f"cs_test:{self.run}:{name}"
        self.keys.setdefault(object_name, []).append(key)
        title = {"companies": "name", "deals": "dealname"}[object_name]
        return WriteRow(key, {title: f"cs_test_ {self.run} {name}", **values})

    def call(self, method: str, path: str) -> Any:
        """Return the answer to a call of no verb's."""
        return self.open()._portal.transport.call("test", method, path).body

    def properties(self, object_name: str) -> set[str]:
        """Return the names of an object's live properties."""
        paths = self.open()._portal.paths
        return {one["name"] for one in self.call("GET", f"{paths.properties}/{object_name}")["results"]}

    def groups(self, object_name: str) -> set[str]:
        """Return the names of an object's property groups."""
        paths = self.open()._portal.paths
        return {
            one["name"] for one in self.call("GET", f"{paths.properties}/{object_name}/groups")["results"]
        }

    def note_what_stands(self) -> None:
        """Remember which property groups are the portal's own."""
        self._standing = {(name, group) for name in ("companies", "deals") for group in self.groups(name)}

    def give_back(self) -> None:
        """Take back every record and property made, as far as each step lets us; raise the first failure."""
        failures: list[Exception] = []
        for object_name in ("deals", "companies"):
            for step in (self._drop_records, self._drop_properties, self._drop_group):
                try:
                    step(object_name)
                except CrmError as error:
                    failures.append(error)
        if failures:
            raise failures[0]

    def _drop_records(self, object_name: str) -> None:
        if KEY in self.properties(object_name):
            port = self.open()
            found = port.find(object_name, KEY, list(dict.fromkeys(self.keys.get(object_name, []))), [])
            port.withdraw(object_name, [one.id for one in found.values()])

    def _drop_properties(self, object_name: str) -> None:
        paths = self.open()._portal.paths
        for name in sorted(self.properties(object_name)):
            if name.startswith("cs_test_"):
                self.call("DELETE", f"{paths.properties}/{object_name}/{name}")

    def _drop_group(self, object_name: str) -> None:
        paths = self.open()._portal.paths
        if (object_name, PROPERTY_GROUP) not in self._standing and PROPERTY_GROUP in self.groups(object_name):
            self.call("DELETE", f"{paths.properties}/{object_name}/groups/{PROPERTY_GROUP}")


@contextmanager
def borrowed(url: str, token: str) -> Iterator[Borrowed]:
    """Lend a portal with our test properties installed; give it back whatever happens meanwhile."""
    portal = Borrowed(url, token)
    portal.note_what_stands()
    try:
        results = install(portal.open(), CHANGES)
        assert all(one.done for one in results), results
        yield portal
    finally:
        portal.give_back()


def found_soon(look: Callable[[], Sequence[Any]], wanted: Callable[[Sequence[Any]], bool]) -> Sequence[Any]:
    """Return what ``look`` finds once it is what is ``wanted``: search lags behind writes for a while."""
    ends = time.monotonic() + INDEXED_WITHIN_S
    while not wanted(found := look()) and time.monotonic() < ends:
        time.sleep(LOOK_EVERY_S)
    return found
