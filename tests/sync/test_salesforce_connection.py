"""An org's connection over time: tokens revoked or rotated, another org behind the same address, the end."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import text

from integration.port import NeedsConsent, ReadQuery
from integration.salesforce.token_endpoint import TokenEndpoint
from sync import jobs
from sync.bell import Lane, Work
from sync.commands.diagnosis import of_connection
from sync.connect import Connections, save_client
from sync.disconnect import Ending, disconnect
from sync.scheduler import turn
from sync.state import cursors, installations, ledger, token_lease
from sync.state.engine import reading, writing
from sync.state.installations import Status
from sync.state.leases import next_fence
from sync.state.ledger import WantedRow
from sync.token_stores import TOKEN
from sync.worker import run_worker
from tests.sync.harness import SALESFORCE, Deployment, Office, Sandbox
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
BACK = "https://cs.example.com/back"
TOKEN_CALL = "POST /services/oauth2/token"


def consented(sandbox: Sandbox) -> dict[str, str]:
    """Return what a person's consent to a public app brings, redeemed over raw HTTP."""
    sandbox.post("app", {"consumer_key": "web"})
    verifier, at = "v" * 64, f"{sandbox.url}/services/oauth2"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"response_type": "code", "client_id": "web", "redirect_uri": BACK, "code_challenge": challenge}
    page = requests.get(f"{at}/authorize", params=asked, allow_redirects=False, timeout=30)
    (code,) = parse_qs(urlsplit(page.headers["Location"]).query)["code"]
    form = {"grant_type": "authorization_code", "code": code, "client_id": "web"}
    form |= {"redirect_uri": BACK, "code_verifier": verifier}
    given = requests.post(f"{at}/token", data=form, timeout=30).json()
    return {"kind": "refresh_token", "client_id": "web", "refresh_token": given["refresh_token"]}


def by_consent(there: Office) -> Office:
    """Connect by a person's consent."""
    return there.connect(credentials=consented(there.sandbox))


def by_key(there: Office) -> Office:
    """Stay connected by the key of the integration user."""
    return there


def status(there: Office) -> Status:
    """Return whether the installation may be worked for."""
    with reading(there.engine) as conn:
        return installations.get(conn, there.id).status


def stored(there: Office) -> dict[str, Any]:
    """Return the grant kept."""
    with reading(there.engine) as conn:
        text = installations.load_secret(conn, there.deployment.runtime.box, there.id, TOKEN)
    return dict(json.loads(str(text)))


def every_call(there: Office, after: int) -> list[str]:
    """Return everything asked of the org after a number of its log, token calls too."""
    found = there.sandbox.get("requests", after=after)["requests"]
    return [f"{one['method']} {one['path']} {one['status']}" for one in found]


def read(there: Office) -> None:
    """Make a call as a job would."""
    there.ws.port.read("Account", ["0018d00000000zzAAA"], ["Name"])


def tick(there: Office) -> None:
    """Let the scheduler turn and the workers answer what it rang."""
    turn(there.deployment.runtime)
    for lane in Lane:
        run_worker(there.deployment.runtime.redis, lane, until_idle=True)


def at_work(
    deployed: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch, connected: Callable[[Office], Office]
) -> Office:
    """Return an org at work, whose jobs run in this process."""
    monkeypatch.setattr(jobs, "process_runtime", lambda: deployed.runtime)
    there = connected(office(deployed, SALESFORCE, three_customers())).install()
    there.load()
    there.go_live().settle()
    deployed.later(minutes=1)
    return there


def with_work(there: Office) -> int:
    """Leave something to a poll, a load and a push; return the log's place."""
    row = WantedRow("CS_Profile__c", "row", "0018d00000000zzAAA", "profile", {"Name": "ours"})
    with writing(there.engine) as conn:
        ledger.want(conn, there.id, there.deployment.now, [row], next_fence(conn, there.id))
        cursors.forget(conn, there.id, "Account")
    return there.sandbox.mark()


@pytest.mark.parametrize("work", [Work.POLL, Work.PUSH])
def test_a_withdrawn_consent_costs_one_401_and_one_refusal_of_the_refresh(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch, work: Work
) -> None:
    """Whatever job meets it: two calls, and none ever after, from jobs, the scheduler or another ring."""
    there = at_work(lite, office, monkeypatch, by_consent)
    mark = with_work(there)
    there.sandbox.post("revoke", {})
    getattr(jobs, work.value)("fast", there.id)
    assert status(there) is Status.NEEDS_CONSENT
    (asked, refused) = every_call(there, mark)
    assert asked.endswith(" 401")
    assert refused == f"{TOKEN_CALL} 400"
    for _ in range(3):
        lite.later(minutes=31)
        tick(there)
    for one in Work:
        getattr(jobs, one.value)("fast", there.id)
    assert len(every_call(there, mark)) == 2


def test_all_tokens_revoked_stop_one_org_and_a_reconnect_resumes_it(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when Salesforce revoked every token of a published app: the neighbour is polled on meanwhile."""
    gone = at_work(lite, office, monkeypatch, by_consent)
    stays = office(lite, SALESFORCE, three_customers())
    assert stays.id == gone.id  # both stand-ins begin with the same org id
    stays.sandbox.post("org", {"number": 99})
    stays = stays.connect().install()
    stays.load()
    stays.go_live().settle()
    gone.connect(credentials=consented(gone.sandbox))
    gone.sandbox.post("revoke", {})
    marks = {there.id: there.sandbox.mark() for there in (gone, stays)}
    for _ in range(3):
        lite.later(minutes=31)
        tick(gone)
    assert (status(gone), status(stays)) == (Status.NEEDS_CONSENT, Status.ACTIVE)
    assert len(every_call(gone, marks[gone.id])) <= 4
    assert any("/query" in one for one in every_call(stays, marks[stays.id]))
    gone.connect(credentials=consented(gone.sandbox))
    mark = gone.sandbox.mark()
    gone.poll()
    assert status(gone) is Status.ACTIVE
    assert {one["status"] for one in gone.sandbox.requests(mark)} == {200}


def test_a_key_the_org_no_longer_takes_is_told_with_the_remedy(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The admin took the approval away: one 401, one refused sign-in, and what to do."""
    there = at_work(lite, office, monkeypatch, by_key)
    there.sandbox.post("app", {"consumer_key": "colonnade-test", "approved": False,
                               "public_key_pem": public_key(there)})  # fmt: skip
    there.sandbox.post("revoke", {})
    mark = there.sandbox.mark()
    with pytest.raises(NeedsConsent, match="user hasn't approved this consumer; pre-authorise the user"):
        read(there)
    assert [one.split()[-1] for one in every_call(there, mark)] == ["401", "400"]


def public_key(there: Office) -> str:
    """Return the public key of the harness's app."""
    from cryptography.hazmat.primitives import serialization

    private = serialization.load_pem_private_key(
        there.sandbox.credentials()["private_key_pem"].encode(), None
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()


class Killed(BaseException):
    """The process ends here."""


def test_a_process_killed_between_a_renewal_and_its_use_loses_no_consent(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rotated refresh token is stored before anything is done with the new access token.

    The killed process holds its lease; another waits until that has run out and renews with the new token.
    """
    there = by_consent(office(lite, SALESFORCE, three_customers()))
    read(there)
    before = stored(there)["refresh_token"]
    there.sandbox.post("org", {"newest_version": 67})  # so that a version is asked for after each renewal
    with writing(there.engine) as conn:
        kept = json.dumps({**stored(there), "access_token": "ended", "api_version": "67.0"})
        installations.save_secret(conn, lite.runtime.box, there.id, lite.now, TOKEN, kept)
    with monkeypatch.context() as dying:
        dying.setattr("sync.workspace.CONNECTIONS", Connections())

        def die(*_: object) -> str:
            dying.setattr(token_lease, "release", lambda *_: None)
            raise Killed

        dying.setattr(TokenEndpoint, "newest_version", die)
        with pytest.raises(Killed):
            read(there)
    held = stored(there)
    assert held["refresh_token"] not in {None, before}
    lite.later(seconds=61)
    mark = there.sandbox.mark()
    there.deployment.runtime.redis.flushall()
    monkeypatch.setattr("sync.workspace.CONNECTIONS", Connections())
    read(there)
    assert [one for one in every_call(there, mark) if one.startswith(TOKEN_CALL)] == [f"{TOKEN_CALL} 200"]
    assert stored(there)["refresh_token"] not in {before, held["refresh_token"]}


def test_processes_that_meet_a_dead_token_at_once_renew_it_once(lite: Deployment, office: OPEN) -> None:
    """With rotation a second renewal would spend a dead refresh token and lose the consent."""
    there = by_consent(office(lite, SALESFORCE, three_customers()))
    read(there)
    with writing(there.engine) as conn:
        kept = json.dumps({**stored(there), "access_token": "ended"})
        installations.save_secret(conn, lite.runtime.box, there.id, lite.now, TOKEN, kept)
    processes = [Connections() for _ in range(4)]
    ports = [one.port(lite.runtime, there.ws.installation)[0] for one in processes]
    mark = there.sandbox.mark()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda port: port.read("Account", ["0018d00000000zzAAA"], ["Name"]), ports))
    assert found == [[]] * 4
    assert every_call(there, mark).count(f"{TOKEN_CALL} 200") == 1
    assert status(there) is Status.ACTIVE


@pytest.mark.parametrize("connected", [by_key, by_consent], ids=["key", "consent"])
def test_credentials_of_another_org_are_refused_before_anything_is_read(
    lite: Deployment, office: OPEN, connected: Callable[[Office], Office]
) -> None:
    """A refreshed sandbox answers at the same address with another id: it is asked for a token, no more."""
    there = connected(office(lite, SALESFORCE, three_customers()))
    read(there)
    there.sandbox.post("org", {"number": 77})
    if connected is by_consent:
        save_client(lite.runtime, there.id, consented(there.sandbox))
    mark = there.sandbox.mark()
    with pytest.raises(NeedsConsent, match="00D8d000000001FEAQ, this installation is org 00D8d0000000001EAA"):
        list(there.ws.port.iter_pages(ReadQuery("Account", ("Name",))))
    asked = every_call(there, mark)
    assert [one for one in asked if not one.startswith(TOKEN_CALL) and not one.endswith(" 401")] == []


def test_disconnecting_an_org_revokes_its_tokens_and_forgets_them(lite: Deployment, office: OPEN) -> None:
    """One call; neither the refresh token nor the access token opens the org any more."""
    there = by_consent(office(lite, SALESFORCE, three_customers()))
    held, mark = stored(there), there.sandbox.mark()
    assert disconnect(lite.runtime, there.id).ending is Ending.REVOKED
    assert every_call(there, mark) == ["POST /services/oauth2/revoke 200"]
    assert status(there) is Status.DISCONNECTED
    with reading(there.engine) as conn:
        assert installations.load_secret(conn, lite.runtime.box, there.id, "client") is None
        assert installations.load_secret(conn, lite.runtime.box, there.id, TOKEN) is None
    headers = {"Authorization": f"Bearer {held['access_token']}"}
    answer = requests.get(f"{there.sandbox.url}/services/data/v66.0/limits", headers=headers, timeout=30)
    assert answer.status_code == 401
    assert disconnect(lite.runtime, there.id).ending is Ending.NOTHING_TO_DO


def test_a_revocation_whose_answer_was_lost_is_settled_by_asking_again(
    lite: Deployment, office: OPEN
) -> None:
    """The token is dead and the connection broke: asked again it is gone, and forgotten here too."""
    there = by_consent(office(lite, SALESFORCE, three_customers()))
    there.sandbox.fault("drop_response", "/revoke")
    assert disconnect(lite.runtime, there.id).ending is Ending.DEAD_BEFORE
    assert status(there) is Status.DISCONNECTED


def test_a_key_is_forgotten_and_the_app_left_to_the_orgs_admin(lite: Deployment, office: OPEN) -> None:
    """The access token is revoked; only the org can keep a key from signing in again."""
    there = office(lite, SALESFORCE, three_customers())
    mark = there.sandbox.mark()
    done = disconnect(lite.runtime, there.id)
    assert (done.ending, "Setup" in done.told) == (Ending.APP_REMAINS, True)
    assert every_call(there, mark) == ["POST /services/oauth2/revoke 200"]
    assert status(there) is Status.DISCONNECTED


def test_the_key_an_org_is_opened_with_stands_nowhere_in_clear(lite: Deployment, office: OPEN) -> None:
    """Neither the private key nor the access token it brought; by SQL of the test's own."""
    there = office(lite, SALESFORCE, three_customers())
    key, token = there.sandbox.credentials()["private_key_pem"], stored(there)["access_token"]
    with there.engine.connect() as conn:
        names = conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        rows = "\n".join(str(row) for one in names for row in conn.execute(text(f"SELECT * FROM {one}")))
    assert there.id in rows
    assert not any(line in rows for line in (*key.splitlines()[1:-1], "PRIVATE KEY", token))


def test_a_sandbox_org_is_signed_in_to_at_the_test_host(lite: Deployment, office: OPEN) -> None:
    """Left at production's audience the error says what to set; set so, it connects."""
    there = office(lite, SALESFORCE, three_customers())
    there.sandbox.post("org", {"is_sandbox": True})
    opens = there.sandbox.credentials()
    with pytest.raises(NeedsConsent, match=r"audience is invalid; set `audience`.*test\.salesforce\.com"):
        there.connect(credentials=opens)
    there.connect(credentials={**opens, "audience": "https://test.salesforce.com"})
    assert status(there) is Status.ACTIVE


def test_the_doctor_leads_back_to_the_page_an_org_connected_by(lite: Deployment, office: OPEN) -> None:
    """First what is not set up here, then, once the org withdrew its consent, where its admin goes."""
    there = office(lite, SALESFORCE, three_customers())
    save_client(lite.runtime, there.id, {"kind": "app", "refresh_token": "x"})
    (unset,) = of_connection(lite.runtime, there.ws.installation)
    assert "CS_SALESFORCE_CLIENT_ID" in unset.remedy
    with writing(there.engine) as conn:
        installations.set_status(conn, there.id, Status.NEEDS_CONSENT)
    (withdrawn,) = of_connection(lite.runtime, there.ws.installation)
    assert "have an admin of the org" in withdrawn.remedy
    assert "/connect/salesforce" in withdrawn.remedy
