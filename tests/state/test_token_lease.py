"""Who renews tokens: one at a time, also when the one before was killed or comes back late."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from sqlalchemy import Engine

from sync.state import token_lease
from sync.state.engine import writing
from tests.state.moments import NOW, A

MINUTE = timedelta(minutes=1)


def test_of_many_at_once_one_gets_it(engine: Engine) -> None:
    """Twelve claims at the same instant: eleven are told no."""
    gate = Barrier(12)

    def claim(owner: int) -> bool:
        gate.wait()
        with writing(engine) as conn:
            return token_lease.claim(conn, A, str(owner), NOW, MINUTE)

    with ThreadPoolExecutor(12) as pool:
        assert sorted(pool.map(claim, range(12))) == [False] * 11 + [True]


def test_one_that_was_killed_holds_the_others_up_for_a_minute(engine: Engine) -> None:
    """Nobody gives its lease back; it runs out."""
    with writing(engine) as conn:
        assert token_lease.claim(conn, A, "killed", NOW, MINUTE)
        almost = NOW + MINUTE - timedelta(microseconds=1)
        assert not token_lease.is_free(conn, A, almost)
        assert not token_lease.claim(conn, A, "next", almost, MINUTE)
        assert token_lease.is_free(conn, A, NOW + MINUTE)
        assert token_lease.claim(conn, A, "next", NOW + MINUTE, MINUTE)


def test_one_that_comes_back_late_does_not_give_away_anothers(engine: Engine) -> None:
    """Its lease ran out and is the next one's; only that one gives it back."""
    with writing(engine) as conn:
        token_lease.claim(conn, A, "late", NOW, MINUTE)
        token_lease.claim(conn, A, "next", NOW + MINUTE, MINUTE)
        token_lease.release(conn, A, "late")
        assert not token_lease.is_free(conn, A, NOW + MINUTE)
        token_lease.release(conn, A, "next")
        assert token_lease.is_free(conn, A, NOW + MINUTE)
