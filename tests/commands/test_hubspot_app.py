"""The app's own commands: its developer project, the lint of one, and the versions of the API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from app import create_app  # noqa: TID251 - tests stand above the composition root
from sync.commands.installing import DEFAULT_CHARTER
from sync.config import read_settings
from sync.runtime import open_runtime
from tests.commands.conftest import Done, Home
from tests.sync.harness import HUBSPOT, Sandbox

Run = Callable[..., Done]
PUBLIC = "https://cs.example.com"
APP, HOOKS = "src/app/app-hsmeta.json", "src/app/webhooks/webhooks-hsmeta.json"
EVENTS = ("creation", "deletion", "merge", "restore", "associationChange")


@pytest.fixture
def project(colonnade: Run, tmp_path: Path) -> Callable[..., tuple[dict[str, object], Path]]:
    """Give a function that writes the project and returns what was said, and the folder."""

    def write(*options: str, **env: str) -> tuple[dict[str, object], Path]:
        out = tmp_path / "hubspot-app"
        given = {"CS_HOME": str(tmp_path / "home"), "CS_PUBLIC_URL": PUBLIC, **env}
        said = colonnade(given, "hubspot", "project", "--out", str(out), *options, "--json").json()
        return said, out

    return write


def read(folder: Path, name: str) -> dict[str, object]:
    """Return a file of the project."""
    found: dict[str, object] = json.loads((folder / name).read_text())
    return found


def charter_with(tmp_path: Path, old: str, new: str) -> Path:
    """Return the default charter's file with something changed."""
    text = DEFAULT_CHARTER.read_text()
    assert text.count(old) == 1
    path = tmp_path / "charter.yaml"
    path.write_text(text.replace(old, new))
    return path


def test_the_project_is_that_of_this_deployment(project) -> None:
    """Its addresses, in the files HubSpot's samples have, under the platform version we build on."""
    said, folder = project("--support-email", "help@example.com")
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.json")) == [
        "hsproject.json",
        APP,
        HOOKS,
    ]
    assert read(folder, "hsproject.json") == {
        "name": "colonnade",
        "srcDir": "src",
        "platformVersion": "2026.09",
    }
    config = read(folder, APP)["config"]
    assert config["distribution"] == "marketplace"
    assert config["auth"]["type"] == "oauth"
    assert config["auth"]["redirectUrls"] == [f"{PUBLIC}/connect/hubspot/callback"]
    assert config["permittedUrls"] == {"fetch": [PUBLIC], "iframe": [], "img": []}
    assert config["support"] == {"supportEmail": "help@example.com"}
    hooks = read(folder, HOOKS)["config"]
    assert hooks["settings"] == {"targetUrl": f"{PUBLIC}/webhooks/hubspot", "maxConcurrentRequests": 10}
    assert said["mistakes"] == []


def test_the_subscriptions_are_the_charters(project) -> None:
    """Five record events per object, one per property read, and the deletion of a person."""
    said, folder = project()
    found = read(folder, HOOKS)["config"]["subscriptions"]
    pushed = [(one["objectType"], one["subscriptionType"]) for one in found["crmObjects"]]
    for name in ("company", "deal", "line_item", "ticket"):
        assert [event for named, event in pushed if named == name][:5] == [f"object.{one}" for one in EVENTS]
    changes = {
        (one["objectType"], one["propertyName"]) for one in found["crmObjects"] if "propertyName" in one
    }
    tickets = {"hs_ticket_priority", "closed_date", "support_escalated", "support_csat", "hs_pipeline_stage"}
    assert {name for kind, name in changes if kind == "ticket"} == tickets
    assert ("deal", "dealstage") in changes
    assert ("company", "industry") in changes
    assert found["hubEvents"] == [{"subscriptionType": "contact.privacyDeletion", "active": True}]
    assert said["subscriptions"] == len(pushed) + 1


def test_a_property_hubspot_does_not_tell_of_is_left_out(project, tmp_path) -> None:
    """The modified date is read, and not subscribed to."""
    charter = charter_with(
        tmp_path, "      companies: []\n", "      companies: [name, hs_lastmodifieddate]\n"
    )
    _, folder = project(CS_CHARTER=str(charter))
    found = read(folder, HOOKS)["config"]["subscriptions"]["crmObjects"]
    told = [one["propertyName"] for one in found if one["objectType"] == "company" and "propertyName" in one]
    assert [name for name in told if not name.startswith("cs_")] == ["name"]


def test_custom_objects_are_pushed_to_private_apps_only(project, tmp_path) -> None:
    """A marketplace app polls them, and the command says so."""
    text = DEFAULT_CHARTER.read_text()
    charter = tmp_path / "charter.yaml"
    head, _, rest = text.partition("  salesforce:\n")
    head = head.replace("object: tickets", "object: p1_cases").replace("tickets: []", "p1_cases: []")
    charter.write_text(f"{head}  salesforce:\n{rest}")
    listed, folder = project(CS_CHARTER=str(charter))
    types = {one["objectType"] for one in read(folder, HOOKS)["config"]["subscriptions"]["crmObjects"]}
    assert types == {"company", "deal", "line_item"}
    assert "private apps only" in listed["left_out"]["p1_cases"]
    assert "tickets" not in listed["required_scopes"]
    private, folder = project("--distribution", "private", "--replace", CS_CHARTER=str(charter))
    types = {one["objectType"] for one in read(folder, HOOKS)["config"]["subscriptions"]["crmObjects"]}
    assert (types - {"company", "deal", "line_item"}, private["left_out"]) == ({"p1_cases"}, {})


def test_more_subscriptions_than_an_app_may_have_are_refused(colonnade, tmp_path) -> None:
    """The number, the limit and the object with the most are named; nothing is written."""
    many = ", ".join(f"field_{n}" for n in range(990))
    charter = charter_with(tmp_path, "      deals: []\n", f"      deals: [{many}]\n")
    env = {"CS_HOME": str(tmp_path), "CS_PUBLIC_URL": PUBLIC, "CS_CHARTER": str(charter)}
    done = colonnade(env, "hubspot", "project", "--out", str(tmp_path / "out"))
    done.refused("a HubSpot app may have 1,000", "first of deals (990)")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({}, "CS_PUBLIC_URL is not set"),
        ({"CS_PUBLIC_URL": "http://cs.example.com"}, "it takes https addresses only"),
        ({"CS_PUBLIC_URL": PUBLIC, "CS_CHARTER": "no-such-charter.yaml"}, "no-such-charter.yaml"),
    ],
)
def test_a_deployment_hubspot_could_not_reach_is_refused(colonnade, tmp_path, env, words) -> None:
    """The variable is named, and nothing is written."""
    env = {"CS_HOME": str(tmp_path / "home"), **env}
    colonnade(env, "hubspot", "project", "--out", str(tmp_path / "out")).refused(words)
    assert not (tmp_path / "out").exists()


def test_what_somebody_changed_is_not_overwritten(colonnade, project, tmp_path) -> None:
    """Written again the same is fine; a changed file is named and kept, unless asked for."""
    project()
    _, folder = project()
    edited = (folder / APP).read_text().replace("Colonnade", "Our own name")
    (folder / APP).write_text(edited)
    env = {"CS_HOME": str(tmp_path / "home"), "CS_PUBLIC_URL": PUBLIC}
    colonnade(env, "hubspot", "project", "--out", str(folder)).refused(APP, "--replace")
    assert (folder / APP).read_text() == edited
    project("--replace")
    assert "Our own name" not in (folder / APP).read_text()


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Sandbox]:
    """Give a portal that refuses scopes and addresses which are not the app file's."""
    sandbox = Sandbox(HUBSPOT, tmp_path / "portal.db").start()
    yield sandbox
    sandbox.stop()


@pytest.mark.parametrize("custom", [False, True])
def test_the_connect_page_asks_for_what_the_apps_file_says(
    project, home: Home, portal: Sandbox, tmp_path: Path, custom: bool
) -> None:
    """HubSpot lets nobody in where the two differ; both are made of one charter."""
    charter = {}
    if custom:
        text = DEFAULT_CHARTER.read_text().replace("object: line_items", "object: products")
        text = text.replace("line_items: []", "products: []")
        (tmp_path / "charter.yaml").write_text(text)
        charter = {"CS_CHARTER": str(tmp_path / "charter.yaml")}
    _, folder = project(**charter)
    auth = read(folder, APP)["config"]["auth"]
    app_file = {"required_scopes": auth["requiredScopes"], "redirect_urls": auth["redirectUrls"]}
    portal.post("portal", {"app_file": app_file})
    client = portal.get("credentials")
    env = {
        **home.env,
        **charter,
        "CS_PUBLIC_URL": PUBLIC,
        "CS_HUBSPOT_URL": portal.url,
        "CS_HUBSPOT_CLIENT_ID": client["client_id"],
        "CS_HUBSPOT_CLIENT_SECRET": client["client_secret"],
    }
    web = create_app(open_runtime(read_settings(env))).test_client()
    page = web.get("/connect/hubspot", base_url=PUBLIC).headers["Location"]
    asked = parse_qs(urlsplit(page).query)
    assert asked["scope"][0].split() == auth["requiredScopes"]
    assert asked["optional_scope"][0].split() == auth["optionalScopes"]
    assert ("crm.objects.products.read" in auth["requiredScopes"]) == custom
    consented = requests.get(page, allow_redirects=False, timeout=30)
    assert consented.status_code == 302, consented.text
    portal.post(
        "portal", {"app_file": {**app_file, "required_scopes": [*auth["requiredScopes"], "timeline"]}}
    )
    assert "scope mismatch: timeline" in requests.get(page, allow_redirects=False, timeout=30).text


def test_the_lint_tells_file_line_and_remedy_and_its_exit_code(colonnade, project, tmp_path) -> None:
    """0 without a mistake, 1 with one."""
    _, folder = project()
    env = {"CS_HOME": str(tmp_path / "home")}
    assert colonnade(env, "hubspot", "lint", str(folder)).well().out.strip() == "No mistakes."
    text = (folder / HOOKS).read_text().replace('"maxConcurrentRequests": 10', '"maxConcurrentRequests": 2')
    (folder / HOOKS).write_text(text)
    line = text.splitlines().index('      "maxConcurrentRequests": 2') + 1
    done = colonnade(env, "hubspot", "lint", str(folder))
    assert done.code == 1
    assert (
        f"{HOOKS}:{line}: this must be a number above 5 (config.settings.maxConcurrentRequests)" in done.out
    )
    told = json.loads(colonnade(env, "hubspot", "lint", str(folder), "--json").out)
    assert [(one["file"], one["line"]) for one in told] == [(HOOKS, line)]


def test_the_lint_of_a_folder_that_is_not_there(colonnade, tmp_path) -> None:
    """The folder is named; exit code 2."""
    colonnade({}, "hubspot", "lint", str(tmp_path / "gone")).refused("gone: there is no such folder")


@pytest.mark.parametrize(
    ("day", "warned"),
    [("2027-12-08", False), ("2027-12-09", True), ("2028-03-08", True), ("2030-01-01", True)],
)
def test_the_warning_of_an_ageing_api_never_fails(colonnade, tmp_path, day, warned) -> None:
    """The build goes on whatever the day; what it says is about the version we build on alone."""
    env = {"CS_HOME": str(tmp_path / "home")}
    out = colonnade(env, "hubspot", "versions", "--warn", "--on", day).well().out
    assert (out.startswith("Warning: HubSpot's API version 2026-09"), out == "") == (warned, not warned)
    assert not (tmp_path / "home").exists()


def test_the_build_asks_for_that_warning() -> None:
    """One line of the continuous integration, whose exit code cannot stop it."""
    script = (DEFAULT_CHARTER.parents[2] / ".ci" / "run").read_text()
    assert ".venv/bin/colonnade hubspot versions --warn\n" in script


def test_the_package_comes_along_when_it_is_installed() -> None:
    """The templates are declared as the package's data, or an installed program could not render them."""
    declared = (DEFAULT_CHARTER.parents[2] / "pyproject.toml").read_text()
    assert '"integration.hubspot" = ["package/**/*.json"]' in declared
