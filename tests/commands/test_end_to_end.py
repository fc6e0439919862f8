"""The commands on a real portal: a small portfolio in the sandbox, every command a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from sync.clock import move_clock
from sync.commands.installing import DEFAULT_CHARTER
from tests.commands.conftest import PORTAL, Done, run_process, snapshot
from tests.sandbox.conftest import ROOT, Sandbox

AS_OF = date(2026, 6, 30)
MORNING = datetime(2026, 6, 30, 9, 0, tzinfo=UTC)
ACCOUNTS = 4


@dataclass(frozen=True)
class World:
    """A portal that is live: the sandbox, the home, and what each command said on the way."""

    crm: Sandbox
    home: Path
    env: dict[str, str]
    portfolio: Path
    said: dict[str, Done] = field(default_factory=dict)

    def run(self, *words: str) -> Done:
        """Run a command on this home."""
        return run_process(self.env, *words)

    def tell(self, name: str, *words: str) -> None:
        """Run a command that must go well, and keep what it said."""
        self.said[name] = self.run(*words)
        assert self.said[name].code == 0, self.said[name].err

    def lines(self, name: str) -> list[dict[str, object]]:
        """Return a file of the portfolio."""
        return [json.loads(line) for line in (self.portfolio / f"{name}.jsonl").open()]

    def recurring(self) -> float:
        """Return the portfolio's ARR in USD on the first day, added up from the portfolio's own lines."""
        fx = {"USD": 1.0, "EUR": 1.08, "GBP": 1.27}  # what the default charter declares
        day = AS_OF.isoformat()
        return sum(
            float(str(one["arr"])) * fx[str(one["currency"])]
            for one in self.lines("lines")
            if one["kind"] == "recurring"
            and str(one["start_on"]) <= day
            and (one["end_on"] is None or day < str(one["end_on"]))
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, valkey_server: str) -> Iterator[World]:
    """Onboard a portal with four accounts: generate, load, install, sync, usage, live, run."""
    folder = tmp_path_factory.mktemp("world")
    crm = Sandbox("hubspot", folder / "hubspot.db")
    crm.start()
    env = {"CS_HOME": str(folder / "home"), "REDIS_URL": valkey_server}
    made = World(crm, folder / "home", env, folder / "portfolio")
    try:
        _onboard(made, folder)
        yield made
    finally:
        crm.kill()


def _onboard(made: World, folder: Path) -> None:
    given = made.crm.credentials
    key = folder / "key.json"
    key.write_text(json.dumps({"kind": "service_key", "token": given["service_key"]}))
    install = ("install", "hubspot", "--credentials", str(key), "--url", made.crm.url)
    day = AS_OF.isoformat()
    made.tell(
        "generate", "portfolio", "generate", str(made.portfolio), "--accounts", str(ACCOUNTS), "--as-of", day
    )
    made.crm.control("POST", "/clock", {"now": "2026-06-30T09:00:00Z", "running": True})
    made.crm.control("POST", "/load", {"dir": str(made.portfolio)})
    made.tell("migrate", "migrate", "--json")
    engine = create_engine(f"sqlite:///{made.home / 'colonnade.db'}")
    move_clock(engine, MORNING, running=True)
    engine.dispose()
    made.tell("plan", *install, "--plan", "--json")
    made.tell("apply", *install, "--apply", "--json")
    made.tell("again", *install, "--apply")
    made.tell("load", "sync", "load", PORTAL, "--json")
    messages = folder / "usage.jsonl"
    _write_usage(made, messages)
    made.tell("usage", "sync", "usage", PORTAL, str(messages), "--json")
    made.tell("live", "sync", "live", PORTAL, "--json")
    made.tell("run", "sync", "run", PORTAL, "--json")
    made.tell("run again", "sync", "run", PORTAL, "--json")


def _write_usage(made: World, target: Path) -> None:
    command = [sys.executable, "-m", "sandbox.portfolio", "usage", str(made.portfolio), str(target)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


@pytest.fixture
def copy(world: World, tmp_path: Path) -> World:
    """Give the same portal with a home of the test's own, to change."""
    home = tmp_path / "home"
    shutil.copytree(world.home, home)
    return replace(world, home=home, env={**world.env, "CS_HOME": str(home)})


def _with(old: str, new: str) -> str:
    """Return the charter we bring along with one thing changed."""
    text = DEFAULT_CHARTER.read_text()
    assert text.count(old) == 1
    return text.replace(old, new)


def rows(world: World) -> dict[str, list[str]]:
    """Return the home's state."""
    return snapshot(world.home / "colonnade.db")


def test_the_install_plans_then_applies_then_finds_nothing(world):
    """A plan adds what is missing and changes nothing in the portal; the second apply is empty."""
    plan, applied = world.said["plan"].json(), world.said["apply"].json()
    adds = [(step["object"], step["adds"]) for step in plan["steps"]]
    assert (plan["installation"], plan["applied"], plan["questions"]) == (PORTAL, False, [])
    assert any(names for _, names in adds)
    # The plan was made first: had it changed the portal, the apply's own plan would have less to add.
    assert [(step["object"], step["adds"]) for step in applied["steps"]] == adds
    assert [one["done"] for one in applied["results"]] == [True] * len(applied["results"])
    assert "Everything is there already; nothing to do." in world.said["again"].out


def test_installing_again_keeps_the_customers_own_charter(copy, tmp_path):
    """Connecting anew, as the doctor advises, must not bring back ours; an apply that names one does."""
    own = tmp_path / "own.yaml"
    own.write_text(_with("name: Default", "name: Own"))
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"kind": "service_key", "token": copy.crm.credentials["service_key"]}))
    install = ("install", "hubspot", "--credentials", str(key), "--url", copy.crm.url, "--json")
    copy.run("charter", "apply", PORTAL, str(own)).well()
    before = rows(copy)["charter_life"]
    for more in (("--apply",), ("--plan",), ("--plan", "--charter", str(DEFAULT_CHARTER))):
        copy.run(*install, *more).well()
        assert rows(copy)["charter_life"] == before
    copy.run(*install, "--apply", "--charter", str(DEFAULT_CHARTER)).well()
    assert len(rows(copy)["charter_life"]) == len(before) + 1


def test_the_first_load_reads_every_account(world):
    """The mirror holds as many companies as the portfolio has accounts."""
    (status,) = world.run("sync", "status", "--json").json()
    assert (status["installation"], status["live"], status["status"]) == (PORTAL, True, "active")
    assert status["mirrored"]["companies"] == len(world.lines("accounts")) == ACCOUNTS
    assert status["dirty"] == {}
    assert world.said["load"].json()["pulled"]["read"] >= ACCOUNTS


def test_usage_is_taken_in_message_by_message(world):
    """As many messages as the file has lines; live begins at the clock's day."""
    assert world.said["usage"].json() == {"installation": PORTAL, "messages": len(world.lines("usage"))}
    assert world.said["live"].json()["epoch"].startswith("2026-06-30T09:0")


def test_a_run_decides_about_everybody_and_a_second_one_writes_nothing(world):
    """Level-triggered: what stands already is not sent again."""
    first, second = world.said["run"].json(), world.said["run again"].json()
    assert first["accounts"] == ACCOUNTS
    assert first["pushed"]["written"] >= 2 * ACCOUNTS  # a profile each, and the company's own fields
    assert second["pushed"]["written"] == 0


def test_metrics_are_the_portfolios_own_figures(world):
    """ARR added up from the portfolio's lines by hand equals what the product prints."""
    found = world.run("metrics", PORTAL, "--as-of", AS_OF.isoformat(), "--json").json()
    assert found["accounts"] == ACCOUNTS
    assert found["arr"]["stack"]["value"]["amount"] == pytest.approx(world.recurring(), abs=0.01 * ACCOUNTS)
    places = found["standing"]
    assert next((one["key"], one["accounts"]) for one in places["segments"]) == ("all", ACCOUNTS)
    assert sum(one["accounts"] for one in places["stages"]) == ACCOUNTS
    table = world.run("metrics", PORTAL, "--as-of", AS_OF.isoformat()).out
    assert f"{ACCOUNTS} accounts" in table
    assert "Where accounts stand on 2026-06-30" in table


def test_metrics_bridge_the_year_to_the_cent_and_count_as_told(world):
    """The parts are the closing, every figure names the policy of the moment, and tables say the same."""
    words = ("metrics", PORTAL, "--as-of", AS_OF.isoformat(), "--policy", "grace_days=30")
    found = world.run(*words, "--json").json()["kpis"]
    moved = dict(found["bridge"]["total"])
    assert moved.pop("closing") == sum(moved.values())
    assert moved["opening"] > 0
    printed = [found[name]["policies"] for name in ("arr", "bridge", "renewal_rate", "cohorts", "activation")]
    assert all("grace_days=30" in one for one in printed)
    out = world.run(*words, "--since", "2026-01-01").out
    assert "ARR from 2026-01-01 to 2026-06-30" in out
    assert "Counted by: overlap=stack" in out


def test_the_lab_of_policies_stands_beside_the_declared_ones(world):
    """What is declared is what the metrics print, and the other choices stand beside it."""
    found = world.run("metrics", PORTAL, "--as-of", AS_OF.isoformat(), "--lab", "--json").json()
    assert found["declared"]["arr"] == pytest.approx(100 * world.recurring(), abs=ACCOUNTS)
    assert {one["policy"] for one in found["variants"]} >= {"overlap", "customer", "churn_date", "clock"}


def test_an_account_is_explained_by_its_name(world):
    """The points add up to the score, and without --installation the only one is meant."""
    name = str(world.lines("accounts")[0]["name"])
    found = world.run("explain", name, "--json").json()
    points = found["health"]["points"]
    parts = sum(one["points"] for one in found["health"]["contributions"])
    assert (points is None and found["health"]["band"] == "unknown") or parts == points
    by_id = world.run("explain", found["account_id"], "--installation", PORTAL).out
    assert found["health"]["band"] in by_id.lower()
    stands = found["standing"]
    assert (stands["segment"], stands["stages"][-1]["value"]) == ("all", stands["stage"])
    assert f"Stage: {stands['stage']} since {stands['stage_since']}" in by_id


def test_the_doctor_says_what_it_finds_and_its_exit_code_agrees(world):
    """0 with nothing wrong, 1 with something; here nothing but the portfolio's own contradictions can be."""
    done = world.run("doctor", "--json")
    found = json.loads(done.out)
    wrong = [one for one in found if one["severity"] == "wrong"]
    assert done.code == (1 if wrong else 0)
    assert all("contradict" in one["matter"] for one in wrong)
    assert all("a service key has no" in one["matter"] for one in found if one not in wrong)


def test_a_plan_names_the_accounts_that_would_change_band(world, tmp_path):
    """With the floor of green at 100 points, those green with fewer would be yellow; nobody else moves."""
    harder = tmp_path / "harder.yaml"
    harder.write_text(_with("title: Green, floor: 75", "title: Green, floor: 100"))
    before = rows(world)["charter_life"]
    plan = world.run("charter", "plan", PORTAL, str(harder), "--json").json()
    companies = world.crm.control("GET", "/dump?object=companies")["records"]
    green = {
        str(one["id"])
        for one in companies
        if one["properties"]["cs_band"] == "green" and float(one["properties"]["cs_health"]) < 100
    }
    assert green
    assert {one["account_id"] for one in plan["accounts"]} == green
    assert rows(world)["charter_life"] == before


def test_a_charter_lives_plan_apply_history_rollback(copy, tmp_path):
    """A plan tells and changes nothing; an apply is in force; a rollback brings the first one back."""
    strict = tmp_path / "strict.yaml"
    strict.write_text(_with("name: Default", "name: Strict"))
    before = rows(copy)
    plan = copy.run("charter", "plan", PORTAL, str(strict), "--json").json()
    assert (plan["installation"], plan["accounts"], plan["questions"]) == (PORTAL, [], [])
    assert rows(copy)["charter_life"] == before["charter_life"]
    applied = copy.run("charter", "apply", PORTAL, str(strict), "--reason", "a new name", "--json").json()
    assert applied["content_hash"] == plan["content_hash"]
    copy.run("charter", "rollback", PORTAL, "--reason", "the old one")
    history = copy.run("charter", "history", PORTAL, "--json").json()
    assert [(one["action"], one["reason"]) for one in history] == [
        ("apply", ""),
        ("apply", "a new name"),
        ("rollback", "the old one"),
    ]
    assert history[2]["content_hash"] == history[0]["content_hash"] != history[1]["content_hash"]
