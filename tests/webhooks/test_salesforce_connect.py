"""An admin connects an org through Salesforce's consent page, and nobody else does in their name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, text

from app import create_app  # noqa: TID251 - tests stand above the composition root
from sync.config import read_settings
from sync.runtime import Runtime
from sync.state import installations
from sync.state.engine import reading, writing
from sync.state.installations import Status
from sync.state.secrets import SecretBox, new_key
from sync.workspace import open_workspace
from tests.sync.harness import SALESFORCE, Sandbox
from tests.webhooks.conftest import NOW, PUBLIC_URL
from tests.webhooks.consent_front import ConsentFront, Moved

ORG = "salesforce-00D8d0000000001EAA"
START, CALLBACK = "/connect/salesforce", "/connect/salesforce/callback"
KEY = "our-app"


class Front(ConsentFront):
    """The two, and Salesforce."""

    def leave(self, host: str = "", browser: FlaskClient | None = None) -> str:
        """Say where the org signs in; return the page one is sent to."""
        query = {"host": host or self.sandbox.url}
        answer = (browser or self.browser).get(START, base_url=PUBLIC_URL, query_string=query)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["Location"])

    def with_settings(self, **settings: str) -> FlaskClient:
        """Return a browser at a program set up otherwise."""
        given = {"CS_HOME": str(self.runtime.settings.home), "CS_PUBLIC_URL": PUBLIC_URL, **settings}
        return create_app(replace(self.runtime, settings=read_settings(given))).test_client()


@pytest.fixture
def front(sqlite_engine: Engine, redis_url: str, tmp_path: Path) -> Iterator[Front]:
    """Give a web process that knows its app, without a secret, and an org that has consented to nothing."""
    sandbox = Sandbox(SALESFORCE, tmp_path / "sandbox.db").start()
    sandbox.post("clock", {"now": NOW.isoformat().replace("+00:00", "Z"), "running": False})
    sandbox.post("app", {"consumer_key": KEY})
    settings = {
        "CS_HOME": str(tmp_path),
        "CS_PUBLIC_URL": PUBLIC_URL,
        "CS_SALESFORCE_URL": sandbox.url,
        "CS_SALESFORCE_CLIENT_ID": KEY,
        "REDIS_URL": redis_url,
    }
    clock, box = Moved(), SecretBox([new_key()])
    runtime = Runtime(read_settings(settings), sqlite_engine, clock, Redis.from_url(redis_url), box)
    yield Front(runtime, create_app(runtime).test_client(), sandbox, clock)
    runtime.redis.close()
    sandbox.stop()


def test_an_org_connects_by_its_admins_consent_and_what_it_gave_is_sealed(front: Front) -> None:
    """Out and back: the org is kept under its own address, opens, and no token stands in clear."""
    page = front.leave()
    status, told = front.come_back(front.consent(page))
    assert status == 200, told
    assert "colonnade install salesforce --portal 00D8d0000000001EAA --plan" in told
    assert front.connected() == [ORG]
    ws = open_workspace(front.runtime, ORG)
    assert (ws.installation.base_url, ws.port.describe([]).account_id) == (front.sandbox.url, ORG[11:])
    with reading(front.runtime.engine) as conn:
        names = conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        rows = "\n".join(str(row) for one in names for row in conn.execute(text(f"SELECT * FROM {one}")))
        kept = installations.load_secret(conn, front.runtime.box, ORG, "token")
    refresh = str(kept).split('"refresh_token": "')[1].split('"')[0]
    assert ORG in rows
    assert not any(secret in rows for secret in (refresh, parse_qs(urlsplit(page).query)["state"][0]))


def test_salesforce_is_asked_by_state_and_challenge(front: Front) -> None:
    """A fresh state, an S256 challenge, our way back, and the scopes a worker needs."""
    first, second = (parse_qs(urlsplit(front.leave()).query) for _ in range(2))
    assert (first["response_type"], first["code_challenge_method"]) == (["code"], ["S256"])
    assert first["redirect_uri"] == [PUBLIC_URL + CALLBACK]
    assert first["scope"] == ["api refresh_token"]
    assert first["state"] != second["state"]
    assert first["code_challenge"] != second["code_challenge"]


def test_one_is_asked_where_the_org_signs_in(front: Front) -> None:
    """The page leads to both login hosts and takes a My Domain; nothing is begun yet."""
    answer = front.browser.get(START, base_url=PUBLIC_URL)
    assert answer.status_code == 200
    for host in ("https://login.salesforce.com", "https://test.salesforce.com"):
        assert f'href="{START}?host={host}"' in answer.text
    assert "Set-Cookie" not in answer.headers
    page = front.leave("acme--uat.sandbox.my.salesforce.com")
    assert page.startswith("https://acme--uat.sandbox.my.salesforce.com/services/oauth2/authorize?")


@pytest.mark.parametrize(
    "host", ["https://evil.example", "login.salesforce.com.evil.example", "http://127.0.0.1:9"]
)
def test_nobody_is_led_to_another_host(front: Front, host: str) -> None:
    """What is not Salesforce's is refused before anything begins."""
    answer = front.browser.get(START, base_url=PUBLIC_URL, query_string={"host": host})
    assert (answer.status_code, "strange_host" in answer.text) == (400, True)
    assert "Location" not in answer.headers


def test_a_stand_in_is_taken_on_this_machine_only(front: Front) -> None:
    """Without the stand-in's variable a loopback address is a strange host like any other."""
    browser = front.with_settings(CS_SALESFORCE_CLIENT_ID=KEY)
    answer = browser.get(START, base_url=PUBLIC_URL, query_string={"host": front.sandbox.url})
    assert (answer.status_code, "strange_host" in answer.text) == (400, True)


def test_a_consent_is_used_once_by_the_browser_that_left_within_a_quarter_of_an_hour(front: Front) -> None:
    """A stranger cannot finish it and does not spoil it; a second time and a late return are refused."""
    back = front.consent(front.leave())
    stranger = create_app(front.runtime).test_client()
    front.leave(browser=stranger)
    assert [front.come_back(back, stranger)[0], front.connected()] == [400, []]
    assert front.come_back(back)[0] == 200
    status, page = front.come_back(back)
    assert (status, "brought back before" in page) == (400, True)
    late = front.consent(front.leave())
    front.clock.instant += timedelta(minutes=15)
    status, page = front.come_back(late)
    assert (status, "quarter of an hour" in page) == (400, True)


def test_a_state_of_another_crms_page_is_none_here(front: Front) -> None:
    """A state of HubSpot's page opens no org, though it is of the same browser."""
    browser = front.with_settings(
        CS_HUBSPOT_CLIENT_ID="x", CS_HUBSPOT_CLIENT_SECRET="y", CS_SALESFORCE_CLIENT_ID=KEY
    )
    away = browser.get("/connect/hubspot", base_url=PUBLIC_URL).headers["Location"]
    cookie = browser.get_cookie("colonnade_connect", domain="cs.example.com", path="/connect/hubspot")
    assert cookie is not None
    browser.set_cookie("colonnade_connect", cookie.value, domain="cs.example.com", path=START)
    state = parse_qs(urlsplit(away).query)["state"][0]
    status, page = front.come_back(f"{CALLBACK}?code=x&state={state}", browser)
    assert (status, "never given out" in page) == (400, True)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("error=access_denied&state={}", "was not given"),
        ("code=wrong&state={}", "start again"),
        ("code=x&state=made-up", "never given out"),
        ("state={}", "no code along"),
    ],
)
def test_what_brings_no_consent_keeps_nothing(front: Front, query: str, says: str) -> None:
    """Declined, unknown to Salesforce, made up, or without a code."""
    state = parse_qs(urlsplit(front.leave()).query)["state"][0]
    status, page = front.come_back(f"{CALLBACK}?{query.format(state)}")
    assert (status, says in page, front.connected()) == (400, True, [])


def test_a_confidential_app_gives_its_secret_and_a_wrong_one_is_ours_to_mend(front: Front) -> None:
    """Salesforce refuses the code without it; with it the org connects."""
    front.sandbox.post("app", {"consumer_key": "shy", "client_secret": "hush"})
    shy = {"CS_SALESFORCE_CLIENT_ID": "shy", "CS_SALESFORCE_URL": front.sandbox.url}
    outcomes = []
    for secret in ("", "wrong", "hush"):
        browser = front.with_settings(**shy, CS_SALESFORCE_CLIENT_SECRET=secret)
        outcomes.append(front.come_back(front.consent(front.leave(browser=browser)), browser)[0])
    assert (outcomes, front.connected()) == ([500, 500, 200], [ORG])


def test_a_program_not_set_up_says_what_is_missing(front: Front) -> None:
    """Without the app's client there is no way to connect, and the page names the variable."""
    answer = front.with_settings().get(START, base_url=PUBLIC_URL)
    assert (answer.status_code, "CS_SALESFORCE_CLIENT_ID" in answer.text) == (503, True)


def test_connecting_again_ends_the_need_for_consent(front: Front) -> None:
    """An org whose tokens were all revoked works again after its admin's consent."""
    front.come_back(front.consent(front.leave()))
    with writing(front.runtime.engine) as conn:
        installations.set_status(conn, ORG, Status.NEEDS_CONSENT)
    front.sandbox.post("revoke", {})
    assert front.come_back(front.consent(front.leave()))[0] == 200
    with reading(front.runtime.engine) as conn:
        assert installations.get(conn, ORG).status is Status.ACTIVE
    assert open_workspace(front.runtime, ORG).port.describe([]).account_id == ORG[11:]
