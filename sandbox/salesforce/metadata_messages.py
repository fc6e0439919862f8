"""Outbound messages and the flows that send them: what a deploy may bring of both, and which are at work.

Of a Workflow only its outbound messages are taken; of flows only those that start after a save of a record
and do nothing but send a message. Anything else would be remembered unrun, so it is refused in the sandbox's
own words. A flow has versions: each deploy of it makes one, and the last is at work if it is active. Source:
Metadata API guide, "Workflow" (WorkflowOutboundMessage), "Flow" (FlowStart, FlowActionCall), "You can delete
a flow version if it isn't active"; Help, "Outbound Message Actions". Neighbours: ``metadata_apply`` runs the
checks, ``metadata_delete`` the deletions, ``outbound`` sends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
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
    texts,
)
from sandbox.salesforce.metadata_zip import children, tag, text_of

Json = dict[str, Any]
FLOW: Final = "Flow"
MESSAGE: Final = "WorkflowOutboundMessage"
NO_ACCESS: Final = "insufficient access rights on cross-reference id"
"""Salesforce's words where a flow cannot be deleted (public deploy logs)."""
# Standard objects of this org that Setup offers no outbound message for.
_NONE_FOR: Final = frozenset({"PricebookEntry", "User", "OpportunityStage", "OpportunityContactRole"})
_MESSAGE_PARTS: Final = frozenset(
    {"fullName", "apiVersion", "description", "endpointUrl", "fields", "includeSessionId", "integrationUser",
     "name", "protected", "useDeadLetterQueue"}
)  # fmt: skip
_FLOW_PARTS: Final = frozenset(
    {"actionCalls", "apiVersion", "description", "environments", "interviewLabel", "label", "processType",
     "start", "status"}
)  # fmt: skip
_ACTION_PARTS: Final = frozenset(
    {"name", "label", "locationX", "locationY", "actionName", "actionType", "flowTransactionModel",
     "nameSegment"}
)  # fmt: skip
_START_PARTS: Final = frozenset(
    {"locationX", "locationY", "connector", "filterFormula", "object", "recordTriggerType", "triggerType"}
)
_SAVES: Final = ("Create", "Update", "CreateAndUpdate")
_STATES: Final = ("Active", "Draft", "Obsolete", "InvalidDraft")
_BUT_USER: Final = re.compile(r'\{!\$User\.Username\}\s*<>\s*"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Sending:
    """A flow at work: on which object's saves it sends which message; saves of ``but_user`` send none."""

    object: str
    on: str
    but_user: str | None
    message: str
    url: str
    fields: tuple[str, ...]

    def wants(self, *, created: bool, username: str) -> bool:
        """Return whether a save by a user starts the flow."""
        return self.on in ("CreateAndUpdate", "Create" if created else "Update") and username != self.but_user


def workflow_messages(name: str, data: bytes) -> list[tuple[str, ET.Element]]:
    """Return the outbound messages in a workflow file by full name. Raises Problem or ParseError."""
    root = ET.fromstring(data)
    for element in root:
        if tag(element) != "outboundMessages":
            raise Problem(f"The sandbox takes only outboundMessages of a Workflow, not {tag(element)}")
    check_root(root, "Workflow", {"outboundMessages"})
    return [(f"{name}.{text_of(one, 'fullName')}", one) for one in root]


def outbound_message(scope: Scope, name: str, element: ET.Element) -> None:
    """Check an outbound message and keep where it goes."""
    _only(element, _MESSAGE_PARTS, MESSAGE)
    obj = scope.object(name.partition(".")[0], "fullName")
    if obj.name in _NONE_FOR:
        raise Problem(f"Outbound messages are not supported for {obj.name}")
    check_name(name.partition(".")[2])
    check_label(element, "name")
    for flag in ("includeSessionId", "protected"):
        one_of(needed(element, flag), ("true", "false"), "boolean")
    if not re.fullmatch(r"\d{2}\.0", needed(element, "apiVersion")):
        raise Problem(f"Invalid API version: {text_of(element, 'apiVersion')}")
    url = needed(element, "endpointUrl")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise Problem(f"Invalid endpoint URL: {url}")
    user = needed(element, "integrationUser")
    if user.lower() not in scope.usernames:
        raise missing("integrationUser", "User", user)
    fields = [scope.field(obj, one, "fields").name for one in texts(element, "fields")]
    scope.details.setdefault("messages", {})[name] = {"object": obj.name, "url": url, "fields": fields}


def flow(scope: Scope, name: str, root: ET.Element) -> None:
    """Check a flow that sends a message after a save, and keep it as a new version."""
    check_name(name)
    for element in root:
        if tag(element) not in _FLOW_PARTS:
            raise Problem(
                f"The sandbox takes only flows that send an outbound message, none with {tag(element)}"
            )
    check_root(root, "Flow", _FLOW_PARTS)
    check_label(root)
    one_of(needed(root, "processType"), ("AutoLaunchedFlow",), "FlowProcessType")
    state = one_of(needed(root, "status"), _STATES, "FlowVersionStatus")
    (action,) = _single(root, "actionCalls")
    (start,) = _single(root, "start")
    kept = _started(scope, start, needed(action, "name"))
    kept["message"] = _sent(scope, action, kept["object"])
    held = scope.details.setdefault("flows", {}).setdefault(name, {"versions": {}})
    number = str(max(map(int, held["versions"]), default=0) + 1)
    held["versions"][number] = kept
    held["active"] = number if state == "Active" else None


def _single(root: ET.Element, name: str) -> list[ET.Element]:
    found = children(root, name)
    if len(found) != 1:
        raise Problem(f"The sandbox takes only flows with one {name}, not {len(found)}")
    return found


def _started(scope: Scope, start: ET.Element, action: str) -> Json:
    """Return on which saves a flow starts. Raises Problem."""
    _only(start, _START_PARTS, "FlowStart")
    if text_of(start, "triggerType") != "RecordAfterSave":
        raise Problem("The sandbox takes only flows that start after a record is saved")
    obj = scope.object(needed(start, "object"), "object")
    (connector,) = _single(start, "connector")
    if needed(connector, "targetReference") != action:
        raise Problem(f"The element references {text_of(connector, 'targetReference')}, which doesn't exist")
    on = one_of(needed(start, "recordTriggerType"), (*_SAVES, "Delete"), "RecordTriggerType")
    if on == "Delete":
        raise Problem("A flow that starts before a deletion cannot send an outbound message")
    formula = text_of(start, "filterFormula")
    but_user = None if formula is None else _BUT_USER.fullmatch(formula)
    if formula is not None and but_user is None:
        raise Problem(f"The sandbox works out no entry condition but a user's name unlike a text: {formula}")
    return {"object": obj.name, "on": on, "but_user": but_user and but_user[1]}


def _sent(scope: Scope, action: ET.Element, object_name: str) -> str:
    """Return the message an action sends. Raises Problem."""
    _only(action, _ACTION_PARTS, "FlowActionCall")
    if needed(action, "actionType") != "outboundMessage":
        raise Problem(f"The sandbox runs no {text_of(action, 'actionType')}, only outboundMessage")
    message = needed(action, "actionName")
    scope.need(MESSAGE, message, "actionName")
    if message.partition(".")[0] != object_name:
        raise Problem(f"A flow of {object_name} cannot send {message}, which is another object's")
    return message


def _only(element: ET.Element, parts: frozenset[str], kind: str) -> None:
    for child in element:
        if tag(child) not in parts:
            raise Problem(f"Element {tag(child)} invalid at this location in type {kind}")


def kept_version(details: Json, member: str) -> str | None:
    """Return why a flow, or the version of it that a manifest names (``Name-3``), cannot be deleted.

    A version at work stays; a flow of several versions is deleted by version only, a known issue of theirs.
    """
    name, number = _version(member)
    held = details.get("flows", {}).get(name)
    if held is None:
        return None
    several = number is None and len(held["versions"]) > 1
    at_work = held["active"] is not None and number in (None, held["active"])
    return NO_ACCESS if several or at_work else None


def delete_version(details: Json, member: str) -> tuple[str, bool]:
    """Delete a version, or a flow of one version; return the flow's name and whether it was there."""
    name, number = _version(member)
    flows = details.get("flows", {})
    versions = flows.get(name, {"versions": {}})["versions"]
    found = versions.pop(number or next(iter(versions), ""), None) is not None
    if not versions:
        flows.pop(name, None)
    return name, found


def forget_messages(details: Json, name: str) -> None:
    """Forget where a deleted message went, or all of a deleted object."""
    kept = details.get("messages", {})
    for one in [one for one in kept if one == name or one.startswith(f"{name}.")]:
        del kept[one]


def _version(member: str) -> tuple[str, str | None]:
    match = re.fullmatch(r"(\w+)-(\d+)", member)
    return (match[1], match[2]) if match else (member, None)


def sendings(details: Json) -> Iterator[Json]:
    """Yield what the flows at work send, as ``Sending`` takes it; a flow has one version at work at most."""
    messages = details.get("messages", {})
    for held in details.get("flows", {}).values():
        if held["active"] is not None:
            kept = held["versions"][held["active"]]
            told = messages[kept["message"]]
            yield {**kept, "url": told["url"], "fields": told["fields"]}
