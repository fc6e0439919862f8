"""An org the connector's tests borrow: a sandbox's, or a real one; given back as it was found.

Everything made in it carries a name of its own (``CS_Test``, ``cs_test_``) and is taken back, whether the
tests passed or not: one custom object, its permission set, and accounts. What only an admin does, to deploy
and take back, is done here by plain calls of the REST API (Metadata API guide, "Deploy Metadata with REST",
"Deleting Components from an Organization"). Nothing asks for what only a sandbox has.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from integration.budget import LocalBudget
from integration.port import WriteRow
from integration.salesforce.auth import (
    ClientCredentials,
    Grant,
    JwtBearer,
    MemoryTokenStore,
    SalesforceCredentials,
)
from integration.salesforce.connector import WINDOWS, SalesforcePort, connect
from sync.clock import WallClock

URL, CLIENT_ID, SECRET = "SF_INSTANCE_URL", "SF_CLIENT_ID", "SF_CLIENT_SECRET"
USERNAME, KEY_FILE, AUDIENCE = "SF_USERNAME", "SF_PRIVATE_KEY_FILE", "SF_AUDIENCE"
OBJECT, KEY, PERMISSION_SET = "CS_Test__c", "CS_Test_Key__c", "CS_Test"
VERSION = "60.0"
NAMESPACE = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
CALL_WITHIN_S = 120
DEPLOYED_WITHIN_S = 600.0
LOOK_FIRST_S, LOOK_LAST_S = 0.05, 5.0
FIELDS: Mapping[str, Mapping[str, str]] = {
    KEY: {"type": "Text", "length": "255", "externalId": "true", "unique": "true"},
    "CS_Test_Text__c": {"type": "LongTextArea", "length": "32768", "visibleLines": "3"},
    "CS_Test_Amount__c": {"type": "Number", "precision": "18", "scale": "2"},
    "CS_Test_Day__c": {"type": "Date"},
    "CS_Test_Choice__c": {"type": "Picklist", "valueSet": ""},
    "CS_Account__c": {
        "type": "Lookup", "referenceTo": "Account", "relationshipName": "CS_Tests",
        "relationshipLabel": "CS Tests", "deleteConstraint": "SetNull",
    },
}  # fmt: skip
CHOICES = ("red", "green")


def given() -> tuple[str, SalesforceCredentials] | None:
    """Return address and credentials of the real org, ``None`` where they are not all set."""
    url, client = os.environ.get(URL, ""), os.environ.get(CLIENT_ID, "")
    secret, key_file = os.environ.get(SECRET, ""), os.environ.get(KEY_FILE, "")
    if not url or not client or not (secret or key_file):
        return None
    if secret:
        return url, ClientCredentials(client, secret)
    key = Path(key_file).read_text("ascii")
    audience = os.environ.get(AUDIENCE) or "https://login.salesforce.com"
    return url, JwtBearer(client, os.environ[USERNAME], key, audience)


@dataclass
class BorrowedOrg:
    """An org at ``url``; ``run`` tells this run's records from all others."""

    url: str
    credentials: SalesforceCredentials
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    accounts: list[str] = field(default_factory=list)

    @cached_property
    def grant(self) -> Grant:
        """Return what the admin's calls are made with."""
        return self.open()._transport.grant

    def open(self, credentials: SalesforceCredentials | None = None) -> SalesforcePort:
        """Return a port, by other credentials where some are given."""
        opens, clock = credentials or self.credentials, WallClock().now
        return connect(opens, self.url, LocalBudget(WINDOWS), clock, MemoryTokenStore(), sleep=_pause)

    def row(self, name: str, **values: str | None) -> WriteRow:
        """Return a row of the test's object under a key of this run."""
        return WriteRow(f"cs_test:{self.run}:{name}", {"Name": f"cs_test_ {self.run} {name}"[:80], **values})

    def account(self, name: str) -> str:
        """Make an account, remembered and taken back at the end; return its id."""
        made = self.call("POST", "sobjects/Account", json={"Name": f"cs_test_ {self.run} {name}"})
        self.accounts.append(str(made["id"]))
        return self.accounts[-1]

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Return the answer to a plain call. Raises HTTPError with the org's words."""
        grant = self.grant
        url = f"{grant.instance_url}/services/data/v{VERSION}/{path}"
        headers = {"Authorization": f"Bearer {grant.access_token}"}
        answer = requests.request(method, url, headers=headers, timeout=CALL_WITHIN_S, **options)
        if not answer.ok:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text[:1000]}")
        return answer.json() if answer.content else None

    def query(self, soql: str) -> list[dict[str, Any]]:
        """Return the rows of a query of one page."""
        rows: list[dict[str, Any]] = self.call("GET", "query", params={"q": soql})["records"]
        return rows

    def lend(self) -> None:
        """Deploy the test's object and permission set, and assign it to the user we are."""
        assert OBJECT not in self.objects(), f"{OBJECT} stands in the org already; delete it first"
        self.deploy(_components())
        (held,) = self.query(f"SELECT Id FROM PermissionSet WHERE Name = '{PERMISSION_SET}'")
        self.call(
            "POST",
            "sobjects/PermissionSetAssignment",
            json={"AssigneeId": self.grant.user_id, "PermissionSetId": held["Id"]},
        )

    def objects(self) -> set[str]:
        """Return the names of the org's objects, as far as the user sees them."""
        return {one["name"] for one in self.call("GET", "sobjects")["sobjects"]}

    def give_back(self) -> None:
        """Take back accounts, assignment, permission set and object, each whatever became of the others."""
        failures: list[Exception] = []
        for step in (self._drop_accounts, self._unassign, self._drop_components):
            try:
                step()
            except (requests.RequestException, AssertionError) as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _drop_accounts(self) -> None:
        for one in self.accounts:
            self.call("DELETE", f"sobjects/Account/{one}")

    def _unassign(self) -> None:
        where = f"PermissionSet.Name = '{PERMISSION_SET}'"
        for one in self.query(f"SELECT Id FROM PermissionSetAssignment WHERE {where}"):
            self.call("DELETE", f"sobjects/PermissionSetAssignment/{one['Id']}")

    def _drop_components(self) -> None:
        gone = _manifest(PermissionSet=[PERMISSION_SET], CustomObject=[OBJECT])
        self.deploy({"package.xml": _manifest(), "destructiveChanges.xml": gone})

    def deploy(self, files: Mapping[str, str]) -> None:
        """Deploy files and wait for the end, which must be a good one."""
        options = {"deployOptions": {"rollbackOnError": True, "singlePackage": True}}
        parts = {"json": (None, json.dumps(options), "application/json"), "file": ("d.zip", _zipped(files))}
        job = self.call("POST", "metadata/deployRequest", files=parts)["id"]
        ends, pause = time.monotonic() + DEPLOYED_WITHIN_S, LOOK_FIRST_S
        path = f"metadata/deployRequest/{job}?includeDetails=true"
        while not (told := self.call("GET", path)["deployResult"])["done"] and time.monotonic() < ends:
            time.sleep(pause)
            pause = min(pause * 2, LOOK_LAST_S)
        assert told["success"], told


@contextmanager
def borrowed(url: str, credentials: SalesforceCredentials) -> Iterator[BorrowedOrg]:
    """Lend an org with the test's object deployed; give it back whatever happens meanwhile."""
    org = BorrowedOrg(url, credentials)
    try:
        org.lend()
        yield org
    finally:
        org.give_back()


def _pause(seconds: float) -> None:
    """Wait a second at most: a small job is done by then."""
    time.sleep(min(seconds, 1.0))


def _components() -> dict[str, str]:
    fields = "".join(_field(name, parts) for name, parts in FIELDS.items())
    held = (
        f"<CustomObject {NAMESPACE}><deploymentStatus>Deployed</deploymentStatus>{fields}"
        "<label>CS Test</label><nameField><label>Name</label><type>Text</type></nameField>"
        "<pluralLabel>CS Tests</pluralLabel><sharingModel>ReadWrite</sharingModel></CustomObject>"
    )
    shown = "".join(
        f"<fieldPermissions><editable>true</editable><field>{OBJECT}.{name}</field>"
        "<readable>true</readable></fieldPermissions>"
        for name in FIELDS
    )
    names = ("Create", "Delete", "Edit", "Read")
    rights = "".join(f"<allow{one}>true</allow{one}>" for one in names)
    rights += f"<modifyAllRecords>true</modifyAllRecords><object>{OBJECT}</object>"
    rights += "<viewAllRecords>true</viewAllRecords>"
    granted = (
        f"<PermissionSet {NAMESPACE}>{shown}<label>CS Test</label>"
        f"<objectPermissions>{rights}</objectPermissions></PermissionSet>"
    )
    return {
        "package.xml": _manifest(CustomObject=[OBJECT], PermissionSet=[PERMISSION_SET]),
        f"objects/{OBJECT}.object": held,
        f"permissionsets/{PERMISSION_SET}.permissionset": granted,
    }


def _field(name: str, parts: Mapping[str, str]) -> str:
    values = "".join(
        f"<value><fullName>{one}</fullName><default>false</default><label>{one.title()}</label></value>"
        for one in CHOICES
    )
    choices = (
        "<restricted>true</restricted><valueSetDefinition><sorted>false</sorted>"
        f"{values}</valueSetDefinition>"
    )
    label = name.removesuffix("__c").replace("_", " ")
    whole = {"fullName": name, "label": label, **parts}
    return "<fields>" + "".join(f"<{k}>{v or choices}</{k}>" for k, v in whole.items()) + "</fields>"


def _manifest(**members: list[str]) -> str:
    types = "".join(
        f"<types>{''.join(f'<members>{one}</members>' for one in names)}<name>{kind}</name></types>"
        for kind, names in members.items()
    )
    return f"<Package {NAMESPACE}>{types}<version>{VERSION}</version></Package>"


def _zipped(files: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}')
    return out.getvalue()
