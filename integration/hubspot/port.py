"""HubSpot as a ``CrmPort``: one object over the verbs beside it, and how to connect one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from integration.budget import Budget, Lane
from integration.call_count import CallCount
from integration.census import Census, CensusPort, LogWindow
from integration.history import History, HistoryPort
from integration.http import pooled_session
from integration.hubspot import census
from integration.hubspot.auth import Auth, HubSpotCredentials, TokenStore
from integration.hubspot.connector import BASE_URL, DEFAULT_VERSION, HISTORY_ROWS, PATHS
from integration.hubspot.describe import describe, load_schemas
from integration.hubspot.keyless import Keyless
from integration.hubspot.names import ObjectNames
from integration.hubspot.oauth_endpoint import TokenEndpoint
from integration.hubspot.owners import read_owners
from integration.hubspot.past import read_history
from integration.hubspot.portal import Portal
from integration.hubspot.read import Reader
from integration.hubspot.removal import Remover
from integration.hubspot.schema import Installer
from integration.hubspot.survey import survey
from integration.hubspot.transport import Transport
from integration.hubspot.write import Writer
from integration.install_specs import InstallingPort, InstallStep, Made, Survey, Wanted
from integration.owners import Owner, OwnersPort
from integration.parts import OwnedPart, Removal, RemovingPort
from integration.port import (
    CrmDescription,
    CrmPort,
    CrmRecord,
    FieldSpec,
    KeylessPort,
    Link,
    Page,
    ReadQuery,
    RowError,
    WriteResult,
    WriteRow,
)
from integration.safe_address import HUBSPOT_HOSTS, Reach


class HubSpotPort(CrmPort, KeylessPort, CensusPort, HistoryPort, OwnersPort, InstallingPort, RemovingPort):
    """A connected portal. Thread-safe; custom objects are named by our plain names."""

    def __init__(self, portal: Portal, calls: CallCount) -> None:
        """Serve ``portal``; ``connect`` makes one."""
        self._portal = portal
        self._calls = calls
        self._reader = Reader(portal)
        self._writer = Writer(portal, self._reader)
        self._keyless = Keyless(portal, self._reader)

    @property
    def vendor(self) -> str:
        """Return ``hubspot``."""
        return "hubspot"

    @property
    def calls(self) -> CallCount:
        """See ``CrmPort.calls``; every try is counted, by what it was for."""
        return self._calls

    def learn_fields(self, object_name: str, fields: Iterable[FieldSpec]) -> None:
        """See ``CrmPort.learn_fields``; HubSpot takes every value as text, so nothing is kept."""

    def describe(self, objects: Sequence[str]) -> CrmDescription:
        """See ``CrmPort.describe``."""
        return describe(self._portal, objects)

    def iter_pages(self, query: ReadQuery) -> Iterator[Page]:
        """See ``CrmPort.iter_pages``; pages come by ascending id, not by time of change."""
        return self._reader.iter_pages(query)

    def read(
        self, object_name: str, ids: Sequence[str], fields: Sequence[str], link_to: Sequence[str] = ()
    ) -> list[CrmRecord]:
        """See ``CrmPort.read``."""
        return self._reader.read(object_name, ids, fields, link_to)

    def find(
        self, object_name: str, key_field: str, keys: Sequence[str], fields: Sequence[str]
    ) -> dict[str, CrmRecord]:
        """See ``CrmPort.find``."""
        return self._reader.find(object_name, key_field, keys, fields)

    def upsert(self, object_name: str, key_field: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """See ``CrmPort.upsert``; rows with a known id are updated by it and not linked again."""
        return self._writer.upsert(object_name, key_field, rows)

    def update(self, object_name: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """See ``CrmPort.update``."""
        return self._writer.update(object_name, rows)

    def create(self, object_name: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """See ``KeylessPort.create``."""
        return self._keyless.create(object_name, rows)

    def children(self, object_name: str, parents: Sequence[Link], fields: Sequence[str]) -> list[CrmRecord]:
        """See ``KeylessPort.children``."""
        return self._keyless.children(object_name, parents, fields)

    def withdraw(self, object_name: str, ids: Sequence[str]) -> dict[str, RowError]:
        """See ``KeylessPort.withdraw``; HubSpot keeps them in its recycle bin for 90 days."""
        return self._keyless.withdraw(object_name, ids)

    def census(self, object_name: str, known: Iterable[str], log: LogWindow | None = None) -> Census:
        """See ``CensusPort.census``; one search where nothing differs."""
        del log  # HubSpot keeps no log of deletions
        return census.census(self._portal, object_name, known)

    @property
    def history_rows(self) -> int:
        """See ``HistoryPort.history_rows``; those of one call."""
        return HISTORY_ROWS

    def history(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> list[History]:
        """See ``HistoryPort.history``; fifty records a call, the last 20 values of each property."""
        return read_history(self._portal, object_name, ids, fields)

    def owners(self) -> list[Owner]:
        """See ``OwnersPort.owners``; two calls for up to a hundred live and a hundred archived ones."""
        return read_owners(self._portal)

    def survey(self, wanted: Wanted, found: CrmDescription, owned: Sequence[OwnedPart]) -> Survey:
        """See ``InstallingPort.survey``."""
        return survey(self._portal, wanted, found, owned)

    def make(self, step: InstallStep) -> Made:
        """See ``InstallingPort.make``; parents must come before their children."""
        return Installer(self._portal).make(step)

    def learn_labels(self, type_ids: Mapping[tuple[str, str], str]) -> None:
        """See ``InstallingPort.learn_labels``."""
        self._portal.labels.update(type_ids)

    @property
    def objects_take_records(self) -> bool:
        """See ``RemovingPort.objects_take_records``; HubSpot keeps an object that has records."""
        return False

    def count_records(self, object_name: str) -> int:
        """See ``RemovingPort.count_records``."""
        return Remover(self._portal).count_records(object_name)

    def remove_parts(self, parts: Sequence[OwnedPart]) -> list[Removal]:
        """See ``RemovingPort.remove_parts``."""
        return Remover(self._portal).remove(parts)


def connect(
    credentials: HubSpotCredentials,
    base_url: str,
    budget: Budget,
    clock_now: Callable[[], datetime],
    token_store: TokenStore,
    *,
    portal_id: str | None = None,
    lane: Lane = Lane.SYNC,
    version: str = DEFAULT_VERSION,
) -> HubSpotPort:
    """Return a port to one portal; no call is made yet.

    ``base_url`` may be empty for HubSpot's own. With ``portal_id`` custom objects are
    addressed without a call to look up their type ids. ``clock_now`` is UTC.
    """
    url, paths = (base_url or BASE_URL).rstrip("/"), PATHS[version]
    session, calls = pooled_session(reach=Reach(HUBSPOT_HOSTS, url)), CallCount()
    auth = Auth(credentials, TokenEndpoint(session, url, paths, calls.add), token_store, clock_now)
    transport = Transport(url, session, auth, budget, calls.add, lane)

    def load_custom() -> dict[str, str]:
        found = load_schemas(transport, paths.schemas)
        return {name: schema.object_type_id for name, schema in found.items()}

    return HubSpotPort(Portal(transport, paths, ObjectNames(load_custom, portal_id)), calls)
