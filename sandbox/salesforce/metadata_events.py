"""Channels of change events and external client apps: what they point to, and what orgs allow.

Source: Change Data Capture guide, "Allocations" (five entities outside managed packages); Metadata API
guide, "PlatformEventChannel", "PlatformEventChannelMember", "ExternalClientApplication",
"ExtlClntAppOauthSettings".
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from sandbox.salesforce.metadata_fields import Problem
from sandbox.salesforce.metadata_scope import (
    Scope,
    check_label,
    check_name,
    check_root,
    missing,
    needed,
    one_of,
)
from sandbox.salesforce.metadata_zip import text_of

_ENTITIES = 5
# Standard objects of this org that have change events (Object Reference, "StandardObjectNameChangeEvent").
_STANDARD = frozenset({"Account", "Contact", "Opportunity", "OpportunityContactRole", "Case", "Product2",
                       "Task", "User"})  # fmt: skip
_OAUTH_SCOPES = frozenset({"Api", "RefreshToken", "OpenID", "Web", "Basic", "Full", "Profile", "Email"})
_STATES = ("Local", "Packaged")


def channel(_scope: Scope, name: str, root: ET.Element) -> None:
    """Check a channel of change events."""
    check_root(root, "PlatformEventChannel", {"channelType", "label"})
    if not name.endswith("__chn"):
        raise Problem(f"The name of a channel ends with __chn: {name}")
    check_name(name.removesuffix("__chn"), 40)
    check_label(root)
    one_of(needed(root, "channelType"), ("data", "event"), "PlatformEventChannelType")


def channel_member(scope: Scope, name: str, root: ET.Element) -> None:
    """Check which object's changes go to a channel; an org has five such objects to give."""
    check_root(root, "PlatformEventChannelMember", {"eventChannel", "selectedEntity"})
    check_name(name)
    scope.need("PlatformEventChannel", needed(root, "eventChannel"), "eventChannel")
    entity = needed(root, "selectedEntity")
    match = re.fullmatch(r"(\w+?)(__)?ChangeEvent", entity)
    object_name = "" if match is None else match[1] + ("__c" if match[2] else "")
    obj = scope.schema.get(object_name)
    if obj is None or not (obj.custom or obj.name in _STANDARD):
        raise missing("selectedEntity", "ChangeEvent", entity)
    chosen = scope.details.setdefault("entities", [])
    if entity not in chosen:
        if len(chosen) >= _ENTITIES:
            raise Problem(f"Entity selection limit exceeded: at most {_ENTITIES} objects have change events")
        chosen.append(entity)
    scope.details.setdefault("members", {})[name] = [needed(root, "eventChannel"), obj.name]


def client_app(_scope: Scope, name: str, root: ET.Element) -> None:
    """Check the header of an external client app."""
    allowed = {"contactEmail", "description", "distributionState", "isProtected", "label"}
    check_root(root, "ExternalClientApplication", allowed)
    check_name(name, 40)
    check_label(root, limit=40)
    if "@" not in needed(root, "contactEmail"):
        raise Problem(f"Invalid email address: {text_of(root, 'contactEmail')}")
    one_of(needed(root, "distributionState"), _STATES, "ExtlClntAppDistState")


def client_app_oauth(scope: Scope, name: str, root: ET.Element) -> None:
    """Check the OAuth settings of an external client app."""
    allowed = {"commaSeparatedOauthScopes", "externalClientApplication", "isFirstPartyAppEnabled", "label"}
    check_root(root, "ExtlClntAppOauthSettings", allowed)
    check_name(name, 80)
    app = needed(root, "externalClientApplication")
    scope.need("ExternalClientApplication", app, "externalClientApplication")
    for one in needed(root, "commaSeparatedOauthScopes").split(","):
        one_of(one.strip(), _OAUTH_SCOPES, "OauthScope")
