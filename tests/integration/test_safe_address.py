"""Where a CRM's answers may send us: to the CRM, over TLS, and to nobody inside a network."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from requests import Session

from integration.budget import LocalBudget
from integration.http import Timeouts, pooled_session
from integration.hubspot.auth import MemoryTokenStore as NoTokens
from integration.hubspot.auth import ServiceKey
from integration.hubspot.port import connect as connect_hubspot
from integration.port import Misconfigured
from integration.safe_address import HUBSPOT_HOSTS, SALESFORCE_HOSTS, Reach, is_public
from integration.salesforce.auth import ClientCredentials, MemoryTokenStore
from integration.salesforce.connector import connect as connect_salesforce

NOW = datetime(2026, 6, 30, tzinfo=UTC)
ORG = "https://acme.my.salesforce.com"


@contextmanager
def hostile(status: int, *, body: str = "", **headers: str) -> Iterator[tuple[str, list[str]]]:
    """Serve one answer to everything on this machine; yield the address and what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers.get('Authorization')}")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET  # noqa: N815 - the server calls it so

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


ELSEWHERE = [
    "https://evil.example/services/data",
    "https://salesforce.com.evil.example/",
    "https://evilsalesforce.com/",
    "https://acme.my.salesforce.com@evil.example/",
    "http://acme.my.salesforce.com/",
    "https://169.254.169.254/latest/meta-data",
    "https://127.0.0.1/",
    "https://localhost/",
    "https://[::1]/",
    "https://10.0.0.8/",
    "https://2130706433/",
    "file:///etc/passwd",
    "https:///",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_an_address_that_is_not_the_crms_is_not_called(url: str) -> None:
    """By its name, before anything is sent; what follows the host is not repeated."""
    with pytest.raises(Misconfigured) as told:
        Reach(SALESFORCE_HOSTS, ORG).check(url)
    assert "latest" not in str(told.value)


@pytest.mark.parametrize(
    "url", [ORG, "https://acme--dev.sandbox.my.salesforce.com/x", "https://na1.force.com."]
)
def test_every_host_of_the_vendor_is_called(url: str) -> None:
    """An org may answer at another of Salesforce's hosts than it signs in at."""
    Reach(SALESFORCE_HOSTS, ORG).check(url)


def test_a_stand_in_on_this_machine_leads_nowhere_else() -> None:
    """Where a stand-in is called, neither the vendor nor anybody else is."""
    reach = Reach(HUBSPOT_HOSTS, "http://127.0.0.1:8080")
    reach.check("http://localhost:8080/crm")
    for url in ("https://api.hubapi.com/crm", "http://169.254.169.254/"):
        with pytest.raises(Misconfigured):
            reach.check(url)


def test_a_session_sends_nothing_elsewhere() -> None:
    """A token answer that names a machine of ours as the org gets no request, whatever listens there."""
    with hostile(200) as (url, asked):
        session = pooled_session(reach=Reach(SALESFORCE_HOSTS, ORG))
        with pytest.raises(Misconfigured):
            session.get(f"{url}/services/data", headers={"Authorization": "Bearer token"})
    assert asked == []


def test_a_redirect_is_not_followed() -> None:
    """It is an answer like any other: the token does not travel on."""
    with hostile(200) as (inside, asked), hostile(302, Location=f"{inside}/meta-data") as (url, _):
        answer = pooled_session().get(f"{url}/crm", headers={"Authorization": "Bearer token"})
    assert answer.status_code == 302
    assert asked == []


def test_the_machines_proxy_and_certificates_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is read once for each host, and says what ``requests`` itself would be told."""
    for name in ("HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", "beside.test")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ours.pem")
    ours, theirs = pooled_session(), Session()
    for url in (ORG, "https://beside.test/x", "http://other.test", f"{ORG}/again"):
        told = ours.merge_environment_settings(url, {}, None, None, None)
        assert told == theirs.merge_environment_settings(url, {}, None, None, None)
    monkeypatch.setenv("HTTPS_PROXY", "http://another.test:1")
    assert ours.merge_environment_settings(ORG, {}, None, None, None)["proxies"]["https"].endswith(":3128")


def test_a_name_that_leads_inside_is_not_spoken_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name of the vendor's that resolves to this machine gets a connection and not one byte."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        real = socket.getaddrinfo
        monkeypatch.setattr(
            "socket.getaddrinfo",
            lambda _host, _port, *more, **options: real("127.0.0.1", port, *more, **options),
        )
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        session = pooled_session(timeouts=Timeouts(2.0, 2.0), reach=Reach(SALESFORCE_HOSTS, ORG))
        with pytest.raises(Misconfigured, match="inside a network"):
            session.get(f"{ORG}/services/data")
        connection, _ = listening.accept()
        with connection:
            assert connection.recv(100) == b""


def test_a_hostile_token_answer_sends_us_nowhere() -> None:
    """Where a sign-in names another machine as the org, the token it brought is not sent there."""
    told = {
        "access_token": "token",
        "instance_url": "https://169.254.169.254",
        "id": "https://login.salesforce.com/id/00D5g00000AbCdEEAV/0055g00000XyZabAAF",
    }
    with hostile(200, body=json.dumps(told)) as (url, asked):
        budget, opens = LocalBudget({}), ClientCredentials("client", "secret")
        port = connect_salesforce(opens, url, budget, lambda: NOW, MemoryTokenStore())
        with pytest.raises(Misconfigured, match="not on this machine"):
            port.read("Account", ["0015g00000AbCdEAAV"], ["Name"])
    assert [one.partition(" ")[0] for one in asked] == ["/services/oauth2/token"]


def test_a_portal_is_called_at_hubspots_own_hosts() -> None:
    """The session of a port refuses any other host."""
    port = connect_hubspot(ServiceKey("key"), "", LocalBudget({}), lambda: NOW, NoTokens())
    session = port._portal.transport.session
    with pytest.raises(Misconfigured):
        session.get("https://evil.example/crm/objects")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
    ],
)
def test_what_is_of_the_internet(address: str, public: bool) -> None:
    """Private, shared, link-local, mapped, loopback and multicast addresses are not."""
    assert is_public(address) is public
