"""Charters, installations, secrets, identities, cursors, findings, folds and the clock."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from sync.clock import WallClock, clock_of, follow_wall, move_clock
from sync.state import charters, cursors, findings, fold, identity, installations
from sync.state.charters import Action, Decision
from sync.state.cursors import Cursor, Phase
from sync.state.engine import writing
from sync.state.errors import StateError
from sync.state.installations import Installation, Status
from sync.state.sealed import rotate
from sync.state.secrets import SecretBox, new_key
from tests.state.moments import DAY, HOUR, NOW, A, B

PORTAL = Installation("hubspot", "1", "Acme", "https://api.hubapi.com", "Europe/Berlin", NOW, NOW)


def test_the_charter_in_force_is_found_for_any_moment(engine: Engine) -> None:
    """From its instant on, and none before the first."""
    with writing(engine) as conn:
        charters.apply(conn, A, "one", 1, Decision("jane", NOW))
        charters.apply(conn, A, "two", 1, Decision("joe", NOW + DAY, "new bands"))
        assert charters.current(conn, A, NOW - HOUR) is None
        assert charters.current(conn, A, NOW).body == "one"
        assert charters.current(conn, A, NOW + DAY - HOUR).body == "one"
        assert charters.current(conn, A, NOW + DAY).body == "two"
        assert [one.author for one in charters.history(conn, A)] == ["jane", "joe"]


def test_applying_what_is_in_force_adds_nothing(engine: Engine) -> None:
    """A deploy that changes no charter leaves no trace in its history."""
    with writing(engine) as conn:
        first = charters.apply(conn, A, "one", 1, Decision("jane", NOW))
        assert charters.apply(conn, A, "one", 1, Decision("joe", NOW + DAY)) == first
        assert len(charters.history(conn, A)) == 1


def test_rolling_back_twice_goes_two_charters_back(engine: Engine) -> None:
    """Never to and fro between the last two."""
    with writing(engine) as conn:
        for number, body in enumerate(("one", "two", "three")):
            charters.apply(conn, A, body, 1, Decision("jane", NOW + number * HOUR))
        back = charters.rollback(conn, A, Decision("joe", NOW + DAY))
        assert back.action is Action.ROLLBACK
        assert charters.current(conn, A, NOW + DAY).body == "two"
        charters.rollback(conn, A, Decision("joe", NOW + DAY))
        assert charters.current(conn, A, NOW + DAY).body == "one"
        with pytest.raises(StateError, match="no earlier charter"):
            charters.rollback(conn, A, Decision("joe", NOW + DAY))


def test_the_charters_past_is_not_rewritten(engine: Engine) -> None:
    """A replay must find what was really in force."""
    with writing(engine) as conn:
        charters.apply(conn, A, "one", 1, Decision("jane", NOW))
        with pytest.raises(StateError, match="in force from"):
            charters.apply(conn, A, "two", 1, Decision("jane", NOW - HOUR))
        assert charters.body_of(conn, A, charters.hash_of("one")) == "one"
        assert charters.body_of(conn, A, charters.hash_of("two")) is None


def test_connecting_the_same_portal_again_is_the_same_installation(engine: Engine) -> None:
    """Name and status are new; the grid its stored days depend on stays."""
    with writing(engine) as conn:
        installations.connect(conn, PORTAL)
        installations.set_status(conn, A, Status.NEEDS_CONSENT)
        again = Installation("hubspot", "1", "Acme GmbH", "https://eu", "UTC", NOW + DAY, NOW + DAY)
        held = installations.connect(conn, again)
        assert (held.name, held.status) == ("Acme GmbH", Status.ACTIVE)
        assert (held.time_zone, held.epoch, held.created_at) == ("Europe/Berlin", NOW, NOW)
        assert installations.every(conn) == [held]


def test_status_and_settings_of_an_installation(engine: Engine) -> None:
    """A change is told from none; settings merge and None removes."""
    with writing(engine) as conn:
        installations.connect(conn, PORTAL)
        assert installations.set_status(conn, A, Status.PAUSED)
        assert not installations.set_status(conn, A, Status.PAUSED)
        assert installations.every(conn, Status.ACTIVE) == []
        installations.change_settings(conn, A, {"lane": "bulk", "page": 100})
        assert installations.change_settings(conn, A, {"lane": None}) == {"page": 100}
        assert installations.get(conn, A).settings == {"page": 100}
        installations.set_epoch(conn, A, NOW + DAY)
        assert installations.get(conn, A).epoch == NOW + DAY
        with pytest.raises(StateError, match="no installation hubspot-9"):
            installations.get(conn, "hubspot-9")


def test_a_secret_is_never_stored_in_clear(engine: Engine) -> None:
    """What is in the table is not the token."""
    box = SecretBox([new_key()])
    with writing(engine) as conn:
        installations.save_secret(conn, box, A, NOW, "token", secret="pat-na1-old")
        installations.save_secret(conn, box, A, NOW, "token", secret="pat-na1-123")
        (cipher,) = conn.execute(select(installations.credential.c.ciphertext)).scalars()
        assert "pat-na1" not in cipher
        assert installations.load_secret(conn, box, A, "token") == "pat-na1-123"
        assert installations.drop_secrets(conn, A) == 1
        assert installations.load_secret(conn, box, A, "token") is None


def test_keys_can_be_changed_without_connecting_again(engine: Engine) -> None:
    """New key in front, rotate, drop the old one: the token still opens, the old key opens nothing."""
    old, new = new_key(), new_key()
    with writing(engine) as conn:
        installations.save_secret(conn, SecretBox([old]), A, NOW, "token", secret="t")
    assert rotate(engine, SecretBox.from_text(f"{new}, {old}")).sealed == 1
    with writing(engine) as conn:
        assert installations.load_secret(conn, SecretBox([new]), A, "token") == "t"
        with pytest.raises(StateError, match="none of CS_SECRET_KEYS"):
            installations.load_secret(conn, SecretBox([old]), A, "token")


def test_a_ciphertext_opens_only_for_whom_it_was_sealed() -> None:
    """Copied into another installation's row it is refused."""
    box = SecretBox([new_key()])
    sealed = box.seal(A, "token", "t")
    assert box.open(A, "token", sealed) == "t"
    for owner, kind in ((B, "token"), (A, "client")):
        with pytest.raises(StateError, match="something else"):
            box.open(owner, kind, sealed)


def test_bad_keys_are_named_by_place_and_never_shown() -> None:
    """The message helps without giving the key away."""
    with pytest.raises(StateError, match="key 2") as caught:
        SecretBox([new_key(), "hunter2"])
    assert "hunter2" not in str(caught.value)
    with pytest.raises(StateError, match="no secret key"):
        SecretBox.from_text(" , ")
    key = new_key()
    assert key not in repr(SecretBox([key]))


def test_the_first_to_mint_wins_for_ever(engine: Engine) -> None:
    """Later proposals for the same source are not taken."""
    with writing(engine) as conn:
        assert identity.mint_many(conn, A, "group", {"l1": "g1"}) == {"l1": "g1"}
        assert identity.mint_many(conn, A, "group", {"l1": "g9", "l2": "g2"}) == {"l1": "g1", "l2": "g2"}
        assert identity.resolve(conn, A, "group", ["l1", "l3"]) == {"l1": "g1"}


def test_a_merge_carries_earlier_merges_along(engine: Engine) -> None:
    """C into b, then b into a: all three answer with a's id."""
    with writing(engine) as conn:
        identity.mint_many(conn, A, "account", {"a": "1", "b": "2", "c": "3"})
        assert identity.alias(conn, A, "account", "c", "b") == "2"
        assert identity.alias(conn, A, "account", "b", "a") == "1"
        assert identity.alias(conn, A, "account", "new", "a") == "1"
        assert identity.sources_of(conn, A, "account", "1") == ["a", "b", "c", "new"]
        with pytest.raises(StateError, match="no identity"):
            identity.alias(conn, A, "account", "a", "nobody")


def test_a_cursor_is_kept_whole(engine: Engine) -> None:
    """Within a pass it has a position, between passes a high water mark."""
    with writing(engine) as conn:
        assert cursors.get(conn, A, "deals") is None
        cursors.put(conn, A, NOW, Cursor("deals", Phase.INITIAL, "after=100"))
        cursors.put(conn, A, NOW + HOUR, Cursor("deals", Phase.INCREMENTAL, None, NOW))
        place = Cursor("deals", Phase.INCREMENTAL, None, NOW, NOW + HOUR)
        assert cursors.get(conn, A, "deals") == place
        cursors.forget(conn, A, "deals")
        assert cursors.every(conn, A) == []


def test_a_finding_found_again_counts_and_opens_again(engine: Engine) -> None:
    """It keeps its first time and carries the newest words."""
    with writing(engine) as conn:
        findings.report(conn, A, NOW, "contradiction", {"acme": "flag says churned"})
        findings.report(conn, A, NOW + HOUR, "contradiction", {"acme": "contract says active"})
        (found,) = findings.open_findings(conn, A, "contradiction")
        assert (found.times, found.first_at, found.last_at) == (2, NOW, NOW + HOUR)
        assert found.message == "contract says active"
        assert findings.resolve(conn, A, NOW + DAY, "contradiction", ["acme", "other"]) == 1
        assert findings.open_findings(conn, A) == []
        findings.report(conn, A, NOW + 2 * DAY, "contradiction", {"acme": "again"})
        assert [one.resolved_at for one in findings.open_findings(conn, A)] == [None]


def test_the_newest_fold_on_or_before_a_day_is_found(engine: Engine) -> None:
    """States after the day asked about are not looked at; dropping from a day keeps the earlier."""
    days = [date(2026, 3, day) for day in (1, 2, 3)]
    with writing(engine) as conn:
        fold.put(conn, A, [fold.StoredFold("1", day, f"s{day.day}", "h") for day in days])
        fold.put(conn, A, [fold.StoredFold("1", days[1], "other", "h2")])
        assert fold.newest(conn, A, ["1", "2"], days[1])["1"].state == "other"
        assert fold.newest(conn, A, ["1"], date(2026, 2, 28)) == {}
        assert fold.drop(conn, A, ["1"], since=days[1]) == 2
        assert fold.newest(conn, A, ["1"], days[2])["1"].grid_day == days[0]


def test_pruning_folds_keeps_each_account_s_newest(engine: Engine) -> None:
    """Old states go, but an account not looked at for long keeps the one it goes on from."""
    old, older, new = date(2026, 3, 2), date(2026, 3, 1), date(2026, 3, 9)
    with writing(engine) as conn:
        fold.put(conn, A, [fold.StoredFold("1", day, "s", "h") for day in (older, old, new)])
        fold.put(conn, A, [fold.StoredFold("2", day, "s", "h") for day in (older, old)])
        assert fold.prune(conn, A, date(2026, 3, 5)) == 3
        assert {key: one.grid_day for key, one in fold.newest(conn, A, ["1", "2"], new).items()} == {
            "1": new,
            "2": old,
        }


@dataclass
class HandClock:
    """A wall clock moved by hand."""

    at: datetime

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self.at


def test_a_simulated_clock_ticks_or_stands_for_all_processes(engine: Engine, database_url: str) -> None:
    """Set at the wall's 9:00 to 2024, at the wall's 10:00 it shows an hour later, if running."""
    wall = HandClock(NOW)
    past = NOW - timedelta(days=700)
    clock = clock_of(engine, wall)
    assert clock.now() == NOW
    move_clock(engine, past, running=True, wall=wall)
    wall.at = NOW + HOUR
    assert clock.now() == past + HOUR
    move_clock(engine, past, running=False, wall=wall)
    wall.at = NOW + DAY
    assert clock.now() == past
    follow_wall(engine)
    assert clock.now() == NOW + DAY


def test_the_wall_clock_speaks_utc() -> None:
    """Instants are aware and never go back."""
    first, second = WallClock().now(), WallClock().now()
    assert first.utcoffset() == timedelta(0)
    assert first <= second
