"""What the control endpoints do in this sandbox; the one HubSpot adds is in ``admin``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.errors import VendorError
from sandbox.hubspot.links import LinkChange
from sandbox.hubspot.load import Loader
from sandbox.hubspot.merging import merge_records
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.records import Record
from sandbox.hubspot.shapes import associations, written
from sandbox.hubspot.webhooks import Actor
from sandbox.hubspot.writes import Draft, Writer
from sandbox.server.control import ControlError
from sandbox.server.portfolio_files import REFS, ref_of

_REF_KINDS = ("account", "deal", "line", "ticket", "owner", "contact", "product", "survey")


class Hooks:
    """The HubSpot part of the control endpoints."""

    vendor = "hubspot"

    def __init__(self, portal: Portal, writer: Writer) -> None:
        """Act on ``portal`` through ``writer``."""
        self._portal, self._writer = portal, writer

    def load(self, folder: Path) -> dict[str, int]:
        """Load a portfolio folder."""
        return Loader(self._portal, self._writer, folder).load()

    def edit(self, body: dict[str, Any]) -> str:
        """Make, change, merge, delete or restore a record as a person in HubSpot's UI would."""
        with self._portal.services.lock:
            try:
                return self._edit(body)
            except VendorError as refused:
                raise ControlError(str(refused), refused.status) from None

    def _edit(self, body: dict[str, Any]) -> str:
        kind = self._portal.type_of(str(body["object"]))
        actor = Actor("CRM_UI", f"userId:{self._user(body.get('user'))}")
        draft = Draft(actor, "v3")
        values = {name: "" if value is None else value for name, value in (body.get("values") or {}).items()}
        record_id = body.get("id")
        if record_id is None:
            plan = self._writer.plan_create(kind, values, [], draft)
            self._writer.commit([plan], draft)
            self._associate(kind, plan.new.id, body.get("associations") or [], actor)
            return plan.new.id
        if body.get("restore"):
            return self._restore(kind, str(record_id), actor)
        record = self._portal.records.find(kind.type_id, str(record_id))
        if record is None:
            raise ControlError(f"no {kind.singular} {record_id}", 404)
        if body.get("privacy_delete"):
            self._forget(kind, record, actor)
        elif body.get("delete"):
            self._writer.archive(kind, [record], actor)
        elif body.get("merge"):
            other = self._portal.records.find(kind.type_id, str(body["merge"]))
            if other is None:
                raise ControlError(f"no {kind.singular} {body['merge']}", 404)
            fresh = bool(body.get("new_record"))
            return merge_records(self._writer, kind, record, other, actor, fresh=fresh).id
        else:
            self._writer.commit([self._writer.plan_update(kind, record, values, draft)], draft)
            self._associate(kind, record.id, body.get("associations") or [], actor)
        return record.id

    def _forget(self, kind: ObjectType, record: Record, actor: Actor) -> None:
        if kind.singular != "contact":
            raise ControlError("only contacts have a privacy deletion")
        self._writer.forget(kind, record, actor)

    def _restore(self, kind: ObjectType, record_id: str, actor: Actor) -> str:
        gone = self._portal.records.table(kind.type_id).gone.get(record_id)
        if gone is None:
            raise ControlError(f"no deleted {kind.singular} {record_id}", 404)
        return self._writer.restore(kind, gone, actor).id

    def _user(self, email: str | None) -> int:
        for owner in self._portal.documents.all("owner"):
            if owner["email"] == email:
                return int(owner["userId"])
        return 7

    def _associate(self, kind: ObjectType, record_id: str, ends: list[dict[str, Any]], actor: Actor) -> None:
        changes: list[LinkChange] = []
        with self._writer.transaction():
            for end in ends:
                other = self._portal.type_of(str(end["object"]))
                types = self._portal.association_types
                if end.get("remove"):
                    changes += self._portal.links.remove(
                        kind.type_id, record_id, other.type_id, str(end["id"])
                    )
                    continue
                if end.get("type_id"):
                    wanted = types.by_id(int(end["type_id"]), kind.type_id, other.type_id)
                else:
                    between = types.between(kind.type_id, other.type_id)
                    primary = [one for one in between if one.primary]
                    wanted = primary[0] if primary else types.default(kind.type_id, other.type_id)
                changes += self._portal.links.add(record_id, str(end["id"]), [wanted])
        self._writer.change_links(changes, actor)

    def lookup(self, ref: str) -> tuple[str, str] | None:
        """Return the record a portfolio key became; the kind's prefix may be left out."""
        names = (ref, *(ref_of(kind, ref) for kind in _REF_KINDS))
        all_found = (self._portal.services.settings.get(REFS + name) for name in names)
        found: list[str] | None = next(filter(None, all_found), None)
        return None if found is None else (found[0], found[1])

    def counts(self) -> dict[str, int]:
        """Return live records by object."""
        counts = {
            kind.plural: len(self._portal.records.table(kind.type_id).live)
            for kind in self._portal.catalogue.all()
        }
        return {**counts, "owners": len(self._portal.documents.all("owner"))}

    def dump(self, object_name: str) -> list[dict[str, Any]]:
        """Return every live record of an object with all values and associations, by id."""
        if object_name == "owners":
            return self._portal.documents.all("owner")
        kind = self._portal.catalogue.find(object_name)
        if kind is None:
            raise ControlError(f"no such object: {object_name}", 404)
        with self._portal.services.lock:
            live = self._portal.records.table(kind.type_id).live
            names = [other.type_id for other in self._portal.catalogue.all()]
            return [
                {
                    **written(self._portal, record),
                    "associations": associations(self._portal, kind, record, names),
                }
                for record in sorted(live.values(), key=lambda record: int(record.id))
            ]

    def configure_webhooks(self, body: dict[str, Any]) -> dict[str, Any]:
        """Set the webhook target, secret and subscriptions; without a secret, the app's."""
        for raw in body.get("subscriptions", []):
            self._check_scope(raw)
        secret = body.get("client_secret") or self._portal.access.client_secret
        return self._portal.webhooks.configure({**body, "client_secret": secret})

    def _check_scope(self, raw: dict[str, Any]) -> None:
        """Raise ControlError for a subscription to an object the app may not read."""
        kind = self._portal.webhooks.kind_of(raw)
        if kind is not None and not set(kind.scopes("read")) & set(self._portal.access.scopes):
            raise ControlError(f"the app has no scope to read {kind.plural}: one of {kind.scopes('read')}")

    def credentials(self) -> dict[str, Any]:
        """Return what a client needs to sign in."""
        ids = {"portal_id": self._portal.options.portal_id, "app_id": self._portal.options.app_id}
        return {**self._portal.access.credentials(), **ids}
