"""Use by people who were forgotten: pulled again, or counted while they are forgotten, it is nobody's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from sync import usage
from sync.forget import forget, meant
from sync.forget_whom import named
from sync.person_text import Traces
from sync.prove import prove
from sync.state.engine import reading
from sync.state.usage_store import presence_day
from sync.usage_pull import connect_source
from tests.sync import usage_sources as made
from tests.sync.forgotten import EMAIL, found_by_hand, used
from tests.sync.harness import HUBSPOT, Deployment, Office, deployment
from tests.sync.portfolios import three_customers
from tests.sync.usage_shop import shop_on
from tests.sync.usage_sources import LATE, USES

ADDRESS = "ann@birch.example"


def users_in(engine: Engine) -> int:
    """Return how many users the past counts."""
    with reading(engine) as conn:
        return conn.execute(select(func.count(presence_day.c.user_ref.distinct()))).scalar_one()


@pytest.mark.parametrize("member", ["ann", ADDRESS])
def test_a_pull_brings_nobody_back(
    sqlite_engine: Engine, redis_url: str, tmp_path: Path, member: str
) -> None:
    """The source still names them, in a file written anew with late use of theirs; two users stay two."""
    uses = [replace(one, member=member) if one.member == "ann" else one for one in USES]
    late = replace(LATE, member=member)
    folder = tmp_path / "exports"
    made.csv_file(folder / "one.csv", uses)
    with deployment(tmp_path / "home", sqlite_engine, redis_url) as found:
        shop = shop_on(found).read(files="*.csv")
        connect_source(shop.ws, "made", f"file://{folder}", link_local=False)
        shop.pull()
        assert users_in(sqlite_engine) == 3
        forget(shop.ws, meant(shop.ws, named(f"user:{member}")))
        before = shop.users()
        made.csv_file(folder / "one.csv", [*uses, late])
        shop.pull()
        assert shop.sums() == made.sums_of([*uses, late])
        assert shop.users() == before
        assert users_in(sqlite_engine) == 3
        assert member not in {user for _, _, _, user in before}


def test_whoever_is_forgotten_while_use_is_counted_is_in_none_of_it(
    lite: Deployment, office: Callable[..., Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The forgetting falls between the question who was forgotten and the entry: use counts, as nobody's."""
    there = office(lite, HUBSPOT, three_customers())
    used(there, "acorn")
    person = meant(there.ws, named(EMAIL))
    keep, forgotten = usage._keep_raw, list[Any]()

    def late(*given: Any) -> None:
        if not forgotten:
            forgotten.append(forget(there.ws, person))
        keep(*given)

    monkeypatch.setattr(usage, "_keep_raw", late)
    there.drain()
    assert len(forgotten) == 1
    assert users_in(there.engine) == 1
    assert found_by_hand(there, old_bytes=False) == []
    hits = prove(there.ws, Traces(person, there.id), lambda _what, _count: None).hits
    assert [one for one in hits if ".db" not in one.place] == []
