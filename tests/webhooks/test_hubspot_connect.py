"""An admin connects a portal through HubSpot's consent page, and nobody else does in their name."""

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
from tests.sync.harness import HUBSPOT, Sandbox
from tests.webhooks.conftest import NOW, PUBLIC_URL
from tests.webhooks.consent_front import ConsentFront, Moved

PORTAL = "hubspot-24680135"
START, CALLBACK = "/connect/hubspot", "/connect/hubspot/callback"


class Front(ConsentFront):
    """The two, and HubSpot."""

    def leave(self, query: str = "", browser: FlaskClient | None = None) -> str:
        """Go to the start page; return HubSpot's page it sends to."""
        answer = (browser or self.browser).get(START + query, base_url=PUBLIC_URL)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["Location"])


@pytest.fixture
def front(
    request: pytest.FixtureRequest, sqlite_engine: Engine, redis_url: str, tmp_path: Path
) -> Iterator[Front]:
    """Give a web process that knows its app, and a portal that has not consented to anything."""
    sandbox = Sandbox(HUBSPOT, tmp_path / "sandbox.db", getattr(request, "param", ())).start()
    sandbox.post("clock", {"now": NOW.isoformat().replace("+00:00", "Z"), "running": False})
    given = sandbox.get("credentials")
    settings = {
        "CS_HOME": str(tmp_path),
        "CS_PUBLIC_URL": PUBLIC_URL,
        "CS_HUBSPOT_URL": sandbox.url,
        "CS_HUBSPOT_CLIENT_ID": given["client_id"],
        "CS_HUBSPOT_CLIENT_SECRET": given["client_secret"],
        "REDIS_URL": redis_url,
    }
    clock, box = Moved(), SecretBox([new_key()])
    runtime = Runtime(read_settings(settings), sqlite_engine, clock, Redis.from_url(redis_url), box)
    yield Front(runtime, create_app(runtime).test_client(), sandbox, clock)
    runtime.redis.close()
    sandbox.stop()


def test_a_portal_connects_by_its_admins_consent(front: Front) -> None:
    """Out to HubSpot and back: the portal is kept, opens, and the page says what comes next."""
    status, page = front.come_back(front.consent(front.leave()))
    assert status == 200
    assert "colonnade install hubspot --portal 24680135 --plan" in page
    assert front.connected() == [PORTAL]
    assert open_workspace(front.runtime, PORTAL).port.describe([]).account_id == "24680135"


def test_what_was_granted_is_sealed(front: Front) -> None:
    """Neither tokens nor the app's secret nor the PKCE verifier stand in the database in clear."""
    page = front.leave()
    front.come_back(front.consent(page))
    secrets = front.sandbox.get("credentials")
    with reading(front.runtime.engine) as conn:
        names = conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        rows = [str(row) for name in names for row in conn.execute(text(f"SELECT * FROM {name}"))]
    everything = "\n".join(rows)
    assert PORTAL in everything
    assert secrets["refresh_token"] not in everything
    assert secrets["client_secret"] not in everything
    assert parse_qs(urlsplit(page).query)["state"][0] not in everything


def test_hubspot_is_asked_by_state_and_challenge(front: Front) -> None:
    """The address holds a fresh state, an S256 challenge and our registered way back."""
    first, second = (parse_qs(urlsplit(front.leave()).query) for _ in range(2))
    assert first["code_challenge_method"] == ["S256"]
    assert first["redirect_uri"] == [PUBLIC_URL + CALLBACK]
    assert first["state"] != second["state"]
    assert first["code_challenge"] != second["code_challenge"]


def test_the_cookie_is_out_of_scripts_reach(front: Front) -> None:
    """It is HttpOnly, SameSite=Lax, for these pages only, and Secure where we are called by https."""
    cookie = front.browser.get(START, base_url=PUBLIC_URL).headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Secure", f"Path={START}"} <= set(cookie.split("; "))


def test_a_cookie_that_is_not_ours_counts_as_none(front: Front) -> None:
    """Neither a made-up value nor one altered by a letter stands for a browser."""
    back = front.consent(front.leave())
    cookie = front.browser.get_cookie("colonnade_connect", domain="cs.example.com", path=START)
    assert cookie is not None
    turned = "A" if cookie.value[20] != "A" else "B"
    for value in ("", "made-up", cookie.value[:20] + turned + cookie.value[21:]):
        stranger = create_app(front.runtime).test_client()
        stranger.set_cookie("colonnade_connect", value, domain="cs.example.com", path=START)
        status, page = front.come_back(back, stranger)
        assert (status, "another browser" in page, front.connected()) == (400, True, [])
    assert front.come_back(back)[0] == 200


def test_a_token_of_another_app_is_refused(front: Front) -> None:
    """Client id and app number were taken of two apps: told as ours to mend, and nothing is kept."""
    settings = front.runtime.settings.model_copy(update={"hubspot_app_id": 99})
    front.browser = create_app(replace(front.runtime, settings=settings)).test_client()
    status, page = front.come_back(front.consent(front.leave()))
    assert (status, "CS_HUBSPOT_APP_ID" in page, front.connected()) == (500, True, [])


@pytest.mark.parametrize("front", [("--tier", "professional")], indirect=True, ids=["professional"])
def test_what_was_not_granted_is_on_the_page_with_what_goes_without(front: Front) -> None:
    """A portal that is not on Enterprise cannot grant custom objects: the page says what that means."""
    status, page = front.come_back(front.consent(front.leave()))
    assert status == 200
    assert "crm.objects.custom.write</code>: profiles, plans and milestones cannot be records" in page
    assert "Profiles and plans then stand in properties of the company, and milestones as its tasks" in page


def test_a_consent_is_used_once(front: Front) -> None:
    """Coming back a second time connects nothing anew."""
    back = front.consent(front.leave())
    assert front.come_back(back)[0] == 200
    status, page = front.come_back(back)
    assert (status, "brought back before" in page) == (400, True)


def test_a_consent_belongs_to_the_browser_that_left(front: Front) -> None:
    """Somebody else's browser cannot finish it, and does not spoil it for its own."""
    back = front.consent(front.leave())
    stranger = create_app(front.runtime).test_client()
    front.leave(browser=stranger)
    status, page = front.come_back(back, stranger)
    assert (status, "another browser" in page, front.connected()) == (400, True, [])
    assert front.come_back(back)[0] == 200


def test_a_consent_that_took_too_long_is_refused(front: Front) -> None:
    """After a quarter of an hour one starts again."""
    back = front.consent(front.leave())
    front.clock.instant += timedelta(minutes=15)
    status, page = front.come_back(back)
    assert (status, "quarter of an hour" in page, front.connected()) == (400, True, [])


def test_a_state_never_given_out_is_refused(front: Front) -> None:
    """A made-up way back opens nothing, with a code or a refusal."""
    front.leave()
    for query in ("?code=x&state=made-up", "?error=access_denied&state=made-up", "?code=x", ""):
        status, page = front.come_back(CALLBACK + query)
        assert (status, "not connected" in page, front.connected()) == (400, True, [])


def test_a_declined_consent_is_told(front: Front) -> None:
    """HubSpot sends the admin back with ``access_denied``: nothing is kept."""
    state = parse_qs(urlsplit(front.leave()).query)["state"][0]
    status, page = front.come_back(f"{CALLBACK}?error=access_denied&state={state}")
    assert (status, "was not given" in page, front.connected()) == (400, True, [])


def test_a_code_hubspot_does_not_know_is_refused(front: Front) -> None:
    """A wrong code is told as such and nothing is kept."""
    state = parse_qs(urlsplit(front.leave()).query)["state"][0]
    status, page = front.come_back(f"{CALLBACK}?code=wrong&state={state}")
    assert (status, "start again" in page, front.connected()) == (400, True, [])


def test_a_wrong_secret_of_ours_is_our_matter(front: Front) -> None:
    """The page names the variable to correct; nothing is kept."""
    settings = front.runtime.settings.model_dump(by_alias=True, mode="json")
    wrong = read_settings(
        {name: str(value) for name, value in settings.items() if value}
        | {
            "CS_HUBSPOT_CLIENT_SECRET": "wrong",
        }
    )
    front.browser = create_app(replace(front.runtime, settings=wrong)).test_client()
    status, page = front.come_back(front.consent(front.leave()))
    assert (status, "CS_HUBSPOT_CLIENT_SECRET" in page, front.connected()) == (500, True, [])


def test_a_program_not_set_up_says_what_is_missing(front: Front) -> None:
    """Without the app's client there is no way to connect, and the page names the variables."""
    bare = read_settings({"CS_HOME": str(front.runtime.settings.home), "CS_PUBLIC_URL": PUBLIC_URL})
    answer = create_app(replace(front.runtime, settings=bare)).test_client().get(START)
    assert answer.status_code == 503
    assert "CS_HUBSPOT_CLIENT_ID, CS_HUBSPOT_CLIENT_SECRET" in answer.text


@pytest.mark.parametrize("url", ["https://app.hubspot.com/x", "https://app-eu1.hubspot.com/marketplace"])
def test_a_marketplace_install_goes_back_to_hubspot(front: Front, url: str) -> None:
    """The admin ends where HubSpot asked for, on HubSpot's own pages."""
    where = front.consent(front.leave(f"?returnUrl={url}"))
    answer = front.browser.get(where, base_url=PUBLIC_URL)
    assert (answer.status_code, answer.headers["Location"]) == (302, url)
    assert front.connected() == [PORTAL]


def test_nobody_is_led_elsewhere(front: Front) -> None:
    """A return address that is not HubSpot's is refused before anything begins."""
    answer = front.browser.get(
        f"{START}?returnUrl=https://app.hubspot.com.evil.example/", base_url=PUBLIC_URL
    )
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_a_return_address_may_come_with_the_code(front: Front) -> None:
    """HubSpot's own is followed; another is refused before the consent is used up."""
    back = front.consent(front.leave())
    status, _ = front.come_back(f"{back}&returnUrl=https://evil.example/")
    assert (status, front.connected()) == (400, [])
    answer = front.browser.get(f"{back}&returnUrl=https://app-eu1.hubspot.com/x", base_url=PUBLIC_URL)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://app-eu1.hubspot.com/x")
    assert front.connected() == [PORTAL]


def test_a_charter_that_cannot_be_read_lets_nobody_in(front: Front, tmp_path: Path) -> None:
    """The variable is named; the app's scopes could not be told."""
    (tmp_path / "broken.yaml").write_text("schema: 1\n")
    settings = front.runtime.settings.model_copy(update={"charter": tmp_path / "broken.yaml"})
    answer = create_app(replace(front.runtime, settings=settings)).test_client().get(START)
    assert (answer.status_code, "CS_CHARTER" in answer.text) == (503, True)


def test_connecting_again_ends_the_need_for_consent(front: Front) -> None:
    """A portal that was cut off works again after its admin's consent, on its old facts."""
    front.come_back(front.consent(front.leave()))
    with writing(front.runtime.engine) as conn:
        installations.set_status(conn, PORTAL, Status.NEEDS_CONSENT)
    front.sandbox.post("portal", {"uninstall": True})
    assert front.come_back(front.consent(front.leave()))[0] == 200
    with reading(front.runtime.engine) as conn:
        assert installations.get(conn, PORTAL).status is Status.ACTIVE
    assert open_workspace(front.runtime, PORTAL).port.describe([]).account_id == "24680135"
