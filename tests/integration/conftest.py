"""The sandboxes as processes, a scripted server for what they cannot be made to do, a clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from integration.budget import LocalBudget
from integration.hubspot import HubSpotPort, MemoryTokenStore, ServiceKey, connect
from integration.hubspot.connector import WINDOWS
from tests.sandbox_process import start_sandbox

CONTROL_TIMEOUT_S = 60
NOON = datetime(2024, 12, 31, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: ``url`` for the product, ``get``/``post``/``delete`` for the test."""

    url: str

    def get(self, path: str) -> Any:
        """Return the JSON at ``path``."""
        return self._answer(requests.get(self.url + path, timeout=CONTROL_TIMEOUT_S))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the JSON answer to ``body``."""
        return self._answer(requests.post(self.url + path, json=body, timeout=CONTROL_TIMEOUT_S))

    def delete(self, path: str) -> None:
        """Delete what stands at ``path``."""
        requests.delete(self.url + path, timeout=CONTROL_TIMEOUT_S).raise_for_status()

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the vendor requests logged past sequence number ``after``."""
        found: list[dict[str, Any]] = self.get(f"/_sandbox/requests?after={after}")["requests"]
        return found

    @staticmethod
    def _answer(response: Response) -> Any:
        assert response.ok, f"{response.request.url}: {response.status_code} {response.text[:500]}"
        return response.json() if response.content else None


@pytest.fixture
def hubspot_sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """Run an empty HubSpot portal for one test."""
    yield from _running("hubspot", tmp_path)


@pytest.fixture
def salesforce_sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """Run an empty Salesforce org for one test."""
    yield from _running("salesforce", tmp_path)


@pytest.fixture
def prompt_hubspot_sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """Run an empty HubSpot portal whose search lags behind nothing."""
    yield from _running("hubspot", tmp_path, "--index-lag-seconds", "0")


def _running(vendor: str, folder: Path, *options: str) -> Iterator[Sandbox]:
    process = start_sandbox(vendor, folder / f"{vendor}.db", *options)
    yield Sandbox(process.url)
    process.kill()


@dataclass
class Script(BaseAdapter):
    """Answers requests in the order given; refuses one more; keeps what was asked."""

    answers: list[Response | Exception] = field(default_factory=list)
    asked: list[PreparedRequest] = field(default_factory=list)

    def answer(
        self, status: int, body: Any = None, headers: dict[str, str] | None = None, raw: bytes | None = None
    ) -> Script:
        """Add an answer."""
        response = Response()
        response.status_code = status
        response._content = raw if raw is not None else json.dumps(body).encode()
        response.headers.update(headers or {})
        self.answers.append(response)
        return self

    def lose(self, error: Exception) -> Script:
        """Add a connection failure."""
        self.answers.append(error)
        return self

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Give the next answer."""
        self.asked.append(request)
        assert self.answers, f"no answer left for {request.method} {request.url}"
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        answer.url, answer.request = str(request.url), request
        return answer

    def close(self) -> None:
        """Hold nothing."""

    def bodies(self) -> list[Any]:
        """Return the JSON bodies asked, in order."""
        return [json.loads(request.body) for request in self.asked if request.body]

    def paths(self) -> list[str]:
        """Return method and path of each request, in order."""
        return [f"{request.method} {request.path_url}" for request in self.asked]


@pytest.fixture
def script() -> Script:
    """Return a server without answers yet."""
    return Script()


@dataclass
class Clock:
    """A clock the test moves."""

    instant: datetime = NOON

    def now(self) -> datetime:
        """Return the instant set."""
        return self.instant


@pytest.fixture
def clock() -> Clock:
    """Return a clock at noon of the last day of 2024."""
    return Clock()


@dataclass
class Monotonic:
    """A monotonic clock on which sleeping is moving."""

    seconds: float = 1000.0
    sleeps: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        """Return the seconds now."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Move on and remember."""
        self.sleeps.append(seconds)
        self.seconds += seconds


@pytest.fixture
def scripted_hubspot(script: Script, clock: Clock, monotonic: Monotonic) -> HubSpotPort:
    """Return a port to a portal that answers by ``script``."""
    budget = LocalBudget(WINDOWS, monotonic=monotonic, sleep=monotonic.sleep)
    port = connect(ServiceKey("key"), "https://hubspot.test", budget, clock.now, MemoryTokenStore())
    port._portal.transport.session.mount("https://", script)
    port._portal.transport.sleep = monotonic.sleep
    return port


@pytest.fixture
def monotonic() -> Monotonic:
    """Return a monotonic clock for budgets and retries."""
    return Monotonic()
