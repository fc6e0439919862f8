"""An org that has our package under a namespace: the charter's own is deployed beside it, the core is not."""

from __future__ import annotations

import io
import zipfile
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from lxml import etree

from integration.install_specs import Wanted
from integration.package_step import PACKAGE, DeployPackage
from integration.parts import OwnedPart, Part, PartKind
from integration.port import CrmDescription, FieldSpec, FieldType, ObjectSpec
from integration.salesforce.generated import ViewSpec, generated_files
from integration.salesforce.installer import Installer
from integration.salesforce.packaged import in_namespace, packaged_name
from integration.salesforce.shape import Shapes
from integration.salesforce.source_format import to_metadata_format
from tests.integration.salesforce_metadata import metadata_schema
from tests.integration.salesforce_wire import rig

HEALTH = FieldSpec("CS_Health__c", "CS Health", FieldType.NUMBER)
MOOD = FieldSpec("CS_Mood__c", "CS Mood", FieldType.TEXT)
SPECS = (
    ObjectSpec("Account", "Account", "Accounts", (HEALTH,)),
    ObjectSpec(
        "CS_Profile__c", "CS Profile", "CS Profiles", (HEALTH, MOOD), custom=True, parents=("Account",)
    ),
)
VIEW = ViewSpec(
    "Account",
    "CS_Mine",
    "Mine",
    ("ACCOUNT.NAME", "CS_Profile_Band__c", "CS_Health__c"),
    (("CS_Profile_Band__c", "equals", "red"),),
)
VIEW_PART = Part(PartKind.LIST, "Account", "Account.CS_Mine")
ADDED = generated_files(SPECS, [VIEW])


def texts(document: str, tag: str) -> list[str | None]:
    """Return the texts of every element of a name."""
    return [one.text for one in ET.fromstring(document).iter() if one.tag.endswith(f"}}{tag}")]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("CS_Profile__c", "cs__CS_Profile__c"),
        ("CS_Profile__c.CS_Health__c", "cs__CS_Profile__c.cs__CS_Health__c"),
        ("CS_Profile__c.CS_Mood__c", "cs__CS_Profile__c.CS_Mood__c"),  # the charter's, so the org's own
        ("Account.CS_Profile_Band__c", "Account.cs__CS_Profile_Band__c"),
        (
            "Account.CS_Health__c",
            "Account.CS_Health__c",
        ),  # the charter's: the core has it on the profile only
        ("Account", "Account"),
        ("Theirs__c.CS_Health__c", "Theirs__c.CS_Health__c"),
    ],
)
def test_only_what_the_core_ships_has_the_prefix(name: str, told: str) -> None:
    """A field is the core's by its object and its name together."""
    assert packaged_name(name, "cs") == told


def test_what_a_charter_adds_refers_to_the_package_by_prefix() -> None:
    """Objects, columns, filters and rights of the core are prefixed; names of ours are not."""
    files = to_metadata_format(in_namespace(ADDED, "cs"))
    profile, account = files["objects/cs__CS_Profile__c.object"], files["objects/Account.object"]
    assert texts(profile, "fullName") == ["CS_Mood__c"]
    assert texts(account, "fullName") == ["CS_Health__c", "CS_Mine"]
    assert texts(account, "columns") == ["ACCOUNT.NAME", "cs__CS_Profile_Band__c", "CS_Health__c"]
    assert texts(account, "field") == ["cs__CS_Profile_Band__c"]
    rights = files["permissionsets/CS_Charter.permissionset"]
    assert texts(rights, "field") == ["Account.CS_Health__c", "cs__CS_Profile__c.CS_Mood__c"]
    assert texts(rights, "object") == ["cs__CS_Profile__c"]
    assert "cs__CS_Profile__c.CS_Mood__c" in texts(files["package.xml"], "members")
    for name, text in files.items():
        metadata_schema().assertValid(etree.fromstring(text.encode())), name


def test_without_a_namespace_nothing_changes() -> None:
    """An org of ours alone has the names as they are."""
    assert in_namespace(ADDED, "") == ADDED


def composite(*bodies: list[dict[str, object]]) -> tuple[int, dict[str, Any]]:
    """Return a composite answer of queries."""
    rows = [
        {"referenceId": f"p{n}", "httpStatusCode": 200, "body": {"records": body, "done": True}}
        for n, body in enumerate(bodies)
    ]
    return 200, {"compositeResponse": rows}


def deployed(*names: tuple[str, str]) -> tuple[int, dict[str, Any]]:
    """Return the answer of a deploy that worked and created these."""
    done = [{"componentType": kind, "fullName": name, "created": True} for kind, name in names]
    result = {"status": "Succeeded", "details": {"componentSuccesses": done, "componentFailures": []}}
    return 200, {"id": "0Af1", "deployResult": result}


def test_a_packaged_org_gets_the_charters_own_and_both_permission_sets() -> None:
    """The core is the package's: not in the archive; the integration user gets its set and ours."""
    edition = [{"OrganizationType": "Enterprise Edition"}]
    setup = rig(
        composite([], [], [], [], []),
        composite([], [], [], [], edition),
        (201, {"id": "0Af1"}),
        deployed(("CustomField", "cs__CS_Profile__c.CS_Mood__c")),
        (201, {"id": "0Af2"}),
        deployed(("CustomField", "cs__CS_Profile__c.CS_Mood__c")),
        composite([{"Id": "0PS1"}], [], [{"Id": "0PS2"}], []),
    )
    transport = setup.port._transport
    installer = Installer(transport, Shapes(transport), prefix="cs")
    found = CrmDescription("00D", "Acme", "UTC", {}, (), None)
    survey = installer.survey(Wanted(SPECS, files=ADDED), found, ())
    assert survey.package is not None
    step = survey.package.step
    assert isinstance(step, DeployPackage)
    assert step.assigns == ("CS_Integration_Install", "cs__CS_Integration")
    archive = zipfile.ZipFile(io.BytesIO(step.archive))
    assert sorted(archive.namelist()) == [
        "objects/Account.object",
        "objects/cs__CS_Profile__c.object",
        "package.xml",
        "permissionsets/CS_Charter.permissionset",
        "permissionsets/CS_Integration_Install.permissionset",
    ]
    granted = texts(archive.read("permissionsets/CS_Integration_Install.permissionset").decode(), "field")
    assert {"cs__CS_Profile__c.cs__CS_Health__c", "cs__CS_Profile__c.CS_Mood__c"} <= set(granted)
    assert PACKAGE in installer.make(step).made
    queries = [one["url"] for one in setup.org.sent[-1].json["compositeRequest"] if one["method"] == "GET"]
    assert "NamespacePrefix+%3D+%27cs%27" in queries[1]
    assert OwnedPart(PACKAGE, step.content).crm_id


STEP = DeployPackage("abc", b"zip", (PACKAGE, VIEW_PART), ("CS_Integration_Install",))
NO = {"errorCode": "INSUFFICIENT_ACCESS", "message": "you may not"}


def installing(*answers: object) -> Installer:
    """Return an installer whose org gives these answers."""
    transport = rig(*answers).port._transport
    return Installer(transport, Shapes(transport))


def test_a_set_that_cannot_be_given_is_told_and_the_deploy_is_kept() -> None:
    """The package stands: only who is to have the set is left to an admin."""
    shared = composite([{"Id": "0PS1"}], [])
    shared[1]["compositeResponse"][1].update(httpStatusCode=403, body=[NO])
    made = installing((201, {"id": "0Af1"}), deployed(("ListView", "Account.CS_Mine")), shared).make(STEP)
    assert made.made == {PACKAGE: "abc", VIEW_PART: None}
    assert not made.done
    assert "CS_Integration_Install could not be given" in made.message
    assert "you may not" in made.message


def test_a_user_who_may_not_deploy_has_made_nothing() -> None:
    """All the step meant to make is refused in the org's words, so none of it is held ours."""
    made = installing((403, [NO])).make(STEP)
    assert (made.made, set(made.refused)) == ({}, {PACKAGE, VIEW_PART})
    assert "you may not" in made.message


def test_what_a_deploy_met_was_made_by_somebody_else() -> None:
    """Between check and deploy they made the view themselves: it is theirs."""
    met = deployed(("ListView", "Account.CS_Mine"))
    met[1]["deployResult"]["details"]["componentSuccesses"][0]["created"] = False
    made = installing((201, {"id": "0Af1"}), met, composite([{"Id": "0PS1"}], [])).make(STEP)
    assert (made.made, made.taken) == ({PACKAGE: "abc"}, (VIEW_PART,))
