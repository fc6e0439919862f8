"""Salesforce as a CRM behind the port: what it is called, where it lives, how it is connected.

The declaration is here and in ``limits``; each verb has its own file: ``describe``, ``read``,
``write`` (with ``bulk``), ``installer`` and ``removal`` (with ``deploys``). One ``transport`` sends all.
Objects and fields are named here as the org names them; where our package has a namespace,
``namespaced_port`` translates.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from requests import Session

from integration.budget import Budget, Lane, Window
from integration.call_count import CallCount
from integration.census import Census, CensusPort, LogWindow
from integration.fates import Fate
from integration.history import History, HistoryPort
from integration.http import pooled_session
from integration.in_flight import InFlight
from integration.install_specs import InstallStep, Made, Survey, Wanted
from integration.listening import Listening
from integration.owners import Owner, OwnersPort
from integration.parts import OwnedPart, Removal
from integration.port import (
    CrmDescription,
    CrmRecord,
    FieldSpec,
    Misconfigured,
    Page,
    ReadQuery,
    RowError,
    WriteResult,
    WriteRow,
)
from integration.safe_address import SALESFORCE_HOSTS, Reach
from integration.salesforce.auth import Authenticator, SalesforceCredentials, TokenStore
from integration.salesforce.bulk_read import reads_as_bulk
from integration.salesforce.census import census
from integration.salesforce.describe import Describer
from integration.salesforce.fates import find_fates
from integration.salesforce.installer import Installer
from integration.salesforce.limits import BULK_BATCHES, BULK_QUERY_JOBS, DAY_S
from integration.salesforce.names import CHANGE_CHANNEL
from integration.salesforce.namespace import Namespace, learn_namespace
from integration.salesforce.owners import read_owners
from integration.salesforce.past import HISTORY_ROWS, Past
from integration.salesforce.read import Reader, Selection
from integration.salesforce.removal import Remover
from integration.salesforce.shape import Shapes
from integration.salesforce.storage import read_storage
from integration.salesforce.token_endpoint import TokenEndpoint
from integration.salesforce.transport import BATCHES, QUERY_JOBS, Transport, allow_plain_loopback
from integration.salesforce.wholes import WholeWriter
from integration.salesforce.withdraw import withdraw
from integration.salesforce.witness import last_saved
from integration.salesforce.write import Writer, pays_as_bulk
from integration.storage import Storage
from integration.wholes import RolesWanted, Whole, WholeResult
from integration.withdrawing import WithdrawingPort
from integration.witness import Saved

VENDOR: Final = "salesforce"
# "API Request Limits and Allocations": Salesforce counts calls by any 24 hours and long requests that run at
# once, so there is no short window to keep; that limit is learned from every answer. Bulk API 2.0 guide,
# "Limits": its jobs and batches are counted beside, and told by ``/limits`` only.
WINDOWS: Final[Mapping[str, Window]] = {
    QUERY_JOBS: Window(BULK_QUERY_JOBS, DAY_S),
    BATCHES: Window(BULK_BATCHES, DAY_S),
}


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
    organization_id: str = "",
    make: Callable[[Transport], SalesforcePort] | None = None,
) -> SalesforcePort:
    """Return a port on the org that ``credentials`` open; no call is made yet.

    Where ``organization_id`` (15 or 18 characters) is given, credentials of another org are refused.

    ``base_url`` is the login host or My Domain; plain http is allowed for this machine only
    (Misconfigured otherwise). ``clock_now`` dates the signed assertion, nothing else. ``in_flight`` counts
    the calls under way of all processes; without it this process counts its own. ``make`` makes another
    port than this one of the transport.
    """
    session = session or pooled_session(reach=Reach(SALESFORCE_HOSTS, base_url))
    allow_plain_loopback(session, base_url)
    transport = Transport(session, budget, lane, sleep, in_flight)
    endpoint = TokenEndpoint(credentials, base_url, transport.send_open, clock_now)
    transport.authenticator = Authenticator(endpoint, token_store, organization_id)
    return SalesforcePort(transport) if make is None else make(transport)


class SalesforcePort(CensusPort, HistoryPort, OwnersPort, WithdrawingPort):
    """A connected org (``CrmPort``). Thread-safe; one per installation and process."""

    def __init__(self, transport: Transport) -> None:
        """Build the verbs on ``transport``."""
        self._transport = transport
        self._shapes = Shapes(transport)
        self._describer = Describer(transport, self._shapes)
        self._reader = Reader(transport, self._shapes)
        self._past = Past(transport, self._reader)
        self._writer = Writer(transport, self._shapes)
        self._wholes = WholeWriter(transport, self._shapes, self._writer)
        self._installer = Installer(transport, self._shapes)
        self._remover = Remover(transport, self._shapes)

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

    def namespace(self) -> Namespace | None:
        """Return under which namespace the org shows our objects, ``None`` where it shows none; two calls."""
        return learn_namespace(self._transport)

    def learn_fields(self, object_name: str, fields: Iterable[FieldSpec]) -> None:
        """Take field types we know already; spares the describe before the first write."""
        self._shapes.learn(object_name, fields)

    def open_listening(self, address: str) -> Listening:
        """See ``ListeningPort.open_listening``; the channel of our package."""
        return self._listening(address, CHANGE_CHANNEL)

    def _listening(self, address: str, channel: str) -> Listening:
        from integration.salesforce.pubsub import PubSubListening

        if self._transport.authenticator is None:
            raise Misconfigured("no credentials")
        return PubSubListening(self._transport.authenticator, address, channel)

    def describe(self, objects: Sequence[str]) -> CrmDescription:
        """See ``CrmPort.describe``; two calls for up to 23 objects, and one per record type of deals."""
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

    def reads_as_stream(self, page: Page) -> bool:
        """See ``BulkPort.reads_as_stream``; above ten thousand rows of the usual width."""
        return reads_as_bulk(page)

    def record_stream(self, query: ReadQuery) -> Iterator[CrmRecord]:
        """See ``BulkPort.record_stream``; a job of about three calls, and one more per page of results."""
        return self._reader.stream(query)

    def update(self, object_name: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """See ``CrmPort.update``; one call per 1,000 rows."""
        return self._writer.update(object_name, rows)

    def last_saved(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> Mapping[str, Saved]:
        """See ``WitnessPort.last_saved``."""
        return last_saved(self._transport, self._reader, object_name, ids, fields)

    @property
    def history_rows(self) -> int:
        """See ``HistoryPort.history_rows``; as many ids as a query string holds."""
        return HISTORY_ROWS

    def history(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> list[History]:
        """See ``HistoryPort.history``; two calls for some hundreds of records, three for opportunities."""
        return self._past.read(object_name, ids, fields)

    def owners(self) -> list[Owner]:
        """See ``OwnersPort.owners``; one call per 2,000 users."""
        return read_owners(self._transport)

    def withdraw(self, object_name: str, ids: Sequence[str]) -> dict[str, RowError]:
        """See ``WithdrawingPort.withdraw``; one call per 200, which stay 15 days in the recycle bin."""
        return withdraw(self._transport, object_name, ids)

    def census(self, object_name: str, known: Iterable[str], log: LogWindow | None = None) -> Census:
        """See ``CensusPort.census``; one count where nothing differs."""
        return census(
            self._transport, Selection(object_name, (), (), self._shapes.times(object_name)), known, log
        )

    def upsert_wholes(
        self, object_name: str, part_object: str | None, key_field: str, wholes: Sequence[Whole]
    ) -> list[WholeResult]:
        """See ``WholePort.upsert_wholes``; one call per 75 deals, one or two for prices, two for roles."""
        return self._wholes.upsert_wholes(object_name, part_object, key_field, wholes)

    def upsert_parts(
        self, object_name: str, part_object: str, key_field: str, rows: Sequence[WriteRow]
    ) -> list[WriteResult]:
        """See ``WholePort.upsert_parts``; three calls or four per 1,000 lines."""
        return self._wholes.upsert_parts(object_name, part_object, key_field, rows)

    def copy_roles(self, object_name: str, wanted: Sequence[RolesWanted]) -> list[RowError | None]:
        """See ``WholePort.copy_roles``; three calls for up to 75 deals, one where all have roles."""
        return self._wholes.copy_roles(object_name, wanted)

    def fates(self, object_name: str, ids: Sequence[str]) -> list[Fate]:
        """See ``FatePort.fates``; a call per 200 ids."""
        return find_fates(self._transport, object_name, ids)

    def storage(self) -> Storage | None:
        """See ``StoringPort.storage``; one call."""
        return read_storage(self._transport)

    def survey(self, wanted: Wanted, found: CrmDescription, owned: Sequence[OwnedPart]) -> Survey:
        """See ``InstallingPort.survey``; two calls, and a check-only deploy where something is to be done."""
        return self._installer.survey(wanted, found, owned)

    def make(self, step: InstallStep) -> Made:
        """See ``InstallingPort.make``; one deploy for everything, and the rights given to ourselves."""
        return self._installer.make(step)

    def learn_labels(self, type_ids: Mapping[tuple[str, str], str]) -> None:
        """See ``InstallingPort.learn_labels``; a lookup carries no label, so nothing is kept."""

    @property
    def objects_take_records(self) -> bool:
        """See ``RemovingPort.objects_take_records``; Salesforce deletes an object with its records."""
        return True

    def count_records(self, object_name: str) -> int:
        """See ``RemovingPort.count_records``."""
        return self._remover.count_records(object_name)

    def remove_parts(self, parts: Sequence[OwnedPart]) -> list[Removal]:
        """See ``RemovingPort.remove_parts``; destructive changes, what uses before what is used."""
        return self._remover.remove(parts)
