"""Outbound messages by flow as files: valid, of the objects that may have them, to no address but ours."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from integration.salesforce.messages import message_files
from integration.salesforce.source_format import component_of, to_metadata_format
from tests.integration.salesforce_metadata import mistakes
from tests.integration.salesforce_package_rules import too_long, tree

ADDRESS = "https://cs.example.com/webhooks/salesforce/salesforce-00D/secret"
USER = "colonnade@customer.example"
READ = ("Account", "Opportunity", "OpportunityLineItem", "Case", "Survey_Answer__c")
FILES = message_files([*READ, "PricebookEntry", "User"], ADDRESS, USER)


def root(path: str) -> ET.Element:
    """Return a file's root."""
    return tree(FILES[path])


@pytest.mark.parametrize("path", sorted(FILES))
def test_every_file_is_valid_by_salesforces_own_schema(path: str) -> None:
    """And a broken copy of it is not."""
    assert mistakes(FILES[path]) == []
    kind = "status" if path.startswith("flows/") else "endpointUrl"
    assert mistakes(FILES[path].replace(f"<{kind}>", "<nope>").replace(f"</{kind}>", "</nope>")) != []


def test_each_object_that_may_has_a_message_and_its_flow() -> None:
    """Price book entries and users have no workflow; names fit and hold no two underscores in a row."""
    found = {component_of(path) for path in FILES}
    flows = {f"CS_{one.removesuffix('__c')}_Changed" for one in READ}
    assert found == {("Workflow", one) for one in READ} | {("Flow", one) for one in flows}
    assert too_long(FILES) == []
    assert message_files(["acme__Survey__c"], ADDRESS, USER).keys() == {
        "flows/CS_acme_Survey_Changed.flow-meta.xml",
        "workflows/acme__Survey__c.workflow-meta.xml",
    }


def test_a_message_tells_of_a_record_and_carries_nothing_of_it() -> None:
    """Id and stamp, no session, to the address given, as the integration user."""
    (message,) = root("workflows/Opportunity.workflow-meta.xml")
    assert [one.text for one in message.findall("fields")] == ["Id", "SystemModstamp"]
    told = {one.tag: one.text for one in message}
    assert (told["endpointUrl"], told["integrationUser"]) == (ADDRESS, USER)
    assert (told["includeSessionId"], told["useDeadLetterQueue"]) == ("false", "false")


def test_a_flow_sends_its_objects_message_after_each_save_but_ours() -> None:
    """It is active, does nothing else, and what it names is in the files beside it."""
    flow = root("flows/CS_Opportunity_Changed.flow-meta.xml")
    (action,) = flow.findall("actionCalls")
    start = flow.find("start")
    assert start is not None
    assert (action.findtext("actionType"), action.findtext("actionName")) == (
        "outboundMessage",
        "Opportunity.CS_Changed",
    )
    (message,) = root("workflows/Opportunity.workflow-meta.xml")
    assert message.findtext("fullName") == "CS_Changed"
    assert start.findtext("connector/targetReference") == action.findtext("name")
    on = [start.findtext(one) for one in ("object", "recordTriggerType", "triggerType")]
    assert on == ["Opportunity", "CreateAndUpdate", "RecordAfterSave"]
    assert start.findtext("filterFormula") == f'{{!$User.Username}} <> "{USER}"'
    assert flow.findtext("status") == "Active"


def test_the_archive_names_every_component() -> None:
    """A file the manifest does not name would be passed over in silence."""
    archive = to_metadata_format(FILES)
    assert set(archive) == {path.removesuffix("-meta.xml") for path in FILES} | {"package.xml"}
    named = {str(one.text) for one in tree(archive["package.xml"]).iter("members")}
    assert named == {component_of(path)[1] for path in FILES} | {f"{one}.CS_Changed" for one in READ}


@pytest.mark.parametrize(
    ("address", "user", "words"),
    [
        ("http://cs.example.com/webhooks/salesforce/a/b", USER, "no https:// address"),
        ("cs.example.com", USER, "no https:// address"),
        (ADDRESS, "colonnade", "no username"),
        (ADDRESS, 'a@b.example" || true', "no username"),
    ],
)
def test_what_could_not_work_is_refused(address: str, user: str, words: str) -> None:
    """An address without TLS carries its secret in the clear; a quote would end the flow's condition."""
    with pytest.raises(ValueError, match=words):
        message_files(READ, address, user)
