"""Salesforce as a CRM behind the port: what it is called, where it lives, how it is connected.

The declaration is here and in ``limits``; each verb has its own file: ``describe``, ``read``,
``write`` (with ``bulk``), ``schema`` (with ``metadata_xml``). One ``transport`` sends everything.
Objects and fields are addressed without a namespace prefix: an org where our package is installed
under one is not handled yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from requests import Session

from integration.budget import Budget, Lane, Window
from integration.call_count import CallCount
from integration.http import pooled_session
from integration.in_flight import InFlight
from integration.listening import Listening
from integration.port import (
    CrmDescription,
    CrmRecord,
    DeployingPort,
    FieldSpec,
    Misconfigured,
    Page,
    ReadQuery,
    SchemaChange,
    SchemaResult,
    WriteResult,
    WriteRow,
)
from integration.salesforce.auth import Authenticator, SalesforceCredentials, TokenStore
from integration.salesforce.describe import Describer
from integration.salesforce.read import Reader
from integration.salesforce.schema import SchemaWriter
from integration.salesforce.shape import Shapes
from integration.salesforce.token_endpoint import TokenEndpoint
from integration.salesforce.transport import Transport, allow_plain_loopback
from integration.salesforce.write import Writer, pays_as_bulk

VENDOR: Final = "salesforce"
# "API Request Limits and Allocations": Salesforce counts calls by 24 hours and long requests that
# run at once, so there is no short window to keep; the daily limit is learned from every answer.
WINDOWS: Final[Mapping[str, Window]] = {}


def connect(
    credentials: SalesforceCredentials,
    base_url: str,
    budget: Budget,
    clock_now: Callable[[], datetime],
    token_store: TokenStore,
    *,
    lane: Lane = Lane.SYNC,
    session: Session | None = None,
    sleep: Callable[[float], None] = time.sleep,
    in_flight: InFlight | None = None,
) -> SalesforcePort:
    """Return a port on the org that ``credentials`` open; no call is made yet.

    ``base_url`` is the login host or My Domain; plain http is allowed for this machine only
    (Misconfigured otherwise). ``clock_now`` dates the signed assertion, nothing else. ``in_flight`` counts
    the calls under way of all processes; without it this process counts its own.
    """
    session = session or pooled_session()
    allow_plain_loopback(session, base_url)
    transport = Transport(session, budget, lane, sleep, in_flight)
    endpoint = TokenEndpoint(credentials, base_url, transport.send_open, clock_now)
    transport.authenticator = Authenticator(endpoint, token_store)
    return SalesforcePort(transport)


class SalesforcePort(DeployingPort):
    """A connected org (``CrmPort``). Thread-safe; one per installation and process."""

    def __init__(self, transport: Transport) -> None:
        """Build the verbs on ``transport``."""
        self._transport = transport
        self._shapes = Shapes(transport)
        self._describer = Describer(transport, self._shapes)
        self._reader = Reader(transport, self._shapes)
        self._writer = Writer(transport, self._shapes)
        self._schema = SchemaWriter(transport, self._shapes)

    @property
    def vendor(self) -> str:
        """Return ``salesforce``."""
        return VENDOR

    @property
    def calls(self) -> CallCount:
        """Return the requests sent so far, repeated ones included."""
        return self._transport.calls

    @property
    def organization_id(self) -> str:
        """Return the org's 18-character id, signing in when that has not happened yet."""
        return self._transport.grant.organization_id

    def learn_fields(self, object_name: str, fields: Iterable[FieldSpec]) -> None:
        """Take field types we know already; spares the describe before the first write."""
        self._shapes.learn(object_name, fields)

    def open_listening(self, address: str) -> Listening:
        """See ``ListeningPort.open_listening``; the channel of our package."""
        from integration.salesforce.pubsub import PubSubListening

        if self._transport.authenticator is None:
            raise Misconfigured("no credentials")
        return PubSubListening(self._transport.authenticator, address)

    def describe(self, objects: Sequence[str]) -> CrmDescription:
        """See ``CrmPort.describe``; two calls for up to 23 objects."""
        return self._describer.describe(objects)

    def iter_pages(self, query: ReadQuery) -> Iterator[Page]:
        """See ``CrmPort.iter_pages``; one call per 2,000 records."""
        return self._reader.iter_pages(query)

    def read(
        self, object_name: str, ids: Sequence[str], fields: Sequence[str], link_to: Sequence[str] = ()
    ) -> list[CrmRecord]:
        """See ``CrmPort.read``; one call for up to 2,000 ids."""
        return self._reader.read(object_name, ids, fields, link_to)

    def find(
        self, object_name: str, key_field: str, keys: Sequence[str], fields: Sequence[str]
    ) -> dict[str, CrmRecord]:
        """See ``CrmPort.find``; as many keys per call as a query string holds."""
        return self._reader.find(object_name, key_field, keys, fields)

    def upsert(self, object_name: str, key_field: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """See ``CrmPort.upsert``; one call per 1,000 rows."""
        return self._writer.upsert(object_name, key_field, rows)

    def pays_as_stream(self, rows: int) -> bool:
        """See ``BulkPort.pays_as_stream``; above seven thousand."""
        return pays_as_bulk(rows)

    def upsert_stream(
        self, object_name: str, key_field: str, rows: Iterable[WriteRow]
    ) -> Iterator[WriteResult]:
        """See ``BulkPort.upsert_stream``; a job of about seven calls per 100 MB."""
        return self._writer.stream(object_name, key_field, rows)

    def record_stream(self, query: ReadQuery) -> Iterator[CrmRecord]:
        """See ``BulkPort.record_stream``; a job of about three calls, and one more per page of results."""
        return self._reader.stream(query)

    def update(self, object_name: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """See ``CrmPort.update``; one call per 1,000 rows."""
        return self._writer.update(object_name, rows)

    def apply_schema(self, changes: Sequence[SchemaChange]) -> list[SchemaResult]:
        """See ``CrmPort.apply_schema``; one deploy for all changes."""
        return self._schema.apply(changes)
