"""Webhooks as HubSpot sends them: batches, fields, v3 signature, retries."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

COMPANIES = "/crm/objects/2026-09/companies"


class Receiver(ThreadingHTTPServer):
    """An endpoint that keeps what it is sent and answers ``answers`` in turn, then 200."""

    daemon_threads = True

    def __init__(self) -> None:
        """Listen on a free port."""
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.hold_seconds = 0.0
        self.gate = threading.Event()
        self.gate.set()
        self.open = self.most_open = 0
        self.counting = threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Return the target URL, with a query as customers have them."""
        return f"http://127.0.0.1:{self.server_port}/hubspot?tenant=a%20b"

    def events(self) -> list[dict[str, Any]]:
        """Return every event received."""
        return [event for _, body in self.got for event in json.loads(body)]


class Handler(BaseHTTPRequestHandler):
    """Takes one POST."""

    server: Receiver

    def do_POST(self) -> None:
        """Keep the request and answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self._hold()
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _hold(self) -> None:
        with self.server.counting:
            self.server.open += 1
            self.server.most_open = max(self.server.most_open, self.server.open)
        self.server.gate.wait(10)
        time.sleep(self.server.hold_seconds)
        with self.server.counting:
            self.server.open -= 1

    def log_message(self, *_args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give a running receiver."""
    server = Receiver()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def until(holds: Callable[[], Any], seconds: float = 8.0) -> None:
    """Wait until ``holds``; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def subscribe(hubspot: Any, receiver: Receiver, *subscriptions: dict[str, str]) -> None:
    """Point the portal's webhooks at the receiver."""
    body = {"target_url": receiver.url, "client_secret": "s3cret", "subscriptions": list(subscriptions)}
    hubspot.control("POST", "/webhooks", body)


NAME = {"eventType": "company.propertyChange", "propertyName": "name"}


def test_a_persons_edit_is_pushed_and_signed(hubspot: Any, receiver: Receiver) -> None:
    """An edit in the UI arrives with its fields and a v3 signature over method, URL, body and timestamp."""
    company = hubspot.call("POST", COMPANIES, {"properties": {"name": "Before"}}).json()["id"]
    subscribe(hubspot, receiver, NAME)
    hubspot.control("POST", "/edit", {"object": "companies", "id": company, "values": {"name": "After"}})
    until(lambda: receiver.got)
    headers, body = receiver.got[0]
    (event,) = json.loads(body)
    assert event["subscriptionType"] == "company.propertyChange"
    assert (event["propertyName"], event["propertyValue"]) == ("name", "After")
    assert (event["objectId"], event["changeSource"], event["attemptNumber"]) == (int(company), "CRM_UI", 0)
    assert {"eventId", "subscriptionId", "portalId", "appId", "occurredAt", "sourceId"} <= set(event)
    text = b"POST" + receiver.url.encode() + body + headers["x-hubspot-request-timestamp"].encode()
    signed = base64.b64encode(hmac.new(b"s3cret", text, hashlib.sha256).digest()).decode()
    assert headers["x-hubspot-signature-v3"] == signed


def test_the_apps_own_writes_come_back_as_integration(hubspot: Any, receiver: Receiver) -> None:
    """A write with the app's token echoes with changeSource INTEGRATION; unsubscribed fields do not."""
    company = hubspot.call("POST", COMPANIES, {"properties": {"name": "X"}}).json()["id"]
    subscribe(hubspot, receiver, NAME)
    hubspot.call("PATCH", f"{COMPANIES}/{company}", {"properties": {"name": "Y", "city": "Bonn"}})
    until(lambda: receiver.got)
    assert [(e["propertyName"], e["changeSource"]) for e in receiver.events()] == [("name", "INTEGRATION")]


def test_a_refused_delivery_is_sent_again_with_a_higher_attempt(hubspot: Any, receiver: Receiver) -> None:
    """A 500 and a 404 are both retried; the attempt number grows and the event stays the same."""
    receiver.answers = [500, 404]
    subscribe(hubspot, receiver, {"eventType": "company.creation"})
    company = hubspot.call("POST", COMPANIES, {"properties": {"name": "Again"}}).json()["id"]
    until(lambda: len(receiver.got) == 3)
    assert [event["attemptNumber"] for event in receiver.events()] == [0, 1, 2]
    assert len({event["eventId"] for event in receiver.events()}) == 1
    until(lambda: _statuses(hubspot, company) == [500, 404, 200])


def _statuses(hubspot: Any, company: str) -> list[int]:
    lines = hubspot.control("GET", "/deliveries")["deliveries"]
    return [line["status"] for line in lines if line["events"] == [company]]


def test_many_changes_come_in_batches_of_at_most_a_hundred(hubspot: Any, receiver: Receiver) -> None:
    """250 creates arrive as few posts, none with more than 100 events."""
    subscribe(hubspot, receiver, {"eventType": "company.creation"})
    for start in (0, 100, 200):
        rows = [{"properties": {"name": f"N{n}"}} for n in range(start, min(start + 100, 250))]
        hubspot.call("POST", f"{COMPANIES}/batch/create", {"inputs": rows})
    until(lambda: len(receiver.events()) == 250)
    assert max(len(json.loads(body)) for _, body in receiver.got) <= 100
    assert len(receiver.got) < 10


def test_an_association_change_is_told_once_per_side(hubspot: Any, receiver: Receiver) -> None:
    """Linking a deal and a company gives one event for each of the two."""
    deal = {"dealname": "D", "pipeline": "default", "dealstage": "qualifiedtobuy"}
    deal_id = hubspot.call("POST", "/crm/objects/2026-09/deals", {"properties": deal}).json()["id"]
    company = hubspot.call("POST", COMPANIES, {"properties": {"name": "C"}}).json()["id"]
    kinds = [{"eventType": f"{name}.associationChange"} for name in ("deal", "company")]
    subscribe(hubspot, receiver, *kinds)
    hubspot.call("PUT", f"/crm/objects/2026-09/deals/{deal_id}/associations/default/companies/{company}")
    until(lambda: len(receiver.events()) >= 2)
    seen = {(e["associationType"], e["fromObjectId"], e["associationRemoved"]) for e in receiver.events()}
    assert seen == {("DEAL_TO_COMPANY", int(deal_id), False), ("COMPANY_TO_DEAL", int(company), False)}


def test_an_event_type_hubspot_does_not_have_is_refused(hubspot: Any, receiver: Receiver) -> None:
    """A subscription for an object HubSpot does not know is refused."""
    body = {"target_url": receiver.url, "subscriptions": [{"eventType": "spaceship.creation"}]}
    answer = hubspot.session.post(f"{hubspot.url}/_sandbox/webhooks", json=body, timeout=10)
    assert answer.status_code == 400


def test_a_restored_record_is_told(hubspot: Any, receiver: Receiver) -> None:
    """A person who restores a deleted company brings it back as it was, with a restore event."""
    company = hubspot.call("POST", COMPANIES, {"properties": {"name": "Back"}}).json()["id"]
    hubspot.call("DELETE", f"{COMPANIES}/{company}")
    subscribe(hubspot, receiver, {"eventType": "company.restore"})
    hubspot.control("POST", "/edit", {"object": "companies", "id": company, "restore": True})
    until(lambda: receiver.got)
    (event,) = receiver.events()
    assert (event["objectId"], event["changeSource"]) == (int(company), "CRM_UI")
    assert hubspot.call("GET", f"{COMPANIES}/{company}").json()["properties"]["name"] == "Back"


def test_the_signature_decodes_twelve_escapes_of_the_uri(hubspot: Any, receiver: Receiver) -> None:
    """``%3A`` and its eleven like are signed decoded; a space, an ampersand and ``=`` stay escaped."""
    tail = "/hook%3A%2f%3F?a=%20%26%3D%27"
    url = f"http://127.0.0.1:{receiver.server_port}"
    body = {"target_url": url + tail, "client_secret": "s3cret", "subscriptions": [NAME]}
    company = hubspot.call("POST", COMPANIES, {"properties": {"name": "Before"}}).json()["id"]
    hubspot.control("POST", "/webhooks", body)
    hubspot.control("POST", "/edit", {"object": "companies", "id": company, "values": {"name": "After"}})
    until(lambda: receiver.got)
    headers, sent = receiver.got[0]
    decoded = f"{url}/hook:/??a=%20%26%3D'"
    text = b"POST" + decoded.encode() + sent + headers["x-hubspot-request-timestamp"].encode()
    signed = base64.b64encode(hmac.new(b"s3cret", text, hashlib.sha256).digest()).decode()
    assert headers["x-hubspot-signature-v3"] == signed


def test_ten_deliveries_are_in_flight_at_most(hubspot: Any, receiver: Receiver) -> None:
    """Fifteen full batches wait for each other when the app is slow: no eleventh comes before."""
    receiver.gate.clear()
    subscribe(hubspot, receiver, {"eventType": "company.creation"})
    rows = [{"properties": {"name": f"F{number}"}} for number in range(100)]
    for _ in range(15):
        assert hubspot.call("POST", f"{COMPANIES}/batch/create", {"inputs": rows}).status_code == 201
    until(lambda: receiver.open == 10)
    time.sleep(0.3)  # an eleventh would have come
    assert receiver.open == 10
    receiver.gate.set()
    until(lambda: len(receiver.events()) == 1500)
    assert receiver.most_open == 10


def test_an_answer_after_five_seconds_is_too_late(hubspot: Any, receiver: Receiver) -> None:
    """The event is sent again, though the app did take it."""
    receiver.hold_seconds = 5.5
    subscribe(hubspot, receiver, {"eventType": "company.creation"})
    company = hubspot.call("POST", COMPANIES, {"properties": {"name": "Slow"}}).json()["id"]
    until(lambda: receiver.got)
    receiver.hold_seconds = 0.0
    until(lambda: len(receiver.got) == 2, 12)
    until(lambda: _statuses(hubspot, company) == [0, 200])
    assert [event["attemptNumber"] for event in receiver.events()] == [0, 1]


def test_a_merge_may_make_a_third_record(hubspot: Any, receiver: Receiver) -> None:
    """Both old ids lead on to it, links and values are its own, and the event names all three."""
    ids = [hubspot.call("POST", COMPANIES, {"properties": {"name": name}}).json()["id"] for name in "PQ"]
    contact = hubspot.call(
        "POST", "/crm/objects/2026-09/contacts", {"properties": {"firstname": "F"}}
    ).json()["id"]
    hubspot.call("PUT", f"{COMPANIES}/{ids[1]}/associations/default/contacts/{contact}")
    subscribe(hubspot, receiver, {"eventType": "company.merge"})
    merge = {"object": "companies", "id": ids[0], "merge": ids[1], "new_record": True}
    made = hubspot.control("POST", "/edit", merge)["id"]
    until(lambda: receiver.got)
    (event,) = receiver.events()
    assert (event["primaryObjectId"], event["mergedObjectIds"]) == (int(ids[0]), [int(ids[1])])
    assert (event["newObjectId"], made in ids) == (int(made), False)
    assert [hubspot.call("GET", f"{COMPANIES}/{one}").status_code for one in (*ids, made)] == [404, 404, 200]
    changed = hubspot.call("PATCH", f"{COMPANIES}/{ids[1]}", {"properties": {"city": "Ulm"}})
    assert (changed.json()["id"], changed.json()["properties"]["name"]) == (made, "P")
    linked = hubspot.call("GET", f"{COMPANIES}/{made}/associations/contacts").json()["results"]
    assert [str(one["toObjectId"]) for one in linked] == [contact]


@pytest.mark.parametrize(("now", "status"), [("2026-03-31T23:59:59Z", 200), ("2026-04-01T00:00:01Z", 400)])
def test_a_deleted_record_can_be_restored_for_ninety_days(hubspot_with: Any, now: str, status: int) -> None:
    """After that the recycle bin is empty."""
    portal = hubspot_with()
    portal.control("POST", "/clock", {"now": "2026-01-01T00:00:00Z", "running": False})
    company = portal.call("POST", COMPANIES, {"properties": {"name": "Late"}}).json()["id"]
    portal.call("DELETE", f"{COMPANIES}/{company}")
    portal.control("POST", "/clock", {"now": now, "running": False})
    body = {"object": "companies", "id": company, "restore": True}
    assert portal.session.post(f"{portal.url}/_sandbox/edit", json=body, timeout=10).status_code == status


def test_a_forgotten_contact_is_gone_and_told(hubspot: Any, receiver: Receiver) -> None:
    """A privacy deletion leaves nothing, not even in the recycle bin."""
    path = "/crm/objects/2026-09/contacts"
    contact = hubspot.call("POST", path, {"properties": {"email": "gone@privacy.example"}}).json()["id"]
    subscribe(hubspot, receiver, {"eventType": "contact.privacyDeletion"})
    hubspot.control("POST", "/edit", {"object": "contacts", "id": contact, "privacy_delete": True})
    until(lambda: receiver.got)
    assert [event["objectId"] for event in receiver.events()] == [int(contact)]
    found = [hubspot.call("GET", f"{path}/{contact}{query}").status_code for query in ("", "?archived=true")]
    assert found == [404, 404]
    assert hubspot.call("POST", path, {"properties": {"email": "gone@privacy.example"}}).status_code == 201
