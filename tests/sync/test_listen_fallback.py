"""Where changes cannot be heard they are polled for, which is told once, and it is tried again by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import requests

from integration.listening import NotOffered
from integration.port import Misconfigured, Unavailable
from integration.salesforce.pubsub import PubSubListening, open_channel
from sync.commands.diagnosis import Severity, of_listening
from sync.listen import DEAF
from sync.listen_all import Listeners, address_of
from sync.listen_one import _Again
from sync.state import findings, installations
from sync.state.engine import reading
from sync.state.findings import Finding
from sync.state.installations import Status
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.listening import Ear, deploy_channel, ear

OPEN = Callable[..., Office]


def told(there: Ear) -> list[Finding]:
    """Return what people are told of listening."""
    with reading(there.office.engine) as conn:
        return findings.open_findings(conn, there.office.id, DEAF)


def fails(there: Ear) -> _Again:
    """Try to listen, which must fail; return when it is tried again."""
    with pytest.raises(_Again) as raised:
        there.listener()._once()
    return raised.value


def heard(there: Ear) -> bool:
    """Return whether the office is left out of the polls of every minute."""
    return there.office.id not in Listeners(there.office.deployment.runtime).unheard()


def test_without_its_channel_an_org_is_polled_and_told_of_once(lite: Deployment, office: OPEN) -> None:
    """It is asked again after an hour; once the channel is deployed it is heard and nothing is told."""
    there = ear(lite, office, deaf=True, bare=True)
    assert [fails(there).wait_s, fails(there).wait_s] == [3_600, 3_600]
    (one,) = told(there)
    assert (one.times, heard(there)) == (1, False)
    assert one.message == "topic.not.found: There is no topic /data/CS_Changes__chn."
    (matter,) = of_listening(there.office.ws)
    assert one.message in matter.matter
    assert matter.severity is Severity.NOTE
    deploy_channel(there)
    with there.open():
        pass
    assert (told(there), heard(there)) == ([], True)


def test_the_doctor_says_when_changes_were_last_heard(lite: Deployment, office: OPEN) -> None:
    """Seconds ago while the stream stands; longer ago than keep-alives take, it is said to be silent."""
    there = ear(lite, office, bare=True)
    assert of_listening(there.office.ws) == []
    with there.open():
        pass
    lite.later(seconds=270)
    (fine,) = of_listening(there.office.ws)
    assert (fine.matter, heard(there)) == ("its changes are heard as they happen, last 270 seconds ago", True)
    lite.later(seconds=61)
    (silent,) = of_listening(there.office.ws)
    assert silent.matter == "its changes were last heard 331 seconds ago, they are found by polling since"
    assert heard(there) is False


def test_a_spent_allocation_is_waited_for(lite: Deployment, office: OPEN) -> None:
    """The day's events roll on: a quarter of an hour, and what was not delivered is heard later."""
    there = ear(lite, office, bare=True)
    with there.open():
        pass
    there.control(allocation=0)
    there.office.sandbox.edit(
        "Account", there.office.sandbox.lookup("account:acorn"), {"Industry": "Banking"}
    )
    assert fails(there).wait_s == 900
    assert [one.message for one in told(there)] == [
        "subscription.limit.exceeded: You have exceeded the event delivery limit for your org."
    ]
    there.control(allocation=25_000)
    with there.open():
        assert (there.hints(), told(there)) == (1, [])


def test_a_service_that_is_away_is_tried_again_ever_later(lite: Deployment, office: OPEN) -> None:
    """No time of its own is asked for; the words are told once, whatever the call's id in them."""
    there = ear(lite, office, bare=True)
    there.control(refuse=[{"status": "UNAVAILABLE", "code": "service.unavailable"}] * 2)
    assert [fails(there).wait_s, fails(there).wait_s] == [None, None]
    assert [one.times for one in told(there)] == [1]
    there.control(refuse=[{"status": "UNAVAILABLE", "code": "service.unavailable"}])
    assert fails(Ear(there.office, "http://127.0.0.1:9")).wait_s is None


def test_a_stream_that_stood_and_broke_is_begun_again_without_a_word(lite: Deployment, office: OPEN) -> None:
    """Nobody has to know of a cut connection; what came meanwhile follows."""
    there = ear(lite, office, bare=True)
    with there.open() as words:
        there.control(cut=True)
        with pytest.raises(Unavailable):
            next(words)
    there.office.sandbox.edit(
        "Account", there.office.sandbox.lookup("account:acorn"), {"Industry": "Banking"}
    )
    with there.open():
        assert (there.hints(), there.due(), told(there)) == (1, [], [])


def test_professional_edition_is_polled(lite: Deployment, office: OPEN) -> None:
    """It has no change events, whatever is deployed."""
    there = ear(lite, office, bare=True)
    there.control(edition="Professional Edition")
    with pytest.raises(NotOffered), there.open():
        pass


def test_a_grant_that_is_gone_stops_the_installation(lite: Deployment, office: OPEN) -> None:
    """The token is refused and none is given any more: nothing calls the org until its admin connects it."""
    there = ear(lite, office, bare=True)
    there.office.sandbox.post("app", {"consumer_key": "colonnade-test", "approved": False})
    there.office.sandbox.post("revoke", {})
    there.listener().run()
    with reading(there.office.engine) as conn:
        assert installations.get(conn, there.office.id).status is Status.NEEDS_CONSENT


def test_a_token_refused_as_soon_as_it_is_given_stops_the_installation(
    lite: Deployment, office: OPEN
) -> None:
    """Signing in works, the stream refuses all the same: signing in again and again would not help."""
    there = ear(lite, office, bare=True)
    there.control(refuse=[{"status": "UNAUTHENTICATED", "code": "service.auth.error"}] * 3)
    there.listener().run()
    with reading(there.office.engine) as conn:
        assert installations.get(conn, there.office.id).status is Status.NEEDS_CONSENT


def test_a_stream_that_says_nothing_is_given_up(lite: Deployment, office: OPEN) -> None:
    """Keep-alives come within 270 seconds; here patience is shorter, and the org's clock stands still."""
    there = ear(lite, office, bare=True)
    there.control(greet=False)
    transport = there.office.ws.port._transport
    stream = PubSubListening(transport.authenticator, there.address, silence_s=0.2)
    with pytest.raises(Unavailable, match="said nothing"):
        next(stream.listen(None))
    stream.close()


def test_a_stream_closed_from_elsewhere_ends_without_an_error(lite: Deployment, office: OPEN) -> None:
    """As at the end of the process."""
    there = ear(lite, office, bare=True)
    stream = PubSubListening(there.office.ws.port._transport.authenticator, there.address)
    words = stream.listen(None)
    next(words)
    stream.close()
    assert list(words) == []


def test_tokens_travel_in_clear_on_this_machine_only(lite: Deployment, office: OPEN) -> None:
    """Another host needs https; a stand-in has no Pub/Sub API but the one that is named, HubSpot has none."""
    with pytest.raises(Misconfigured, match="must be https"):
        open_channel("http://pubsub.example:7443")
    there = ear(lite, office, deaf=True, bare=True)
    org = there.office.ws.installation
    named = lite.runtime.settings.model_copy(update={"pubsub_url": there.address})
    real = replace(org, base_url="https://acme.my.salesforce.com")
    assert address_of(lite.runtime, org) is None
    assert address_of(replace(lite.runtime, settings=named), org) == there.address
    assert address_of(lite.runtime, real) == "https://api.pubsub.salesforce.com:7443"
    assert address_of(lite.runtime, replace(real, vendor=HUBSPOT)) is None
    assert requests.get(f"{org.base_url}/services/data", timeout=30).ok
