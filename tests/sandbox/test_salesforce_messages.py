"""Outbound messages that were deployed with a flow: the org sends them while the flow is at work.

That nothing was sent of one save is told by a later save that is sent: messages of a flow keep their order.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.sandbox.conftest import Sandbox
from tests.sandbox.salesforce_messages import (
    API_USER,
    FLOW,
    SOBJECT,
    WORKFLOW,
    Taker,
    files,
    flow,
    message,
    taking,
    until,
    workflow,
)
from tests.sandbox.salesforce_session import Api, package


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Give a session on an org that soon sends again what was not acknowledged."""
    org = Sandbox("salesforce", tmp_path_factory.mktemp("org") / "org.db", ("--retry-base-seconds", "0.05"))
    org.start()
    yield Api(org.url, "66.0")
    org.kill()


@pytest.fixture
def taker() -> Iterator[Taker]:
    """Give an endpoint."""
    with taking() as server:
        yield server


def edit(api: Api, record_id: str | None = None, user: str = "ann@example.com", **more: bool) -> str:
    """Save an account as a user at the screen."""
    body = {"object": "Account", "id": record_id, "values": {"Name": "A"}, "user": user, **more}
    answer = requests.post(f"{api.url}/_sandbox/edit", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def deploy(api: Api, parts: dict[str, str]) -> None:
    """Deploy what must go in."""
    result = api.deploy(parts)
    assert result["status"] == "Succeeded", result["details"]


def test_a_flow_at_work_sends_what_its_message_says(api: Api, taker: Taker) -> None:
    """Created and changed are told alike, at the message's own address, with its own two fields."""
    deploy(api, files(taker.url))
    made = edit(api)
    until(lambda: taker.got)
    edit(api, made)
    until(lambda: len(taker.got) == 2)
    assert taker.records() == [made, made]
    (told,) = taker.got[1].iter(SOBJECT)
    assert [one.tag.rpartition("}")[2] for one in told] == ["Id", "SystemModstamp"]


def test_a_message_not_acknowledged_is_sent_again(api: Api, taker: Taker) -> None:
    """The same notification comes twice, which is how a receiver knows it."""
    taker.refusals = 1
    deploy(api, files(taker.url))
    made = edit(api)
    until(lambda: len(taker.got) == 2)
    assert taker.records() == [made, made]
    notes = [one.text for body in taker.got for one in body.iter() if str(one.text).startswith("04l")]
    assert (len(notes), len(set(notes))) == (2, 1)


def test_what_the_flow_leaves_out_is_not_sent(api: Api, taker: Taker) -> None:
    """Neither the user its condition names, also where that user may send, nor a deletion."""
    control = f"{api.url}/_sandbox/webhooks"
    assert requests.post(control, json={"api_user_sends": True}, timeout=30).status_code == 200
    deploy(api, files(taker.url))
    api.create("Account", Name="Ours")
    theirs = edit(api)
    until(lambda: taker.got)
    edit(api, theirs, delete=True)
    last = edit(api)
    until(lambda: last in taker.records())
    assert taker.records() == [theirs, last]
    requests.post(control, json={}, timeout=30)


def test_a_flow_for_new_records_leaves_changes_alone(api: Api, taker: Taker) -> None:
    """The start says on which saves."""
    deploy(api, {**files(taker.url), FLOW: flow(on="Create")})
    first = edit(api)
    until(lambda: taker.got)
    edit(api, first)
    second = edit(api)
    until(lambda: second in taker.records())
    assert taker.records() == [first, second]


def test_an_inactive_flow_sends_nothing(api: Api, taker: Taker) -> None:
    """A draft put in its place stops it at once; the next active version sends again, none of the past."""
    deploy(api, files(taker.url, "Draft"))
    edit(api)
    deploy(api, files(taker.url))
    made = edit(api)
    until(lambda: taker.got)
    assert taker.records() == [made]


def test_a_deploy_that_fails_or_only_checks_changes_nothing_that_is_sent(api: Api, taker: Taker) -> None:
    """The address of the message in the org stays the one that was deployed."""
    deploy(api, files(taker.url))
    elsewhere = files("https://elsewhere.example/in")
    assert api.deploy(elsewhere, checkOnly=True)["status"] == "Succeeded"
    assert api.deploy({**elsewhere, FLOW: flow(sends="Account.Gone")})["status"] == "Failed"
    made = edit(api)
    until(lambda: taker.got)
    assert taker.records() == [made]


def test_what_was_deleted_is_not_sent_any_more(api: Api, taker: Taker) -> None:
    """Put out of work, then every version, then the message; afterwards the org can have both again."""
    deploy(api, files(taker.url, "Draft"))
    versions = list(_versions(api))
    both = {"destructiveChangesPre.xml": package(Flow=versions)}
    both["destructiveChangesPost.xml"] = package(WorkflowOutboundMessage=["Account.Told"])
    deploy(api, {**both, "package.xml": package()})
    edit(api)
    deploy(api, files(taker.url))
    made = edit(api)
    until(lambda: taker.got)
    assert taker.records() == [made]


def _versions(api: Api) -> Iterator[str]:
    """Yield the versions of the flow there are, as a deletion that only checks tells them."""
    number = 1
    while True:
        manifest = {"package.xml": package(), "destructiveChanges.xml": package(Flow=[f"Told-{number}"])}
        if api.deploy(manifest, checkOnly=True)["status"] != "Succeeded":
            return
        yield f"Told-{number}"
        number += 1


BROKEN = (
    (FLOW, "Account.Told", "Account.Gone", "no WorkflowOutboundMessage named Account.Gone found"),
    (FLOW, "<object>Account<", "<object>Contact<", "A flow of Contact cannot send Account.Told"),
    (FLOW, ">RecordAfterSave<", ">RecordBeforeSave<", "only flows that start after a record is saved"),
    (FLOW, ">CreateAndUpdate<", ">Delete<", "before a deletion cannot send an outbound message"),
    (FLOW, ">CreateAndUpdate<", ">Never<", "enum 'RecordTriggerType'"),
    (FLOW, ">outboundMessage<", ">emailAlert<", "runs no emailAlert"),
    (FLOW, "<apiVersion>", "<decisions/><apiVersion>", "none with decisions"),
    (FLOW, "<targetReference>Send<", "<targetReference>Go<", "references Go, which doesn't exist"),
    (FLOW, "{!$User.Username}", "{!$Record.Name}", "works out no entry condition but"),
    (FLOW, "<status>Active<", "<status>On<", "enum 'FlowVersionStatus'"),
    (FLOW, ">AutoLaunchedFlow<", ">Flow<", "enum 'FlowProcessType'"),
    (FLOW, "<label>Told</label>", "", "Required field is missing: label"),
    (WORKFLOW, "<fields>SystemModstamp<", "<fields>Nope__c<", "no CustomField named Account.Nope__c found"),
    (WORKFLOW, API_USER, "nobody@example.com", "no User named nobody@example.com found"),
    (WORKFLOW, ">https://example.com/in<", ">example<", "Invalid endpoint URL: example"),
    (WORKFLOW, "<name>Told</name>", "", "Required field is missing: name"),
    (WORKFLOW, "<fullName>Told<", "<fullName>Told__It<", "API name 'Told__It' is not valid"),
    (WORKFLOW, "</Workflow>", "<rules/></Workflow>", "takes only outboundMessages of a Workflow, not rules"),
)


@pytest.mark.parametrize(("path", "old", "new", "words"), BROKEN)
def test_a_deploy_with_something_wrong_is_refused(
    api: Api, path: str, old: str, new: str, words: str
) -> None:
    """What an org would refuse, and what this one would have to leave undone."""
    parts = files()
    assert old in parts[path]
    result = api.deploy({**parts, path: parts[path].replace(old, new, 1)}, checkOnly=True)
    told = [one["problem"] for one in result["details"]["componentFailures"]]
    assert any(words in one for one in told), told


def test_an_object_that_has_no_messages_is_refused(api: Api) -> None:
    """Price book entries have no workflow."""
    parts = {"workflows/PricebookEntry.workflow": workflow(message())}
    result = api.deploy({**parts, "package.xml": package(Workflow=["PricebookEntry"])}, checkOnly=True)
    (refused,) = result["details"]["componentFailures"]
    assert "not supported for PricebookEntry" in refused["problem"]


def test_messages_may_be_named_one_by_one(api: Api) -> None:
    """As tools do that deploy one message of an object; another in the same file is passed over."""
    parts = {WORKFLOW: workflow(message(), message(name="Other"))}
    result = api.deploy(
        {**parts, "package.xml": package(WorkflowOutboundMessage=["Account.Told"])}, checkOnly=True
    )
    done = {one["fullName"]: one["problem"] for one in result["details"]["componentSuccesses"]}
    assert done == {"Account.Told": None, "Account.Other": "Not in package.xml"}
