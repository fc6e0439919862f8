"""The CRM object types: HubSpot's own, and the custom ones made in this portal.

Type ids: HubSpot's "Understanding the CRM". Create minimums: the object guides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_OLDER_SCOPES: Final = {"tickets": ("tickets",), "products": ("e-commerce",), "line_items": ("e-commerce",)}


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One object type as the API knows it.

    ``modified`` and ``created`` name the properties that carry the record's times.
    ``minimum`` lists property groups: of each, at least one must be set on create.
    ``webhook`` is the prefix of its webhook event types (``company``), empty when it has none.
    """

    type_id: str
    singular: str
    plural: str
    shown: tuple[str, ...]
    minimum: tuple[tuple[str, ...], ...] = ()
    created: str = "hs_createdate"
    modified: str = "hs_lastmodifieddate"
    scope: str = ""
    pipeline: str = ""
    stage: str = ""
    webhook: str = ""
    readonly: bool = False
    custom: bool = False

    @property
    def label(self) -> str:
        """Return the name used in HubSpot's messages, ``COMPANY``."""
        return self.singular.upper()

    def scopes(self, verb: str) -> tuple[str, ...]:
        """Return the scopes of which one is needed to ``read`` or ``write`` records."""
        if self.custom:
            return (f"crm.objects.custom.{verb}",)
        granular = f"crm.objects.{self.scope}.{verb}"
        return (granular, *_OLDER_SCOPES.get(self.scope, ()))

    def schema_scopes(self, verb: str) -> tuple[str, ...]:
        """Return the scopes of which one is needed to ``read`` or ``write`` properties."""
        if self.custom:
            return (f"crm.schemas.custom.{verb}",)
        granular = f"crm.schemas.{self.scope}.{verb}"
        older = _OLDER_SCOPES.get(self.scope, ())
        return (granular, *self.scopes("read")) if verb == "read" else (granular, *older)


def _activity(type_id: str, singular: str, plural: str, shown: tuple[str, ...]) -> ObjectType:
    return ObjectType(type_id, singular, plural, shown, (("hs_timestamp",),), scope="contacts")


STANDARD = (
    ObjectType(
        "0-1",
        "contact",
        "contacts",
        ("firstname", "lastname", "email"),
        created="createdate",
        modified="lastmodifieddate",
        scope="contacts",
        webhook="contact",
    ),
    ObjectType(
        "0-2",
        "company",
        "companies",
        ("name", "domain"),
        (("domain", "name"),),
        created="createdate",
        scope="companies",
        webhook="company",
    ),
    ObjectType(
        "0-3",
        "deal",
        "deals",
        ("dealname", "amount", "closedate", "pipeline", "dealstage"),
        (("dealname",), ("dealstage",), ("pipeline",)),
        created="createdate",
        scope="deals",
        pipeline="pipeline",
        stage="dealstage",
        webhook="deal",
    ),
    ObjectType(
        "0-5",
        "ticket",
        "tickets",
        (
            "subject",
            "content",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_category",
            "hs_ticket_priority",
        ),
        (("subject",), ("hs_pipeline_stage",)),
        created="createdate",
        scope="tickets",
        pipeline="hs_pipeline",
        stage="hs_pipeline_stage",
        webhook="ticket",
    ),
    ObjectType(
        "0-7",
        "product",
        "products",
        ("name", "description", "price"),
        (("name",),),
        created="createdate",
        scope="products",
        webhook="product",
    ),
    ObjectType(
        "0-8",
        "line_item",
        "line_items",
        ("name", "quantity", "price", "amount"),
        created="createdate",
        scope="line_items",
        webhook="line_item",
    ),
    ObjectType(
        "0-14", "quote", "quotes", ("hs_title",), (("hs_title",), ("hs_expiration_date",)), scope="quotes"
    ),
    ObjectType(
        "0-162",
        "service",
        "services",
        ("hs_name",),
        (("hs_name",), ("hs_pipeline",), ("hs_pipeline_stage",)),
        scope="services",
        pipeline="hs_pipeline",
        stage="hs_pipeline_stage",
    ),
    ObjectType(
        "0-19", "feedback_submission", "feedback_submissions", (), scope="feedback_submissions", readonly=True
    ),
    _activity("0-18", "communication", "communications", ("hs_communication_body",)),
    _activity("0-27", "task", "tasks", ("hs_task_subject", "hs_task_status")),
    _activity("0-46", "note", "notes", ("hs_note_body",)),
    _activity("0-47", "meeting", "meetings", ("hs_meeting_title",)),
    _activity("0-48", "call", "calls", ("hs_call_title",)),
    _activity("0-49", "email", "emails", ("hs_email_subject",)),
)

ACTIVITIES = ("0-18", "0-27", "0-46", "0-47", "0-48", "0-49")


class Catalogue:
    """Object types by every name the API accepts for them."""

    def __init__(self, portal_id: int) -> None:
        """Start with the standard types."""
        self._portal_id = portal_id
        self._by_name: dict[str, ObjectType] = {}
        self._by_id: dict[str, ObjectType] = {}
        for kind in STANDARD:
            self._take(kind, (kind.type_id, kind.singular, kind.plural))

    def _take(self, kind: ObjectType, names: tuple[str, ...]) -> None:
        self._by_id[kind.type_id] = kind
        for name in names:
            self._by_name[name.lower()] = kind

    def add_custom(
        self, type_id: str, name: str, shown: tuple[str, ...], required: tuple[str, ...]
    ) -> ObjectType:
        """Make (or replace) the custom type ``name``; it answers to its id, FQN and ``p_name``."""
        fqn = self.fqn(name)
        minimum = tuple((field,) for field in required)
        kind = ObjectType(
            type_id,
            name,
            fqn,
            shown,
            minimum,
            scope="custom",
            pipeline="hs_pipeline",
            stage="hs_pipeline_stage",
            custom=True,
        )
        self._take(kind, (type_id, fqn, f"p_{name}"))
        return kind

    def remove(self, type_id: str) -> None:
        """Forget a custom type."""
        kind = self._by_id.pop(type_id)
        self._by_name = {name: found for name, found in self._by_name.items() if found is not kind}

    def fqn(self, name: str) -> str:
        """Return the fully qualified name of a custom object, ``p<portal>_<name>``."""
        return f"p{self._portal_id}_{name}"

    def find(self, name: str) -> ObjectType | None:
        """Return the type of this id, name or FQN, or None."""
        return self._by_name.get(name.lower())

    def by_id(self, type_id: str) -> ObjectType:
        """Return the type with exactly this id. Raises KeyError."""
        return self._by_id[type_id]

    def all(self) -> tuple[ObjectType, ...]:
        """Return every type, HubSpot's first."""
        return tuple(self._by_id.values())
