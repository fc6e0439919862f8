"""What the tests of install and uninstall ask of a Salesforce org, and what its admin changes in it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest
from requests import Session

from integration.salesforce import deploys
from tests.sandbox.salesforce_session import NS, Api, package
from tests.sync.harness import Office, Sandbox

SETUP = ("ListView", "TabDefinition", "AppDefinition", "Report", "Dashboard", "PermissionSet")
RIGHTS = ("FieldPermissions", "ObjectPermissions", "PermissionSetAssignment")
WHEN = ("attributes", "Id", "SystemModstamp", "CreatedDate", "LastModifiedDate")
OURS = ("CS_Profile__c", "CS_Plan__c", "CS_Milestone__c", "CS_Snapshot__c")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the sandbox sooner than an org would like whether a deploy is done."""
    monkeypatch.setattr(deploys, "FIRST_LOOK_S", 0.001)


def admin(there: Office) -> Api:
    """Return a session of the org's own admin."""
    return Api(there.sandbox.url, "68.0")


def definitions(sandbox: Sandbox) -> dict[str, Any]:
    """Return everything an admin defines in an org, as far as it can be changed by us."""
    api = Api(sandbox.url, "68.0")
    found: dict[str, Any] = {}
    for one in api.call("GET", "/sobjects").json()["sobjects"]:
        described = api.call("GET", f"/sobjects/{one['name']}/describe").json()
        found[one["name"]] = {
            "fields": sorted(described["fields"], key=lambda each: each["name"]),
            "children": sorted(map(str, described["childRelationships"])),
        }
    for name in (*SETUP, *RIGHTS):
        rows = sandbox.records(name)
        found[f"{name} rows"] = sorted(
            str({key: value for key, value in row.items() if key not in WHEN}) for row in rows
        )
    return found


def deletes(there: Office, **members: list[str]) -> None:
    """Have the org's admin delete components."""
    files = {"package.xml": package(), "destructiveChanges.xml": package(**members)}
    result = admin(there).deploy(files)
    assert result["status"] == "Succeeded", result["details"]


def deploys_files(there: Office, files: dict[str, str]) -> None:
    """Have the org's admin deploy files."""
    result = admin(there).deploy(files)
    assert result["status"] == "Succeeded", result["details"]


def list_view(object_name: str, name: str, column: str) -> dict[str, str]:
    """Return the files of a list view of an admin's."""
    view = (
        f"<listViews><fullName>{name}</fullName><columns>{column}</columns>"
        f"<filterScope>Everything</filterScope><label>{name.replace('_', ' ')}</label></listViews>"
    )
    return {
        f"objects/{object_name}.object": f"<CustomObject {NS}>{view}</CustomObject>",
        "package.xml": package(ListView=[f"{object_name}.{name}"]),
    }


def deployed(sandbox: Sandbox, after: int) -> int:
    """Return how many deploys were sent since a number of the log."""
    return sum(one["path"].endswith("/deployRequest") for one in sandbox.requests(after))


def worked(sandbox: Sandbox, after: int) -> list[str]:
    """Return the calls since a number of the log, but for asking how far a deploy is."""
    found = sandbox.requests(after)
    return [f"{one['method']} {one['path']}" for one in found if "/deployRequest/" not in one["path"]]


def in_archive(archive: bytes) -> dict[str, str]:
    """Return the files of an archive as text."""
    held = zipfile.ZipFile(BytesIO(archive))
    return {name: held.read(name).decode() for name in held.namelist()}


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, number: int, *, answered: bool) -> Iterator[list[str]]:
    """End the process at a call: before it is sent, or once it has been worked in; yield the calls made."""
    sent: list[str] = []
    real = Session.request

    def request(session: Session, method: str, url: str, **more: Any) -> Any:
        if "/_sandbox/" in url or "/oauth2/" in url:
            return real(session, method, url, **more)
        sent.append(f"{method} {url}")
        if len(sent) == number and not answered:
            raise Killed
        answer = real(session, method, url, **more)
        if len(sent) == number:
            raise Killed
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(Session, "request", request)
        yield sent
