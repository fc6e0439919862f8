"""Starts each vendor's sandbox as a process of its own: a fresh one, on a fresh file, per test module."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.sandbox_process import SandboxProcess, start_sandbox

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Sandbox:
    """A running sandbox: where it is, and one session that talks to it (signed in for HubSpot)."""

    vendor: str
    db: Path
    options: tuple[str, ...] = ()
    port: int = 0
    url: str = ""
    process: SandboxProcess | None = None
    session: requests.Session = field(default_factory=requests.Session)
    credentials: dict[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        """Start the process and wait for its ready line."""
        self.process = start_sandbox(self.vendor, self.db, *self.options, port=self.port)
        self.url = self.process.url
        self.credentials = self.control("GET", "/credentials")

    def kill(self) -> None:
        """End the process at once, as ``kill -9`` does."""
        assert self.process is not None
        self.process.kill()
        self.session.close()

    def control(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Call a control endpoint, which must answer 200, and return its JSON."""
        answer = requests.request(method, f"{self.url}/_sandbox{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """Call the vendor's own API with this session."""
        return self.session.request(method, self.url + path, json=body, timeout=60, **more)


def start_hubspot(folder: Path, *options: str) -> Sandbox:
    """Start a HubSpot portal whose session carries the service key (whose limits are 190 per 10 s)."""
    sandbox = Sandbox("hubspot", folder / "hubspot.db", options)
    sandbox.start()
    sandbox.session.headers["Authorization"] = f"Bearer {sandbox.credentials['service_key']}"
    return sandbox


@pytest.fixture(scope="module")
def hubspot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Give an Enterprise portal whose search index lags 0.4 s, shared by one test module."""
    sandbox = start_hubspot(
        tmp_path_factory.mktemp("hubspot"), "--index-lag-seconds", "0.4", "--retry-base-seconds", "0.05"
    )
    yield sandbox
    sandbox.kill()


@pytest.fixture
def hubspot_with(tmp_path: Path) -> Iterator[Any]:
    """Give a function that starts a HubSpot portal with other options, ended with the test."""
    started: list[Sandbox] = []

    def start(*options: str) -> Sandbox:
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(start_hubspot(folder, *options))
        return started[-1]

    yield start
    for sandbox in started:
        sandbox.kill()


@pytest.fixture(scope="module")
def salesforce(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Give a Salesforce org, shared by one test module; signing in is the test's own business."""
    sandbox = Sandbox("salesforce", tmp_path_factory.mktemp("salesforce") / "salesforce.db")
    sandbox.start()
    yield sandbox
    sandbox.kill()
