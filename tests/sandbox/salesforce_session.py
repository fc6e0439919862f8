"""What the Salesforce sandbox tests share: signing in, SOQL, deploys. Raw HTTP with ``requests`` only."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import requests

NS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'


class Api:
    """A signed-in session on one org."""

    def __init__(self, url: str, version: str = "66.0") -> None:
        self.url = url
        self.data = f"{url}/services/data/v{version}"
        self.session = requests.Session()
        requests.post(
            f"{url}/_sandbox/app", json={"consumer_key": "key", "client_secret": "secret"}, timeout=30
        )
        self.sign_in()

    def sign_in(self) -> dict[str, Any]:
        """Take a new access token; return the answer."""
        form = {"grant_type": "client_credentials", "client_id": "key", "client_secret": "secret"}
        answer = requests.post(f"{self.url}/services/oauth2/token", data=form, timeout=30)
        assert answer.status_code == 200, answer.text
        self.session.headers["Authorization"] = "Bearer " + answer.json()["access_token"]
        return answer.json()

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """Call a REST resource."""
        return self.session.request(method, self.data + path, json=body, timeout=60, **more)

    def query(self, soql: str, **headers: str) -> requests.Response:
        """Run SOQL and return the answer."""
        return self.session.get(self.data + "/query", params={"q": soql}, headers=headers, timeout=60)

    def rows(self, soql: str) -> list[dict[str, Any]]:
        """Return the records of a query that must work, without their attributes."""
        answer = self.query(soql)
        assert answer.status_code == 200, answer.text
        return [{k: v for k, v in row.items() if k != "attributes"} for row in answer.json()["records"]]

    def create(self, name: str, **values: Any) -> str:
        """Create a record and return its id."""
        answer = self.call("POST", f"/sobjects/{name}", values)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def refusal(self, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
        """Return status, code and message of a call that must be refused."""
        answer = self.call(method, path, body)
        error = answer.json()[0]
        return answer.status_code, error["errorCode"], error["message"]

    def deploy(self, files: dict[str, str], **options: Any) -> dict[str, Any]:
        """Deploy metadata files and return the final deployResult."""
        options = {"deployOptions": {"rollbackOnError": True, **options}}
        parts = {"json": (None, json.dumps(options), "application/json"), "file": ("d.zip", zipped(files))}
        answer = self.session.post(self.data + "/metadata/deployRequest", files=parts, timeout=60)
        assert answer.status_code == 201, answer.text
        path = f"/metadata/deployRequest/{answer.json()['id']}?includeDetails=true"
        while not (result := self.call("GET", path).json()["deployResult"])["done"]:
            pass
        return result

    def grant(self, permission_set: str) -> None:
        """Assign a permission set to the API user."""
        found = self.rows(f"SELECT Id FROM PermissionSet WHERE Name = '{permission_set}'")[0]["Id"]
        user = requests.get(f"{self.url}/_sandbox/credentials", timeout=30).json()["user_id"]
        self.create("PermissionSetAssignment", AssigneeId=user, PermissionSetId=found)


def zipped(files: dict[str, str]) -> bytes:
    """Return files as a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def package(**members: list[str]) -> str:
    """Return a package.xml."""
    types = "".join(
        f"<types>{''.join(f'<members>{m}</members>' for m in names)}<name>{kind}</name></types>"
        for kind, names in members.items()
    )
    return f"<Package {NS}>{types}<version>66.0</version></Package>"


def field(name: str, kind: str, **more: str) -> str:
    """Return a fields element."""
    parts = {"fullName": name, "label": name.removesuffix("__c").replace("_", " "), "type": kind, **more}
    return "<fields>" + "".join(f"<{k}>{v}</{k}>" for k, v in parts.items()) + "</fields>"


def custom_object(label: str, *fields: str) -> str:
    """Return an object file."""
    return (
        f"<CustomObject {NS}><deploymentStatus>Deployed</deploymentStatus>{''.join(fields)}"
        f"<label>{label}</label>"
        "<nameField><label>Name</label><type>Text</type></nameField>"
        f"<pluralLabel>{label}s</pluralLabel><sharingModel>ReadWrite</sharingModel></CustomObject>"
    )


def permission_set(label: str, objects: list[str], fields: list[str]) -> str:
    """Return a permission set that grants all on objects and fields."""
    rights = "<allowCreate>true</allowCreate><allowDelete>true</allowDelete><allowEdit>true</allowEdit>"
    rights += "<allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords>"
    shown = "".join(
        f"<fieldPermissions><editable>true</editable><field>{f}</field><readable>true</readable></fieldPermissions>"
        for f in fields
    )
    shown += f"<label>{label}</label>"
    shown += "".join(
        f"<objectPermissions>{rights}<object>{o}</object><viewAllRecords>false</viewAllRecords></objectPermissions>"
        for o in objects
    )
    return f"<PermissionSet {NS}>{shown}</PermissionSet>"


PROFILE_FIELDS = ["CS_Key__c", "CS_Health__c", "CS_Band__c", "CS_Account__c"]


def profile_package() -> dict[str, str]:
    """Return a deploy of CS_Profile__c, the lookup and formula on Account, and their permission set."""
    bands = "".join(
        f"<value><fullName>{b}</fullName><default>false</default><label>{b}</label></value>"
        for b in ("green", "red")
    )
    values = (
        f"<restricted>true</restricted><valueSetDefinition><sorted>false</sorted>{bands}</valueSetDefinition>"
    )
    profile = custom_object(
        "CS Profile",
        field("CS_Key__c", "Text", length="200", externalId="true", unique="true"),
        field("CS_Health__c", "Number", precision="4", scale="1"),
        field("CS_Band__c", "Picklist", valueSet=values),
        field("CS_Account__c", "Lookup", referenceTo="Account", relationshipName="CS_Profiles"),
    )
    account = f"<CustomObject {NS}>"
    account += field("CS_Profile__c", "Lookup", referenceTo="CS_Profile__c", relationshipName="Accounts")
    account += field("CS_Health__c", "Number", precision="18", scale="1",
        formula="CS_Profile__r.CS_Health__c",
                     formulaTreatBlanksAs="BlankAsBlank")  # fmt: skip
    account += "</CustomObject>"
    fields = [f"CS_Profile__c.{f}" for f in PROFILE_FIELDS] + [
        "Account.CS_Profile__c",
        "Account.CS_Health__c",
    ]
    return {
        "package.xml": package(CustomObject=["CS_Profile__c"], PermissionSet=["CS_Integration"],
                               CustomField=["Account.CS_Profile__c", "Account.CS_Health__c"]),
        "objects/CS_Profile__c.object": profile,
        "objects/Account.object": account,
        "permissionsets/CS_Integration.permissionset": permission_set("CS Integration", ["CS_Profile__c"],
        fields),
    }  # fmt: skip
