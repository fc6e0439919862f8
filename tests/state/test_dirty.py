"""The dirty set: one look per account whatever the noise, and nothing lost."""

from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from sqlalchemy import Engine

from sync.state import dirty
from sync.state.dirty import Claim, Finished, Scope
from sync.state.engine import writing
from sync.state.leases import Waiting
from sync.state.schema import EPOCH
from tests.state.moments import HOUR, MINUTE, NOW, A, B, lease


def _mark(engine: Engine, *ids: str, at=NOW, reason="webhook") -> None:
    with writing(engine) as conn:
        dirty.mark(conn, A, at, Scope.ACCOUNT, ids, reason=reason)


def _claim(engine: Engine, owner="w1", at=NOW, limit=100) -> tuple[Claim, ...]:
    with writing(engine) as conn:
        return dirty.claim(conn, A, Scope.ACCOUNT, lease(owner, at, limit))


def _finish(engine: Engine, claims: tuple[Claim, ...]) -> Finished:
    with writing(engine) as conn:
        return dirty.finish(conn, A, claims)


def test_many_events_on_one_account_are_one_look(engine: Engine) -> None:
    """Marking is a set: three marks, one row, both reasons once."""
    _mark(engine, "7", reason="webhook")
    _mark(engine, "7", at=NOW + MINUTE, reason="usage")
    _mark(engine, "7", at=NOW + MINUTE, reason="webhook")
    (claim,) = _claim(engine, at=NOW + HOUR)
    assert (claim.id, claim.generation, claim.first_at) == ("7", 3, NOW)
    assert claim.reasons == ("webhook", "usage")


def test_the_oldest_are_claimed_first(engine: Engine) -> None:
    """Nobody waits for ever behind newer work."""
    _mark(engine, "new", at=NOW + MINUTE)
    _mark(engine, "old", at=NOW)
    assert [one.id for one in _claim(engine, at=NOW + HOUR, limit=1)] == ["old"]


def test_a_finished_look_leaves_the_set(engine: Engine) -> None:
    """After the look nothing is dirty."""
    _mark(engine, "7", "8")
    assert _finish(engine, _claim(engine)) == Finished(2, 0, 0)
    with writing(engine) as conn:
        assert dirty.count(conn, A) == {}
        assert dirty.next_due(conn, A) is None


def test_a_mark_during_the_look_keeps_the_row_dirty(engine: Engine) -> None:
    """What arrives while we look is looked at again, at once."""
    _mark(engine, "7", "8")
    claims = _claim(engine)
    _mark(engine, "7", at=NOW + MINUTE)
    assert _finish(engine, claims) == Finished(1, 1, 0)
    (again,) = _claim(engine, at=NOW + MINUTE)
    assert (again.id, again.attempts) == ("7", 1)


def test_claims_of_concurrent_workers_never_overlap(engine: Engine) -> None:
    """Eight workers empty the set together and no account is looked at twice."""
    _mark(engine, *(str(number) for number in range(200)))

    def drain(worker: int) -> list[str]:
        mine: list[str] = []
        while claims := _claim(engine, owner=f"w{worker}", limit=7):
            mine += [one.id for one in claims]
        return mine

    with ThreadPoolExecutor(8) as pool:
        taken = list(chain.from_iterable(pool.map(drain, range(8))))
    assert sorted(taken) == sorted(str(number) for number in range(200))


def test_an_expired_lease_is_reclaimed_and_the_old_fence_refused(engine: Engine) -> None:
    """An orphan that outlived its lease can neither finish nor fail the row."""
    _mark(engine, "7")
    (orphan,) = _claim(engine, "w1")
    assert _claim(engine, "w2", at=NOW + MINUTE / 2) == ()
    (later,) = _claim(engine, "w2", at=NOW + MINUTE)
    assert later.fence > orphan.fence
    assert later.attempts == 2
    assert _finish(engine, (orphan,)) == Finished(0, 0, 1)
    with writing(engine) as conn:
        assert not dirty.fail(conn, A, orphan, "late", NOW + HOUR)
        assert dirty.extend(conn, A, [orphan], lease("w1", NOW + MINUTE)) == 0
        assert dirty.extend(conn, A, [later], lease("w2", NOW + MINUTE)) == 1
    assert _finish(engine, (later,)) == Finished(1, 0, 0)


def test_a_fence_is_not_reused_after_the_row_was_finished(engine: Engine) -> None:
    """An orphan of a finished row cannot pass for the holder of the row marked anew."""
    _mark(engine, "7")
    (orphan,) = _claim(engine, "w1")
    (second,) = _claim(engine, "w2", at=NOW + HOUR)
    _finish(engine, (second,))
    _mark(engine, "7", at=NOW + HOUR)
    (third,) = _claim(engine, "w3", at=NOW + HOUR)
    assert orphan.fence < second.fence < third.fence
    assert _finish(engine, (orphan,)) == Finished(0, 0, 1)


def test_a_failed_look_waits_for_its_time(engine: Engine) -> None:
    """Back-off holds also when the account is marked again meanwhile."""
    _mark(engine, "7")
    (claim,) = _claim(engine)
    with writing(engine) as conn:
        assert dirty.fail(conn, A, claim, "no charter", NOW + HOUR)
        assert dirty.next_due(conn, A) == NOW + HOUR
    _mark(engine, "7", at=NOW + MINUTE)
    assert _claim(engine, at=NOW + HOUR - MINUTE) == ()
    with writing(engine) as conn:  # rung for at once: nobody else would
        assert dirty.unheld(conn, NOW + HOUR) == (Waiting(A, "account", 1, EPOCH),)
    assert _claim(engine, at=NOW + HOUR)[0].attempts == 2


def test_the_sweeper_sees_what_nobody_holds_in_every_installation(engine: Engine) -> None:
    """Held and waiting rows are not rung for; they are once the lease has ended."""
    _mark(engine, "7")
    with writing(engine) as conn:
        dirty.mark(conn, B, NOW + MINUTE, Scope.OWNER, ["o"], reason="x")
    _claim(engine)
    with writing(engine) as conn:
        assert dirty.unheld(conn, NOW) == (Waiting(B, "owner", 1, NOW + MINUTE),)
        assert dirty.next_due(conn, A) == NOW + MINUTE
        both = (Waiting(A, "account", 1, NOW), Waiting(B, "owner", 1, NOW + MINUTE))
        assert dirty.unheld(conn, NOW + MINUTE) == both


def test_reasons_do_not_grow_without_end(engine: Engine) -> None:
    """A row marked a thousand times for a thousand reasons stays small."""
    for number in range(200):
        _mark(engine, "7", reason=f"reason number {number}")
    assert len("|".join(_claim(engine)[0].reasons)) < 600
