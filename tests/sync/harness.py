"""One installation at work inside a test: a sandbox process, a database, a Valkey, frozen clocks.

Nothing runs by itself: the test moves time, tells what happened, and calls drain, look and
push in its own process, so that every call to the CRM is the doing of the line before it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from redis import Redis
from sqlalchemy import Engine

from integration.budget import Lane
from mappings.charter import Charter
from mappings.load import load_charter
from sync import drain as draining
from sync import look as looking
from sync import pull
from sync import push as pushing
from sync.allocators import look_on
from sync.clock import clock_of, move_clock
from sync.config import read_settings
from sync.drain import Drained
from sync.keep import Pulled
from sync.look import Looked
from sync.onboard import apply_charter, apply_install, connect_installation, go_live, plan_install
from sync.push_enter import Pushed
from sync.runtime import Runtime
from sync.scheduler import look_at_all
from sync.state import dirty, inbox, ledger
from sync.state.dirty import Scope
from sync.state.engine import reading, writing
from sync.state.inbox import InboxEvent, InboxState
from sync.state.ledger import LedgerRow, WriteState
from sync.state.secrets import SecretBox, new_key
from sync.workspace import CONNECTIONS, Workspace, open_workspace
from tests.sandbox_process import SandboxProcess, start_sandbox

ROOT = Path(__file__).resolve().parents[2]
CHARTER = ROOT / "mappings" / "charters" / "default.yaml"
START = datetime(2025, 1, 15, 9, 0, tzinfo=UTC)
HUBSPOT, SALESFORCE = "hubspot", "salesforce"
PERSON = "sales@customer.example"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Sandbox:
    """A vendor's sandbox as a process, and its control endpoints."""

    vendor: str
    db: Path
    options: tuple[str, ...] = ()
    url: str = ""
    process: SandboxProcess | None = None
    http: requests.Session = field(default_factory=requests.Session)

    def start(self) -> Sandbox:
        """Start the process; it serves once this returns."""
        self.process = start_sandbox(self.vendor, self.db, *self.options)
        self.url = self.process.url
        return self

    def stop(self) -> None:
        """End the process."""
        self.http.close()
        if self.process is not None:
            self.process.kill()

    def get(self, path: str, **params: str | int) -> Any:
        """Return the answer of a control read."""
        return self._answer("GET", path, params=params)

    def post(self, path: str, body: Any) -> Any:
        """Return the answer of a control write."""
        return self._answer("POST", path, json=body)

    def delete(self, path: str) -> Any:
        """Return the answer of a control deletion."""
        return self._answer("DELETE", path)

    def fault(self, kind: str, path_contains: str, times: int = 1, **more: Any) -> None:
        """Have the next matching vendor requests fail."""
        match = {"path_contains": path_contains}
        self.post("faults", {"faults": [{"kind": kind, "match": match, "times": times, **more}]})

    def heal(self) -> None:
        """Let nothing fail any more."""
        self._answer("DELETE", "faults")

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the vendor requests after a number of the log, sign-ins left out."""
        found = self.get("requests", after=after)["requests"]
        return [one for one in found if one["object"] != "oauth"]

    def mark(self) -> int:
        """Return the number of the last vendor request."""
        return int(self.get("requests", after=2**40)["last"])

    def records(self, object_name: str) -> list[dict[str, Any]]:
        """Return an object's live records in the vendor's shape."""
        found = self.get("dump", object=object_name)["records"]
        return [one for one in found if not one.get("IsDeleted")]

    def lookup(self, ref: str) -> str:
        """Return the id of the record a portfolio key became."""
        return str(self.get("lookup", ref=ref)["id"])

    def edit(self, object_name: str, record_id: str | None, values: Mapping[str, Any], **more: Any) -> str:
        """Change a record as a person would, or make one."""
        body = {"object": object_name, "id": record_id, "values": dict(values), "user": PERSON, **more}
        return str(self.post("edit", body)["id"])

    def credentials(self, kind: str = "") -> dict[str, str]:
        """Return what opens the portal or org; ``oauth`` is the other way into HubSpot."""
        given = self.get("credentials")
        if self.vendor == HUBSPOT and kind == "oauth":
            names = ("client_id", "client_secret", "refresh_token")
            return {"kind": "oauth", **{name: str(given[name]) for name in names}}
        if self.vendor == HUBSPOT:
            return {"kind": "service_key", "token": str(given["service_key"])}
        return self._jwt(str(given["username"]))

    def _jwt(self, username: str) -> dict[str, str]:
        public = _KEY.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        private = _KEY.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        app = {"consumer_key": "colonnade-test", "username": username, "public_key_pem": public.decode()}
        self.post("app", app)
        opens = {"client_id": "colonnade-test", "username": username, "private_key_pem": private.decode()}
        return {"kind": "jwt", **opens}

    def _answer(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self.http.request(method, f"{self.url}/_sandbox/{path}", timeout=60, **arguments)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None


@dataclass
class Deployment:
    """The product's side, shared by its installations: one runtime whose clock the test moves."""

    runtime: Runtime
    sandboxes: list[Sandbox] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """Return the present instant of the frozen clocks."""
        return self.runtime.clock.now()

    def at(self, instant: datetime) -> None:
        """Set every clock, ours and the sandboxes', standing still."""
        move_clock(self.runtime.engine, instant, running=False)
        for sandbox in self.sandboxes:
            sandbox.post("clock", {"now": instant.isoformat().replace("+00:00", "Z"), "running": False})

    def later(self, **span: float) -> None:
        """Let time pass everywhere."""
        self.at(self.now + timedelta(**span))


@contextmanager
def deployment(home: Path, engine: Engine, redis_url: str) -> Iterator[Deployment]:
    """Open a runtime on the database and Redis given, at ``START``; connections are dropped at the end."""
    address = engine.url.render_as_string(hide_password=False)
    key = new_key()
    settings = read_settings(
        {"CS_HOME": str(home), "DATABASE_URL": address, "REDIS_URL": redis_url, "CS_SECRET_KEYS": key}
    )
    with Redis.from_url(redis_url) as redis:
        runtime = Runtime(settings, engine, clock_of(engine), redis, SecretBox([key]))
        found = Deployment(runtime)
        found.at(START)
        yield found


@dataclass
class Office:
    """One installation and the CRM it lives in."""

    deployment: Deployment
    sandbox: Sandbox
    id: str = ""
    owner: str = "test"
    _told: int = 0

    @property
    def ws(self) -> Workspace:
        """Return the workspace, opened anew as a job would."""
        return open_workspace(self.deployment.runtime, self.id)

    @property
    def engine(self) -> Engine:
        """Return the database."""
        return self.deployment.runtime.engine

    def connect(self, charter: Charter | None = None, credentials: Mapping[str, str] | None = None) -> Office:
        """Connect and bring the charter (the default one) into force."""
        charter = charter or load_charter(CHARTER, self.sandbox.vendor)
        opens = credentials or self.sandbox.credentials()
        runtime = self.deployment.runtime
        self.id = connect_installation(runtime, self.sandbox.vendor, self.sandbox.url, opens, "UTC").id
        CONNECTIONS.forget(self.id)
        CONNECTIONS.lane = Lane.INTERACTIVE  # sweeps are paced by the wall clock: no test should wait
        apply_charter(runtime, self.id, charter, author="test")
        return self

    def install(self) -> Office:
        """Install by plan and apply, asking Salesforce more often than it likes whether it is done."""
        port: Any = self.ws.port
        if self.sandbox.vendor == SALESFORCE:
            port._transport.sleep = lambda seconds: time.sleep(min(seconds, 0.05))
        results = apply_install(self.ws, plan_install(self.ws))
        assert all(one.done for one in results), results
        return self

    def load(self) -> Pulled:
        """Read everything once."""
        return pull.load(self.ws)

    def go_live(self) -> Office:
        """Begin the grid of days."""
        go_live(self.ws)
        return self

    def poll(self) -> Pulled:
        """Read what changed."""
        return pull.poll(self.ws)

    def drain(self) -> list[Drained]:
        """Work in every event that may be taken now."""
        found = []
        while (done := draining.drain(self.ws, self.owner)) is not None:
            found.append(done)
        return found

    def look(self) -> list[Looked]:
        """Look at everybody dirty, then at what spans accounts."""
        found = []
        while (done := looking.look(self.ws, self.owner)) is not None:
            found.append(done)
        while look_on(self.ws, self.owner) is not None:
            pass
        return found

    def push(self) -> Pushed:
        """Write what is wanted."""
        return pushing.push(self.ws, self.owner)

    def settle(self) -> None:
        """Work until nothing is left that may be done now."""
        self.drain()
        self.look()
        self.push()

    def look_at_all(self) -> None:
        """Mark everybody, as the scheduler does when a day begins."""
        look_at_all(self.ws, "the test")

    def tell(self, kind: str, object_id: str, *, name: str = "", **more: Any) -> InboxEvent:
        """Put an event of HubSpot's into the inbox, e.g. ``tell("deal.propertyChange", id)``."""
        self._told += 1
        now = self.deployment.now
        body: dict[str, Any] = {"eventId": self._told, "subscriptionType": kind, "objectId": int(object_id)}
        body |= {"portalId": 1, "occurredAt": int(now.timestamp() * 1000), **more}
        event = InboxEvent(name or f"event-{self._told}", HUBSPOT, body, now)
        self.receive([event])
        return event

    def receive(self, events: Sequence[InboxEvent]) -> int:
        """Put events into the inbox; return how many were new."""
        with writing(self.engine) as conn:
            return inbox.put(conn, self.id, self.deployment.now, events)

    def use(self, messages: Sequence[Mapping[str, Any]], name: str = "") -> None:
        """Receive a batch of the product's usage."""
        self._told += 1
        body: Any = {"batch": [dict(one) for one in messages]}
        self.receive([InboxEvent(name or f"usage-{self._told}", "usage", body)])

    def waiting_accounts(self) -> int:
        """Return how many accounts are dirty."""
        with reading(self.engine) as conn:
            return dirty.count(conn, self.id).get(Scope.ACCOUNT, 0)

    def events_left(self) -> int:
        """Return how many events of the inbox are not worked in."""
        with reading(self.engine) as conn:
            return inbox.counts(conn, self.id).get(InboxState.NEW, 0)

    def blocked(self) -> list[LedgerRow]:
        """Return the writes that wait for a person."""
        with reading(self.engine) as conn:
            return ledger.blocked(conn, self.id)

    def states(self) -> dict[tuple[str, WriteState], int]:
        """Return the ledger's rows by object and state."""
        with reading(self.engine) as conn:
            return ledger.counts(conn, self.id)

    def row(self, object_name: str, key: str) -> LedgerRow:
        """Return a row of the ledger."""
        with reading(self.engine) as conn:
            return ledger.find(conn, self.id, object_name, [key])[key]

    def own(self, kind: str) -> str:
        """Return how the sandbox calls our object of a kind (``profile``, ``plan``, ``milestone``)."""
        if self.sandbox.vendor == SALESFORCE:
            return f"CS_{kind.capitalize()}__c"
        return f"p{self.ws.installation.account_id}_cs_{kind}"

    def written(self, object_name: str) -> dict[str, dict[str, Any]]:
        """Return our records of an object in the CRM, by key."""
        key = "CS_Key__c" if self.sandbox.vendor == SALESFORCE else "cs_key"
        found = [one.get("properties", one) | {"_record": one} for one in self.sandbox.records(object_name)]
        return {str(one[key]): one for one in found if one.get(key)}


def event(
    account: str, at: datetime, user: str, *, feature: str = "f1", count: int = 1, name: str = ""
) -> dict[str, Any]:
    """Return one product event as Segment's ``track`` message."""
    return {
        "type": "track",
        "messageId": name or f"{account}-{at.isoformat()}-{user}-{feature}",
        "event": feature,
        "userId": user,
        "timestamp": at.isoformat(),
        "properties": {"product": "core", "count": count},
        "context": {"groupId": account},
    }


def daily_use(
    account: str, first: datetime, days: int, users: int, features: int = 1
) -> list[dict[str, Any]]:
    """Return use by the same users of the same features on each of some days."""
    return [
        event(account, first + timedelta(days=day), f"u{user}", feature=f"f{feature}")
        for day in range(days)
        for user in range(users)
        for feature in range(features)
    ]
