"""The long-running processes of the Procfile, and ``migrate``."""

from __future__ import annotations

import logging
import logging.config
import signal
import time
from collections.abc import Callable
from types import FrameType

import click
from sqlalchemy.exc import SQLAlchemyError

from integration.budget import Lane as CallLane
from sync.bell import Lane, Work, ring
from sync.commands.output import answer, json_option
from sync.config import read_settings, shown_database
from sync.listen_all import Listeners
from sync.logs import log_config
from sync.runtime import Runtime, process_runtime
from sync.scheduler import run_scheduler
from sync.state.engine import migrate as migrate_schema
from sync.state.engine import open_engine
from sync.worker import run_worker
from sync.workspace import CONNECTIONS

POLL_EVERY_S = 60.0
TURN_S = 5.0
log = logging.getLogger(__name__)


class Stop:
    """Turns true on SIGTERM or SIGINT."""

    def __init__(self) -> None:
        """Listen for both signals."""
        self._stopped = False
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)

    def __call__(self) -> bool:
        """Return whether the process should end."""
        return self._stopped

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopped = True


@click.command()
@json_option
def migrate(as_json: bool) -> None:
    """Bring the database to the newest schema; safe to run twice.

    Example: colonnade migrate
    """
    settings = read_settings()
    migrate_schema(open_engine(settings.database_url))
    where = shown_database(settings)
    answer(
        {"database": where}, as_json, lambda out: out.print(f"{where} is at the newest schema.", markup=False)
    )


@click.command()
@click.argument("lane", type=click.Choice([lane.value for lane in Lane]))
@click.option("--until-idle", is_flag=True, help="Stop once the queue is empty.")
@json_option
def worker(lane: str, until_idle: bool, as_json: bool) -> None:
    """Answer one queue: `fast` for webhooks, looks and writes, `bulk` for first loads.

    Example: colonnade worker fast
    """
    runtime = _opened(f"worker-{lane}")
    CONNECTIONS.lane = CallLane.WEBHOOK if lane == Lane.FAST else CallLane.BACKFILL
    worked = run_worker(runtime.redis, Lane(lane), until_idle=until_idle)
    said = "worked, and stopped" if worked else "found nothing to do, and stopped"
    answer({"lane": lane, "worked": worked}, as_json, lambda out: out.print(f"The {lane} worker {said}."))


@click.command()
@json_option
def scheduler(as_json: bool) -> None:
    """Run what is due, and ring for work nobody holds.

    Example: colonnade scheduler
    """
    runtime = _opened("scheduler")
    turns = run_scheduler(runtime, time.sleep, Stop())
    answer({"turns": turns}, as_json, lambda out: out.print(f"The scheduler stopped after {turns} turns."))


@click.command()
@json_option
def listen(as_json: bool) -> None:
    """Hear the changes of every Salesforce org that tells of them, and poll every other CRM once a minute.

    Example: colonnade listen
    """
    runtime = _opened("listen")
    stop, listeners = Stop(), Listeners(runtime)
    next_turn, next_polls, rung, heard = time.monotonic(), time.monotonic(), 0, 0
    while not stop():
        if time.monotonic() >= next_turn:
            heard = _patiently(listeners.turn, heard)
            next_turn += TURN_S
        if time.monotonic() >= next_polls:
            rung += _patiently(lambda: _ask_for_polls(runtime, listeners), 0)
            next_polls += POLL_EVERY_S
        time.sleep(0.5)
    _patiently(listeners.stop, 0)
    data = {"polls": rung, "heard": heard}
    said = f"Stopped after asking for {rung} polls; {heard} orgs were listened to."
    answer(data, as_json, lambda out: out.print(said))


def _opened(process: str) -> Runtime:
    """Return the process's runtime, its logs switched on."""
    runtime = process_runtime()
    logging.config.dictConfig(log_config(process, runtime.settings.log_level))
    return runtime


def _ask_for_polls(runtime: Runtime, listeners: Listeners) -> int:
    """Ring for a poll of every installation that nobody hears."""
    return sum(ring(runtime.redis, Lane.FAST, Work.POLL, one) for one in listeners.unheard())


def _patiently(do: Callable[[], int], otherwise: int) -> int:
    """Return what ``do`` returns; a database that is away is waited for."""
    try:
        return do()
    except SQLAlchemyError as error:
        log.warning("the database is away, it is waited for: %s", error)
        return otherwise
