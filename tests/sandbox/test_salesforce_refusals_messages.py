"""What Salesforce refuses to delete of messages and the flows that send them (reference 3, destructive)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.salesforce_messages import files
from tests.sandbox.salesforce_refusals import refuses
from tests.sandbox.salesforce_session import Api, package

NO_ACCESS = "insufficient access rights on cross-reference id"


@pytest.fixture
def api(salesforce: Any) -> Api:
    """Give a session on an org whose flow is at work."""
    api = Api(salesforce.url, "66.0")
    assert api.deploy(files())["status"] == "Succeeded"
    return api


def told(api: Api, **members: list[str]) -> list[str]:
    """Return what was refused of a deletion that is only checked."""
    parts = {"package.xml": package(), "destructiveChanges.xml": package(**members)}
    result = api.deploy(parts, checkOnly=True)
    return [one["problem"] for one in result["details"]["componentFailures"]]


@refuses("delete-sent-message")
def test_a_message_that_a_flow_sends(api: Api) -> None:
    """Whether the flow is at work or not."""
    words = "This outbound message is referenced elsewhere in salesforce.com. : Flow - Told."
    assert told(api, WorkflowOutboundMessage=["Account.Told"]) == [words]


@refuses("delete-active-flow")
def test_a_flow_that_is_active(api: Api) -> None:
    """Its active version, which here is the last that was deployed."""
    numbers = [number for number in range(1, 9) if told(api, Flow=[f"Told-{number}"]) == [NO_ACCESS]]
    assert len(numbers) == 1
    assert told(api, Flow=[f"Told-{numbers[0] + 1}"]) == [f"No Flow named: Told-{numbers[0] + 1} found"]


@refuses("delete-flow-unversioned")
def test_a_flow_of_several_versions_named_without_one(api: Api) -> None:
    """A known issue of theirs: each version has to be named."""
    assert api.deploy(files(status="Draft"))["status"] == "Succeeded"
    assert told(api, Flow=["Told"]) == [NO_ACCESS]
