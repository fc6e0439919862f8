"""Outbound messages by flow: who changes a record has the org tell us which one, and nothing of it.

Two components an object: the message (where it goes, and the record's id and stamp as all it carries) and an
after-save flow that sends it. Both are a deployment's own, for they hold its secret address and its user, so
they are rendered, never kept. Sources: Metadata API guide, "Workflow" (WorkflowOutboundMessage), "Flow"
(FlowStart, FlowActionCall); Help, "Outbound Message Actions", "Considerations for Outbound Messages".
Neighbours: ``outbound`` reads what such a message is, ``project`` puts the files into its folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from integration.salesforce.limits import METADATA_VERSION
from integration.salesforce.metadata_xml import Node, render
from integration.salesforce.names import is_custom, stem
from integration.salesforce.transport import LOOPBACK_HOSTS

# Standard objects for which Setup offers both an outbound message and a record-triggered flow, as far as a
# charter can read them; custom objects have both. Neither exists for price book entries or users.
STANDARD: Final = frozenset(
    {"Account", "Asset", "Case", "Contact", "Contract", "Opportunity", "OpportunityLineItem", "Product2",
     "Task"}
)  # fmt: skip
# Id is always sent; the stamp tells a later reader of the message which state it told of.
FIELDS: Final = ("Id", "SystemModstamp")
MESSAGE: Final = "CS_Changed"
_ACTION: Final = "Tell_Colonnade"
# Metadata API guide, "Flow": places on a canvas nobody needs to look at; an action has to have one.
_START_AT: Final[list[Node]] = [("locationX", "50"), ("locationY", "0")]
_ACTION_AT: Final[list[Node]] = [("locationX", "176"), ("locationY", "287")]


def supports_messages(name: str) -> bool:
    """Return whether an object may have an outbound message and a flow that sends it."""
    return name in STANDARD or is_custom(name)


def message_files(objects: Iterable[str], address: str, username: str) -> dict[str, str]:
    """Return source-format files by path: a message to ``address`` and its flow for each object that may.

    ``username`` is the integration user's: messages are sent as that user, and what it saves itself sends
    none. Raises ValueError for an address without TLS and for what is no username.
    """
    _check(address, username)
    files: dict[str, str] = {}
    for name in sorted(filter(supports_messages, set(objects))):
        files[f"workflows/{name}.workflow-meta.xml"] = _workflow_xml(name, address, username)
        files[f"flows/{flow_name(name)}.flow-meta.xml"] = _flow_xml(name, username)
    return files


def flow_name(object_name: str) -> str:
    """Return the name of an object's flow; a name has no two underscores in a row."""
    return f"CS_{stem(object_name).replace('__', '_')}_Changed"


def _check(address: str, username: str) -> None:
    parts = urlsplit(address)
    if not parts.hostname or (parts.scheme != "https" and parts.hostname not in LOOPBACK_HOSTS):
        raise ValueError("--messages: this is no https:// address; `colonnade sync addresses` makes one")
    if "@" not in username or not set('"\\{}').isdisjoint(username) or not username.isprintable():
        raise ValueError(
            f"--messages-user: {username} is no username of Salesforce, which looks like an e-mail address"
        )


def _label(object_name: str) -> str:
    return f"CS {stem(object_name).replace('_', ' ')} Changed"


def _workflow_xml(name: str, address: str, username: str) -> str:
    message: list[Node] = [
        ("fullName", MESSAGE),
        ("apiVersion", METADATA_VERSION),
        ("description", "Tells Colonnade which record has changed. No value of it is sent."),
        ("endpointUrl", address),
        *(("fields", field) for field in FIELDS),
        ("includeSessionId", "false"),
        ("integrationUser", username),
        ("name", _label(name)),
        ("protected", "false"),
        ("useDeadLetterQueue", "false"),
    ]
    return render("Workflow", [("outboundMessages", message)])


def _flow_xml(name: str, username: str) -> str:
    message = f"{name}.{MESSAGE}"
    action: list[Node] = [
        ("name", _ACTION),
        ("label", "Tell Colonnade"),
        *_ACTION_AT,
        ("actionName", message),
        ("actionType", "outboundMessage"),
        ("flowTransactionModel", "CurrentTransaction"),
        ("nameSegment", message),
    ]
    start: list[Node] = [
        *_START_AT,
        ("connector", [("targetReference", _ACTION)]),
        ("filterFormula", f'{{!$User.Username}} <> "{username}"'),
        ("object", name),
        ("recordTriggerType", "CreateAndUpdate"),
        ("triggerType", "RecordAfterSave"),
    ]
    return render(
        "Flow",
        [
            ("actionCalls", action),
            ("apiVersion", METADATA_VERSION),
            ("description", "Has the org tell Colonnade that a record was saved by somebody else."),
            ("environments", "Default"),
            ("interviewLabel", f"{_label(name)} {{!$Flow.CurrentDateTime}}"),
            ("label", _label(name)),
            ("processType", "AutoLaunchedFlow"),
            ("start", start),
            ("status", "Active"),
        ],
    )
