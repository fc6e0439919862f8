"""Connecting an installation again: its old tokens go, and every process follows."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sync import jobs, onboard
from sync.config import read_settings
from sync.connect import Connections, save_client
from sync.runtime import secret_box
from sync.state import installations
from sync.state.engine import reading, writing
from sync.state.installations import Status
from sync.token_stores import TOKEN
from sync.workspace import Workspace
from tests.sync.harness import HUBSPOT, ROOT, SALESFORCE, START, Deployment, Office, Sandbox
from tests.sync.portfolios import Book

OPEN = Callable[..., Office]
REDIRECT = "https://cs.example/back"
FIRST_START = """
import sys
from sync import runtime
from sync.config import read_settings

made = runtime.new_key()

def slow_key():
    print("makes", flush=True)
    sys.stdin.readline()
    return made

runtime.new_key = slow_key
settings = read_settings({"CS_HOME": sys.argv[1]})
print("begins", flush=True)
print(runtime.secret_box(settings).seal("i", "k", "hello"), flush=True)
"""


def stored_token(there: Office) -> str | None:
    """Return the tokens kept for an installation, as text."""
    with reading(there.engine) as conn:
        return installations.load_secret(conn, there.deployment.runtime.box, there.id, TOKEN)


def keep_token(there: Office, text: str) -> None:
    """Put tokens in place of those kept."""
    with writing(there.engine) as conn:
        installations.save_secret(conn, there.deployment.runtime.box, there.id, START, TOKEN, text)


def status(there: Office) -> Status:
    """Return whether the installation may be worked for."""
    with reading(there.engine) as conn:
        return installations.get(conn, there.id).status


def test_new_credentials_do_not_meet_the_dead_token_of_the_old(lite: Deployment, office: OPEN) -> None:
    """A new consent is used, not the refresh token that died with the one before."""
    there = office(lite, HUBSPOT, Book())
    opens = there.sandbox.credentials("oauth")
    dead = {"access_token": "dead", "refresh_token": "revoked", "expires_at": START.isoformat()}
    keep_token(there, json.dumps(dead))
    there.connect(credentials=opens)
    assert "revoked" not in str(stored_token(there))
    lite.later(hours=7)  # what the connecting itself brought has ended too
    assert there.ws.port.describe([]).account_id == there.ws.installation.account_id

    keep_token(there, json.dumps(dead))
    with writing(there.engine) as conn:
        installations.save_secret(conn, lite.runtime.box, there.id, START, "write_key", "stays")
    save_client(lite.runtime, there.id, opens)
    assert stored_token(there) is None
    with reading(there.engine) as conn:
        assert installations.load_secret(conn, lite.runtime.box, there.id, "write_key") == "stays"
    assert there.ws.port.describe([]).account_id == there.ws.installation.account_id


def consent(sandbox: Sandbox) -> dict[str, str]:
    """Return what a person's consent to our app brings in Salesforce: a refresh token good for one use."""
    client_id = sandbox.credentials()["client_id"]
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"response_type": "code", "client_id": client_id, "redirect_uri": REDIRECT}
    asked |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    at = f"{sandbox.url}/services/oauth2"
    sent_back = requests.get(f"{at}/authorize", params=asked, allow_redirects=False, timeout=60)
    (code,) = parse_qs(urlsplit(sent_back.headers["Location"]).query)["code"]
    form = {"grant_type": "authorization_code", "code": code, "client_id": client_id}
    form |= {"redirect_uri": REDIRECT, "code_verifier": verifier}
    given = requests.post(f"{at}/token", data=form, timeout=60).json()
    return {"kind": "refresh_token", "client_id": client_id, "refresh_token": given["refresh_token"]}


def test_a_refresh_token_spent_while_connecting_is_not_lost(lite: Deployment, office: OPEN) -> None:
    """Salesforce gives a new refresh token for each one used; the one got at connecting works afterwards."""
    there = office(lite, SALESFORCE, Book())
    opens = consent(there.sandbox)
    there.connect(credentials=opens)
    kept = json.loads(str(stored_token(there)))
    assert kept["refresh_token"] not in {None, opens["refresh_token"]}
    keep_token(there, json.dumps(kept | {"access_token": "ended"}))
    assert there.ws.port.describe([]).account_id == there.ws.installation.account_id
    renewed = json.loads(str(stored_token(there)))
    assert renewed["refresh_token"] != kept["refresh_token"]


def test_tokens_got_while_connecting_to_hubspot_are_kept(lite: Deployment, office: OPEN) -> None:
    """The first call after connecting needs no other access token."""
    there = office(lite, HUBSPOT, Book())
    there.connect(credentials=there.sandbox.credentials("oauth"))
    kept = stored_token(there)
    assert kept is not None
    there.ws.port.describe([])
    assert stored_token(there) == kept


def reconnect_elsewhere(there: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect with a good key as another process would: this one's ports are not told."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(onboard, "CONNECTIONS", Connections())
        good = there.sandbox.credentials()
        onboard.connect_installation(there.deployment.runtime, HUBSPOT, there.sandbox.url, good, "UTC")


def test_a_reconnect_reaches_a_running_worker(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that holds a port on a revoked key polls with the new one, though the clock stood still."""
    there = office(lite, HUBSPOT, Book()).install()
    there.load()
    there.go_live()
    monkeypatch.setattr(jobs, "process_runtime", lambda: lite.runtime)
    save_client(lite.runtime, there.id, {"kind": "service_key", "token": "pat-na1-revoked"})
    old = there.ws.port
    assert there.ws.port is old
    reconnect_elsewhere(there, monkeypatch)
    lite.later(minutes=20)
    mark = there.sandbox.mark()
    jobs.poll("fast", there.id)
    assert status(there) is Status.ACTIVE
    assert {one["status"] for one in there.sandbox.requests(mark)} == {200}
    assert there.ws.port is not old


@pytest.mark.parametrize("reconnected", [True, False])
def test_a_job_stops_only_the_credentials_it_was_refused(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch, reconnected: bool
) -> None:
    """A refusal that arrives after a reconnect does not undo it; without one the installation stops."""
    there = office(lite, HUBSPOT, Book())
    monkeypatch.setattr(jobs, "process_runtime", lambda: lite.runtime)
    save_client(lite.runtime, there.id, {"kind": "service_key", "token": "pat-na1-revoked"})

    def load(ws: Workspace) -> None:
        old = ws.port
        if reconnected:
            reconnect_elsewhere(there, monkeypatch)
        old.describe([])

    monkeypatch.setattr("sync.pull.load", load)
    jobs.load("fast", there.id)
    assert status(there) is (Status.ACTIVE if reconnected else Status.NEEDS_CONSENT)


def first_start(home: Path) -> subprocess.Popen[str]:
    """Start a process that opens the home's secret box."""
    return subprocess.Popen(
        [sys.executable, "-c", FIRST_START, str(home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def word(process: subprocess.Popen[str]) -> str:
    """Return the next word the process says; empty when it has ended."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_processes_started_at_once_share_one_key(tmp_path: Path) -> None:
    """While one process makes the key others come for it; what each of them sealed opens with it."""
    home = tmp_path / "home"
    started = [first_start(home)]
    try:
        assert [word(started[0]), word(started[0])] == ["begins", "makes"]
        started += [first_start(home) for _ in range(2)]
        assert [word(one) for one in started[1:]] == ["begins", "begins"]
        said = [one.communicate("go\n", timeout=60)[0].split() for one in started]
    finally:
        for one in started:
            one.kill()
            one.communicate()
    box = secret_box(read_settings({"CS_HOME": str(home)}))
    assert [box.open("i", "k", words[-1]) for words in said] == ["hello"] * 3
    assert (home / "secret.key").stat().st_mode & 0o777 == 0o600
