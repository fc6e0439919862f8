"""One HubSpot portal: everything it holds, put together, and the questions writes ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.hubspot.access import CUSTOM_SCOPES, STANDARD_SCOPES, Access
from sandbox.hubspot.association_types import AssociationTypes
from sandbox.hubspot.catalogue import STANDARD, Catalogue, ObjectType
from sandbox.hubspot.documents import Document, Documents
from sandbox.hubspot.errors import invalid, problem
from sandbox.hubspot.links import Links
from sandbox.hubspot.lists import Lists
from sandbox.hubspot.pipelines import Pipelines, seed_pipelines
from sandbox.hubspot.properties import Properties
from sandbox.hubspot.quota import PAID, Quota
from sandbox.hubspot.records import Record, Records
from sandbox.hubspot.values import ValueProblemError
from sandbox.hubspot.webhooks import Actor, Webhooks
from sandbox.server.app import Services
from sandbox.server.clock import SandboxClock


@dataclass(frozen=True, slots=True)
class Options:
    """What kind of portal and app this is; see ``python -m sandbox.hubspot --help``."""

    portal_id: int = 24_680_135
    app_id: int = 1_357_911
    app: str = "private"
    tier: str = "enterprise"
    custom_objects: int = 10
    index_lag_seconds: float = 2.0
    retry_base_seconds: float = 1.0
    api_limit_increases: int = 0
    short_limits: bool = True
    time_zone: str = "UTC"
    currency: str = "USD"
    scopes: tuple[str, ...] = ()

    def granted(self) -> tuple[str, ...]:
        """Return the scopes of a new install: those asked for, else all the tier allows."""
        custom = CUSTOM_SCOPES if self.tier == "enterprise" else ()
        return self.scopes or (*STANDARD_SCOPES, *custom)


class Portal:
    """All state of the portal. Handlers hold ``services.lock`` while they use it."""

    def __init__(self, services: Services, options: Options) -> None:
        """Take up what the file holds; an empty file becomes a fresh portal."""
        self.services, self.options = services, options
        self.clock: SandboxClock = services.clock
        self.catalogue = Catalogue(options.portal_id)
        self.documents = Documents(services)
        self.properties = Properties(self.documents, self.clock)
        for schema in self.documents.all("schema"):
            self.learn_schema(schema)
        self.association_types = AssociationTypes(self.catalogue, self.documents)
        self.records = Records(services, options.index_lag_seconds)
        self.pipelines = Pipelines(self.documents, self.clock)
        self.lists = Lists(self.documents, self.clock)
        self.links = Links(services, self.association_types)
        self.access = Access(services, options.granted())
        self.quota = Quota(
            self.clock,
            services.settings,
            options.app,
            options.tier,
            options.time_zone,
            options.api_limit_increases,
            windows=options.short_limits,
        )
        self.webhooks = Webhooks(
            services,
            self.catalogue,
            options.portal_id,
            options.app_id,
            options.retry_base_seconds,
            marketplace=options.app == "marketplace",
        )
        if not self.documents.all("property"):
            self._seed()
        self._relearn_unique()

    def _seed(self) -> None:
        for kind in STANDARD:
            self.properties.seed(kind.type_id)
        seed_pipelines(self.documents, self.clock)

    def _relearn_unique(self) -> None:
        for kind in self.catalogue.all():
            for record in self.records.table(kind.type_id).live.values():
                self.move_unique(kind, None, record)

    @property
    def app_actor(self) -> Actor:
        """Return the actor of writes made with the app's token."""
        return Actor("INTEGRATION", str(self.options.app_id))

    def type_of(self, name: str) -> ObjectType:
        """Return the object type of a name in a path. Raises 400."""
        found = self.catalogue.find(name)
        if found is None:
            raise invalid(f"Unable to infer object type from: {name}")
        return found

    def learn_schema(self, schema: Document) -> ObjectType:
        """Make the object type of a custom schema known."""
        shown = (schema["primaryDisplayProperty"], *schema["secondaryDisplayProperties"])
        named = tuple(name for name in shown if name)
        required = tuple(schema["requiredProperties"])
        return self.catalogue.add_custom(schema["objectTypeId"], schema["name"], named, required)

    def create_property(self, kind: ObjectType, given: dict[str, Any], user: str) -> Document:
        """Make or restore a property. Raises 400, 403 or 409."""
        if given.get("fieldType") == "calculation_equation" and self.options.tier not in PAID:
            raise invalid("Calculated properties need a Professional or Enterprise subscription")
        made = self.properties.create(kind, given, user)
        if made["hasUniqueValue"]:
            self._index_unique(kind, made["name"])
        return made

    def _index_unique(self, kind: ObjectType, name: str) -> None:
        table = self.records.table(kind.type_id)
        held = {record.values[name]: record.id for record in table.live.values() if name in record.values}
        table.unique[name] = held

    def archive_property(self, kind: ObjectType, name: str) -> None:
        """Archive a property. Raises 404, or 400 while a formula or a list uses it."""
        self.properties.archive(kind, name, self.lists.using(kind.type_id, name))

    def write_rules(self) -> list[dict[str, Any]]:
        """Return the admin's write rules (see ``rules``)."""
        found: list[dict[str, Any]] = self.services.settings.get("write_rules", [])
        return found

    def unique_holder(self, kind: ObjectType, name: str, value: str) -> str | None:
        """Return the id of the live record that holds ``value`` in a unique property."""
        return self.records.table(kind.type_id).unique.get(name, {}).get(value)

    def move_unique(self, kind: ObjectType, old: Record | None, new: Record | None) -> None:
        """Take ``old``'s unique values out of the index and put ``new``'s in."""
        index = self.records.table(kind.type_id).unique
        for name, body in self.properties.live(kind.type_id).items():
            if not body["hasUniqueValue"]:
                continue
            held = index.setdefault(name, {})
            before = old.values.get(name) if old else None
            after = new.values.get(name) if new else None
            if old and before and before != after and held.get(before) == old.id:
                del held[before]
            if new and after:
                held[after] = new.id

    def by_id_property(self, kind: ObjectType, value: str, id_property: str | None) -> Record | None:
        """Return the live record with this id, or this value of a unique property. Raises 400."""
        if not id_property or id_property == "hs_object_id":
            return self.records.find(kind.type_id, value)
        body = self.properties.live(kind.type_id).get(id_property)
        if body is None or not body["hasUniqueValue"]:
            raise invalid(f"Property {id_property} is not a unique property of {kind.type_id}")
        key = value.strip().lower() if id_property == "email" else value
        holder = self.unique_holder(kind, id_property, key)
        return self.records.find(kind.type_id, holder) if holder else None

    def survivor(self, record_id: str) -> str:
        """Return the id of the record that one merged away has become, through any chain; "" for none."""
        merged: dict[str, str] = self.services.settings.get("merged", {})
        found = merged.get(record_id, "")
        while found in merged:
            found = merged[found]
        return found

    def pipeline(self, type_id: str, pipeline_id: str) -> Document | None:
        """Return a pipeline, or None."""
        return self.documents.get("pipeline", type_id, pipeline_id)

    def stage(self, type_id: str, pipeline_id: str, stage_id: str) -> dict[str, Any] | None:
        """Return a stage of a pipeline, or None."""
        pipeline = self.pipeline(type_id, pipeline_id)
        stages = pipeline["stages"] if pipeline else []
        return next((stage for stage in stages if stage["id"] == stage_id), None)

    def check_reference(self, kind: ObjectType, name: str, value: str) -> None:
        """Raise ValueProblemError when ``value`` must name something of the portal that isn't there."""
        if not value:
            return
        if name == "hubspot_owner_id" and self.documents.get("owner", "", value) is None:
            raise ValueProblemError("INVALID_OWNER_ID", f"Owner {value} does not exist")
        if name == kind.pipeline and self.pipeline(kind.type_id, value) is None:
            raise ValueProblemError("INVALID_OPTION", f"{value} is not a valid pipeline ID")

    def check_stage(
        self, kind: ObjectType, values: dict[str, str], record: Record | None
    ) -> list[dict[str, Any]]:
        """Return what is wrong with the stage a write would leave the record in."""
        if not kind.stage or not {kind.stage, kind.pipeline} & values.keys():
            return []
        held = record.values if record else {}
        default = "0" if kind.type_id == "0-5" else ""
        pipeline_id = values.get(kind.pipeline) or held.get(kind.pipeline, default)
        stage_id = values.get(kind.stage) or held.get(kind.stage, "")
        if not stage_id or not pipeline_id or self.stage(kind.type_id, pipeline_id, stage_id):
            return []
        found = self.pipeline(kind.type_id, pipeline_id)
        known = ", ".join(stage["id"] for stage in found["stages"]) if found else ""
        text = f"{stage_id} was not one of the allowed options of pipeline {pipeline_id}: [{known}]"
        return [problem("INVALID_OPTION", kind.stage, text)]
