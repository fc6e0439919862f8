"""An outbound message of accounts and the flow that sends it, as files of one deploy; and who takes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.etree import ElementTree as ET

from tests.sandbox.salesforce_session import NS, package

API_USER = "integration@colonnade.example"
WORKFLOW, FLOW = "workflows/Account.workflow", "flows/Told.flow"
ACK = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    "</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)
SOBJECT = "{http://soap.sforce.com/2005/09/outbound}sObject"


def message(url: str = "https://example.com/in", *, name: str = "Told") -> str:
    """Return a workflow's outbound message."""
    return (
        f"<outboundMessages><fullName>{name}</fullName><apiVersion>66.0</apiVersion>"
        f"<endpointUrl>{url}</endpointUrl><fields>Id</fields><fields>SystemModstamp</fields>"
        f"<includeSessionId>false</includeSessionId><integrationUser>{API_USER}</integrationUser>"
        "<name>Told</name><protected>false</protected><useDeadLetterQueue>false</useDeadLetterQueue>"
        "</outboundMessages>"
    )


def workflow(*messages: str) -> str:
    """Return a workflow file."""
    return f"<Workflow {NS}>{''.join(messages)}</Workflow>"


def flow(status: str = "Active", *, sends: str = "Account.Told", on: str = "CreateAndUpdate") -> str:
    """Return a flow that sends a message after a save by anybody but the API user."""
    return (
        f"<Flow {NS}><actionCalls><name>Send</name><label>Send</label><locationX>1</locationX>"
        f"<locationY>1</locationY><actionName>{sends}</actionName><actionType>outboundMessage</actionType>"
        "<flowTransactionModel>CurrentTransaction</flowTransactionModel></actionCalls>"
        "<apiVersion>66.0</apiVersion><label>Told</label><processType>AutoLaunchedFlow</processType>"
        "<start><locationX>1</locationX><locationY>1</locationY><connector><targetReference>Send"
        "</targetReference></connector><filterFormula>{!$User.Username} &lt;&gt; "
        f'"{API_USER}"</filterFormula><object>Account</object><recordTriggerType>{on}</recordTriggerType>'
        f"<triggerType>RecordAfterSave</triggerType></start><status>{status}</status></Flow>"
    )


def files(url: str = "https://example.com/in", status: str = "Active") -> dict[str, str]:
    """Return the files of a deploy of both."""
    members = package(Workflow=["Account"], Flow=["Told"])
    return {WORKFLOW: workflow(message(url)), FLOW: flow(status), "package.xml": members}


class Taker(ThreadingHTTPServer):
    """An endpoint that keeps what it is sent and says that it has it, after ``refusals`` answers of 500."""

    daemon_threads = True

    def __init__(self) -> None:
        """Listen on a free port."""
        self.got: list[ET.Element] = []
        self.refusals = 0
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Return the address messages go to."""
        return f"http://127.0.0.1:{self.server_port}/in"

    def records(self) -> list[str]:
        """Return the ids of the records told of, in the order they came, retries included."""
        found = [one for body in self.got for one in body.iter(SOBJECT)]
        return [str(next(iter(one)).text) for one in found]


class _Handler(BaseHTTPRequestHandler):
    server: Taker

    def do_POST(self) -> None:
        """Keep the message and acknowledge it."""
        self.server.got.append(ET.fromstring(self.rfile.read(int(self.headers["Content-Length"]))))
        refused = self.server.refusals > 0
        self.server.refusals -= refused
        body = b"" if refused else ACK.encode()
        self.send_response(500 if refused else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Stay silent."""


@contextmanager
def taking() -> Iterator[Taker]:
    """Give a running taker."""
    server = Taker()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def until(holds: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait until ``holds``; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
