"""What HubSpot refuses of too many calls, and of webhook subscriptions (reference 1.4, 2 and 3)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from tests.sandbox.refusals import custom_schema, refuses

DETAILS = "/account-info/2026-09/details"
SEARCH = "/crm/objects/2026-09/companies/search"
LABELS = "/crm/associations/2026-09/companies/deals/labels"


def calls(sandbox: Any, path: str, count: int) -> list[requests.Response]:
    """Send so many reads as fast as they go."""
    return [sandbox.call("GET", path) for _ in range(count)]


def refused_at(sandbox: Any, number: int, path: str = DETAILS) -> None:
    """Expect call ``number`` of ten seconds to be the first refused, with HubSpot's 429."""
    answers = calls(sandbox, path, number)
    assert {answer.status_code for answer in answers[:-1]} == {200}
    assert answers[0].headers["X-HubSpot-RateLimit-Max"] == str(number - 1)
    assert answers[0].headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert answers[-1].headers["X-HubSpot-RateLimit-Remaining"] == "0"
    body = answers[-1].json()
    assert (answers[-1].status_code, body["errorType"]) == (429, "RATE_LIMIT")
    assert (body["policyName"], body["status"]) == ("TEN_SECONDLY_ROLLING", "error")
    assert body["message"] == "You have reached your ten_secondly_rolling limit."


@refuses("limit-free")
def test_free_takes_100_calls_in_ten_seconds(hubspot_with: Any) -> None:
    """The 101st is refused."""
    refused_at(hubspot_with("--tier", "free"), 101)


@refuses("limit-enterprise")
def test_enterprise_takes_190_calls_in_ten_seconds(hubspot_with: Any) -> None:
    """The 191st is refused."""
    refused_at(hubspot_with(), 191)


@refuses("limit-increase")
def test_the_add_on_makes_it_250(hubspot_with: Any) -> None:
    """And a million calls a day more."""
    portal = hubspot_with("--api-limit-increases", "1")
    refused_at(portal, 251)
    assert portal.control("GET", "/portal")["daily_cap"] == 2_000_000


def test_without_short_limits_nothing_is_refused_by_the_second(hubspot_with: Any) -> None:
    """For measuring clients: 251 calls and six searches at once pass, and the answers say that they may."""
    portal = hubspot_with("--no-short-limits")
    answers = [portal.call("GET", DETAILS) for _ in range(251)]
    answers += [portal.call("POST", SEARCH, {"limit": 1}) for _ in range(6)]
    assert {one.status_code for one in answers} == {200}
    assert int(answers[0].headers["X-HubSpot-RateLimit-Max"]) > 251
    assert portal.control("GET", "/portal")["daily_cap"] == 1_000_000


def token(sandbox: Any) -> str:
    """Return a fresh access token."""
    names = ("client_id", "client_secret", "refresh_token")
    form = {**{name: sandbox.credentials[name] for name in names}, "grant_type": "refresh_token"}
    answer = requests.post(f"{sandbox.url}/oauth/2026-09/token", data=form, timeout=10)
    return str(answer.json()["access_token"])


@refuses("limit-marketplace")
def test_a_marketplace_app_takes_110_calls_in_ten_seconds(hubspot_with: Any) -> None:
    """The 111th is refused; its answers tell nothing of a day."""
    portal = hubspot_with("--app", "marketplace")
    portal.session.headers["Authorization"] = f"Bearer {token(portal)}"
    refused_at(portal, 111)
    assert not [name for name in portal.call("GET", DETAILS).headers if "Daily" in name]


@refuses("limit-search")
def test_an_account_has_five_searches_a_second(hubspot_with: Any) -> None:
    """The sixth is refused, and search answers carry no limits."""
    portal = hubspot_with()
    answers = [portal.call("POST", SEARCH, {"limit": 1}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert (answers[5].json()["policyName"], answers[5].json()["message"]) == (
        "SECONDLY",
        "You have reached your secondly limit.",
    )
    assert not [name for answer in answers for name in answer.headers if "RateLimit" in name]
    time.sleep(1.05)
    assert portal.call("POST", SEARCH, {"limit": 1}).status_code == 200


@refuses("link-limits")
def test_associations_have_a_limit_of_their_own(hubspot_with: Any) -> None:
    """150 in ten seconds on Enterprise, and other calls go on meanwhile."""
    portal = hubspot_with()
    refused_at(portal, 151, LABELS)
    assert portal.call("GET", DETAILS).status_code == 200


def spend(sandbox: Any, requests_made: int) -> None:
    """Count calls of the account's other apps."""
    sandbox.control("POST", "/portal", {"other_apps_requests": requests_made})


@refuses("limit-daily")
def test_the_days_calls_are_shared_by_all_apps_until_midnight(hubspot_with: Any) -> None:
    """Midnight is that of the account's time zone."""
    portal = hubspot_with("--tier", "starter", "--time-zone", "Asia/Tokyo")
    portal.control("POST", "/clock", {"now": "2026-03-01T10:00:00Z", "running": False})
    spend(portal, 249_999)
    first, second = calls(portal, DETAILS, 2)
    assert (first.status_code, first.headers["X-HubSpot-RateLimit-Daily-Remaining"]) == (200, "0")
    assert (second.status_code, second.json()["policyName"]) == (429, "DAILY")
    assert second.json()["message"] == "You have reached your daily limit."
    portal.control("POST", "/clock", {"now": "2026-03-01T15:00:00Z", "running": False})
    assert portal.call("GET", DETAILS).status_code == 200


@refuses("limit-daily-restart")
def test_the_days_calls_outlive_the_process(hubspot_with: Any) -> None:
    """A portal that is killed and started again has not forgotten them."""
    portal = hubspot_with("--tier", "starter")
    portal.control("POST", "/clock", {"now": "2026-03-01T10:00:00Z", "running": False})
    spend(portal, 249_990)
    calls(portal, DETAILS, 10)
    portal.kill()
    portal.start()
    portal.session.headers["Authorization"] = f"Bearer {portal.credentials['service_key']}"
    assert portal.call("GET", DETAILS).json()["policyName"] == "DAILY"


def subscribed(sandbox: Any, *subscriptions: dict[str, str]) -> int:
    """Return how a wish for subscriptions is answered."""
    body = {"target_url": "https://app.example.com/hook", "subscriptions": list(subscriptions)}
    return requests.post(f"{sandbox.url}/_sandbox/webhooks", json=body, timeout=10).status_code


def custom_object(sandbox: Any) -> str:
    """Make a custom object and return its type id."""
    given = custom_schema("pushed_object")
    return str(sandbox.call("POST", "/crm-object-schemas/2026-09/schemas", given).json()["objectTypeId"])


@refuses("hook-custom-marketplace")
def test_a_marketplace_app_gets_no_push_for_custom_objects(hubspot_with: Any) -> None:
    """A private app does."""
    found = []
    for app in ("marketplace", "private"):
        portal = hubspot_with("--app", app)
        found.append(
            subscribed(portal, {"eventType": "object.creation", "objectTypeId": custom_object(portal)})
        )
    assert found == [400, 200]


def change(name: str) -> dict[str, str]:
    """Return a subscription to a property of companies."""
    return {"eventType": "company.propertyChange", "propertyName": name}


@refuses("hook-modified")
def test_the_modified_time_cannot_be_subscribed_to(hubspot: Any) -> None:
    """Other properties can."""
    assert subscribed(hubspot, change("hs_lastmodifieddate")) == 400
    assert subscribed(hubspot, change("name")) == 200


@refuses("hook-conversions")
def test_the_number_of_conversions_cannot_be_subscribed_to(hubspot: Any) -> None:
    """It is the other property HubSpot names."""
    event = {"eventType": "contact.propertyChange", "propertyName": "num_unique_conversion_events"}
    assert subscribed(hubspot, event) == 400


@refuses("hook-no-property")
def test_a_property_change_names_its_property(hubspot: Any) -> None:
    """Without one there is nothing to subscribe to."""
    assert subscribed(hubspot, {"eventType": "company.propertyChange"}) == 400


@refuses("hook-event-type")
def test_event_types_are_those_of_the_list(hubspot: Any) -> None:
    """There is no company.update, and no uninstall."""
    found = [subscribed(hubspot, {"eventType": name}) for name in ("company.update", "app.uninstall")]
    assert found == [400, 400]


@refuses("hook-scope")
def test_a_subscription_needs_the_read_scope_of_its_object(hubspot_with: Any) -> None:
    """Companies may be read, deals may not."""
    portal = hubspot_with("--scopes", "oauth crm.objects.companies.read")
    found = [subscribed(portal, {"eventType": f"{name}.creation"}) for name in ("company", "deal")]
    assert found == [200, 400]


@refuses("hook-1001")
def test_an_app_has_a_thousand_subscriptions(hubspot: Any) -> None:
    """One more is refused."""
    found = [subscribed(hubspot, *[change("name")] * count) for count in (1001, 1000)]
    assert found == [400, 200]


class Refuser(BaseHTTPRequestHandler):
    """Answers 500 to everything."""

    def do_POST(self) -> None:
        """Refuse."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def refuser() -> Iterator[str]:
    """Give the address of an endpoint that refuses."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuser)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


@refuses("hook-retries")
def test_an_event_is_tried_eleven_times(hubspot_with: Any, refuser: str) -> None:
    """Once, and ten retries; then it is lost."""
    portal = hubspot_with("--retry-base-seconds", "0.002")
    body = {"target_url": refuser, "subscriptions": [{"eventType": "company.creation"}]}
    portal.control("POST", "/webhooks", body)
    portal.call("POST", "/crm/objects/2026-09/companies", {"properties": {"name": "Lost"}})
    deadline = time.monotonic() + 15
    while len(tries := portal.control("GET", "/deliveries")["deliveries"]) < 11:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    tries = portal.control("GET", "/deliveries")["deliveries"]
    assert [one["attempt"] for one in tries] == list(range(11))
