"""Ending a connection: by us, by the customer, and what goes on beside it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from integration.port import NeedsConsent, Unavailable
from sync import jobs, onboard
from sync.bell import Lane, Work
from sync.connect import save_client
from sync.disconnect import Ending, disconnect
from sync.scheduler import turn
from sync.state import cursors, installations, ledger
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.state.installations import Status
from sync.state.leases import next_fence
from sync.state.ledger import WantedRow
from sync.worker import run_worker
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
OTHER = ("--portal-id", "13579")


def status(there: Office) -> Status:
    """Return whether the installation may be worked for."""
    with reading(there.engine) as conn:
        return installations.get(conn, there.id).status


def secrets_kept(there: Office) -> int:
    """Return how many secrets of the installation are kept, by SQL of the test's own."""
    query = text("SELECT count(*) FROM credential WHERE installation_id = :id")
    with there.engine.connect() as conn:
        return int(conn.execute(query, {"id": there.id}).scalar_one())


def every_call(there: Office, after: int) -> list[str]:
    """Return everything asked of a sandbox after a number of its log, token calls too."""
    found = there.sandbox.get("requests", after=after)["requests"]
    return [f"{one['method']} {one['path']} {one['status']}" for one in found]


def by_consent(there: Office) -> Office:
    """Connect by an OAuth grant."""
    return there.connect(credentials=there.sandbox.credentials("oauth"))


def tick(there: Office) -> None:
    """Let the scheduler turn and the workers answer what it rang."""
    turn(there.deployment.runtime)
    for lane in Lane:
        run_worker(there.deployment.runtime.redis, lane, until_idle=True)


def installed_at_hubspot(there: Office) -> bool:
    """Return whether the portal still has the app: whether its refresh token brings a token."""
    given = there.sandbox.get("credentials")
    form = {"grant_type": "refresh_token", **{name: given[name] for name in ("client_id", "client_secret")}}
    form["refresh_token"] = given["refresh_token"]
    url = f"{there.sandbox.url}/oauth/2026-09/token"
    return there.sandbox.http.post(url, data=form, timeout=30).status_code == 200


def test_disconnecting_removes_the_app_and_forgets_the_secrets(both: Deployment, office: OPEN) -> None:
    """One DELETE with the portal's own token; nothing that opens it is left, what is known stays."""
    there = by_consent(office(both, HUBSPOT, three_customers())).install()
    there.load()
    before = there.ws.installation
    mark = there.sandbox.mark()
    assert disconnect(both.runtime, there.id).ending is Ending.REMOVED
    assert every_call(there, mark) == ["DELETE /appinstalls/2026-09/external-install 204"]
    assert (status(there), secrets_kept(there)) == (Status.DISCONNECTED, 0)
    assert not installed_at_hubspot(there)
    assert there.ws.installation.epoch == before.epoch
    with pytest.raises(StateError, match="no credentials"):
        there.ws.port  # noqa: B018 - opening is what is refused


def test_disconnecting_twice_asks_nobody(lite: Deployment, office: OPEN) -> None:
    """The second time is no error and no call."""
    there = by_consent(office(lite, HUBSPOT, three_customers()))
    disconnect(lite.runtime, there.id)
    mark = there.sandbox.mark()
    assert disconnect(lite.runtime, there.id).ending is Ending.NOTHING_TO_DO
    assert every_call(there, mark) == []


def test_a_lost_answer_is_settled_by_asking_again(lite: Deployment, office: OPEN) -> None:
    """HubSpot removed the app and the connection broke: asked again it is gone, and forgotten here too."""
    there = by_consent(office(lite, HUBSPOT, three_customers()))
    there.sandbox.fault("drop_response", "/external-install")
    assert disconnect(lite.runtime, there.id).ending is Ending.GONE_BEFORE
    assert (status(there), secrets_kept(there)) == (Status.DISCONNECTED, 0)


@pytest.mark.usefixtures("one_try")
def test_a_hubspot_that_is_away_leaves_everything_connected(lite: Deployment, office: OPEN) -> None:
    """Nothing is forgotten before HubSpot has let go, and the next try goes through."""
    there = by_consent(office(lite, HUBSPOT, three_customers()))
    held = secrets_kept(there)
    there.sandbox.fault("status", "/external-install", status=503)
    with pytest.raises(Unavailable):
        disconnect(lite.runtime, there.id)
    assert (status(there), secrets_kept(there)) == (Status.ACTIVE, held)
    assert disconnect(lite.runtime, there.id).ending is Ending.REMOVED


def test_a_service_key_is_forgotten_and_its_deletion_left_to_the_portal(
    lite: Deployment, office: OPEN
) -> None:
    """HubSpot refuses that call for a key, so it is not made; the admin is told where to delete it."""
    there = office(lite, HUBSPOT, three_customers())
    mark = there.sandbox.mark()
    done = disconnect(lite.runtime, there.id)
    assert (done.ending, "delete it in the portal" in done.told) == (Ending.KEY_REMAINS, True)
    assert every_call(there, mark) == []
    assert (status(there), secrets_kept(there)) == (Status.DISCONNECTED, 0)


def test_connecting_again_goes_on_from_what_is_known(lite: Deployment, office: OPEN) -> None:
    """A portal that was disconnected and comes back is polled, not begun anew."""
    there = by_consent(office(lite, HUBSPOT, three_customers())).install()
    there.load()
    there.go_live().settle()
    epoch = there.ws.installation.epoch
    disconnect(lite.runtime, there.id)
    lite.later(days=1)
    there.connect()
    assert (status(there), there.ws.installation.epoch, there.ws.live) == (Status.ACTIVE, epoch, True)
    mark = there.sandbox.mark()
    there.poll()
    assert {one["status"] for one in there.sandbox.requests(mark)} == {200}


def test_a_customer_who_removes_the_app_is_noticed_and_left_alone(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over five hours of ticks the portal that left is called a handful of times, all at the start.

    Its neighbour is polled on, and after a new consent so is it, with the work that waited meanwhile.
    """
    monkeypatch.setattr(jobs, "process_runtime", lambda: lite.runtime)
    gone = by_consent(office(lite, HUBSPOT, three_customers())).install()
    stays = by_consent(office(lite, HUBSPOT, three_customers(), *OTHER)).install()
    for there in (gone, stays):
        there.load()
        there.go_live().settle()
    gone.sandbox.post("portal", {"uninstall": True})
    marks = {there.id: there.sandbox.mark() for there in (gone, stays)}
    deal, calls = str(gone.sandbox.records("deals")[0]["id"]), list[int]()
    for number in range(10):
        lite.later(minutes=30)
        gone.tell("deal.propertyChange", deal, propertyName="dealname", propertyValue=f"news {number}")
        tick(gone)
        calls.append(len(every_call(gone, marks[gone.id])))
    assert status(gone) is Status.NEEDS_CONSENT
    assert 1 <= calls[0] == calls[-1] <= 4
    assert "POST /oauth/2026-09/token 400" in every_call(gone, marks[gone.id])
    assert status(stays) is Status.ACTIVE
    asked = [one for one in every_call(stays, marks[stays.id]) if "/search" in one or "/objects/" in one]
    assert len(asked) >= 10
    assert gone.events_left() == 10

    consented = {"kind": "oauth", **_new_consent(gone)}
    onboard.connect_installation(lite.runtime, HUBSPOT, gone.sandbox.url, consented, "UTC")
    for _ in range(3):
        lite.later(seconds=30)
        tick(gone)
    assert (status(gone), gone.events_left()) == (Status.ACTIVE, 0)


@pytest.mark.parametrize("work", [Work.POLL, Work.PUSH])
def test_a_removed_app_costs_one_401_and_one_refusal_of_the_refresh(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch, work: Work
) -> None:
    """Whatever job meets it: two calls, and none ever after, from jobs, the scheduler or another ring."""
    there = _working(lite, office, monkeypatch, by_consent)
    there.sandbox.post("portal", {"uninstall": True})
    mark = _with_work(there)
    getattr(jobs, work.value)("fast", there.id)
    assert status(there) is Status.NEEDS_CONSENT
    (asked, refused) = every_call(there, mark)
    assert asked.endswith(" 401")
    assert refused == "POST /oauth/2026-09/token 400"
    _nothing_more(there, mark, 2)


@pytest.mark.parametrize("work", [Work.DRAIN, Work.LOAD])
def test_a_deleted_service_key_costs_one_401(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch, work: Work
) -> None:
    """There is nothing to renew: one call, and none ever after."""
    there = _working(lite, office, monkeypatch, lambda one: one)
    save_client(lite.runtime, there.id, {"kind": "service_key", "token": "pat-na1-deleted"})
    mark = _with_work(there)
    getattr(jobs, work.value)("fast", there.id)
    assert status(there) is Status.NEEDS_CONSENT
    (asked,) = every_call(there, mark)
    assert asked.endswith(" 401")
    _nothing_more(there, mark, 1)


def test_an_ended_access_token_costs_the_refusal_of_the_refresh_alone(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour later the token is renewed ahead, so HubSpot is not asked with the old one at all."""
    there = _working(lite, office, monkeypatch, by_consent)
    there.sandbox.post("portal", {"uninstall": True})
    lite.later(hours=1)
    mark = there.sandbox.mark()
    jobs.poll("fast", there.id)
    assert status(there) is Status.NEEDS_CONSENT
    assert every_call(there, mark) == ["POST /oauth/2026-09/token 400"]
    _nothing_more(there, mark, 1)


def test_many_threads_of_one_process_ask_for_one_renewal(lite: Deployment, office: OPEN) -> None:
    """Eight calls at once meet the removal: eight 401s at the most, and the refresh is asked for once."""
    there = by_consent(office(lite, HUBSPOT, three_customers())).install()
    there.sandbox.post("portal", {"uninstall": True})
    mark, port = there.sandbox.mark(), there.ws.port

    def ask(_number: int) -> str:
        with pytest.raises(NeedsConsent):
            port.read("companies", ["1"], ["name"])
        return "refused"

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"refused"}
    calls = every_call(there, mark)
    assert calls.count("POST /oauth/2026-09/token 400") == 1
    assert 1 <= sum(one.endswith(" 401") for one in calls) <= 8
    assert len(calls) <= 9
    ask(9)
    assert len(every_call(there, mark)) <= len(calls) + 1


def _working(
    deployed: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch, connected: Callable[[Office], Office]
) -> Office:
    """Return a portal at work, whose jobs run in this process."""
    monkeypatch.setattr(jobs, "process_runtime", lambda: deployed.runtime)
    there = connected(office(deployed, HUBSPOT, three_customers())).install()
    there.load()
    there.go_live().settle()
    deployed.later(minutes=1)
    return there


def _with_work(there: Office) -> int:
    """Leave something to every kind of job; return the log's place."""
    company = there.sandbox.lookup("account:acorn")
    there.tell("company.propertyChange", company, propertyName="name", propertyValue="news")
    row = WantedRow("companies", "row", company, "profile", {"description": "ours"}, record_id=company)
    with writing(there.engine) as conn:
        ledger.want(conn, there.id, there.deployment.now, [row], next_fence(conn, there.id))
        cursors.forget(conn, there.id, "companies")
    return there.sandbox.mark()


def _nothing_more(there: Office, mark: int, calls: int) -> None:
    """Show that hours of turns, rings and jobs make no call any more."""
    for _ in range(4):
        there.deployment.later(minutes=31)
        tick(there)
    for work in Work:
        getattr(jobs, work.value)("fast", there.id)
    assert len(every_call(there, mark)) == calls


def _new_consent(there: Office) -> dict[str, str]:
    """Return what the admin's new consent brings, by HubSpot's consent page and token endpoint."""
    given = there.sandbox.get("credentials")
    back, scopes = "https://cs.example.com/back", " ".join(there.sandbox.get("portal")["scopes"])
    asked = {"client_id": given["client_id"], "redirect_uri": back, "scope": scopes}
    url = there.sandbox.url
    page = there.sandbox.http.get(f"{url}/oauth/authorize", params=asked, allow_redirects=False, timeout=30)
    (code,) = parse_qs(urlsplit(page.headers["Location"]).query)["code"]
    names = ("client_id", "client_secret")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
    form |= {name: str(given[name]) for name in names}
    answer = there.sandbox.http.post(f"{url}/oauth/2026-09/token", data=form, timeout=30).json()
    return {**{name: str(given[name]) for name in names}, "refresh_token": answer["refresh_token"]}
