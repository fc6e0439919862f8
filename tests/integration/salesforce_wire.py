"""A scripted org: answers requests from a list and keeps what it was sent.

It stands where the network would be (a ``requests`` adapter), so everything above it is the product's
own code. Used where the sandbox cannot show a fault exactly.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from requests import ConnectionError as NoConnection
from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from integration.budget import LocalBudget
from integration.salesforce.auth import ClientCredentials, Grant, MemoryTokenStore, SalesforceCredentials
from integration.salesforce.connector import SalesforcePort, connect

HOST = "https://acme.my.salesforce.com"
ORG_ID = "00D5g00000AbCdEEAV"
USER_ID = "0055g00000XyZabAAF"
GRANT = Grant("token-1", HOST, ORG_ID, USER_ID, "68.0")
CREDENTIALS = ClientCredentials("client", "secret")
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
RESET = object()


@dataclass(frozen=True)
class Sent:
    """A request as it left."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: CaseInsensitiveDict[str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def soql(self) -> str:
        """Return the query sent."""
        return self.query["q"][0]


@dataclass
class ScriptedOrg(BaseAdapter):
    """Plays ``answers`` in order: (status, body[, headers]), a function of the request, or RESET."""

    answers: list[Any]
    sent: list[Sent] = field(default_factory=list)

    def send(self, request: PreparedRequest, **_: Any) -> Response:
        """Record ``request`` and give the next answer."""
        parts = urlsplit(str(request.url))
        body = request.body or b""
        body = body.read() if hasattr(body, "read") else body
        body = body.encode() if isinstance(body, str) else body
        sent = Sent(str(request.method), parts.path, parse_qs(parts.query), request.headers.copy(), body)
        self.sent.append(sent)
        if not self.answers:
            raise AssertionError(f"an unexpected call: {sent.method} {sent.path}")
        answer = self.answers.pop(0)
        if answer is RESET:
            raise NoConnection("reset")
        answer = answer(sent) if isinstance(answer, Callable) else answer
        return _response(request, *answer)

    def close(self) -> None:
        """Do nothing; there is no connection."""


def _response(
    request: PreparedRequest, status: int, body: Any, headers: dict[str, str] | None = None
) -> Response:
    response = Response()
    response.status_code = status
    response.headers = CaseInsensitiveDict(headers or {})
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    response.raw = io.BytesIO(raw)
    response._content = raw
    response.url = str(request.url)
    response.request = request
    return response


@dataclass
class Rig:
    """A port on a scripted org, with everything a test may look at."""

    port: SalesforcePort
    org: ScriptedOrg
    store: MemoryTokenStore
    slept: list[float]


def rig(
    *answers: Any,
    grant: Grant | None = GRANT,
    credentials: SalesforceCredentials = CREDENTIALS,
    budget: Any = None,
) -> Rig:
    """Return a port that will be given ``answers``; it is signed in unless ``grant`` is ``None``."""
    org = ScriptedOrg(list(answers))
    session = Session()
    session.mount("https://", org)
    store = MemoryTokenStore(grant)
    slept: list[float] = []
    port = connect(
        credentials,
        HOST,
        budget or LocalBudget({}),
        lambda: datetime(2024, 12, 31, 9, tzinfo=UTC),
        store,
        session=session,
        sleep=slept.append,
    )
    return Rig(port, org, store, slept)


def page(rows: list[dict[str, Any]], done: bool = True) -> tuple[int, dict[str, Any]]:
    """Return a query answer."""
    body: dict[str, Any] = {"totalSize": len(rows), "done": done, "records": rows}
    return 200, body if done else {**body, "nextRecordsUrl": "/services/data/v68.0/query/0r8xx-2000"}


def account_row(number: int, **fields: Any) -> dict[str, Any]:
    """Return a row of any object whose fields do not matter."""
    return {
        "attributes": {"type": "Account", "url": "/x"},
        "Id": f"0015g00000{number:05d}AAA",
        "CreatedDate": "2024-01-02T03:04:05.000+0000",
        "SystemModstamp": "2024-06-01T00:00:00.000+0000",
        "IsDeleted": False,
        **fields,
    }
