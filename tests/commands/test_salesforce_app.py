"""The package's own command: the project for Salesforce's CLI, and the archive for its Metadata API."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.commands.conftest import Done

Run = Callable[..., Done]


def test_the_project_is_written_part_by_part(colonnade: Run, tmp_path: Path) -> None:
    """Core and generated always, the rest as asked for, one folder each."""
    out, home = tmp_path / "package", {"CS_HOME": str(tmp_path / "home")}
    said = colonnade(home, "salesforce", "project", "--out", str(out), "--json").json()
    assert list(said["parts"]) == ["core", "dashboards", "generated"]
    project = json.loads((out / "sfdx-project.json").read_text())
    assert [one["path"] for one in project["packageDirectories"]] == list(said["parts"])
    assert project["sourceApiVersion"] == "63.0"
    assert (out / "core/objects/CS_Profile__c/CS_Profile__c.object-meta.xml").is_file()
    assert [(out / "generated" / path).is_file() for path in said["generated"]] == [True] * 3

    more = ("--events", "--contact-email", "ann@example.com")
    done = colonnade(home, "salesforce", "project", "--out", str(out), *more, "--replace")
    assert done.code == 0
    assert "sf project deploy start --source-dir connect" in done.out
    assert "ann@example.com" in (out / "connect/externalClientApps/Colonnade.eca-meta.xml").read_text()


def test_the_archive_is_ready_for_the_metadata_api(colonnade: Run, tmp_path: Path) -> None:
    """One zip with its manifest, for who has no CLI; one that is there is not written over unasked."""
    archive, home = tmp_path / "deploy.zip", {"CS_HOME": str(tmp_path / "home")}
    call = ("salesforce", "project", "--out", str(tmp_path / "package"), "--archive", str(archive))
    assert colonnade(home, *call).code == 0
    names = zipfile.ZipFile(archive).namelist()
    assert "package.xml" in names
    assert "objects/CS_Profile__c.object" in names
    assert "dashboards/CS_Dashboards/CS_Customer_Health.dashboard" in names
    again = colonnade(home, *call)
    assert (again.code, "there already" in again.err) == (2, True)
    assert colonnade(home, *call, "--replace", "--no-dashboards").code == 0
    assert not any("dashboards" in name for name in zipfile.ZipFile(archive).namelist())


def test_what_somebody_changed_is_not_written_over(colonnade: Run, tmp_path: Path) -> None:
    """A file that is there and differs stops the command before anything is written."""
    out, home = tmp_path / "package", {"CS_HOME": str(tmp_path / "home")}
    assert colonnade(home, "salesforce", "project", "--out", str(out)).code == 0
    (out / "sfdx-project.json").write_text("{}")
    done = colonnade(home, "salesforce", "project", "--out", str(out))
    assert (done.code, "there already, and different" in done.err) == (2, True)
    assert (out / "sfdx-project.json").read_text() == "{}"


def test_an_address_that_is_none_is_told(colonnade: Run, tmp_path: Path) -> None:
    """Exit code 2, and the option's name."""
    call = ("salesforce", "project", "--out", str(tmp_path / "package"), "--contact-email", "ann")
    done = colonnade({"CS_HOME": str(tmp_path / "home")}, *call)
    assert (done.code, "--contact-email" in done.err) == (2, True)
    assert not (tmp_path / "package").exists()


def test_messages_go_to_the_address_given_as_a_part_and_in_the_archive(
    colonnade: Run, tmp_path: Path
) -> None:
    """One message and one flow for each object the charter reads; the folder is left without them unasked."""
    out, archive = tmp_path / "package", tmp_path / "deploy.zip"
    address = "https://cs.example.com/webhooks/salesforce/salesforce-00D/secret"
    told = ("--messages", address, "--messages-user", "us@customer.example", "--archive", str(archive))
    home = {"CS_HOME": str(tmp_path / "home")}
    done = colonnade(home, "salesforce", "project", "--out", str(out), *told)
    assert (done.code, "--source-dir messages" in done.out) == (0, True)
    objects = ("Account", "Case", "Opportunity", "OpportunityLineItem")
    flows = {one.name for one in (out / "messages/flows").iterdir()}
    assert flows == {f"CS_{one}_Changed.flow-meta.xml" for one in objects}
    assert address in (out / "messages/workflows/Case.workflow-meta.xml").read_text()
    names = zipfile.ZipFile(archive).namelist()
    assert {f"workflows/{one}.workflow" for one in objects} <= set(names)

    for more in (told[:2], told[2:4], ("--messages", "https://cs.example.com/elsewhere", *told[2:4])):
        refused = colonnade(home, "salesforce", "project", "--out", str(tmp_path / "other"), *more)
        assert (refused.code, "--messages" in refused.err) == (2, True)
    assert not (tmp_path / "other").exists()
