"""The console: what it shows, to whom, and that it runs nothing of what it shows."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from sqlalchemy import text

from sync.state import charters, dirty, findings, inbox, installations
from sync.state.charters import Decision
from sync.state.dirty import Scope
from sync.state.engine import writing
from sync.state.inbox import InboxEvent
from sync.state.leases import Lease
from tests.webhooks.conftest import HUBSPOT, NOW, PORTAL, SALESFORCE, connect

EVIL = "<script>alert(1)</script>"


class Page(HTMLParser):
    """The elements of a page, and its text as a person reads it."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        """Keep the element's name."""
        self.tags.append(tag)

    def handle_data(self, data):
        """Keep the text, its white space folded."""
        self.words += data.split()

    @property
    def text(self) -> str:
        """Return the whole text on one line."""
        return " ".join(self.words)


def console(web, **asked):
    """Return the page shown to a browser on this machine."""
    answer = web.client.get("/console", **asked)
    assert answer.status_code == 200
    return Page(answer.get_data(as_text=True))


def block(web, key, message):
    """Enter a write the CRM refused, by SQL: how it comes about is another test's matter."""
    empty = dict.fromkeys(("desired", "seed", "parents", "parent_keys"), "{}")
    row = {"i": HUBSPOT, "k": key, "m": message, "t": 0, **empty}
    with writing(web.runtime.engine) as conn:
        conn.execute(
            text(
                "INSERT INTO write_ledger (installation_id, object, key, account_id, kind, desired, seed,"
                " parents, parent_keys, state, desired_hash, fence, intent_at, attempts, reason, error_code,"
                " error_message)"
                " VALUES (:i, 'cs_profiles', :k, 'a', 'profile', :desired, :seed, :parents, :parent_keys,"
                " 'blocked', 'h', 1, :t, 1, '', 'INVALID', :m)"
            ),
            row,
        )


def test_it_shows_every_installation_with_its_state(web):
    """Name, vendor, id, status, whether it is live, and the charter in force."""
    with writing(web.runtime.engine) as conn:
        life = charters.apply(conn, HUBSPOT, "{}", 1, Decision("me", NOW, ""))
        installations.change_settings(conn, HUBSPOT, {"live": True})
        inbox.put(conn, HUBSPOT, NOW, [InboxEvent(f"e{n}", "hubspot", {}) for n in range(1234)])
    shown = console(web).text
    assert f"A portal hubspot, {HUBSPOT} active live charter {life.content_hash[:12]}" in shown
    assert f"An org salesforce, {SALESFORCE} active not live yet no charter in force" in shown
    assert "Events new 1,234" in shown


def test_it_shows_blocked_writes_in_the_crms_own_words(web):
    """The record's key, and what the CRM said."""
    block(web, "profile:acme", "Discount must be below 20 %")
    assert "cs_profiles profile:acme Discount must be below 20 %" in console(web).text


def test_it_shows_the_looks_that_fail_with_their_error(web):
    """What could not be looked at, why, and how often it was tried; without any there is no such table."""
    assert "Looks that fail" not in console(web).text
    with writing(web.runtime.engine) as conn:
        dirty.mark(conn, HUBSPOT, NOW, Scope.ACCOUNT, ["77"], "x")
        (claim,) = dirty.claim(conn, HUBSPOT, Scope.ACCOUNT, Lease("w", NOW, 60, 1))
        dirty.fail(conn, HUBSPOT, claim, f"ValueError: {EVIL}", NOW)
    shown = console(web)
    assert f"account 77 ValueError: {EVIL} (1)" in shown.text
    assert "script" not in shown.tags


def test_it_shows_findings_and_says_how_many_more_there_are(web):
    """Fifty are shown, the rest is counted; a resolved one is gone."""
    with writing(web.runtime.engine) as conn:
        findings.report(
            conn, HUBSPOT, NOW, "contradiction", {f"s{n:02}": f"matter {n:02}" for n in range(53)}
        )
        findings.resolve(conn, HUBSPOT, NOW, "contradiction", ["s00"])
    shown = console(web).text
    assert "s01 contradiction matter 01" in shown
    assert "s50 contradiction matter 50" in shown
    assert "matter 00" not in shown
    assert "matter 51" not in shown
    assert "And 2 more." in shown


def test_what_customers_call_themselves_is_text(web):
    """A name with a script in it is shown, not run, wherever it turns up."""
    connect(web.runtime.engine, "hubspot", PORTAL, EVIL)
    block(web, f"profile:{EVIL}", EVIL)
    with writing(web.runtime.engine) as conn:
        findings.report(conn, HUBSPOT, NOW, "contradiction", {EVIL: f'{EVIL} " onload="x'})
    shown = console(web)
    assert "script" not in shown.tags
    assert shown.text.count(EVIL) == 5


def test_the_page_may_run_and_load_nothing(web):
    """Even what slipped through would not run; and no cache keeps what is on the page."""
    headers = web.client.get("/console").headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Cache-Control"] == "no-store"


def test_without_an_installation_it_says_how_to_connect_one(web):
    """The first page an admin sees."""
    with writing(web.runtime.engine) as conn:
        for table in ("credential", "installation"):
            conn.execute(text(f"DELETE FROM {table}"))
    assert "No installation is connected yet; colonnade install connects one." in console(web).text


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_it_is_shown_to_this_machine(web, host):
    """Under each of the machine's own names."""
    assert console(web, headers={"Host": host}).text.startswith("Colonnade")


@pytest.mark.parametrize(
    "asked",
    [
        {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}},
        {"environ_base": {"REMOTE_ADDR": "::2"}},
        {"headers": {"X-Forwarded-For": "127.0.0.1"}},
        {"headers": {"Forwarded": "for=127.0.0.1"}},
        {"headers": {"Host": "cs.example.com"}},
        {"headers": {"Host": "127.0.0.1.example.com:8000"}},
    ],
    ids=["another machine", "another, IPv6", "a proxy", "a proxy, RFC 7239", "public name", "rebound name"],
)
def test_it_is_shown_to_nobody_else(web, asked):
    """It has no sign-in, so neither another machine, nor a proxy beside us, nor another site may see it."""
    answer = web.client.get("/console", **asked)
    assert (answer.status_code, answer.get_json()) == (403, {"error": "loopback_only"})
