"""The traps of hubspot-api-client 12: each shown on the client itself, and not met by our way to HubSpot.

The client stands first in each test, so that a new version of it that mends a trap is noticed;
our port is then put before the same server. Servers are real, on sockets of this machine.
"""

import ast
import http.client
import json
import logging
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import urllib3
from hubspot import HubSpot
from hubspot.crm.companies.exceptions import ApiException
from hubspot.crm.objects import SimplePublicObjectInputForCreate

from integration.budget import LocalBudget
from integration.http import DEFAULT_TIMEOUTS, Timeouts, pooled_session
from integration.hubspot import MemoryTokenStore, OAuthGrant, ServiceKey, connect, vocabulary
from integration.hubspot.connector import WINDOWS
from integration.port import FieldSpec, FieldType, ObjectSpec, ReadQuery, SchemaChange, Unavailable, WriteRow
from tests.integration.hubspot_steps import install

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "pat-na1-t0ken"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ONE_COMPANY = {
    "id": "1",
    "properties": {"name": "Acme"},
    "createdAt": "2026-01-01T00:00:00Z",
    "updatedAt": "2026-01-01T00:00:00Z",
    "archived": False,
}


@dataclass
class Answer:
    """What the server answers; ``hang_s`` seconds late."""

    status: int = 200
    body: bytes = b'{"results": []}'
    headers: dict[str, str] = field(default_factory=dict)
    hang_s: float = 0.0


class Server:
    """A HubSpot of one answer, which counts connections and requests."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.connections = 0
        self.requests: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                server.connections += 1
                super().setup()

            def serve(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.requests.append(f"{self.command} {self.path}")
                time.sleep(server.answer.hang_s)
                self.send_response(server.answer.status)
                for name, value in server.answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(server.answer.body)))
                self.end_headers()
                self.wfile.write(server.answer.body)

            do_GET = do_POST = serve  # noqa: N815 - the names the server calls

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    self.close_connection = True  # the client has left; that is what is tested

            def log_message(self, *_args):
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Close the door."""
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def serve():
    """Return a maker of servers."""
    started: list[Server] = []

    def begin(**answer) -> Server:
        started.append(Server(Answer(**answer)))
        return started[-1]

    yield begin
    for one in started:
        one.stop()


def official(server: Server) -> HubSpot:
    """Return HubSpot's own client, as its README makes it."""
    return HubSpot(access_token=TOKEN, host=server.url)


def ours(server: Server, credentials=None, store=None):
    """Return our port before the same server, not held up by any budget."""
    budget = LocalBudget(WINDOWS, monotonic=time.monotonic, sleep=lambda _seconds: None)
    port = connect(
        credentials or ServiceKey(TOKEN), server.url, budget, lambda: NOW, store or MemoryTokenStore()
    )
    port._portal.transport.sleep = lambda _seconds: None
    return port


def read_one(port) -> None:
    """Read one company by id."""
    port.read("companies", ["1"], ["name"])


@pytest.fixture
def one_try(monkeypatch):
    """Have our transport try once."""
    monkeypatch.setattr("integration.hubspot.transport.MAX_ATTEMPTS", 1)


def test_a_pool_of_its_own_per_accessor(serve):
    """The client opens a connection for each of its accessors; we make every call on one."""
    server = serve()
    client = official(server)
    for _ in range(20):
        client.crm.companies.basic_api.get_page(limit=1)
    assert server.connections == 20
    server = serve()
    port = ours(server)
    for number in range(20):
        port.read(("companies", "deals", "tickets")[number % 3], ["1"], ["name"])
    assert (server.connections, len(server.requests)) == (1, 20)


def test_no_timeout_at_all(serve, one_try):
    """The client waits for ever for a server that does not answer; we give up after our time."""
    server = serve(hang_s=20.0)
    call = threading.Thread(target=official(server).crm.companies.basic_api.get_page, daemon=True)
    call.start()
    call.join(1.5)
    assert call.is_alive()
    port = ours(server)
    assert {one._timeout for one in port._portal.transport.session.adapters.values()} == {
        (DEFAULT_TIMEOUTS.connect_s, DEFAULT_TIMEOUTS.read_s)
    }
    assert max(DEFAULT_TIMEOUTS.connect_s, DEFAULT_TIMEOUTS.read_s) <= 100  # HubSpot itself gives up with 524
    port._portal.transport.session = pooled_session(timeouts=Timeouts(0.3, 0.3))
    began = time.monotonic()
    with pytest.raises(Unavailable, match="connection"):
        read_one(port)
    assert time.monotonic() - began < 10  # the server keeps it for twenty


def test_sleeping_as_long_as_it_is_told(serve):
    """The client sleeps through any Retry-After, unasked; we hand one of an hour to the caller at once."""
    server = serve(status=429, body=b"{}", headers={"Retry-After": "1"})
    began = time.monotonic()
    with pytest.raises(ApiException):
        official(server).crm.companies.basic_api.get_page()
    assert time.monotonic() - began >= 3
    assert len(server.requests) == 4
    body = json.dumps({"policyName": "TEN_SECONDLY_ROLLING", "errorType": "RATE_LIMIT"}).encode()
    server = serve(status=429, body=body, headers={"Retry-After": "3600"})
    port, slept = ours(server), []
    port._portal.transport.sleep = slept.append
    with pytest.raises(Unavailable) as refused:
        read_one(port)
    assert (refused.value.retry_after_s, slept, len(server.requests)) == (3600.0, [], 1)


def test_reads_retried_behind_ones_back(serve, one_try):
    """The client's pool sends a timed-out read three times more; each of our tries is one request."""
    server = serve(hang_s=1.0)
    with pytest.raises(urllib3.exceptions.MaxRetryError):
        official(server).crm.companies.basic_api.get_page(_request_timeout=0.2)
    assert len(server.requests) == 4
    server = serve(hang_s=1.0)
    port = ours(server)
    port._portal.transport.session = pooled_session(timeouts=Timeouts(0.2, 0.2))
    with pytest.raises(Unavailable):
        read_one(port)
    assert len(server.requests) == port.calls.total == 1


def test_a_page_of_html_taken_for_an_empty_answer(serve):
    """The client makes an empty model of it, as if the portal were empty; to us it is an outage."""
    server = serve(body=b"<html>maintenance</html>", headers={"Content-Type": "text/html"})
    assert official(server).crm.companies.basic_api.get_page().results is None
    with pytest.raises(Unavailable, match="not JSON"):
        read_one(ours(server))


def test_an_unexpected_success_taken_for_nothing(serve):
    """The client returns None for a create answered 200; we read what stands in the answer."""
    server = serve(body=json.dumps(ONE_COMPANY).encode(), headers={"Content-Type": "application/json"})
    made = official(server).crm.companies.basic_api.create(
        SimplePublicObjectInputForCreate(properties={"name": "Acme"}, associations=[])
    )
    assert made is None
    body = json.dumps({"status": "COMPLETE", "results": [ONE_COMPANY]}).encode()
    (record,) = ours(serve(status=201, body=body)).read("companies", ["1"], ["name"])
    assert (record.id, record.values["name"]) == ("1", "Acme")


def test_an_error_in_another_encoding(serve):
    """The client dies of a body that is not UTF-8; we name the outage."""
    server = serve(status=500, body=b"\xff\xfeB\xe4d")
    with pytest.raises(UnicodeDecodeError):
        official(server).crm.companies.basic_api.get_page()
    with pytest.raises(Unavailable, match="500"):
        read_one(ours(server))


def test_errors_of_the_layer_below(serve):
    """The client leaks urllib3's errors; ours are the port's, whatever breaks."""
    server = serve()
    server.stop()
    with pytest.raises(urllib3.exceptions.HTTPError):
        official(server).crm.companies.basic_api.get_page()
    with pytest.raises(Unavailable, match="connection"):
        read_one(ours(server))


def at_noon(sandbox):
    """Stop the portal's clock at our time; return what signs in."""
    sandbox.post("/_sandbox/clock", {"now": NOW.isoformat().replace("+00:00", "Z"), "running": False})
    return sandbox.get("/_sandbox/credentials")


def exercise(port) -> None:
    """Use every model of the client's vocabulary that we use."""
    port.read("companies", ["1"], ["name"], ["deals"])
    list(port.iter_pages(ReadQuery("companies", ("name",), ("deals",))))
    list(port.iter_pages(ReadQuery("companies", ("name",), changed_since=NOW)))
    port.find("companies", "cs_key", ["k"], ["name"])
    port.describe(["companies", "deals"])


def test_log_levels_reset_for_the_whole_process(serve):
    """Each accessor of the client turns others' debugging off; nothing of ours touches it."""
    logger, before = logging.getLogger("urllib3"), http.client.HTTPConnection.debuglevel
    server = serve()
    level = logger.level
    try:
        logger.setLevel(logging.DEBUG)
        http.client.HTTPConnection.debuglevel = 1
        official(server).crm.companies.basic_api  # noqa: B018 - looking is enough
        assert (logger.level, http.client.HTTPConnection.debuglevel) == (logging.WARNING, 0)
        logger.setLevel(logging.DEBUG)
        http.client.HTTPConnection.debuglevel = 7
        exercise(ours(server))
        assert (logger.level, http.client.HTTPConnection.debuglevel) == (logging.DEBUG, 7)
    finally:
        logger.setLevel(level)
        http.client.HTTPConnection.debuglevel = before


def test_tokens_printed_while_debugging(hubspot_sandbox, caplog, capfd):
    """The client's debug mode prints the token; our log, at its loudest, holds no secret."""
    given = at_noon(hubspot_sandbox)
    server = Server(Answer())
    before = http.client.HTTPConnection.debuglevel
    try:
        loud = HubSpot(access_token=TOKEN, host=server.url, debug=True)
        loud.crm.companies.basic_api.get_page()
    finally:
        http.client.HTTPConnection.debuglevel = before
        server.stop()
    assert TOKEN in capfd.readouterr().out
    caplog.set_level(logging.DEBUG)
    grant = OAuthGrant(given["client_id"], given["client_secret"], given["refresh_token"])
    store = MemoryTokenStore()
    budget = LocalBudget(WINDOWS, monotonic=time.monotonic, sleep=time.sleep)
    port = connect(grant, hubspot_sandbox.url, budget, lambda: NOW, store)
    port.describe(["companies"])
    tokens = store.load()
    told = caplog.text + "".join(capfd.readouterr()) + repr(port._portal.transport.auth) + repr(grant)
    assert "/oauth/2026-09/token" in caplog.text
    for secret in (given["client_secret"], given["refresh_token"], tokens.access_token):
        assert secret not in told


def test_paths_that_end(hubspot_sandbox):
    """The client knows v3, v4 and oauth/v1 only; all we ask for is of the dated version we build on."""
    given = at_noon(hubspot_sandbox)
    HubSpot(access_token=given["service_key"], host=hubspot_sandbox.url).crm.companies.basic_api.get_page()
    last = hubspot_sandbox.requests()[-1]
    assert last["path"].startswith("/crm/v3/objects/companies")
    grant = OAuthGrant(given["client_id"], given["client_secret"], given["refresh_token"])
    budget = LocalBudget(WINDOWS, monotonic=time.monotonic, sleep=time.sleep)
    port = connect(grant, hubspot_sandbox.url, budget, lambda: NOW, MemoryTokenStore())
    key = FieldSpec("cs_key", "Key", FieldType.TEXT, unique=True)
    companies = ObjectSpec("companies", "Company", "Companies", (key,))
    install(port, [SchemaChange(companies, False, (key,))])
    port.upsert("companies", "cs_key", [WriteRow("k", {"name": "Acme"})])
    exercise(port)
    asked = [one["path"] for one in hubspot_sandbox.requests(last["seq"])]
    assert len(asked) > 10
    assert [path for path in asked if not re.search(r"/2026-09(/|\?|$)", path)] == []


PEERS = ROOT / "sync" / "bench"
"""Here the client runs as others use it, in processes of its own, for the product to be measured beside."""


def test_only_the_clients_models_are_used():
    """None of its accessors and endpoints can be reached from our code: it imports model packages alone."""
    imported: dict[str, set[str]] = {}
    for folder in ("integration", "sync", "webhooks", "mappings", "success"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.parent == PEERS:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [f"{node.module}.{one.name}" for one in node.names]
                found = {name for name in names if name.split(".")[0] == "hubspot"}
                if found:
                    imported.setdefault(path.relative_to(ROOT).as_posix(), set()).update(found)
    assert imported == {
        "integration/hubspot/vocabulary.py": {
            "hubspot.crm.objects",
            "hubspot.crm.properties",
            "hubspot.crm.schemas",
            "hubspot.crm.associations.v4",
        }
    }
    text = (ROOT / "integration/hubspot/vocabulary.py").read_text()
    assert re.findall(r"\b\w*Api\b", text) == []


def test_a_page_that_ends_with_an_empty_paging(serve):
    """The client's reader of all pages dies of a ``paging`` without ``next``; ours takes it for the end."""
    body = json.dumps({"results": [ONE_COMPANY], "paging": {}}).encode()
    server = serve(body=body, headers={"Content-Type": "application/json"})
    with pytest.raises(AttributeError):
        official(server).crm.objects.get_all("companies")
    pages = list(ours(server).iter_pages(ReadQuery("companies", ("name",))))
    assert [record.id for page in pages for record in page.records] == ["1"]
    assert pages[-1].resume is None


def test_a_word_python_keeps_for_itself():
    """The client's models spell ``from`` with an underscore; what we send has HubSpot's own word."""
    (pair,) = vocabulary.associate_body([("1", "2")])["inputs"]
    assert pair == {"from": {"id": "1"}, "to": {"id": "2"}}
