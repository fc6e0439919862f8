"""The org: schema, records, users, permission sets and settings, held together by one lock.

Every endpoint module works on an ``Org``; ``changed`` is called with each row a person changed, and whether
it is new, which is where outbound messages listen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.salesforce.access import Access, Grants
from sandbox.salesforce.ids import custom_prefix, mint
from sandbox.salesforce.instants import moment, stamp
from sandbox.salesforce.locks import Locks
from sandbox.salesforce.schema import Schema, SObject
from sandbox.salesforce.standard import STAGES
from sandbox.salesforce.standard_work import standard_schema
from sandbox.salesforce.store import Change, Row, Store
from sandbox.server.app import Services

STORAGE_NOTE = "storage kb"
SENDINGS = "sendings"
"""The setting that holds what flows at work send (``metadata_messages``)."""
STORAGE_KB = 10_240 * 1024
API_USERNAME = "integration@colonnade.example"
NEWEST_VERSION = 68
"""Winter '27."""
SCREEN = "com/salesforce/api/soap/68.0;client=SfdcInternalAPI/"
"""The origin of a change made at the screen, as change events name it (CDC guide, "changeOrigin")."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who writes: a user with some access. ``person`` is true for changes made in the UI."""

    user_id: str
    access: Access
    person: bool = False


class Org:
    """One Salesforce org on one SQLite file. Callers hold ``lock`` around a request."""

    def __init__(self, services: Services) -> None:
        """Open the org kept in the sandbox's file, or set up a new one."""
        self.services = services
        self.lock = services.lock
        self.clock = services.clock
        self.store = Store(services)
        self.changed: Callable[[str, str, bool], None] = lambda _object, _id, _created: None
        self.origin = SCREEN
        self._sights: dict[str, tuple[int, Access]] = {}
        self._grants_version = 0
        self.cursors: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}
        self.locks = Locks()
        self.storage_kb: int = self.store.noted(STORAGE_NOTE, STORAGE_KB)
        kept = self.store.noted("schema")
        self._counters: dict[str, int] = self.store.noted("counters", {})
        self.schema = Schema.from_json(kept) if kept else standard_schema(self.stamp())
        self.index_all()
        if kept is None:
            self._found()
        self.newest_version: int = self.store.noted("newest version", NEWEST_VERSION)
        self.org_id = next(iter(self.store.table("Organization")))
        self.grants = {k: _grants(v) for k, v in self.store.noted("grants", {}).items()}
        self._withheld: dict[str, str] = self.store.noted("field access", {})

    def now(self) -> datetime:
        """Return the sandbox's present."""
        return self.clock.now()

    def stamp(self) -> str:
        """Return the sandbox's present as records keep it."""
        return stamp(self.now())

    def index_all(self) -> None:
        """Index every unique or external-id field."""
        for obj in self.schema:
            for f in obj.fields.values():
                if f.unique:
                    self.store.index(obj.name, f.name, case_sensitive=f.case_sensitive)

    def next_id(self, obj: SObject) -> str:
        """Return a fresh record id of an object."""
        return mint(obj.prefix, self.count("id:" + obj.prefix))

    def count(self, name: str) -> int:
        """Return the next number of a counter; ``commit`` makes it durable."""
        self._counters[name] = self._counters.get(name, 0) + 1
        return self._counters[name]

    def next_prefix(self) -> str:
        """Return the key prefix of the next custom object."""
        return custom_prefix(self.count("custom objects"))

    def commit(self) -> None:
        """Make everything done so far durable."""
        self.store.commit()
        if self._counters != self.store.noted("counters", {}):
            self.store.note("counters", self._counters)

    def described_at(self) -> datetime:
        """Return when any description last changed, whole seconds; grows with every change."""
        return moment(self.store.noted("described at"))

    def _redescribed(self) -> None:
        """Move ``described_at`` on, by a second at least (the clock may stand still)."""
        before = self.store.noted("described at")
        later = stamp(moment(before) + timedelta(seconds=1)) if before else ""
        self.store.note("described at", max(later, self.stamp()))

    def save_schema(self) -> None:
        """Make the schema durable and forget what users were seen to see."""
        self._sights.clear()
        self._redescribed()
        self.store.note("schema", self.schema.to_json())

    def save_grants(self) -> None:
        """Make permission sets' grants durable."""
        self._grants_version += 1
        self._redescribed()
        raw = {
            k: {"name": g.name, "fields": g.fields, "objects": {n: sorted(r) for n, r in g.objects.items()}}
            for k, g in self.grants.items()
        }
        self.store.note("grants", raw)

    def keep(self, key: str, value: Any) -> None:
        """Keep a setting durably that every write asks for."""
        self._kept[key] = value
        self.store.note(key, value)

    def kept(self, key: str, default: Any) -> Any:
        """Return such a setting, read from the file once."""
        if key not in self._kept:
            self._kept[key] = self.store.noted(key, default)
        return self._kept[key]

    def withhold(self, fields: dict[str, str]) -> None:
        """Take fields from the API user from now on, whatever permission sets grant."""
        self._withheld = fields
        self.store.note("field access", fields)
        self.forget_sight()

    def forget_sight(self) -> None:
        """Recompute access at the next call (permission set assignments changed)."""
        self._sights.clear()
        self._redescribed()

    def access(self, user_id: str) -> Access:
        """Return what a user may see and change now."""
        version = self.schema.version * 1000 + self._grants_version
        found = self._sights.get(user_id)
        if found is None or found[0] != version:
            assigned = [r["PermissionSetId"] for r in self.store.live("PermissionSetAssignment")
                        if r["AssigneeId"] == user_id]  # fmt: skip
            grants = [self.grants[i] for i in assigned if i in self.grants]
            found = self._sights[user_id] = (version, Access(self.schema, grants, withheld=self._withheld))
        return found[1]

    def actor(self, user_id: str) -> Actor:
        """Return an API user as the author of writes."""
        return Actor(user_id, self.access(user_id))

    def person(self, user_id: str) -> Actor:
        """Return somebody at the screen, with all rights."""
        return Actor(user_id, Access(self.schema, (), everything=True), person=True)

    def stage(self, label: str) -> Row | None:
        """Return the OpportunityStage of a label."""
        return next((r for r in self.store.live("OpportunityStage") if r["MasterLabel"] == label), None)

    def user(self, username: str) -> Row | None:
        """Return a user by username."""
        wanted = username.lower()
        return next((u for u in self.store.live("User") if u["Username"].lower() == wanted), None)

    def standard_pricebook(self) -> str:
        """Return the id of the Standard Price Book."""
        return str(next(r["Id"] for r in self.store.live("Pricebook2") if r["IsStandard"]))

    def add_user(self, username: str, first: str, last: str, email: str, at: str | None = None) -> str:
        """Create a user and return the id."""
        values = {
            "Username": username, "FirstName": first, "LastName": last, "Name": f"{first} {last}".strip(),
            "Email": email, "IsActive": True, "TimeZoneSidKey": "UTC", "UserType": "Standard",
            "Alias": (first[:1] + last[:4]).lower(), "LanguageLocaleKey": "en_US",
        }  # fmt: skip
        return self.plant("User", values, at)

    def plant(
        self, object_name: str, values: dict[str, Any], at: str | None = None, by: str | None = None
    ) -> str:
        """Put a row in as it is, without the checks of a write; ``at`` is when it was made."""
        obj = self.schema[object_name]
        row = dict.fromkeys(f.name for f in obj.fields.values() if f.formula is None)
        row_id = self.next_id(obj)
        for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp"):
            row[name] = at or self.stamp()
        author = by or next(iter(self.store.table("User")), None) or row_id
        row |= {"Id": row_id, "CreatedById": author, "LastModifiedById": author}
        if obj.get("OwnerId"):
            row["OwnerId"] = author
        row |= {f.name: False for f in obj.fields.values() if f.type == "boolean"}
        row |= values
        self.store.put(Change(), object_name, {k: v for k, v in row.items() if obj.get(k)})
        return row_id

    def _found(self) -> None:
        """Set up a new org: its row, the API user, the price book, the sales stages."""
        user = self.add_user(API_USERNAME, "Colonnade", "Integration", API_USERNAME)
        org = {"Name": "Sandbox Org", "TimeZoneSidKey": "America/Los_Angeles", "IsSandbox": False,
               "InstanceName": "USA1", "OrganizationType": "Enterprise Edition", "LanguageLocaleKey": "en_US",
               "DefaultLocaleSidKey": "en_US", "FiscalYearStartMonth": 1}  # fmt: skip
        self.plant("Organization", org, by=user)
        self.plant(
            "Pricebook2", {"Name": "Standard Price Book", "IsActive": True, "IsStandard": True}, by=user
        )
        for order, (label, closed, won, chance, category) in enumerate(STAGES, 1):
            values = {
                "MasterLabel": label, "ApiName": label, "IsActive": True, "SortOrder": order,
                "IsClosed": closed,
                "IsWon": won, "DefaultProbability": chance, "ForecastCategory": category,
                "ForecastCategoryName": "Best Case" if category == "BestCase" else category,
            }  # fmt: skip
            self.plant("OpportunityStage", values, by=user)
        self.save_schema()
        self.commit()


def _grants(raw: dict[str, Any]) -> Grants:
    fields = {k: (bool(v[0]), bool(v[1])) for k, v in raw["fields"].items()}
    return Grants(raw["name"], fields, {k: frozenset(v) for k, v in raw["objects"].items()})
