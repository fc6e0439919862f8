"""Keys are changed while everybody works: whatever is sealed, wherever it stands."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Column, Engine, MetaData

from sync.commands.surface_matters import of_ways
from sync.config import read_settings
from sync.state import installations, persons, sealed
from sync.state.engine import reading, writing
from sync.state.sealed import rotate, standing
from sync.state.secrets import SecretBox, new_key

NOW = datetime(2026, 6, 30, tzinfo=UTC)
A = "hubspot-1"


def filled(engine: Engine, box: SecretBox) -> None:
    """Seal a token, a tombstone's key and a forgetting under way."""
    with writing(engine) as conn:
        installations.save_secret(conn, box, A, NOW, "token", "t")
        persons.bury(conn, box, A, [("email", "ann@x.example")])
        persons.begin(conn, box, A, NOW, "{}")


def test_everything_sealed_is_sealed_anew(engine: Engine) -> None:
    """The old key may go afterwards: tokens open, and the forgotten are still known by their hashes."""
    old, new = new_key(), new_key()
    filled(engine, SecretBox([old]))
    both = SecretBox([new, old])
    assert standing(engine, both).by_key == (0, 3)
    done = rotate(engine, both)
    assert (done.sealed, done.right, done.changed_meanwhile, done.unopened) == (3, 0, 0, 0)
    assert standing(engine, both).by_key == (3, 0)
    again = rotate(engine, both)
    assert (again.sealed, again.right) == (0, 3)
    with reading(engine) as conn:
        alone = SecretBox([new])
        assert installations.load_secret(conn, alone, A, "token") == "t"
        assert persons.tombstones(conn, alone, A).names("email", "ANN@x.example")
        assert persons.under_way(conn, alone, A)[0].person == "{}"
    assert standing(engine, SecretBox([old])).unopened == 3


def test_what_no_key_opens_is_told_and_left(engine: Engine) -> None:
    """A key that is lost costs its secrets and stops nothing else."""
    filled(engine, SecretBox([new_key()]))
    box = SecretBox([new_key()])
    with writing(engine) as conn:
        installations.save_secret(conn, box, A, NOW, "client", "c")
    assert rotate(engine, box) == sealed.Rotated(0, 1, 0, 3)


def test_a_token_saved_meanwhile_stays(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker renews a token between our reading and writing of it: the renewed one is the one kept."""
    old, new = new_key(), new_key()
    both = SecretBox([new, old])
    with writing(engine) as conn:
        installations.save_secret(conn, SecretBox([old]), A, NOW, "token", "before")
    seal = SecretBox.rotate

    def slow(self: SecretBox, ciphertext: str) -> str:
        if not raced:
            raced.append(True)
            with writing(engine) as conn:
                installations.save_secret(conn, both, A, NOW, "token", "renewed")
        return seal(self, ciphertext)

    raced: list[bool] = []
    place = SecretBox.place

    def first(self: SecretBox, ciphertext: str) -> int | None:
        found = place(self, ciphertext)
        if found and not raced:
            slow(self, ciphertext)
        return found

    monkeypatch.setattr(SecretBox, "place", first)
    assert rotate(engine, both).changed_meanwhile == 1
    with reading(engine) as conn:
        assert installations.load_secret(conn, SecretBox([new]), A, "token") == "renewed"


def test_no_sealed_column_is_missed(engine: Engine) -> None:
    """Every column whose name says that it is sealed is among those that are sealed anew."""
    tables = MetaData()
    tables.reflect(engine)
    named = {
        f"{table.name}.{column.name}"
        for table in tables.tables.values()
        for column in table.columns
        if column.name in {"ciphertext", "sealed", "verifier"}
    }
    known: list[Column[str]] = [column for _, column in sealed.SEALED]
    assert {str(column) for column in known} == named


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"REDIS_URL": "redis://:pw@93.184.216.34:6379/0"}, 1),
        ({"REDIS_URL": "rediss://:pw@93.184.216.34:6379/0"}, 0),
        ({"REDIS_URL": "redis://10.0.0.3:6379/0"}, 0),
        ({"DATABASE_URL": "postgresql://u:p@93.184.216.34/db"}, 1),
        ({"DATABASE_URL": "postgresql://u:p@93.184.216.34/db?sslmode=verify-full"}, 0),
        ({"DATABASE_URL": "postgresql://u:p@127.0.0.1/db"}, 0),
    ],
)
def test_ways_over_the_internet_in_clear_are_told(given: dict[str, str], told: int) -> None:
    """Of Redis and PostgreSQL; inside a network TLS is the operator's choice. No password is told."""
    found = of_ways(read_settings(given))
    assert len(found) == told
    assert all("p@" not in one.matter + one.remedy for one in found)
