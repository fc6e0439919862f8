"""The promise: looking hourly, daily, now and then or once gives identical records."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sync.state import dirty
from sync.state.dirty import Scope
from sync.state.engine import migrate, open_engine, writing
from tests.sync.harness import HUBSPOT, START, Office, Sandbox, deployment
from tests.sync.month import BY_CHANCE, DAYS, MIDNIGHT, SEED, live_through, portfolio

Looks = Iterator[tuple[datetime, Callable[[], None]]]
SEEDED = ("dealname", "amount", "closedate", "dealstage", "pipeline", "deal_kind", "deal_currency_code")


def everybody(office: Office) -> Callable[[], None]:
    """Return a look at every account, written at once."""

    def look() -> None:
        office.look_at_all()
        office.look()
        office.push()

    return look


def hourly(office: Office) -> Looks:
    """Look at everybody once an hour."""
    for turn in range(24 * DAYS):
        yield START + timedelta(hours=turn, minutes=2), everybody(office)


def daily(office: Office) -> Looks:
    """Look at everybody as a day begins, as the scheduler does."""
    for day in range(1, DAYS + 1):
        yield MIDNIGHT + timedelta(days=day, seconds=3), everybody(office)


def now_and_then(office: Office) -> Looks:
    """Look at some accounts at some moments, drawn by lot."""
    chance = random.Random(SEED + 1)
    for _ in range(40):
        some = [str(10_000_000_001 + number) for number in range(9) if chance.random() < 0.4]

        def look(some: list[str] = some) -> None:
            with writing(office.engine) as conn:
                dirty.mark(conn, office.id, office.deployment.now, Scope.ACCOUNT, some, "by lot")
            office.look()
            office.push()

        yield START + timedelta(minutes=chance.randint(2, DAYS * 24 * 60)), look


def only_once(_office: Office) -> Looks:
    """Look at nobody before the end."""
    yield from ()


def lived(folder: Path, redis_url: str, looks: Callable[[Office], Looks]) -> dict[str, dict[str, Any]]:
    """Return all that we wrote after a month of looking in the manner given."""
    folder.mkdir()
    sandbox = Sandbox(HUBSPOT, folder / "sandbox.db", ("--index-lag-seconds", "0")).start()
    engine = open_engine(f"sqlite:///{folder / 'state.db'}")
    try:
        migrate(engine)
        sandbox.post("load", {"dir": str(portfolio().write(folder / "book"))})
        with deployment(folder / "home", engine, redis_url) as deployed:
            deployed.sandboxes.append(sandbox)
            deployed.at(deployed.now)
            office = Office(deployed, sandbox).connect().install()
            office.load()
            office.go_live()
            live_through(office, looks(office))
            return dump(office)
    finally:
        engine.dispose()
        sandbox.stop()


def dump(office: Office) -> dict[str, dict[str, Any]]:
    """Return our records and our fields on companies by key, without ids and times of the CRM's own.

    Accounts that arrive during the month have other ids in each run: keys name them instead.
    """
    companies = office.sandbox.records("companies")
    names = {one["id"]: one["properties"]["customer_ref"] for one in companies}
    found: dict[str, dict[str, Any]] = {}
    for object_name in (
        *(office.own(kind) for kind in ("profile", "plan", "milestone", "snapshot")),
        "deals",
    ):
        for key, values in office.written(object_name).items():
            shown = {
                name: value
                for name, value in values.items()
                if value and (name.startswith("cs_") or name in SEEDED) and name != "cs_key"
            }
            found[named(key, names)] = shown | {"_under": under(values, names)}
    for one in companies:
        ours = {name: value for name, value in one["properties"].items() if name.startswith("cs_") and value}
        found[f"company {names[one['id']]}"] = ours
    return found


def named(key: str, names: dict[str, str]) -> str:
    """Return a key with the account's own name in place of its id."""
    return ":".join(names.get(part, part) for part in key.split(":"))


def under(values: dict[str, Any], names: dict[str, str]) -> list[str]:
    """Return the accounts a record hangs under."""
    ends = values["_record"]["associations"].get("companies", {"results": []})["results"]
    return sorted(names[end["id"]] for end in ends)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, valkey_server: str) -> dict[str, dict[str, Any]]:
    """Give what stands after a month at whose end alone anybody looked."""
    return lived(tmp_path_factory.mktemp("month") / "once", valkey_server, only_once)


@pytest.mark.parametrize(
    "looks",
    [
        now_and_then,
        pytest.param(daily, marks=pytest.mark.whole),
        pytest.param(hourly, marks=pytest.mark.whole),
    ],
)
def test_how_often_anybody_looks_changes_nothing(
    tmp_path: Path,
    valkey_server: str,
    once: dict[str, dict[str, Any]],
    looks: Callable[[Office], Looks],
) -> None:
    """Every record we wrote is the one that looking once, at the end, writes.

    Contracts of renewals already opened do not change in this month: a deal's own amount is written
    once, on the day it is first written.
    """
    found = lived(tmp_path / "often", valkey_server, looks)
    assert sorted(found) == sorted(once)
    assert found == once


def test_the_month_is_as_it_was_written(once: dict[str, dict[str, Any]]) -> None:
    """The days on which deals were opened and milestones reached are those worked out by hand."""
    by_chance = {f"expansion:{account}:core:1" for account in BY_CHANCE}
    found = {
        key: one.get("cs_opened_on") or one.get("cs_done_on")
        for key, one in once.items()
        if key.startswith(("renewal:", "expansion:", "milestone:")) and key not in by_chance
    }
    assert found == {
        "renewal:l-a1:1": "2025-01-15",  # in its window when we went live, as the next two
        "renewal:l-f1:1": "2025-01-15",
        "renewal:l-h1:1": "2025-01-15",
        "renewal:l-c1:1": "2025-01-30",  # 90 days before 30 April
        "renewal:l-i1:1": "2025-01-31",  # under its first line's name, though an older one came later
        "renewal:l-g0:1": "2025-01-25",  # the day after its lines came, under the older one's name
        "milestone:birch:onboarding:1:first_use": "2025-01-16",
        "milestone:birch:onboarding:1:half_the_seats": "2025-01-19",  # four people instead of one
        "milestone:birch:onboarding:1:regular_use": "2025-01-23",  # the eighth day
        "milestone:birch:onboarding:1:breadth": "2025-02-02",  # features of 20 January known then
        "expansion:birch:core:1": "2025-02-02",  # fourteen days since 19 January
        "milestone:ginkgo:onboarding:1:first_use": "2025-01-24",
        "milestone:ginkgo:onboarding:1:half_the_seats": "2025-01-24",
        "milestone:ginkgo:onboarding:1:breadth": "2025-01-24",
        "milestone:ginkgo:onboarding:1:regular_use": "2025-01-31",
        "expansion:ginkgo:core:1": "2025-02-07",  # four of five seats since 24 January
        "milestone:doc:onboarding:1:first_use": None,
        "milestone:doc:onboarding:1:half_the_seats": None,
        "milestone:doc:onboarding:1:breadth": None,
        "milestone:doc:onboarding:1:regular_use": None,
    }
    assert once["renewal:l-i1:1"]["amount"] == "1400.00"
    assert once["renewal:l-g0:1"]["amount"] == "900.00"
