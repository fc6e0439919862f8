"""Which scopes the app asks for: the one place behind the authorize page and the app's file.

HubSpot refuses to authorise unless the scopes asked for are the app file's (page "Working
with OAuth"), and a listing may ask for none it does not use, so both are computed from what
a charter reads and writes. Page "Scopes". Neighbours: ``oauth_consent`` and ``project``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from integration.hubspot.connector import STANDARD_TYPE_IDS

ALWAYS: Final = ("oauth", "crm.objects.owners.read", "crm.lists.read", "crm.lists.write")
"""Signing in, whose an account is, and the lists we keep."""

PRIVACY: Final = "crm.objects.contacts.read"
"""What ``contact.privacyDeletion`` asks of its subscriber; a listed app must follow it."""

ENTERPRISE: Final = (
    "crm.objects.custom.read",
    "crm.objects.custom.write",
    "crm.schemas.custom.read",
    "crm.schemas.custom.write",
)
"""Custom objects exist on Enterprise only: asked of other portals, no admin could consent."""

_ONE_SCOPE: Final[Mapping[str, str]] = {"tickets": "tickets", "quotes": "e-commerce"}
"""Objects whose records have one scope for reading and writing, and none for properties."""

_READ_ONLY: Final = frozenset({"feedback_submissions", "products"})
"""Objects we only ever read, whose properties have no scope of their own: that of the records shows them."""

_ACTIVITIES: Final = frozenset({"tasks", "notes", "meetings", "calls", "emails"})
"""Activities have no scopes of their own: those of contacts open them."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """What an admin is asked for. ``required`` and ``optional`` share nothing; each is sorted."""

    required: tuple[str, ...]
    optional: tuple[str, ...]

    def missing(self, granted: Iterable[str]) -> Scopes:
        """Return those that were not granted."""
        held = frozenset(granted)
        return Scopes(
            tuple(one for one in self.required if one not in held),
            tuple(one for one in self.optional if one not in held),
        )


def scopes_for(read: Iterable[str], extended: Iterable[str], instead: Iterable[str] = ()) -> Scopes:
    """Return the scopes for reading the objects ``read`` and keeping properties on those ``extended``.

    ``instead`` are written only where a portal has no room for custom objects, so their scopes are
    optional as well. Objects are named as in ``connector.STANDARD_TYPE_IDS``; any other is a custom
    one, whose scopes are optional.
    """
    needed = {*ALWAYS, PRIVACY}
    for name in read:
        needed |= _of(name, ("read",), ("read",))
    for name in extended:
        needed |= _of(name, ("read", "write"), ("read", "write"))
    optional = {scope for name in instead for scope in _of(name, ("read", "write"), ())} - needed
    return Scopes(tuple(sorted(needed)), tuple(sorted({*ENTERPRISE, *optional})))


def _of(name: str, records: Iterable[str], properties: Iterable[str]) -> set[str]:
    if name not in STANDARD_TYPE_IDS:
        return set()
    if name in _ONE_SCOPE:
        return {_ONE_SCOPE[name]}
    if name in _READ_ONLY:
        return {f"crm.objects.{name}.read"}
    named = "contacts" if name in _ACTIVITIES else name
    return {
        *(f"crm.objects.{named}.{verb}" for verb in records),
        *(f"crm.schemas.{named}.{verb}" for verb in properties),
    }


LISTS: Final[Mapping[str, str]] = {
    "crm.lists.read": "it cannot be seen which lists there are, so none are made",
    "crm.lists.write": "the lists that keep themselves are not made",
}
"""What goes without each scope of lists, which an install can do without."""

FALLBACKS: Final[Mapping[str, str]] = {
    "crm.objects.contacts.write": "milestones cannot be tasks where the portal has no object for them",
    "crm.objects.custom.read": "our own objects cannot be read back",
    "crm.objects.custom.write": "profiles, plans and milestones cannot be records of their own",
    "crm.schemas.custom.read": "it cannot be seen which custom objects there are",
    "crm.schemas.custom.write": "custom objects cannot be made",
}
"""What goes without each optional scope, in the admin's terms."""

WITHOUT_CUSTOM_OBJECTS: Final = (
    "Profiles and plans then stand in properties of the company, and milestones as its tasks."
)
