"""The rules inside one component of a developer project: app, card, webhooks, workflow action.

Neighbours: ``hsmeta_lint`` calls these with a file; ``hsmeta_rules`` has the tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from integration.hubspot import hsmeta_rules as rules
from integration.hubspot.hsmeta_json import Document, JsonPath, shown
from integration.hubspot.scopes import ENTERPRISE
from integration.hubspot.subscriptions import HUB_EVENTS, MAX_SUBSCRIPTIONS, NOT_SUBSCRIBABLE, OBJECT_EVENTS

_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_CUSTOM_TYPE: Final = re.compile(r"2-\d+|p\d+_\w+")


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake of a project: the file (below the project's folder), where in it, and how to mend it."""

    file: str
    line: int
    path: str
    matter: str
    remedy: str


@dataclass(frozen=True, slots=True)
class MetaFile:
    """One file being looked at. ``source`` is the project's source folder."""

    name: str
    document: Document
    source: Path
    mistakes: list[Mistake]

    def say(self, path: JsonPath, matter: str, remedy: str) -> None:
        """Note a mistake at a place of the file."""
        self.mistakes.append(Mistake(self.name, self.document.line(path), shown(path), matter, remedy))

    def get(self, path: JsonPath) -> Any:
        """Return the value at a place, ``None`` where there is none."""
        found = self.document.value
        for part in path:
            if isinstance(part, str) and isinstance(found, dict):
                found = found.get(part)
            elif isinstance(part, int) and isinstance(found, list) and part < len(found):
                found = found[part]
            else:
                return None
        return found

    def members(self, path: JsonPath, known: Iterable[str]) -> dict[str, Any]:
        """Return the object at a place; tell of keys that mean nothing there."""
        found = self.get(path)
        if found is None:
            return {}
        if not isinstance(found, dict):
            self.say(path, "this is no JSON object", "Write { … }.")
            return {}
        names = sorted(known)
        for key in found:
            if key not in names:
                near = get_close_matches(key, names, 1)
                hint = f"Write {near[0]!r}." if near else f"Leave it out; known are {', '.join(names)}."
                self.say((*path, key), f"the key {key!r} is unknown", hint)
        return found

    def items(self, path: JsonPath) -> list[Any]:
        """Return the list at a place, empty where there is none."""
        found = self.get(path)
        if found is None:
            return []
        if not isinstance(found, list):
            self.say(path, "this is no list", "Write [ … ].")
            return []
        return found

    def text(self, path: JsonPath, remedy: str) -> str:
        """Return the non-empty text a place must hold; tell where it does not."""
        found = self.get(path)
        if isinstance(found, str) and found.strip():
            return found
        self.say(path, f"{shown(path)} is missing" if found is None else "this is no text", remedy)
        return ""


def check_app(file: MetaFile) -> None:
    """Check the app itself: how it is distributed and signs in, its scopes and addresses."""
    config: JsonPath = ("config",)
    file.members(config, rules.APP_CONFIG_KEYS)
    file.text((*config, "name"), "Give the app's name.")
    file.members((*config, "auth"), rules.AUTH_KEYS)
    file.members((*config, "support"), rules.SUPPORT_KEYS)
    _check_distribution(file)
    for number, url in enumerate(file.items((*config, "auth", "redirectUrls"))):
        _check_redirect(file, (*config, "auth", "redirectUrls", number), url)
    check_scopes(file, (*config, "auth"), is_oauth=file.get((*config, "auth", "type")) == "oauth")
    for kind in file.members((*config, "permittedUrls"), rules.PERMITTED_KEYS):
        for number, url in enumerate(file.items((*config, "permittedUrls", kind))):
            _check_origin(file, (*config, "permittedUrls", kind, number), url)


def check_scopes(file: MetaFile, at: JsonPath, *, is_oauth: bool) -> None:
    """Check the three lists of scopes at a place: texts, each once, Enterprise's never required."""
    seen: dict[str, str] = {}
    for key in rules.SCOPE_KEYS:
        for number, scope in enumerate(file.items((*at, key))):
            path = (*at, key, number)
            if not isinstance(scope, str) or not scope:
                file.say(path, "a scope is a text", "Write its name in quotes.")
            elif scope in seen:
                file.say(path, f"the scope {scope!r} stands in {seen[scope]} too", "Name each scope once.")
            elif scope in ENTERPRISE and key == "requiredScopes":
                file.say(
                    path,
                    f"only Enterprise portals have {scope!r}; required, no other can install the app",
                    "Move it to optionalScopes.",
                )
            if isinstance(scope, str):
                seen[scope] = seen.get(scope, key)
    if is_oauth and "oauth" not in seen:
        file.say((*at, "requiredScopes"), "an OAuth app needs the scope 'oauth'", "Add it.")


def _check_distribution(file: MetaFile) -> None:
    config: JsonPath = ("config",)
    distribution = file.text((*config, "distribution"), "Write 'marketplace' or 'private'.")
    auth = file.text((*config, "auth", "type"), "Write 'oauth' or 'static'.")
    redirects = (*config, "auth", "redirectUrls")
    if distribution and distribution not in {"marketplace", "private"}:
        file.say((*config, "distribution"), f"{distribution!r} is no distribution", "Write one of the two.")
    if auth and auth not in {"oauth", "static"}:
        file.say((*config, "auth", "type"), f"{auth!r} is no way to sign in", "Write 'oauth' or 'static'.")
    if distribution == "marketplace" and auth == "static":
        file.say(
            (*config, "auth", "type"),
            "a marketplace app signs in by OAuth",
            "Write 'oauth', or 'private' above.",
        )
    if auth == "oauth" and not file.get(redirects):
        file.say(redirects, "an OAuth app needs an address to come back to", "Give one https address.")
    if auth == "static" and file.get(redirects):
        file.say(redirects, "a static app has no consent to come back from", "Leave redirectUrls out.")


def _check_redirect(file: MetaFile, path: JsonPath, url: Any) -> None:
    parts = _parts(url)
    if parts is None:
        file.say(path, f"{url!r} is no address", "Write https://… in full.")
    elif parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname == "localhost"):
        file.say(path, "an address to come back to is https, or http on localhost", "Write https://…")


def _check_origin(file: MetaFile, path: JsonPath, url: Any) -> None:
    parts = _parts(url)
    if parts is None or parts.scheme != "https":
        file.say(path, "only https origins may be called", "Write https://host.")
    elif parts.hostname in _LOCAL:
        file.say(path, "localhost cannot be permitted", "Map it in local.json for development.")
    elif parts.path not in {"", "/"} or parts.query or parts.fragment:
        file.say(path, "this is more than an origin", f"Write https://{parts.netloc}.")


def _parts(url: Any) -> SplitResult | None:
    """Return an address in its parts, ``None`` for what is none."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts if parts.hostname else None


def check_card(file: MetaFile) -> None:
    """Check a card: where it shows, on which objects, and that its entry point is there."""
    file.members(("config",), rules.CARD_KEYS)
    file.text(("config", "name"), "Give the name people see on the record.")
    location = file.text(("config", "location"), f"Write one of {', '.join(rules.CARD_LOCATIONS)}.")
    if location and location not in rules.CARD_LOCATIONS:
        near = get_close_matches(location, rules.CARD_LOCATIONS, 1)
        hint = f"Write {near[0]!r}." if near else f"Write one of {', '.join(rules.CARD_LOCATIONS)}."
        file.say(("config", "location"), f"{location!r} is no place for a card", hint)
    if location.startswith("crm.record") and not file.items(("config", "objectTypes")):
        file.say(("config", "objectTypes"), "a card on records says on which", 'Write ["companies"].')
    check_entrypoint(file)


def check_entrypoint(file: MetaFile) -> None:
    """Check that the component's entry point is a file of the project."""
    entry = file.text(("config", "entrypoint"), "Write /app/<folder>/<File>.tsx.")
    if entry and not (file.source / entry.lstrip("/")).is_file():
        file.say(
            ("config", "entrypoint"), f"there is no file {entry}", "Correct the path; it begins at srcDir."
        )


def check_workflow_action(file: MetaFile) -> None:
    """Check that a workflow action calls an https address."""
    parts = _parts(file.text(("config", "actionUrl"), "Give the https address HubSpot calls."))
    if parts is not None and parts.scheme != "https":
        file.say(("config", "actionUrl"), "HubSpot calls https addresses only", "Write https://…")


def check_webhooks(file: MetaFile, distribution: str) -> None:
    """Check the webhooks component: its target, how many at once, and every subscription."""
    file.members(("config",), rules.WEBHOOK_KEYS)
    settings: JsonPath = ("config", "settings")
    file.members(settings, rules.WEBHOOK_SETTINGS_KEYS)
    parts = _parts(file.text((*settings, "targetUrl"), "Give the https address of our webhooks."))
    if parts is not None and parts.scheme != "https":
        file.say((*settings, "targetUrl"), "webhooks go to https addresses only", "Write https://…")
    at_once = file.get((*settings, "maxConcurrentRequests"))
    if at_once is not None and (type(at_once) is not int or at_once <= rules.CONCURRENT_MIN):
        file.say(
            (*settings, "maxConcurrentRequests"),
            "this must be a number above 5",
            "Write 10, HubSpot's default.",
        )
    _check_subscriptions(file, distribution)


def _check_subscriptions(file: MetaFile, distribution: str) -> None:
    at: JsonPath = ("config", "subscriptions")
    found = file.members(at, rules.SUBSCRIPTION_LISTS)
    seen: set[tuple[Any, ...]] = set()
    count = 0
    for kind in (name for name in rules.SUBSCRIPTION_LISTS if name in found):
        for number in range(len(file.items((*at, kind)))):
            path = (*at, kind, number)
            one = file.members(path, rules.SUBSCRIPTION_KEYS[kind])
            _CHECKS[kind](file, path, one, distribution)
            if "active" in one and not isinstance(one["active"], bool):
                file.say((*path, "active"), "this is true or false", "Write true.")
            key = (kind, *(one.get(name) for name in ("subscriptionType", "objectType", "propertyName")))
            if key in seen:
                file.say(path, "this subscription stands twice", "Leave one out.")
            seen.add(key)
            count += 1
    if count > MAX_SUBSCRIPTIONS:
        file.say(
            at, f"{count} subscriptions are more than {MAX_SUBSCRIPTIONS:,}", "Subscribe to fewer properties."
        )


def _check_crm(file: MetaFile, path: JsonPath, one: Mapping[str, Any], distribution: str) -> None:
    _check_type(file, path, one, OBJECT_EVENTS)
    object_type = file.text((*path, "objectType"), 'Name the object, e.g. "company".')
    if _CUSTOM_TYPE.fullmatch(object_type) and distribution == "marketplace":
        file.say(
            (*path, "objectType"),
            "HubSpot pushes changes of custom objects to private apps only",
            "Leave it out; they are polled.",
        )
    _check_property(file, path, one)


def _check_legacy(file: MetaFile, path: JsonPath, one: Mapping[str, Any], _distribution: str) -> None:
    _check_type(file, path, one, rules.LEGACY_EVENTS)
    _check_property(file, path, one)


def _check_hub(file: MetaFile, path: JsonPath, one: Mapping[str, Any], _distribution: str) -> None:
    _check_type(file, path, one, HUB_EVENTS)


def _check_type(file: MetaFile, path: JsonPath, one: Mapping[str, Any], known: frozenset[str]) -> None:
    named = one.get("subscriptionType")
    if named in known:
        return
    near = get_close_matches(str(named), sorted(known), 1)
    hint = f"Write {near[0]!r}." if near else f"Write one of {', '.join(sorted(known))}."
    file.say((*path, "subscriptionType"), f"{named!r} is no event of this list", hint)


def _check_property(file: MetaFile, path: JsonPath, one: Mapping[str, Any]) -> None:
    named, changes = one.get("propertyName"), str(one.get("subscriptionType", "")).endswith(".propertyChange")
    if changes and not named:
        file.say((*path, "propertyName"), "a propertyChange names its property", "Add propertyName.")
    elif named and not changes:
        file.say((*path, "propertyName"), "only a propertyChange has a property", "Leave it out.")
    elif named in NOT_SUBSCRIBABLE:
        file.say((*path, "propertyName"), f"HubSpot tells nobody of changes of {named}", "Leave it out.")


_CHECKS: Final[Mapping[str, Callable[[MetaFile, JsonPath, Mapping[str, Any], str], None]]] = {
    "crmObjects": _check_crm,
    "legacyCrmObjects": _check_legacy,
    "hubEvents": _check_hub,
}
