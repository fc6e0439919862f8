"""What a charter adds to the package, rendered for one org: never more than the core lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from integration.port import FieldSpec, FieldType, ObjectSpec
from integration.salesforce.generated import ViewSpec, generated_files
from integration.salesforce.project import PROJECT_FILE, PackageProject, archive, parts, render_project
from integration.salesforce.source_format import Part, component_of, package_files, to_metadata_format
from mappings.charter import Charter
from mappings.load import load_charter
from mappings.naming import SALESFORCE
from mappings.org_views import band_views
from mappings.outbound import object_specs
from tests.integration.conftest import Sandbox
from tests.integration.salesforce_metadata import mistakes
from tests.integration.salesforce_package_rules import tree
from tests.sandbox.salesforce_session import Api
from tests.sync.harness import CHARTER

HEALTH = "objects/Account/fields/CS_Health__c.field-meta.xml"
RIGHTS = "permissionsets/CS_Charter.permissionset-meta.xml"
LOOKUP = "    writes:\n      profile_lookup: true"


def charter(tmp_path: Path, *changes: tuple[str, str]) -> Charter:
    """Return the default charter with parts of its text replaced, each of which stands there once."""
    text = CHARTER.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path / "charter.yaml"
    path.write_text(text, encoding="utf-8")
    return load_charter(path, SALESFORCE)


def generated(made: Charter) -> dict[str, str]:
    """Return what is rendered for a charter."""
    return generated_files(object_specs(made, SALESFORCE), band_views(made))


def on_account(tmp_path: Path) -> Charter:
    """Return a charter that wants two profile fields written to the account itself."""
    return charter(
        tmp_path, (LOOKUP, "    writes:\n      on_account: [health, band]\n      profile_lookup: true")
    )


def test_the_default_charter_adds_list_views_only(tmp_path: Path) -> None:
    """The core has every field it asks for; one view for each of its three bands is left."""
    assert sorted(generated(charter(tmp_path))) == [
        f"objects/Account/listViews/CS_My_{band}_Accounts.listView-meta.xml"
        for band in ("green", "red", "yellow")
    ]


def test_a_charters_own_bands_have_views_of_the_readers_own_accounts(tmp_path: Path) -> None:
    """The view is named by the band's key, told by its title, and filters on what the profile shows."""
    made = charter(
        tmp_path, ("{key: red, title: Red, floor: 0}", "{key: at__risk_, title: In danger, floor: 0}")
    )
    view = tree(generated(made)["objects/Account/listViews/CS_My_at_risk_Accounts.listView-meta.xml"])
    assert (view.findtext("label"), view.findtext("filterScope")) == ("My Accounts: In danger", "Mine")
    (only,) = view.findall("filters")
    assert [one.text for one in only] == ["CS_Profile_Band__c", "equals", "at__risk_"]


def test_a_long_band_still_gives_a_name_salesforce_takes(tmp_path: Path) -> None:
    """Forty characters are the most for names and labels."""
    key, title = "b" * 40, "T" * 60
    made = charter(
        tmp_path, ("{key: red, title: Red, floor: 0}", f"{{key: {key}, title: {title}, floor: 0}}")
    )
    files = generated(made)
    (path,) = [name for name in files if "bbb" in name]
    assert component_of(path)[1] == f"Account.CS_My_{'b' * 25}_Accounts"
    assert len(component_of(path)[1].split(".")[1]) == len(tree(files[path]).findtext("label") or "") == 40


def test_a_field_the_core_lacks_is_added_with_a_right_to_see_it(tmp_path: Path) -> None:
    """Fields on the account are the charter's choice; people see them by a permission set of their own."""
    files = generated(on_account(tmp_path))
    field, rights = tree(files[HEALTH]), tree(files[RIGHTS])
    assert (field.findtext("type"), field.findtext("scale")) == ("Number", "1")
    seen = {one.findtext("field"): one.findtext("editable") for one in rights.iter("fieldPermissions")}
    assert seen == {"Account.CS_Health__c": "false", "Account.CS_Band__c": "false"}
    assert list(rights.iter("objectPermissions")) == []


def test_an_object_the_core_lacks_comes_whole() -> None:
    """Its file, its fields, and the right to read it."""
    extra = ObjectSpec(
        "CS_Extra__c", "CS Extra", "CS Extras", (FieldSpec("CS_A__c", "A", FieldType.TEXT),), True
    )
    files = generated_files([extra], [])
    assert sorted(files) == [
        "objects/CS_Extra__c/CS_Extra__c.object-meta.xml",
        "objects/CS_Extra__c/fields/CS_A__c.field-meta.xml",
        RIGHTS,
    ]
    assert [one.findtext("object") for one in tree(files[RIGHTS]).iter("objectPermissions")] == [
        "CS_Extra__c"
    ]


def test_every_field_a_charter_asks_for_is_in_one_of_the_two(tmp_path: Path) -> None:
    """Nothing is forgotten, and nothing stands in both."""
    made = on_account(tmp_path)
    core = {component_of(path) for path in package_files(Part.CORE)}
    added = {component_of(path) for path in generated(made)}
    asked = {
        ("CustomField", f"{spec.name}.{field.name}")
        for spec in object_specs(made, SALESFORCE)
        for field in spec.fields
        if field.name.endswith("__c")
    }
    assert asked <= core | added
    assert core & added == set()


def test_generated_files_are_valid_and_deploy_with_the_core(
    tmp_path: Path, salesforce_sandbox: Sandbox
) -> None:
    """By Salesforce's schema, and by the org's own look at what they name."""
    files = generated(on_account(tmp_path))
    assert [found for text in files.values() for found in mistakes(text)] == []
    api = Api(salesforce_sandbox.url, "68.0")
    result = api.deploy(to_metadata_format({**package_files(Part.CORE), **files}))
    assert (result["status"], result["details"]["componentFailures"]) == ("Succeeded", [])
    alone = api.deploy(to_metadata_format({HEALTH: files[HEALTH].replace("Number", "Numbr")}))
    assert alone["status"] == "Failed"


def test_the_project_lists_only_the_parts_it_has() -> None:
    """A folder named and not there stops Salesforce's own CLI."""
    assert list(parts(PackageProject({}, dashboards=False))) == ["core"]
    made = PackageProject({HEALTH: "<x/>"}, contact_email="ann@example.com", events=True)
    assert list(parts(made)) == ["core", "dashboards", "generated", "events", "connect"]
    files = render_project(made)
    assert {path.split("/")[0] for path in files} == {PROJECT_FILE, *parts(made)}


def test_the_client_app_carries_the_address_given() -> None:
    """Escaped where it must be; a text that is no address is refused before anything is written."""
    made = PackageProject({}, contact_email="a&b@example.com")
    app = tree(parts(made)["connect"]["externalClientApps/Colonnade.eca-meta.xml"])
    assert app.findtext("contactEmail") == "a&b@example.com"
    for wrong in ("ann", "@example.com", "ann@example"):
        with pytest.raises(ValueError, match="no e-mail address"):
            parts(replace(made, contact_email=wrong))


def test_the_same_project_is_the_same_archive() -> None:
    """Nothing of the moment is in it."""
    view = ViewSpec("Account", "V", "V", ("ACCOUNT.NAME",), ())
    made = PackageProject(generated_files([], [view]))
    assert archive(made) == archive(made)


def test_a_file_of_a_type_the_package_does_not_ship_is_refused() -> None:
    """Nothing is put into an archive unseen."""
    with pytest.raises(ValueError, match=r"classes/A\.cls: no metadata type"):
        to_metadata_format({"classes/A.cls": "class A {}"})
