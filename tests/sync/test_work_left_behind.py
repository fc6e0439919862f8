"""What a process that was killed leaves on the disk: gone after an hour, till then found by the proof."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import Engine

from sync import runtime
from sync.forget import forget
from sync.person import Person
from sync.person_text import Traces
from sync.prove import prove
from sync.usage_rollup import rolling_up
from sync.work_folder import delete_leftovers, work_folder
from tests.sync.forgotten import EMAIL, found_by_hand
from tests.sync.harness import HUBSPOT, Deployment, Office, deployment
from tests.sync.portfolios import three_customers

PERSON = Person(email=frozenset({EMAIL}))
HOUR_S = 3600


def leave(there: Deployment) -> list[Path]:
    """Leave what work leaves: a table not yet in place, events, an upload, a database of a rollup."""
    settings = there.runtime.settings
    day = Path(settings.usage_store) / "hubspot-1" / "2025-01-01"
    work = work_folder(settings)
    part, events, upload, rollup = (
        day / ".abc.4711.part",
        work / "tmpabc" / "events.json",
        work / "colonnade-upload-abc" / "usage.csv",
        work / "colonnade-rollup-abc" / "rollup.db",
    )
    for one in (part, events, upload, rollup):
        one.parent.mkdir(parents=True)
    duckdb.sql(f"SELECT '{EMAIL}' AS \"user\"").write_parquet(str(part))
    events.write_text(f'{{"user": "{EMAIL}"}}\n')
    upload.write_text(f"user\n{EMAIL}\n")
    rollup.write_bytes(b"\xff\xfe packed")
    return [part, events, upload, rollup]


def age(paths: list[Path], seconds: float) -> None:
    """Have files and their folders be untouched for so long, by the disk's time."""
    for path in paths:
        for one in (path, path.parent):
            now = one.stat().st_mtime
            os.utime(one, (now - seconds, now - seconds))


@pytest.fixture
def home(tmp_path: Path, sqlite_engine: Engine, redis_url: str) -> Iterator[Deployment]:
    """Give a runtime without a CRM."""
    with deployment(tmp_path / "home", sqlite_engine, redis_url) as found:
        yield found


def test_work_of_an_hour_ago_is_nobodys(home: Deployment) -> None:
    """What was touched since stays; a file that is new in an old folder keeps the folder."""
    settings = home.runtime.settings
    left = leave(home)
    assert delete_leftovers(settings) == 0
    age(left, HOUR_S + 60)
    left[1].touch()
    assert delete_leftovers(settings) == 3
    assert [one.exists() for one in left] == [False, True, False, False]
    assert not left[2].parent.exists()


def test_the_product_works_in_its_home(home: Deployment) -> None:
    """A rollup's folder is in the home while it works, and gone afterwards."""
    work = work_folder(home.runtime.settings)
    assert work.stat().st_mode & 0o777 == 0o700
    with rolling_up(within=work):
        assert [one.name.startswith("colonnade-rollup-") for one in work.iterdir()] == [True]
    assert list(work.iterdir()) == []


def test_a_forgetting_ends_when_nothing_left_behind_may_name_the_person(
    lite: Deployment, office: Callable[..., Office]
) -> None:
    """Young, each place is found, that which cannot be read too, and nothing is touched; old, it goes."""
    there = office(lite, HUBSPOT, three_customers())
    left = leave(lite)

    def places() -> set[str]:
        found = prove(there.ws, Traces(PERSON, there.id), lambda _what, _count: None).hits
        return {one.place for one in found}

    assert places() == {str(one) for one in left}
    done = forget(there.ws, PERSON)
    assert set(done.left) == {f"{one} is being worked on" for one in left[:3]}
    assert places() == {str(one) for one in left}
    age(left, HOUR_S + 60)
    assert forget(there.ws, PERSON).left == ()
    assert places() == set()
    assert found_by_hand(there) == []


def test_a_process_that_starts_deletes_what_was_left(
    home: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the home cannot be written, it starts all the same."""
    monkeypatch.setattr(runtime, "open_runtime", lambda _settings: home.runtime)
    left = leave(home)
    age(left, HOUR_S + 60)
    assert runtime.process_runtime.__wrapped__() is home.runtime
    assert not any(one.exists() for one in left)

    def refuse(_settings: object) -> int:
        raise PermissionError

    monkeypatch.setattr(runtime, "delete_leftovers", refuse)
    assert runtime.process_runtime.__wrapped__() is home.runtime
