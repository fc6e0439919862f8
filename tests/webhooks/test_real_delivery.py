"""The whole way: a sandbox signs and posts, gunicorn answers, the row is there."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import requests
from segment.analytics.client import Client
from sqlalchemy import Engine

from sync.state import installations
from sync.state.engine import writing
from sync.state.secrets import SecretBox, new_key
from tests.sandbox.conftest import ROOT, Sandbox
from tests.webhooks.conftest import NOW, PATH_SECRET, connect, kept_by

PATIENCE_S = 60


@contextmanager
def gunicorn(home: Path, env: dict[str, str]) -> Iterator[str]:
    """Run the web process as the Procfile does; yield its address once it is ready."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    told = {**os.environ, "CS_HOME": str(home), "PORT": str(port), "CS_PUBLIC_URL": url, **env}
    command = [sys.executable, "-m", "gunicorn", "--config", "webhooks/gunicorn.py", "app:create_app()"]
    with (home / "web.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=told, stdout=log, stderr=log)
        try:
            _until(lambda: _ready(url), home / "web.log")
            yield url
        finally:
            process.terminate()
            process.wait()


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).ok
    except requests.RequestException:  # also a timeout: the process has bound its port before it serves
        return False


def _until(done, log: Path) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < ends, log.read_text()
        time.sleep(0.05)


@pytest.fixture
def key() -> str:
    """Give the key that seals secrets, shared with the web process."""
    return new_key()


@pytest.fixture
def env(sqlite_engine: Engine, redis_url: str, key: str) -> dict[str, str]:
    """Give what the web process shares with the test."""
    url = sqlite_engine.url.render_as_string(hide_password=False)
    return {"DATABASE_URL": url, "REDIS_URL": redis_url, "CS_SECRET_KEYS": key}


def _delivered(crm: Sandbox) -> list[dict[str, object]]:
    return list(crm.control("GET", "/deliveries")["deliveries"])


@pytest.fixture
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    """Run the sandbox of the vendor the test names."""
    crm = Sandbox(request.param, tmp_path / "crm.db")
    crm.start()
    yield crm
    crm.kill()


@pytest.mark.parametrize("sandbox", ["hubspot"], indirect=True)
def test_a_change_in_hubspot_is_a_row(sandbox, sqlite_engine, tmp_path, env):
    """The sandbox's signature, made of its own code, is believed; 204 at the first attempt."""
    given = sandbox.credentials
    owner = connect(sqlite_engine, "hubspot", str(given["portal_id"]), "A portal")
    with gunicorn(tmp_path, {**env, "CS_HUBSPOT_CLIENT_SECRET": given["client_secret"]}) as url:
        told = [{"eventType": "company.creation"}]
        sandbox.control("POST", "/webhooks", {"target_url": f"{url}/webhooks/hubspot", "subscriptions": told})
        edit = {"object": "companies", "id": None, "values": {"name": "Acme"}, "user": "ann@example.com"}
        made = sandbox.control("POST", "/edit", edit)
        _until(lambda: _delivered(sandbox), tmp_path / "web.log")
    assert [(one["status"], one["attempt"]) for one in _delivered(sandbox)] == [(204, 0)]
    (row,) = kept_by(sqlite_engine)
    body = json.loads(row["body"])
    assert (row["installation_id"], str(body["objectId"]), body["subscriptionType"]) == (
        owner,
        made["id"],
        "company.creation",
    )


@pytest.mark.parametrize("sandbox", ["salesforce"], indirect=True)
def test_a_change_in_salesforce_is_a_row(sandbox, sqlite_engine, tmp_path, env, key):
    """The org stops at our Ack: one delivery, and the record's id as the API gives it."""
    owner = connect(sqlite_engine, "salesforce", str(sandbox.credentials["org_id"]), "An org")
    with writing(sqlite_engine) as conn:
        installations.save_secret(conn, SecretBox([key]), owner, NOW, "webhook_path", PATH_SECRET)
    with gunicorn(tmp_path, env) as url:
        target = f"{url}/webhooks/salesforce/{owner}/{PATH_SECRET}"
        sandbox.control("POST", "/webhooks", {"target_url": target, "objects": ["Account"]})
        edit = {"object": "Account", "id": None, "values": {"Name": "Acme"}, "user": "ann@example.com"}
        made = sandbox.control("POST", "/edit", edit)
        _until(lambda: _delivered(sandbox), tmp_path / "web.log")
    assert [(one["status"], one["attempt"]) for one in _delivered(sandbox)] == [(200, 0)]
    (row,) = kept_by(sqlite_engine)
    assert (row["installation_id"], json.loads(row["body"])) == (
        owner,
        {"object": "Account", "id": made["id"]},
    )


def test_segments_own_library_delivers_to_us(sqlite_engine, tmp_path, env, key):
    """The official client, pointed at us and otherwise as it comes: every type of call, packed, is kept."""
    owner = connect(sqlite_engine, "hubspot", "24680135", "A portal")
    with writing(sqlite_engine) as conn:
        installations.save_secret(conn, SecretBox([key]), owner, NOW, "write_key", "s3cret")
    failures: list[Exception] = []
    with gunicorn(tmp_path, env) as url:
        client = Client(
            f"{owner}.s3cret", host=url, gzip=True, on_error=lambda error, _: failures.append(error)
        )
        client.identify("u-1", {"email": "ann@example.com"})
        client.group("u-1", "A-1", {"name": "Acme"})
        client.track("u-1", "Report Opened", {"product": "pro"}, context={"groupId": "A-1"}, timestamp=NOW)
        client.page("u-1", "docs", "Start")
        client.screen("u-1", "Home")
        client.alias("anonymous-1", "u-1")
        client.shutdown()
    kept = [one for row in kept_by(sqlite_engine) for one in json.loads(row["body"])["batch"]]
    assert failures == []
    assert [one["type"] for one in kept] == ["identify", "group", "track", "page", "screen", "alias"]
    (track,) = [one for one in kept if one["type"] == "track"]
    assert (track["userId"], track["context"]["groupId"]) == ("u-1", "A-1")
    assert datetime.fromisoformat(track["timestamp"]) == NOW
