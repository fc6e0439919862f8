"""The schedule: each task once, whoever runs, and late rather than never."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine

from sync.state import due
from sync.state.due import DueTask
from sync.state.engine import writing
from tests.state.moments import DAY, HOUR, MINUTE, NOW, A, lease


def _claim(engine: Engine, at=NOW, owner="s1") -> tuple[DueTask, ...]:
    with writing(engine) as conn:
        return due.claim(conn, lease(owner, at))


def test_two_schedulers_run_a_task_once(engine: Engine) -> None:
    """RQ's own cron has no lock; ours has a lease."""
    with writing(engine) as conn:
        due.plan(conn, A, "sweep", NOW, HOUR)
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda number: _claim(engine, owner=f"s{number}"), range(8)))
    assert sorted(len(one) for one in claims) == [0] * 7 + [1]


def test_a_task_is_not_run_before_its_time(engine: Engine) -> None:
    """Due is inclusive: at its instant, not a moment earlier."""
    with writing(engine) as conn:
        due.plan(conn, A, "sweep", NOW, HOUR)
        assert due.next_at(conn) == NOW
    assert _claim(engine, NOW - MINUTE / 60) == ()
    assert len(_claim(engine, NOW)) == 1


def test_missed_times_are_caught_up_once_and_the_rhythm_kept(engine: Engine) -> None:
    """Down from 9:00 to 12:30: one run, three more times missed, next at 13:00."""
    with writing(engine) as conn:
        due.plan(conn, A, "sweep", NOW, HOUR)
    (task,) = _claim(engine, NOW + 3.5 * HOUR)
    assert (task.due_at, task.missed) == (NOW, 3)
    with writing(engine) as conn:
        assert due.finish(conn, NOW + 3.5 * HOUR, task)
        assert due.schedule(conn, A) == {"sweep": NOW + 4 * HOUR}


def test_a_failed_task_is_retried_without_losing_its_rhythm(engine: Engine) -> None:
    """Retried at 9:05, the next regular time is 10:00."""
    with writing(engine) as conn:
        due.plan(conn, A, "sweep", NOW, HOUR)
    (task,) = _claim(engine)
    with writing(engine) as conn:
        assert due.fail(conn, NOW, task, "no network", NOW + 5 * MINUTE)
    assert _claim(engine, NOW + MINUTE) == ()
    (again,) = _claim(engine, NOW + 5 * MINUTE)
    assert again.due_at == NOW
    with writing(engine) as conn:
        due.finish(conn, NOW + 5 * MINUTE, again)
        assert due.schedule(conn, A) == {"sweep": NOW + HOUR}


def test_a_dead_schedulers_task_is_taken_over(engine: Engine) -> None:
    """The dead one's fence is refused afterwards."""
    with writing(engine) as conn:
        due.plan(conn, A, "sweep", NOW, HOUR)
    (lost,) = _claim(engine, NOW, "s1")
    (task,) = _claim(engine, NOW + MINUTE, "s2")
    assert task.fence > lost.fence
    with writing(engine) as conn:
        assert not due.finish(conn, NOW + MINUTE, lost)
        assert not due.fail(conn, NOW + MINUTE, lost, "x", NOW)
        assert due.finish(conn, NOW + MINUTE, task)


def test_a_task_for_once_is_gone_afterwards(engine: Engine) -> None:
    """No rhythm, no second run."""
    with writing(engine) as conn:
        due.plan(conn, A, "welcome", NOW)
    (task,) = _claim(engine, NOW + DAY)
    assert task.missed == 0
    with writing(engine) as conn:
        assert due.finish(conn, NOW + DAY, task)
        assert due.next_at(conn) is None


def test_planning_again_keeps_the_next_time(engine: Engine) -> None:
    """A restart does not run everything at once, unlike an RQ cron interval."""
    with writing(engine) as conn:
        due.plan(conn, A, "sweep", NOW, HOUR)
        due.plan(conn, A, "sweep", NOW - DAY, 2 * HOUR)
        assert due.schedule(conn, A) == {"sweep": NOW}
        assert due.cancel(conn, A, "sweep")
        assert not due.cancel(conn, A, "sweep")
