"""The Salesforce sandbox's outbound messages, quota, durability and loader."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.sandbox.conftest import Sandbox
from tests.sandbox.salesforce_session import Api

OUT = "{http://soap.sforce.com/2005/09/outbound}"
ACK = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>{}</Ack></notificationsResponse>'
    "</soapenv:Body></soapenv:Envelope>"
)


class Listener:
    """Keeps what arrives; answers Ack false ``refuse`` times and true afterwards."""

    def __init__(self, refuse: int) -> None:
        self.bodies: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Take a message."""
                outer.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                body = ACK.format(str(len(outer.bodies) > refuse).lower()).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/out"

    def wait(self, count: int) -> list[str]:
        """Return the bodies once there are ``count``."""
        end = time.monotonic() + 20
        while len(self.bodies) < count and time.monotonic() < end:
            time.sleep(0.02)
        return self.bodies


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Sandbox]:
    """Give an org of the test's own with quick retries and a small daily limit."""
    sandbox = Sandbox(
        "salesforce", tmp_path / "sf.db", ("--retry-base-seconds", "0.05", "--daily-limit", "20")
    )
    sandbox.start()
    yield sandbox
    sandbox.kill()


def test_a_persons_edit_is_sent_until_it_is_acknowledged_and_the_apis_own_never(org: Sandbox) -> None:
    """Ack false is tried again with the same notification id; the API user's write sends nothing."""
    listener = Listener(refuse=1)
    org.control("POST", "/webhooks", {"target_url": listener.url, "objects": ["Account"]})
    own = Api(org.url).create("Account", Name="By the API")
    other = org.control(
        "POST", "/edit", {"object": "Account", "values": {"Name": "R & D"}, "user": "a@b.example"}
    )["id"]
    first, second = (ET.fromstring(b) for b in listener.wait(2)[:2])
    ids = [[n.findtext(f"{OUT}Id") for n in body.iter(f"{OUT}Notification")] for body in (first, second)]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 1
    values = {e.tag.rsplit("}", 1)[1]: e.text for e in first.iter(f"{OUT}sObject") for e in e}
    assert (values["Id"], values["Name"]) == (other, "R & D")
    assert not any(own in body for body in listener.bodies)
    assert first.find(f".//{OUT}SessionId").text is None
    end = time.monotonic() + 20  # the second is entered once its answer was read
    while len(attempts := org.control("GET", "/deliveries")["deliveries"]) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    assert [(d["attempt"], d["events"]) for d in attempts] == [(0, [other]), (1, [other])]


def at(org: Sandbox, instant: str) -> None:
    """Set the sandbox's clock, standing still."""
    org.control("POST", "/clock", {"now": instant, "running": False})


def test_the_limit_is_of_any_24_hours_and_midnight_changes_nothing(org: Sandbox) -> None:
    """The 21st call is refused, also the next day; calls come back one day after they were made."""
    at(org, "2026-03-01T10:00:00Z")
    api = Api(org.url)
    assert [api.call("GET", "/limits").status_code for _ in range(12)] == [200] * 12
    at(org, "2026-03-01T18:00:00Z")
    api.sign_in()
    assert [api.call("GET", "/limits").status_code for _ in range(9)] == [200] * 8 + [403]
    at(org, "2026-03-02T00:00:01Z")
    api.sign_in()
    assert api.refusal("GET", "/limits")[1] == "REQUEST_LIMIT_EXCEEDED"
    at(org, "2026-03-02T10:05:00Z")
    api.sign_in()
    answer = api.call("GET", "/limits")
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=9/20"
    assert answer.json()["DailyApiRequests"] == {"Max": 20, "Remaining": 11}


def test_calls_are_counted_across_a_restart(org: Sandbox) -> None:
    """What others have used stands in the org's file, with its time."""
    at(org, "2026-03-01T10:00:00Z")
    org.control("POST", "/api_usage", {"used": 15, "at": "2026-03-01T04:00:00Z"})
    org.kill()
    org.start()
    at(org, "2026-03-02T04:00:00Z")
    api = Api(org.url)
    assert api.call("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=16/20"
    at(org, "2026-03-02T04:05:00Z")
    assert api.call("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=2/20"


def test_an_access_token_dies_two_hours_after_its_last_use(org: Sandbox) -> None:
    """Use keeps it alive; two idle hours of the sandbox's clock end it."""
    org.control("POST", "/clock", {"now": "2026-03-01T10:00:00Z", "running": False})
    api = Api(org.url)
    for hour, expected in (("11:59:00", 200), ("13:58:00", 200), ("16:00:00", 401)):
        org.control("POST", "/clock", {"now": f"2026-03-01T{hour}Z", "running": False})
        assert api.call("GET", "/limits").status_code == expected


def test_what_was_answered_survives_a_kill(org: Sandbox) -> None:
    """Records, tokens and ids go on after the process was killed."""
    api = Api(org.url)
    kept = api.create("Account", Name="Durable")
    org.port = int(org.url.rsplit(":", 1)[1])
    org.kill()
    org.start()
    assert api.rows("SELECT Id, Name FROM Account") == [{"Id": kept, "Name": "Durable"}]
    assert api.create("Account", Name="Next") != kept


def write_portfolio(folder: Path) -> None:
    """Write a portfolio of one account with one won deal of one line."""
    files = {
        "portfolio.json": '{"name": "p", "as_of": "2026-06-30", "contract_home": "line_item"}',
        "accounts.jsonl": '{"key": "A1", "name": "Acme", "domain": "acme.example", "industry": "Banking", '
        '"country": "US", "employees": 5, "currency": "USD", "created_on": "2024-02-03", '
        '"attributes": {"customer_tier": "gold"}}',
        "products.jsonl": '{"key": "P1", "name": "Core", "unit_price": "120.00"}',
        "deals.jsonl": '{"key": "D1", "account_key": "A1", "name": "Acme new", '
        '"stage": "won", "kind": "new", '
        '"amount": "1200.00", "currency": "USD", "created_on": "2024-02-04", "close_on": "2024-03-01"}',
        "lines.jsonl": '{"key": "L1", "deal_key": "D1", "account_key": "A1", "product_key": "P1", '
        '"seats": 10, '
        '"start_on": "2024-03-01", "end_on": "2025-03-01", "term_months": 12, "arr": "1200.00", '
        '"currency": "USD", "kind": "recurring", "billing": "annual", "auto_renew": true}',
    }
    for name, text in files.items():
        (folder / name).write_text(text + "\n", encoding="utf-8")


def test_a_portfolio_is_loaded_with_its_history(org: Sandbox, tmp_path: Path) -> None:
    """Contract fields stand on the line item, times are the portfolio's, and the key finds the record."""
    folder = tmp_path / "portfolio"
    folder.mkdir()
    write_portfolio(folder)
    loaded = org.control("POST", "/load", {"dir": str(folder)})["loaded"]
    assert (loaded["Account"], loaded["Opportunity"], loaded["OpportunityLineItem"]) == (1, 1, 1)
    api = Api(org.url)
    lines = api.rows("SELECT Contract_Ref__c, Contract_Seats__c, Contract_End__c, Contract_Auto_Renew__c, "
                     "Opportunity.Type, SystemModstamp FROM OpportunityLineItem")  # fmt: skip
    opportunity = lines[0].pop("Opportunity")
    assert opportunity["Type"] == "New Customer"
    assert lines == [{"Contract_Ref__c": "L1", "Contract_Seats__c": 10.0, "Contract_End__c": "2025-03-01",
                      "Contract_Auto_Renew__c": True,
                      "SystemModstamp": "2024-03-01T00:00:00.000+0000"}]  # fmt: skip
    found = org.control("GET", "/lookup?ref=account:A1")
    expected = [{"Id": found["id"], "Customer_Ref__c": "A1", "Customer_Tier__c": "gold"}]
    assert api.rows("SELECT Id, Customer_Ref__c, Customer_Tier__c FROM Account") == expected
    assert org.control("GET", "/deliveries")["deliveries"] == []


def test_a_control_key_nobody_knows_is_refused(org: Sandbox) -> None:
    """A test that misspells what it asks of the org would otherwise prove nothing."""
    answer = org.call("POST", "/_sandbox/org", {"multicurrency": False})
    assert (answer.status_code, answer.json()["error"]) == (400, "unknown keys: multicurrency")
