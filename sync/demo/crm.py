"""One CRM of the demo: its sandbox, its installation, and what is asked of both."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from integration.port import ReadQuery
from mappings.catalogue import OWN_OBJECTS
from mappings.inbound import read_queries, watched_fields
from mappings.naming import vendor_name
from mappings.outbound import object_specs
from success.desired import RecordKind
from sync.addresses import make_addresses
from sync.demo.control import Control
from sync.demo.people import HubSpotPeople, People, SalesforcePeople
from sync.demo.report import CrmReport
from sync.least_calls import Work
from sync.runtime import Runtime
from sync.workspace import Workspace, open_workspace

HUBSPOT = "hubspot"
SALESFORCE = "salesforce"
KEY_BITS = 2048
CONSUMER_KEY = "colonnade-demo"
ACCOUNTS = "companies"  # what hangs under an account says so itself
HUBSPOT_EVENTS = {
    "companies": "company",
    "contacts": "contact",
    "deals": "deal",
    "tickets": "ticket",
    "line_items": "line_item",
}


@dataclass(slots=True)
class Crm:
    """A sandbox and the installation in it.

    ``loaded``: the sandbox's rows before we came, by object; ``mark``: the request log's place
    after the install.
    """

    vendor: str
    control: Control
    report: CrmReport = field(default_factory=CrmReport)
    installation: str = ""
    write_key: str = ""
    mark: int = 0
    loaded: dict[str, int] = field(default_factory=dict)

    def workspace(self, runtime: Runtime) -> Workspace:
        """Return the installation's workspace."""
        return open_workspace(runtime, self.installation)

    def control_queries(self, runtime: Runtime) -> tuple[ReadQuery, ...]:
        """Return what a first load reads."""
        return read_queries(self.workspace(runtime).charter, self.vendor)

    def people(self, *, on_deal: bool) -> People:
        """Return the people of this CRM."""
        made = HubSpotPeople if self.vendor == HUBSPOT else SalesforcePeople
        return made(self.control, on_deal)

    def credentials(self) -> dict[str, str]:
        """Return what opens the sandbox, as an admin would hand it over."""
        given = self.control.get("credentials")
        if self.vendor == HUBSPOT:
            names = ("client_id", "client_secret", "refresh_token")
            return {"kind": "oauth", **{name: str(given[name]) for name in names}}
        key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.control.post(
            "app",
            {
                "consumer_key": CONSUMER_KEY,
                "username": given["username"],
                "public_key_pem": public.decode(),
            },
        )
        return {
            "kind": "jwt",
            "client_id": CONSUMER_KEY,
            "username": str(given["username"]),
            "private_key_pem": private.decode(),
        }

    def send_webhooks(self, runtime: Runtime, ws: Workspace, web: str) -> None:
        """Have the sandbox tell ``web`` what the charter watches, and make the key for sending usage."""
        watched = watched_fields(ws.charter, ws.vendor)
        addresses = make_addresses(runtime, ws.installation, web)
        self.write_key = addresses.write_key
        wanted: dict[str, Any] = {"target_url": addresses.webhooks}
        if self.vendor == HUBSPOT:
            wanted["subscriptions"] = [
                one for name, fields in watched.items() for one in _subscriptions(name, fields)
            ]
        else:
            wanted["objects"] = sorted(watched)
        self.control.post("webhooks", wanted)

    def own_object(self, ws: Workspace, kind: RecordKind) -> str:
        """Return how the sandbox calls an object of ours: HubSpot puts the portal's id before the name."""
        name = vendor_name(kind.value, ws.vendor)
        return f"p{ws.installation.account_id}_{name}" if ws.vendor == HUBSPOT else name

    def work(self, ws: Workspace) -> Work:
        """Return what a first run has to read and write, from the sandbox's own rows."""
        counts = self.control.counts()
        queries = read_queries(ws.charter, ws.vendor)
        own = {vendor_name(kind.value, ws.vendor): self.own_object(ws, kind) for kind in OWN_OBJECTS}
        specs = {spec.name: spec for spec in object_specs(ws.charter, ws.vendor)}
        account, deal = ws.inbound.crm.reads.account.object, ws.inbound.crm.reads.deal.object
        made = self.made_deals(ws)
        written = {name: counts.get(held, 0) for name, held in own.items()}
        written[account] = counts[account] if account in specs else 0
        written[deal] = len(made)
        return Work(
            read={
                query.object: counts[query.object] - (len(made) if query.object == deal else 0)
                for query in queries
            },
            written=written,
            links_made={**{name: len(specs[name].parents) for name in own}, deal: 1},
        )

    def made_deals(self, ws: Workspace) -> list[dict[str, Any]]:
        """Return the deals that carry a key of ours."""
        field_name = vendor_name("key", ws.vendor)
        records = self.control.records(ws.inbound.crm.reads.deal.object)
        return [one for one in records if values_of(one).get(field_name)]

    def requests(self) -> list[dict[str, Any]]:
        """Return the vendor requests since ``mark``, sign-ins left out."""
        return [one for one in self.control.requests(self.mark) if one["object"] != "oauth"]


def values_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a dumped record's fields, however its vendor shapes it."""
    properties = record.get("properties")
    return properties if isinstance(properties, dict) else record


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile; 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def written_rows(requests: Iterable[Mapping[str, Any]]) -> int:
    """Return how many records requests wrote, links not counted."""
    return sum(len(one["written"]) for one in requests)


def _subscriptions(name: str, fields: Sequence[str]) -> list[dict[str, str]]:
    word = HUBSPOT_EVENTS[name]
    kinds = ["creation", "deletion", "merge", *(["associationChange"] if name != ACCOUNTS else [])]
    whole = [{"eventType": f"{word}.{kind}"} for kind in kinds]
    return whole + [{"eventType": f"{word}.propertyChange", "propertyName": one} for one in fields]
