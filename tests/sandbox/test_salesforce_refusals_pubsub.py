"""What the Pub/Sub API refuses: the gRPC status, and the vendor's code in the trailers.

Codes: Pub/Sub API guide, "Handle Errors". Asked by raw bytes (``salesforce_pubsub``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import grpc
import pytest
import requests

from tests.sandbox.salesforce_pubsub import CUSTOM, LATEST, Bus, channel, start, text, told, whole
from tests.sandbox.salesforce_refusals import refuses

TOPIC = "/data/CS_Test__chn"
INVALID = "INVALID_ARGUMENT"


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """Give an org whose channel carries accounts."""
    for found in start(tmp_path_factory.mktemp("org")):
        assert found.api.deploy(channel("Account"))["success"]
        yield found


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Bus]:
    """Give an org of the test's own."""
    for found in start(tmp_path):
        assert found.api.deploy(channel("Account"))["success"]
        yield found


def with_header(bus, name, value):
    """Return the metadata with one value changed."""
    return [(key, value if key == name else held) for key, held in bus.metadata]


def asked(bus, method, request, metadata=None):
    """Return the refusal of a call with one answer."""
    with pytest.raises(grpc.RpcError) as raised:
        bus.ask(method, request, metadata)
    return told(raised.value)


@refuses("pubsub-header-blank")
def test_every_call_names_token_instance_and_tenant(bus):
    """One of the three blank is no authentication, for each method."""
    refused = ("UNAUTHENTICATED", "service.auth.headers.invalid")
    for name in ("accesstoken", "instanceurl", "tenantid"):
        assert asked(bus, "GetTopic", text(1, TOPIC), with_header(bus, name, " ")) == refused


@refuses("pubsub-session")
def test_a_dead_token_and_another_org_are_refused(bus):
    """Also where a stream begins."""
    refused = ("UNAUTHENTICATED", "service.auth.error")
    dead = with_header(bus, "accesstoken", "00Ddead")
    assert asked(bus, "GetSchema", text(1, "x"), dead) == refused
    assert asked(bus, "GetTopic", text(1, TOPIC), with_header(bus, "tenantid", bus.org[:15])) == refused
    assert bus.subscribe(TOPIC, metadata=dead).refusal() == refused


@refuses("pubsub-topic-unknown")
def test_a_topic_that_is_not_there_is_refused(bus):
    """A channel nobody deployed, an object nobody selected, a name that is no topic."""
    for topic in ("/data/Other__chn", "/data/OpportunityChangeEvent", "CS_Test__chn"):
        assert bus.subscribe(topic).refusal() == ("NOT_FOUND", "topic.not.found")


@refuses("pubsub-topic-blank")
def test_a_blank_topic_is_refused(bus):
    """No topic is not every topic."""
    assert asked(bus, "GetTopic", b"") == (INVALID, "topic.validation.empty")


@refuses("pubsub-schema-blank")
def test_a_blank_schema_id_is_refused(bus):
    """A schema is asked for by its id."""
    assert asked(bus, "GetSchema", b"") == (INVALID, "schema.validation.failed")


@refuses("pubsub-101-events")
def test_more_than_a_hundred_events_are_not_asked_for_at_once(bus):
    """Nor none, at the beginning or later."""
    refused = (INVALID, "subscription.fetch.requested.events.invalid")
    assert bus.subscribe(TOPIC, wanted=101).refusal() == refused
    assert bus.subscribe(TOPIC, wanted=0).refusal() == refused
    stream = bus.subscribe(TOPIC).standing()
    stream.ask(whole(4, 101))
    assert stream.refusal() == refused


@refuses("pubsub-topic-changed")
def test_a_stream_keeps_its_topic(bus):
    """A later request with another topic ends it."""
    stream = bus.subscribe(TOPIC).standing()
    stream.ask(text(1, "/data/AccountChangeEvent") + whole(4, 1))
    assert stream.refusal() == (INVALID, "subscription.fetch.topic.mismatch")


@refuses("pubsub-replay-missing")
def test_custom_needs_a_replay_id(bus):
    """The preset CUSTOM alone says nothing."""
    refused = (INVALID, "subscription.fetch.replayid.validation.failed")
    assert bus.subscribe(TOPIC, CUSTOM).refusal() == refused


@refuses("pubsub-replay-corrupted")
def test_a_replay_id_nobody_gave_or_of_72_hours_ago_is_refused(fresh):
    """One made up, and one given more than 72 hours (sandbox clock) ago, are told alike."""
    refused = (INVALID, "subscription.fetch.replayid.corrupted")
    stream = fresh.subscribe(TOPIC, LATEST).standing()
    fresh.api.create("Account", Name="Old")
    (event,) = stream.events(1)
    stream.end()
    assert fresh.subscribe(TOPIC, CUSTOM, replay=b"\0" * 9 + b"\x01").refusal() == refused
    now = datetime.fromisoformat(requests.get(f"{fresh.api.url}/_sandbox/clock", timeout=30).json()["now"])
    for hours, dead in ((71, False), (73, True)):
        moved = {"now": (now + timedelta(hours=hours)).isoformat(), "running": False}
        requests.post(f"{fresh.api.url}/_sandbox/clock", json=moved, timeout=30).raise_for_status()
        fresh.api.sign_in()
        again = fresh.subscribe(TOPIC, CUSTOM, replay=event.replay)
        if dead:
            assert again.refusal() == refused
        else:
            again.standing().end()


@refuses("pubsub-allocation")
def test_events_beyond_the_days_allocation_cut_the_stream(fresh):
    """Each subscriber's events count; what was not delivered is there for the next day."""
    stream = fresh.subscribe(TOPIC, LATEST).standing()
    fresh.control(allocation=3)
    for number in range(2):
        fresh.api.create("Account", Name=f"Allocation {number}")
    first = stream.events(2)[0]
    second = fresh.subscribe(TOPIC, CUSTOM, replay=first.replay)
    assert len(second.events(1)) == 1
    fresh.api.create("Account", Name="Beyond")
    limit = ("RESOURCE_EXHAUSTED", "subscription.limit.exceeded")
    assert (stream.refusal(), second.refusal()) == (limit, limit)
    now = datetime.fromisoformat(requests.get(f"{fresh.api.url}/_sandbox/clock", timeout=30).json()["now"])
    moved = {"now": (now + timedelta(hours=25)).isoformat(), "running": False}
    requests.post(f"{fresh.api.url}/_sandbox/clock", json=moved, timeout=30).raise_for_status()
    fresh.api.sign_in()
    after = fresh.subscribe(TOPIC, CUSTOM, replay=first.replay)
    assert len(after.events(2)) == 2
    after.end()


@refuses("pubsub-edition")
def test_professional_edition_has_no_change_events(fresh):
    """The channel's topic is not there."""
    fresh.control(edition="Professional Edition")
    assert fresh.subscribe(TOPIC).refusal() == ("NOT_FOUND", "topic.not.found")


@refuses("pubsub-session-ends")
def test_a_stream_ends_where_its_token_dies(fresh):
    """The next event or keep-alive finds the token revoked."""
    stream = fresh.subscribe(TOPIC).standing()
    requests.post(f"{fresh.api.url}/_sandbox/revoke", timeout=30).raise_for_status()
    fresh.control(keepalive=True)
    assert stream.refusal() == ("UNAUTHENTICATED", "service.auth.error")
