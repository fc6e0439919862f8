"""Ending a connection at the command line, and what the doctor says of connections and API versions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from mappings.load import load_charter
from sync.clock import move_clock
from sync.commands.installing import DEFAULT_CHARTER
from sync.config import read_settings
from sync.connect import save_client
from sync.onboard import apply_charter, connect_installation
from sync.runtime import Runtime, open_runtime
from sync.state import findings, installations
from sync.state.engine import writing
from sync.state.installations import Status
from tests.commands.conftest import CONNECTED_AT, PORTAL, Done, Home
from tests.sync.harness import HUBSPOT, Sandbox

Run = Callable[..., Done]
AUTUMN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PAGE = "https://cs.example.com/connect/hubspot"
APP_CLIENT = {"CS_HUBSPOT_CLIENT_ID": "client", "CS_HUBSPOT_CLIENT_SECRET": "secret"}


def runtime_of(home: Home) -> Runtime:
    """Open the home's runtime."""
    return open_runtime(read_settings(home.env))


def change(home: Home, status: Status | None = None, **settings: Any) -> None:
    """Set the portal's status or settings as our processes would have."""
    runtime = runtime_of(home)
    with writing(runtime.engine) as conn:
        if status is not None:
            installations.set_status(conn, PORTAL, status)
        installations.change_settings(conn, PORTAL, {"live": True, **settings})


def asked(colonnade: Run, home: Home, at: datetime = AUTUMN) -> tuple[int, list[dict[str, str]]]:
    """Ask the doctor on a day; return the exit code and what it says."""
    move_clock(runtime_of(home).engine, at, running=False)
    done = colonnade(home.env, "doctor", "--json")
    return done.code, json.loads(done.out)


def by_consent(home: Home) -> Home:
    """Have the portal connected through our own app, and the app set up."""
    save_client(runtime_of(home), PORTAL, {"kind": "app", "refresh_token": "na1-x"})
    return replace(home, env={**home.env, **APP_CLIENT, "CS_PUBLIC_URL": "https://cs.example.com"})


def test_the_doctor_says_what_a_service_key_goes_without(colonnade: Run, home: Home) -> None:
    """No webhooks and no cards; to know, not to mend, so the exit code is 0."""
    change(home)
    code, found = asked(colonnade, home)
    assert (code, [one["severity"] for one in found]) == (0, ["note", "note"])
    assert "no webhooks: changes arrive by polling" in found[0]["matter"]
    assert "no cards" in found[1]["matter"]
    shown = colonnade(home.env, "doctor").well().out
    assert "Good to know" in shown
    assert "Nothing is wrong." in shown


def test_the_doctor_tells_of_values_hubspot_keeps_in_another_form(colonnade: Run, home: Home) -> None:
    """How many and the first of them; to know, not to mend, and gone once the finding is closed."""
    change(home)
    subjects = {f"companies/profile:{n}/cs_renewal_on": f"we sent '{n}'; the CRM keeps ''" for n in (1, 2)}
    runtime = runtime_of(home)
    with writing(runtime.engine) as conn:
        findings.report(conn, PORTAL, AUTUMN, "normalised", subjects)
    code, found = asked(colonnade, home)
    (note,) = [one for one in found if "another form" in one["matter"]]
    first = "companies/profile:1/cs_renewal_on: we sent '1'; the CRM keeps ''"
    assert (code, note["severity"]) == (0, "note")
    assert note["matter"] == f"2 values stand in another form than they were written in, first {first}"
    with writing(runtime.engine) as conn:
        findings.resolve(conn, PORTAL, AUTUMN, "normalised", subjects)
    assert "another form" not in str(asked(colonnade, home)[1])


def test_a_portal_that_withdrew_its_consent_is_shown_the_way_back(colonnade: Run, home: Home) -> None:
    """The page of our app, at the public address; until then it is wrong and the exit code 1."""
    there = by_consent(home)
    change(there, Status.NEEDS_CONSENT)
    code, found = asked(colonnade, there)
    (matter,) = [one for one in found if one["severity"] == "wrong"]
    assert code == 1
    assert "withdrew our access" in matter["matter"]
    assert PAGE in matter["remedy"]


def test_a_refused_service_key_is_replaced_by_file(colonnade: Run, home: Home) -> None:
    """Its way back is the way it came."""
    change(home, Status.NEEDS_CONSENT)
    _, found = asked(colonnade, home)
    assert "colonnade install hubspot --credentials FILE" in found[0]["remedy"]


def test_a_disconnected_portal_is_nothing_wrong(colonnade: Run, home: Home) -> None:
    """It was ended on purpose."""
    change(home, Status.DISCONNECTED)
    assert asked(colonnade, home) == (0, [])


def test_scopes_that_were_not_granted_are_told_with_what_goes_without(colonnade: Run, home: Home) -> None:
    """Optional ones are a note; a required one that is missing is wrong."""
    there = by_consent(home)
    granted = [
        *("crm.lists.read", "crm.lists.write", "crm.objects.contacts.read", "crm.objects.owners.read"),
        *(f"crm.{part}.{name}.read" for part in ("objects", "schemas") for name in ("companies", "deals")),
        *(f"crm.{part}.{name}.write" for part in ("objects", "schemas") for name in ("companies", "deals")),
        *("crm.objects.line_items.read", "crm.schemas.line_items.read", "oauth", "tickets"),
    ]
    change(there, granted_scopes=granted)
    code, found = asked(colonnade, there)
    assert (code, {one["severity"] for one in found}) == (0, {"note"})
    assert sorted(one["matter"].split()[2] for one in found) == [
        "crm.objects.contacts.write",  # activities have the scopes of contacts: milestones may be tasks
        "crm.objects.custom.read",
        "crm.objects.custom.write",
        "crm.schemas.custom.read",
        "crm.schemas.custom.write",
    ]
    change(there, granted_scopes=[one for one in granted if one != "tickets"])
    code, found = asked(colonnade, there)
    assert (code, [one["matter"] for one in found if one["severity"] == "wrong"]) == (
        1,
        ["the scope tickets was not granted: what needs it is refused by HubSpot"],
    )


def test_our_own_apps_client_that_is_not_set_is_told(colonnade: Run, home: Home) -> None:
    """The customers' consents stay good; the variables are named."""
    change(home)
    save_client(runtime_of(home), PORTAL, {"kind": "app", "refresh_token": "na1-x"})
    code, (matter,) = asked(colonnade, home)
    assert (code, "CS_HUBSPOT_CLIENT_SECRET" in matter["remedy"]) == (1, True)


@pytest.mark.parametrize(
    ("day", "code", "severity"),
    [
        (datetime(2027, 12, 8, 12, tzinfo=UTC), 0, ""),
        (datetime(2027, 12, 9, 12, tzinfo=UTC), 0, "note"),
        (datetime(2028, 3, 7, 12, tzinfo=UTC), 0, "note"),
        (datetime(2028, 3, 8, 12, tzinfo=UTC), 1, "wrong"),
    ],
)
def test_the_doctor_tells_ninety_days_ahead_that_our_version_of_the_api_ends(
    colonnade: Run, home: Home, day: datetime, code: int, severity: str
) -> None:
    """2026-09 is supported until 8 March 2028; from then on it is wrong."""
    change(home)
    ended, found = asked(colonnade, home, day)
    told = [one for one in found if "2026-09" in one["matter"]]
    assert (ended, [one["severity"] for one in told]) == (code, [severity] if severity else [])


@pytest.fixture(autouse=True)
def _in_force_since_june(home: Home) -> None:
    """Have the charter in force since the portal was connected, whatever the day of the test."""
    runtime = runtime_of(home)
    with writing(runtime.engine) as conn:
        conn.execute(text("DELETE FROM charter_life"))
    move_clock(runtime.engine, CONNECTED_AT, running=False)
    apply_charter(runtime, PORTAL, load_charter(DEFAULT_CHARTER, HUBSPOT), author="test")


@dataclass(frozen=True)
class Live:
    """A home connected to a portal that answers."""

    home: Home
    sandbox: Sandbox


@pytest.fixture
def live(home: Home, tmp_path: Path) -> Iterator[Live]:
    """Give a home whose portal is a running sandbox, connected by consent."""
    sandbox = Sandbox(HUBSPOT, tmp_path / "sandbox.db").start()
    runtime = runtime_of(home)
    opens = sandbox.credentials("oauth")
    at = CONNECTED_AT.isoformat().replace("+00:00", "Z")
    sandbox.post("clock", {"now": at, "running": False})
    connect_installation(runtime, HUBSPOT, sandbox.url, opens, "UTC")
    yield Live(home, sandbox)
    sandbox.stop()


def test_disconnecting_says_what_became_of_the_app(colonnade: Run, live: Live) -> None:
    """Twice is fine; the second time says so."""
    first = colonnade(live.home.env, "disconnect", PORTAL, "--yes", "--json").json()
    assert first == {
        "installation": PORTAL,
        "ending": "removed",
        "told": "HubSpot removed the app from the portal",
    }
    again = colonnade(live.home.env, "disconnect", PORTAL, "--yes").well().out
    assert "it was disconnected before" in again
    status = colonnade(live.home.env, "sync", "status", "--json").json()
    assert [one["status"] for one in status] == ["disconnected"]


def test_disconnecting_asks_before(colonnade: Run, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says no, or cannot be asked, changes nothing."""
    before = live.home.rows
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _prompt: "n")
    assert colonnade(live.home.env, "disconnect", PORTAL).code == 130
    assert live.home.rows == before


def test_a_hubspot_that_refuses_to_disconnect_leaves_everything_as_it_was(
    colonnade: Run, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One error that says so, and where an admin does it by hand."""
    monkeypatch.setattr("integration.hubspot.transport.MAX_ATTEMPTS", 1)
    live.sandbox.fault("html", "/external-install")
    before = live.home.rows
    done = colonnade(live.home.env, "disconnect", PORTAL, "--yes")
    done.refused(f"{PORTAL} is connected as before", "run again", "Connected apps")
    assert live.home.rows == before


def test_disconnecting_what_is_not_there(colonnade: Run, home: Home) -> None:
    """The installation is named."""
    colonnade(home.env, "disconnect", "hubspot-1", "--yes").refused("there is no installation hubspot-1")
