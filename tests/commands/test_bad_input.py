"""What an admin can get wrong with a portal: one clear error, and portal and state as they were.

A charter that names a property the portal lacks, a token without scopes, a refresh token that died, a
portal without custom objects. The error names the thing, the place and the remedy; the exit code is not 0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sync.commands.installing import DEFAULT_CHARTER
from tests.commands.conftest import PORTAL, Done, snapshot
from tests.sync.harness import HUBSPOT, Sandbox
from tests.sync.portfolios import three_customers

Run = Callable[..., Done]
READS = ("/search", "/batch/read")
LACKS = "Nothing was installed; settle this and run again"


@dataclass
class Admin:
    """An admin at the command line, with a portal, a credentials file and a home of their own."""

    run: Run
    portal: Sandbox
    folder: Path
    env: dict[str, str]

    @property
    def key(self) -> Path:
        """Return the credentials file."""
        return self.folder / "key.json"

    def credentials(self, kind: str) -> Admin:
        """Write the portal's credentials of a kind into the file."""
        self.key.write_text(json.dumps(self.portal.credentials(kind)), "utf-8")
        return self

    def install(self, *more: str) -> Done:
        """Install by the credentials file."""
        by_file = ("--credentials", str(self.key), "--url", self.portal.url)
        return self.run(self.env, "install", "hubspot", *by_file, *more)

    def sync(self, step: str) -> Done:
        """Run a step of a sync."""
        return self.run(self.env, "sync", step, PORTAL)

    def scopes(self, *kept: str) -> None:
        """Leave the portal's tokens these scopes only."""
        self.portal.post("portal", {"scopes": ["oauth", *kept]})

    def everything(self) -> tuple[Any, Any]:
        """Return all that stands in the portal, and all of the state."""
        names = self.portal.get("dump")["objects"]
        return {name: self.portal.records(name) for name in names}, snapshot(self.folder / "colonnade.db")

    def refused(self, ask: Callable[[], Done], *words: str) -> None:
        """Ask for what must be refused, with these words, and nothing may have changed anywhere."""
        before, mark = self.everything(), self.portal.mark()
        ask().refused(*words)
        assert self.everything() == before
        changes = [
            f"{one['method']} {one['path']}"
            for one in self.portal.requests(mark)
            if one["method"] != "GET" and not one["path"].endswith(READS)
        ]
        assert changes == []


@pytest.fixture
def open_admin(tmp_path: Path, redis_url: str, colonnade: Run) -> Iterator[Callable[..., Admin]]:
    """Give a function that opens a portal of three customers, and an empty state beside it."""
    started: list[Sandbox] = []

    def begin(*options: str) -> Admin:
        sandbox = Sandbox(HUBSPOT, tmp_path / "sandbox.db", ("--index-lag-seconds", "0", *options))
        started.append(sandbox)
        sandbox.start()
        sandbox.post("load", {"dir": str(three_customers().write(tmp_path / "book"))})
        env = {"CS_HOME": str(tmp_path / "home"), "REDIS_URL": redis_url}
        admin = Admin(colonnade, sandbox, tmp_path / "home", env)
        colonnade(env, "migrate").well()
        return admin.credentials("service_key")

    yield begin
    for sandbox in started:
        sandbox.stop()


MODES = pytest.mark.parametrize("mode", ["--plan", "--apply"])


def with_field(folder: Path, name: str) -> Path:
    """Return our charter with the account's name read from another field."""
    text = DEFAULT_CHARTER.read_text("utf-8")
    at = text.index("hubspot:")
    found = text[:at] + text[at:].replace("name: name", f"name: {name}", 1)
    assert found != text
    path = folder / "charter.yaml"
    path.write_text(found, "utf-8")
    return path


@MODES
@pytest.mark.parametrize("connected", [False, True], ids=["new", "connected"])
def test_a_charter_that_names_a_property_the_portal_lacks(
    open_admin: Callable[..., Admin], tmp_path: Path, mode: str, connected: bool
) -> None:
    """The property, its object and the charter's file are named; the charter does not come into force."""
    admin = open_admin()
    if connected:
        admin.install("--apply").well()
    charter = with_field(tmp_path, "customer_tier")
    admin.refused(
        lambda: (
            admin.install("--charter", str(charter), mode)
            if not connected
            else admin.run(
                admin.env, "install", "hubspot", "--portal", "24680135", "--charter", str(charter), mode
            )
        ),
        f"{charter}: companies.customer_tier, which the charter reads, is not there",
        "correct the charter",
        LACKS,
    )


@MODES
def test_a_token_without_scopes(open_admin: Callable[..., Admin], mode: str) -> None:
    """The scopes HubSpot asks for are named, with what to do; the portal is not even connected."""
    admin = open_admin()
    admin.scopes()
    admin.refused(
        lambda: admin.install(mode),
        "MISSING_SCOPES",
        "crm.schemas.deals.read",
        "grant what is named to the token or app",
    )


@pytest.mark.parametrize("step", ["load", "run"])
def test_a_token_that_lost_its_scopes(open_admin: Callable[..., Admin], step: str) -> None:
    """Reading names the scope that is missing; what was read and written before stays as it was."""
    admin = open_admin()
    admin.install("--apply").well()
    if step == "run":
        admin.sync("load").well()
        admin.sync("live").well()
    admin.scopes()
    admin.refused(lambda: admin.sync(step), "MISSING_SCOPES", "crm.objects.companies.read", "run again")


def test_a_token_that_may_not_write_is_told_with_each_record(open_admin: Callable[..., Admin]) -> None:
    """The doctor names the scope with the writes that wait for it, and its exit code is 1."""
    admin = open_admin()
    scopes = admin.portal.get("portal")["scopes"]
    admin.install("--apply").well()
    admin.sync("load").well()
    admin.sync("live").well()
    admin.scopes(*(one for one in scopes if one != "crm.objects.companies.write"))
    admin.sync("run").well()
    told = admin.run(admin.env, "doctor", "--json")
    matters = [one["matter"] for one in json.loads(told.out) if one["severity"] == "wrong"]
    assert told.code == 1
    assert len([one for one in matters if one.startswith("companies ")]) == 3
    assert all("crm.objects.companies.write" in one for one in matters)


@MODES
def test_a_token_that_may_not_make_properties(open_admin: Callable[..., Admin], mode: str) -> None:
    """A plan needs no such scope; an apply names it with the object, and an apply with it does the rest."""
    admin = open_admin()
    scopes = admin.portal.get("portal")["scopes"]
    admin.scopes(*(one for one in scopes if one != "crm.schemas.deals.write"))
    done = admin.install(mode)
    if mode == "--plan":
        done.well()
        return
    assert done.code != 0
    assert "deals: " in done.err
    assert "crm.schemas.deals.write" in done.err
    assert "mend what is named and apply again" in done.err
    admin.scopes(*scopes)
    admin.install("--apply").well()
    assert "nothing to do" in admin.install("--plan").well().out


@MODES
def test_a_refresh_token_that_died_before_we_connect(open_admin: Callable[..., Admin], mode: str) -> None:
    """The file is named, what HubSpot says of it, and that it must be corrected."""
    admin = open_admin().credentials("oauth")
    admin.portal.post("portal", {"uninstall": True})
    admin.refused(
        lambda: admin.install(mode),
        f"{admin.key}: hubspot does not let us in",
        "missing or invalid refresh token",
        "correct them and run again",
    )


@pytest.mark.parametrize(
    "command",
    [
        ("install", "hubspot", "--portal", "24680135", "--plan"),
        ("install", "hubspot", "--portal", "24680135", "--apply"),
        ("sync", "load", PORTAL),
        ("sync", "run", PORTAL),
    ],
    ids=["plan", "apply", "load", "run"],
)
def test_a_refresh_token_that_died_afterwards(
    open_admin: Callable[..., Admin], command: tuple[str, ...]
) -> None:
    """The customer removed the app: HubSpot's words, and how the portal is connected again."""
    admin = open_admin().credentials("oauth")
    admin.install("--apply").well()
    if command[1] == "run":
        admin.sync("load").well()
        admin.sync("live").well()
    admin.portal.post("portal", {"uninstall": True})
    admin.refused(
        lambda: admin.run(admin.env, *command),
        "HubSpot takes our grant no longer",
        "connect it again with `colonnade install",
    )


@pytest.mark.parametrize("tier", ["free", "starter"])
def test_a_portal_without_custom_objects_is_served_lite(open_admin: Callable[..., Admin], tier: str) -> None:
    """The same charter is installed, read, decided about and written there."""
    admin = open_admin("--tier", tier)
    applied = json.loads(admin.install("--apply", "--json").well().out)
    assert applied["homes"] == {
        "profile": "account",
        "plan": "account",
        "milestone": "task",
        "snapshot": "mirror",
    }
    admin.sync("load").well()
    admin.sync("live").well()
    assert ", 3 accounts decided" in admin.sync("run").well().out
    found = json.loads(admin.run(admin.env, "doctor", "--json").well().out)
    assert {one["severity"] for one in found} == {"note"}


@MODES
def test_a_portal_whose_custom_objects_ended_with_its_tier(
    open_admin: Callable[..., Admin], tmp_path: Path, mode: str
) -> None:
    """Records settled in custom objects cannot move silently: what is needed and left is named."""
    admin = open_admin()
    admin.install("--apply").well()
    admin.portal.stop()
    admin.portal = Sandbox(HUBSPOT, tmp_path / "starter.db", ("--tier", "starter")).start()
    try:
        again = admin.credentials("service_key")
        again.refused(
            lambda: again.install(mode),
            "4 custom objects are needed (cs_profile, cs_plan, cs_milestone, cs_snapshot) and 0 are left",
            LACKS,
        )
    finally:
        admin.portal.stop()
