"""The project folder of our native package, rendered for one deployment.

Salesforce's own CLI deploys it (``sf project deploy start``), part by part; ``archive`` holds the same as
one upload for who deploys over the Metadata API instead. Source: Salesforce DX Developer Guide,
"Salesforce DX Project Configuration". Neighbours: ``source_format``, ``generated``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

from integration.salesforce.deploys import zipped
from integration.salesforce.limits import METADATA_VERSION
from integration.salesforce.source_format import Part, package_files, to_metadata_format

GENERATED: Final = "generated"
MESSAGES: Final = "messages"
CLIENT_APP: Final = "externalClientApps/Colonnade.eca-meta.xml"
TOGETHER: Final = (Part.CORE.value, Part.DASHBOARDS.value, GENERATED, MESSAGES)
_NOBODY: Final = "nobody@example.com"
PROJECT_FILE: Final = "sfdx-project.json"


@dataclass(frozen=True, slots=True)
class PackageProject:
    """What a deployment adds to the core.

    ``generated`` holds source-format files by path. ``contact_email`` brings the external client app
    along, which cannot be without one. ``events`` brings the channel of change events, ``dashboards``
    the dashboards. ``messages`` holds files as ``generated`` does: outbound messages and their flows.
    """

    generated: Mapping[str, str]
    contact_email: str | None = None
    events: bool = False
    dashboards: bool = True
    messages: Mapping[str, str] = field(default_factory=dict)


def parts(project: PackageProject) -> dict[str, dict[str, str]]:
    """Return the files of each part by path below it, in the order in which they are deployed.

    Raises ValueError where the e-mail address is none.
    """
    made = {Part.CORE.value: package_files(Part.CORE)}
    if project.dashboards:
        made[Part.DASHBOARDS.value] = package_files(Part.DASHBOARDS)
    if project.generated:
        made[GENERATED] = dict(project.generated)
    if project.messages:
        made[MESSAGES] = dict(project.messages)
    if project.events:
        made[Part.EVENTS.value] = package_files(Part.EVENTS)
    if project.contact_email is not None:
        made[Part.CONNECT.value] = _connect_files(project.contact_email)
    return made


def render_project(project: PackageProject) -> dict[str, str]:
    """Return every file of the project folder by its path. Raises ValueError as ``parts`` does."""
    made = parts(project)
    folders = [{"path": name, "default": name == Part.CORE.value} for name in made]
    head = {
        "packageDirectories": folders,
        "name": "colonnade",
        "namespace": "",
        "sfdcLoginUrl": "https://login.salesforce.com",
        "sourceApiVersion": METADATA_VERSION,
    }
    files = {f"{name}/{path}": text for name, held in made.items() for path, text in held.items()}
    return {PROJECT_FILE: json.dumps(head, indent=2) + "\n", **files}


def archive(project: PackageProject) -> bytes:
    """Return core, dashboards, generated and messages as one upload for the Metadata API.

    Equal projects give equal bytes.
    """
    made = parts(project)
    joined = {path: text for name in TOGETHER for path, text in made.get(name, {}).items()}
    return zipped(to_metadata_format(joined))


def _connect_files(contact_email: str) -> dict[str, str]:
    """Return the external client app with the address people may write to."""
    name, at, domain = contact_email.partition("@")
    if not name or not at or "." not in domain:
        raise ValueError(f"--contact-email: {contact_email} is no e-mail address; give the admin's or yours")
    files = package_files(Part.CONNECT)
    files[CLIENT_APP] = files[CLIENT_APP].replace(_NOBODY, escape(contact_email))
    return files
