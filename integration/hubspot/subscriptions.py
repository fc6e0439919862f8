"""Which changes HubSpot shall push to us: the subscriptions of the app's webhooks component. Pure.

Pages "Webhooks API" and "Create generic webhook subscriptions": push for custom objects
exists for private apps only, and an app has at most 1,000 subscriptions. What is not pushed
comes by polling. Neighbours: ``project`` renders them, ``events`` reads what they bring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from integration.hubspot.connector import SINGULAR_NAMES, STANDARD_TYPE_IDS

MAX_SUBSCRIPTIONS: Final = 1_000
NOT_SUBSCRIBABLE: Final = frozenset({"hs_lastmodifieddate", "num_unique_conversion_events"})
PROPERTY_CHANGE: Final = "object.propertyChange"
RECORD_EVENTS: Final = (
    "object.creation",
    "object.deletion",
    "object.merge",
    "object.restore",
    "object.associationChange",
)
OBJECT_EVENTS: Final = frozenset({*RECORD_EVENTS, PROPERTY_CHANGE})

PRIVACY_DELETION: Final = "contact.privacyDeletion"
"""A listed app must follow it, whatever it reads."""

HUB_EVENTS: Final = frozenset(
    {
        PRIVACY_DELETION,
        *(f"conversation.{one}" for one in ("creation", "deletion", "newMessage", "privacyDeletion")),
        "conversation.propertyChange",
    }
)


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """The ``subscriptions`` of the webhooks component, and per object left out why it is."""

    body: Mapping[str, Sequence[Mapping[str, Any]]]
    left_out: Mapping[str, str]

    @property
    def count(self) -> int:
        """Return how many subscriptions these are."""
        return sum(len(part) for part in self.body.values())


def subscriptions_for(watched: Mapping[str, Sequence[str]], *, custom_objects: bool) -> Subscriptions:
    """Return the subscriptions to the objects and properties ``watched``.

    ``custom_objects`` is true for a private app only. Raises ValueError beyond what an app may have.
    """
    pushed: list[Mapping[str, Any]] = []
    left_out: dict[str, str] = {}
    for name, properties in watched.items():
        object_type = SINGULAR_NAMES.get(
            name, "" if name in STANDARD_TYPE_IDS or not custom_objects else name
        )
        if not object_type:
            left_out[name] = _reason(name)
            continue
        pushed += [_subscription(event, object_type) for event in RECORD_EVENTS]
        pushed += [
            {**_subscription(PROPERTY_CHANGE, object_type), "propertyName": one}
            for one in dict.fromkeys(properties)
            if one not in NOT_SUBSCRIBABLE
        ]
    hub = [{"subscriptionType": PRIVACY_DELETION, "active": True}]
    found = Subscriptions({"crmObjects": pushed, "legacyCrmObjects": [], "hubEvents": hub}, left_out)
    if found.count > MAX_SUBSCRIPTIONS:
        most = max(watched, key=lambda name: len(watched[name]))
        fields = len(watched[most])
        raise ValueError(
            f"the charter's webhooks come to {found.count} subscriptions and a HubSpot app may have "
            f"{MAX_SUBSCRIPTIONS:,}; name fewer fields under `webhooks`, first of {most} ({fields})"
        )
    return found


def _subscription(event: str, object_type: str) -> dict[str, Any]:
    return {"subscriptionType": event, "objectType": object_type, "active": True}


def _reason(name: str) -> str:
    if name in STANDARD_TYPE_IDS:
        return "HubSpot names no webhook type for it; it is polled"
    return "HubSpot pushes changes of custom objects to private apps only; it is polled"
