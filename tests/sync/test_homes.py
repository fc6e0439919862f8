"""Whatever room a portal has, the whole loop runs and people find the same figures.

The book and the day are those of ``test_written``, where the figures are worked out by hand; here
they are read back from wherever each portal has room for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from sandbox.hubspot.access import STANDARD_SCOPES
from sync.onboard import plan_install
from sync.state.engine import migrate, open_engine
from tests.sync.harness import HUBSPOT, Deployment, Office, Sandbox, daily_use, deployment
from tests.sync.portfolios import five_customers
from tests.sync.test_written import CHRISTMAS


@dataclass(frozen=True)
class Portal:
    """A kind of portal: how the sandbox is started, where records stand, and what an admin is told."""

    options: tuple[str, ...]
    homes: tuple[str, str, str, str]
    told: tuple[str, ...] = ()


LITE = ("account", "account", "task", "mirror")
NONE_LEFT = tuple(
    f"CS {kind}: no custom object is left for it"
    for kind in (
        "Profiles stand in properties of companies",
        "Plans stand in properties of companies",
        "Milestones stand as tasks of companies",
        "Snapshots are not written; they are known here only",
    )
)
NO_SCOPES = ("crm.schemas.custom.read",)
PORTALS = {
    "enterprise with ten left": Portal((), ("object", "object", "object", "object")),
    "enterprise with two left": Portal(
        ("--custom-objects", "2"), ("object", "object", "task", "mirror"), NONE_LEFT[2:]
    ),
    "enterprise with one left": Portal(
        ("--custom-objects", "1"), ("object", "account", "task", "mirror"), NONE_LEFT[1:]
    ),
    "enterprise with none left": Portal(("--custom-objects", "0"), LITE, NONE_LEFT),
    "enterprise without the custom scopes": Portal(
        ("--scopes", " ".join(STANDARD_SCOPES)), LITE, NO_SCOPES + NONE_LEFT
    ),
    "professional": Portal(("--tier", "professional"), LITE, NO_SCOPES + NONE_LEFT),
    "free": Portal(("--tier", "free"), LITE, NO_SCOPES + NONE_LEFT),
    "starter": Portal(("--tier", "starter"), LITE, NO_SCOPES + NONE_LEFT),
}


@dataclass(frozen=True)
class FirstRun:
    """An installation after its first run, with what the install said and the log's place before the push."""

    there: Office
    portal: Portal
    notes: tuple[str, ...]
    before_push: int
    after_push: int

    def company(self, key: str) -> dict[str, Any]:
        """Return a company's properties."""
        wanted = self.there.sandbox.lookup(f"account:{key}")
        (found,) = [one for one in self.there.sandbox.records("companies") if one["id"] == wanted]
        return dict(found["properties"])

    def profile(self, key: str) -> dict[str, Any]:
        """Return the fields of an account's profile, from where it stands."""
        if self.portal.homes[0] == "account":
            return self.company(key)
        return self.there.written(self.there.own("profile"))[
            f"profile:{self.there.sandbox.lookup(f'account:{key}')}"
        ]

    def plan(self) -> dict[str, Any]:
        """Return the fields of Birch's plan by their names on the plan itself, from where it stands."""
        if self.portal.homes[1] == "object":
            (plan,) = self.there.written(self.there.own("plan")).values()
            return plan
        return {
            name.replace("cs_plan_", "cs_"): value
            for name, value in self.company("birch").items()
            if name.startswith("cs_plan_")
        }


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Give a migrated SQLite file for the whole module."""
    opened = open_engine(f"sqlite:///{tmp_path_factory.mktemp('homes') / 'state.db'}")
    migrate(opened)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module", params=PORTALS)
def run(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    engine: Engine,
    valkey_server: str,
) -> Iterator[FirstRun]:
    """Give each kind of portal after its first run; the tests of this module only read."""
    folder: Path = tmp_path_factory.mktemp("portal")
    portal = PORTALS[request.param]
    number = str(1_000 + list(PORTALS).index(request.param))
    options = ("--index-lag-seconds", "0", "--portal-id", number, *portal.options)
    sandbox = Sandbox(HUBSPOT, folder / "sandbox.db", options).start()
    try:
        sandbox.post("load", {"dir": str(five_customers().write(folder / "book"))})
        with deployment(folder / "home", engine, valkey_server) as deployed:
            yield first_run(deployed, sandbox, portal)
    finally:
        sandbox.stop()


def first_run(deployed: Deployment, sandbox: Sandbox, portal: Portal) -> FirstRun:
    """Install, load, take usage in, decide and write."""
    deployed.sandboxes.append(sandbox)
    deployed.at(deployed.now)
    there = Office(deployed, sandbox).connect()
    notes = plan_install(there.ws).notes
    there.install()
    there.load()
    there.use(daily_use("birch", CHRISTMAS, 21, 4, 2) + daily_use("cedar", CHRISTMAS, 21, 3))
    there.drain()
    there.go_live().look()
    before = sandbox.mark()
    there.push()
    return FirstRun(there, portal, notes, before, sandbox.mark())


def plain(record: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return fields of ours without their prefix, empty as None and numbers as numbers."""
    found = {name: record.get(f"cs_{name}") or None for name in names}
    return {name: _number(value) for name, value in found.items()}


def _number(value: str | None) -> float | str | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return value


def test_each_kind_stands_in_the_first_home_with_room(run: FirstRun) -> None:
    """Profiles take an object before plans, plans before milestones; the admin is told who got none."""
    assert tuple(home.value for home in run.there.ws.homes.of.values()) == run.portal.homes
    assert len(run.notes) == len(run.portal.told)
    assert all(words in note for words, note in zip(run.portal.told, run.notes, strict=True))


def test_only_the_objects_there_was_room_for_were_made(run: FirstRun) -> None:
    """The portal has exactly the custom objects that are homes, and a second install finds no work."""
    kinds = ("profile", "plan", "milestone", "snapshot")
    expected = {
        run.there.own(kind) for kind, home in zip(kinds, run.portal.homes, strict=True) if home == "object"
    }
    objects = run.there.sandbox.get("dump")["objects"]
    assert {name for name in objects if name.startswith("p1")} == expected
    again = plan_install(run.there.ws)
    assert (again.is_empty, again.questions) == (True, ())


@pytest.mark.parametrize(
    ("key", "arr", "health", "band", "coverage", "stage", "renewal_on"),
    [
        ("acorn", 15000.0, None, "unknown", 25.0, "customer", "2025-03-01"),
        ("birch", 2400.0, 89.2, "green", 70.0, "adopting", "2025-12-01"),
        ("cedar", 1080.0, 60.0, "yellow", 70.0, "customer", "2025-06-01"),
        ("doc", 0.0, None, "unknown", 0.0, "prospect", None),
    ],
)
def test_a_profile_says_the_same_wherever_it_stands(
    run: FirstRun,
    key: str,
    arr: float,
    health: float | None,
    band: str,
    coverage: float,
    stage: str,
    renewal_on: str | None,
) -> None:
    """The figures are those worked out by hand in ``test_written``, on an object or on the company."""
    expected = {"arr": arr, "health": health, "band": band, "coverage": coverage}
    expected |= {"stage": stage, "renewal_on": renewal_on}
    assert plain(run.profile(key), *expected) == expected


def test_the_company_shows_the_charters_choice_in_every_portal(run: FirstRun) -> None:
    """Lists and workflows see health and band on Cedar, whether or not its profile is an object."""
    assert plain(run.company("cedar"), "health", "band", "arr") == {
        "health": 60.0,
        "band": "yellow",
        "arr": 1080.0,
    }


def test_a_plan_says_the_same_wherever_it_stands(run: FirstRun) -> None:
    """Birch's plan began on 1 December; three of its four milestones were reached."""
    names = ("starts_on", "target_on", "status", "milestones_total", "milestones_done", "milestones_late")
    assert plain(run.plan(), *names) == {
        "starts_on": "2024-12-01",
        "target_on": "2025-03-31",
        "status": "active",
        "milestones_total": 4.0,
        "milestones_done": 3.0,
        "milestones_late": 0.0,
    }


def test_a_company_without_a_plan_shows_none(run: FirstRun) -> None:
    """Acorn began long ago: nothing of a plan stands on it in any portal."""
    held = {name for name, value in run.company("acorn").items() if name.startswith("cs_plan") and value}
    assert held == set()


def test_milestones_are_found_as_objects_or_as_tasks_of_their_company(run: FirstRun) -> None:
    """Title, due day and whether it was reached are the same; a task hangs under Birch and nothing else."""
    expected = {
        "First use": ("2024-12-15", True),
        "Used on two days a week": ("2025-01-15", True),
        "Three features in use": ("2025-02-14", False),
        "Half of the seats active": ("2025-03-31", True),
    }
    birch = run.there.sandbox.lookup("account:birch")
    if run.portal.homes[2] == "object":
        found = run.there.written(run.there.own("milestone")).values()
        shown = {one["cs_name"]: (one["cs_due_on"], one["cs_status"] == "done") for one in found}
        assert run.there.sandbox.records("tasks") == []
    else:
        tasks = run.there.sandbox.records("tasks")
        shown = {
            one["properties"]["hs_task_subject"]: (
                one["properties"]["hs_timestamp"][:10],
                one["properties"]["hs_task_status"] == "COMPLETED",
            )
            for one in tasks
        }
        assert len(tasks) == len(expected)
        for task in tasks:
            ends = {name: [end["id"] for end in one["results"]] for name, one in task["associations"].items()}
            assert ends == {"companies": [birch]}
    assert shown == expected


def test_renewals_and_expansions_are_deals_in_every_portal(run: FirstRun) -> None:
    """Acorn's renewal over 15,000 and Birch's seat for 600 are deals, each linked to its company."""
    deals = run.there.written("deals")
    birch = run.there.sandbox.lookup("account:birch")
    assert {key: float(one["amount"]) for key, one in deals.items()} == {
        "renewal:l-a1:1": 15000.0,
        f"expansion:{birch}:core:1": 600.0,
    }


def test_the_first_push_makes_the_fewest_calls(run: FirstRun) -> None:
    """One call per object with rows, and one per pair of objects to be linked; a task's link comes with it.

    Objects: profiles, plans, milestones and snapshots as far as they are any; companies; tasks; deals.
    """
    profile, plan, milestone, snapshot = (home == "object" for home in run.portal.homes)
    writes = 2 + profile + plan + 1 + snapshot  # milestones are one call in either home
    links = 1 + profile + plan + milestone + (milestone and plan)
    made = [one for one in run.there.sandbox.requests(run.before_push) if one["seq"] <= run.after_push]
    assert len(made) == writes + links


def test_a_second_run_writes_nothing(run: FirstRun) -> None:
    """Everybody is looked at again: nothing differs, so the portal is not spoken to."""
    mark = run.there.sandbox.mark()
    run.there.look_at_all()
    looked = run.there.look()
    done = run.there.push()
    assert [(one.accounts, one.wanted, one.failed) for one in looked] == [(5, 0, 0)]
    assert (done.written, done.standing, done.blocked, done.put_off) == (0, 0, 0, 0)
    assert run.there.sandbox.requests(mark) == []


def test_reading_the_portal_again_wakes_no_write(run: FirstRun) -> None:
    """A poll sees our own properties on companies and deals as we wrote them."""
    run.there.poll()
    run.there.look()
    assert run.there.push().written == 0
