"""Connections to CRMs: credentials sealed in the database, tokens shared by all processes.

One port per installation and process, opened at first use. Neighbours: the vendors'
``connect`` in ``integration/``; ``sync/token_stores.py`` keeps the tokens;
``sync/workspace.py`` hands the port to the jobs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any

from sqlalchemy import Connection

from integration.budget import Lane, LocalBudget, SharedBudget
from integration.call_count import CallKind
from integration.hubspot import auth as hubspot_auth
from integration.hubspot import port as hubspot
from integration.hubspot.connector import WINDOWS as HUBSPOT_WINDOWS
from integration.in_flight import SharedInFlight
from integration.port import CrmDescription, CrmPort, Misconfigured
from integration.salesforce import auth as salesforce_auth
from integration.salesforce import connector as salesforce
from integration.salesforce.connector import WINDOWS as SALESFORCE_WINDOWS
from integration.salesforce.limits import LONG_REQUESTS_DEVELOPER
from integration.salesforce.namespace import NO_NAMESPACE, Namespace, from_setting, to_setting
from integration.salesforce.namespaced_port import NamespacedPort
from integration.salesforce.transport import Transport
from sync.clock import Clock
from sync.config import Settings
from sync.runtime import Runtime
from sync.state import installations
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.state.installations import Installation
from sync.state.schema import JsonValue
from sync.state.secrets import SecretBox
from sync.token_stores import TOKEN, HubSpotTokens, SalesforceGrants, hubspot_json

CLIENT = "client"
APP = "app"
"""The kind of a consent to this deployment's own app: its client stands in the environment."""

CREDENTIALS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "hubspot": {"service_key": hubspot_auth.ServiceKey, "oauth": hubspot_auth.OAuthGrant},
    "salesforce": {
        "jwt": salesforce_auth.JwtBearer,
        "client_credentials": salesforce_auth.ClientCredentials,
        "refresh_token": salesforce_auth.RefreshToken,
    },
}


Check = Callable[[CrmPort, CrmDescription], None]
"""Looks at a portal or org that is about to be connected, and raises where that should not be."""

UNINSTALLS = "uninstalls"
"""The setting that counts a portal's uninstalls: what was cached of it before is void."""

NAMESPACE = "namespace"
"""The setting that holds the namespace under which an org knows our package, once it was seen."""

_OpenedWith = tuple[str | None, str, int, str]
"""The mark of the credentials a port was opened with, the address, and our package's namespace."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a portal or org: credentials, the tokens they brought so far, settings learned with them."""

    client: Mapping[str, str] = field(repr=False)
    tokens: Mapping[str, Any] | None = field(default=None, repr=False)
    settings: Mapping[str, JsonValue] = field(default_factory=dict)


class Connections:
    """The ports of this process by installation. Thread-safe."""

    def __init__(self) -> None:
        """Start with none; ``lane`` is the lane every port of this process calls in."""
        self._ports: dict[str, tuple[_OpenedWith, CrmPort]] = {}
        self._lock = Lock()
        self.lane = Lane.SYNC

    def port(self, runtime: Runtime, installation: Installation) -> tuple[CrmPort, bool]:
        """Return the installation's port, and whether it was opened just now.

        It is opened anew once the installation was connected again or uninstalled, by whatever
        process: our objects have other type ids then.
        Raises StateError when it has no credentials.
        """
        mark, uninstalls = client_mark(runtime, installation.id), installation.settings.get(UNINSTALLS)
        prefix = from_setting(installation.settings.get(NAMESPACE)).prefix
        opens = (mark, installation.base_url, uninstalls if isinstance(uninstalls, int) else 0, prefix)
        with self._lock:
            held = self._ports.get(installation.id)
            if held is not None and held[0] == opens:
                return held[1], False
            port = open_port(runtime, installation, self.lane)
            self._ports[installation.id] = (opens, port)
            return port, True

    def calls_made(self, installation_id: str) -> Mapping[CallKind, int]:
        """Return the calls made through an installation's port since this was asked last."""
        with self._lock:
            held = self._ports.get(installation_id)
        return {} if held is None else held[1].calls.tell()

    def forget(self, installation_id: str) -> None:
        """Drop a port: the next use connects anew."""
        with self._lock:
            self._ports.pop(installation_id, None)


def save_client(runtime: Runtime, installation_id: str, credentials: Mapping[str, str]) -> None:
    """Seal what opens the portal or org: the arguments of one vendor credential, and its ``kind``."""
    now = runtime.clock.now()
    with writing(runtime.engine) as conn:
        keep_client(conn, runtime.box, installation_id, now, Opening(credentials))


def keep_client(
    conn: Connection, box: SecretBox, installation_id: str, now: datetime, opening: Opening
) -> None:
    """Seal new credentials; the tokens of those before them go, for these may not renew them."""
    client = json.dumps(dict(opening.client))
    installations.drop_secrets(conn, installation_id, TOKEN)
    installations.save_secret(conn, box, installation_id, now, CLIENT, client)
    if opening.tokens is not None:
        tokens = json.dumps(dict(opening.tokens))
        installations.save_secret(conn, box, installation_id, now, TOKEN, tokens)


def keep_settings(conn: Connection, stored: Installation, learned: Mapping[str, JsonValue]) -> None:
    """Keep what connecting taught; our package's namespace in an org is pinned the first time it is seen.

    Raises Misconfigured where it is another one now: what we wrote stands in other objects than before.
    """
    pinned, seen = stored.settings.get(NAMESPACE), learned.get(NAMESPACE)
    if pinned is not None and seen is not None and pinned != seen:
        before, now = (from_setting(one).prefix or "no namespace" for one in (pinned, seen))
        raise Misconfigured(
            f"our objects stood under {before} in this org, now they stand under {now}: "
            "what was written before is not there; uninstall first, then install anew"
        )
    installations.change_settings(conn, stored.id, learned)


def client_mark(runtime: Runtime, installation_id: str) -> str | None:
    """Return a text that is another one each time credentials were saved."""
    with reading(runtime.engine) as conn:
        return installations.secret_mark(conn, installation_id, CLIENT)


def open_port(runtime: Runtime, installation: Installation, lane: Lane) -> CrmPort:
    """Return a new port on the installation's CRM; no call is made yet."""
    credentials = credentials_of(runtime, installation)
    if credentials is None:
        raise StateError(f"{installation.id} has no credentials; connect it with `colonnade install`")
    if installation.vendor == "hubspot":
        return _hubspot_port(runtime, installation, credentials, lane)
    return _salesforce_port(runtime, installation, credentials, lane)


def credentials_of(runtime: Runtime, installation: Installation) -> Any | None:
    """Return the vendor's credential that opens an installation, ``None`` where it has none.

    Raises StateError when no key opens it, Misconfigured when it is none or our app's client is not set.
    """
    with reading(runtime.engine) as conn:
        sealed = installations.load_secret(conn, runtime.box, installation.id, CLIENT)
    if sealed is None:
        return None
    return _credentials(
        installation.vendor, with_app(runtime.settings, installation.vendor, json.loads(sealed))
    )


def with_app(settings: Settings, vendor: str, client: Mapping[str, str]) -> Mapping[str, str]:
    """Return credentials complete: a consent to our own app gets the app's client from the environment.

    Raises Misconfigured where that is not set; the customer's consent stays good.
    """
    if client.get("kind") != APP:
        return client
    return _hubspot_app(settings, client) if vendor == "hubspot" else _salesforce_app(settings, client)


def _hubspot_app(settings: Settings, client: Mapping[str, str]) -> Mapping[str, str]:
    secret = settings.hubspot_client_secret
    if settings.hubspot_client_id is None or secret is None:
        raise Misconfigured(
            "CS_HUBSPOT_CLIENT_ID or CS_HUBSPOT_CLIENT_SECRET is not set; "
            "copy them from the app's Auth page in HubSpot"
        )
    app = {"client_id": settings.hubspot_client_id, "client_secret": secret.get_secret_value()}
    return {"kind": "oauth", "refresh_token": client["refresh_token"], **app}


def _salesforce_app(settings: Settings, client: Mapping[str, str]) -> Mapping[str, str]:
    if settings.salesforce_client_id is None:
        raise Misconfigured(
            "CS_SALESFORCE_CLIENT_ID is not set; copy the consumer key from the app's OAuth settings"
        )
    app = {"client_id": settings.salesforce_client_id, "refresh_token": client["refresh_token"]}
    secret = settings.salesforce_client_secret
    return {"kind": "refresh_token", **app} | (
        {} if secret is None else {"client_secret": secret.get_secret_value()}
    )


def kind_of(runtime: Runtime, installation_id: str) -> str:
    """Return the kind of an installation's credentials; empty where it has none.

    Raises StateError when no key opens them.
    """
    with reading(runtime.engine) as conn:
        sealed = installations.load_secret(conn, runtime.box, installation_id, CLIENT)
    return "" if sealed is None else str(json.loads(sealed).get("kind", ""))


def identify(
    vendor: str, base_url: str, client: Mapping[str, str], clock: Clock, check: Check | None = None
) -> tuple[CrmDescription, Opening]:
    """Ask a portal or org who it is, with credentials not kept yet: its id, name and time zone.

    The tokens got on the way are to be kept too: the refresh token given may be spent by now. Where it
    is not, ``check`` may look around first, and refuse by raising: then nothing need be kept.
    Raises NeedsConsent or Misconfigured when the credentials open nothing.
    """
    if vendor == "hubspot":
        store: Any = hubspot_auth.MemoryTokenStore()
        port: CrmPort = hubspot.connect(
            _credentials(vendor, client), base_url, LocalBudget(HUBSPOT_WINDOWS), clock.now, store
        )
    else:
        store = salesforce_auth.MemoryTokenStore()
        port = _unknown_org(client, base_url, clock, store, NO_NAMESPACE)
    who, learned, tokens = port.describe([]), namespace_setting(port), store.load()
    given = client.get("refresh_token")
    if check is not None and (tokens is None or given in (None, tokens.refresh_token)):
        namespace = from_setting(learned.get(NAMESPACE))
        check(_unknown_org(client, base_url, clock, store, namespace) if namespace.prefix else port, who)
    if tokens is None:
        return who, Opening(client, settings=learned)
    kept = hubspot_json(tokens) if vendor == "hubspot" else asdict(tokens)
    return who, Opening(client, kept, learned)


def _unknown_org(
    client: Mapping[str, str], base_url: str, clock: Clock, store: Any, namespace: Namespace
) -> CrmPort:
    """Return a port on an org that is not kept yet; ``store`` has the token where one was got already."""
    credentials, budget = _credentials("salesforce", client), LocalBudget(SALESFORCE_WINDOWS)
    return salesforce.connect(credentials, base_url, budget, clock.now, store, make=_port_of(namespace))


def namespace_setting(port: CrmPort) -> Mapping[str, JsonValue]:
    """Return the setting that pins the namespace an org shows our objects under; empty where none are."""
    found = port.namespace() if isinstance(port, salesforce.SalesforcePort) else None
    return {} if found is None else {NAMESPACE: {**to_setting(found)}}


def _port_of(namespace: Namespace) -> Callable[[Transport], salesforce.SalesforcePort] | None:
    """Return how the port of an org is made where our package has a namespace there."""
    return partial(NamespacedPort, namespace=namespace) if namespace.prefix else None


def _credentials(vendor: str, client: Mapping[str, str]) -> Any:
    """Return the vendor's credential of the kind named. Raises Misconfigured for one it does not have."""
    arguments = {name: value for name, value in client.items() if name != "kind"}
    kind = client.get("kind", "")
    try:
        return CREDENTIALS[vendor][kind](**arguments)
    except (KeyError, TypeError) as error:
        known = ", ".join(CREDENTIALS.get(vendor, {}))
        raise Misconfigured(
            f"these are no {vendor} credentials: {error}; give `kind` ({known}) and what that kind needs"
        ) from error


def _hubspot_port(runtime: Runtime, installation: Installation, credentials: Any, lane: Lane) -> CrmPort:
    return hubspot.connect(
        credentials,
        installation.base_url,
        SharedBudget(runtime.redis, installation.id, HUBSPOT_WINDOWS),
        runtime.clock.now,
        HubSpotTokens(runtime, installation.id),
        portal_id=installation.account_id,
        lane=lane,
    )


def _salesforce_port(runtime: Runtime, installation: Installation, credentials: Any, lane: Lane) -> CrmPort:
    return salesforce.connect(
        credentials,
        installation.base_url,
        SharedBudget(runtime.redis, installation.id, SALESFORCE_WINDOWS),
        runtime.clock.now,
        SalesforceGrants(runtime, installation.id),
        lane=lane,
        make=_port_of(from_setting(installation.settings.get(NAMESPACE))),
        organization_id=installation.account_id,
        in_flight=SharedInFlight(runtime.redis, installation.id, LONG_REQUESTS_DEVELOPER),
    )
