"""The long-running processes of the Procfile, and ``migrate``."""

from __future__ import annotations

import logging
import signal
import time
from types import FrameType

import click

from integration.budget import Lane as CallLane
from sync.bell import Lane, Work, ring
from sync.commands.output import answer, json_option
from sync.config import read_settings, shown_database
from sync.runtime import process_runtime
from sync.scheduler import run_scheduler
from sync.state.engine import migrate as migrate_schema
from sync.state.engine import open_engine
from sync.worker import run_worker
from sync.workspace import CONNECTIONS, active

LISTEN_EVERY_S = 60.0


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
def worker(lane: str, until_idle: bool) -> None:
    """Answer one queue: `fast` for webhooks, looks and writes, `bulk` for first loads.

    Example: colonnade worker fast
    """
    runtime = process_runtime()
    logging.basicConfig(level=runtime.settings.log_level)
    CONNECTIONS.lane = CallLane.WEBHOOK if lane == Lane.FAST else CallLane.BACKFILL
    run_worker(runtime.redis, Lane(lane), until_idle=until_idle)


@click.command()
def scheduler() -> None:
    """Run what is due, and ring for work nobody holds.

    Example: colonnade scheduler
    """
    runtime = process_runtime()
    logging.basicConfig(level=runtime.settings.log_level)
    run_scheduler(runtime, time.sleep, Stop())


@click.command()
def listen() -> None:
    """Poll every CRM once a minute, for changes no webhook tells of (custom objects, no webhooks at all).

    Example: colonnade listen
    """
    runtime = process_runtime()
    logging.basicConfig(level=runtime.settings.log_level)
    stop, next_turn = Stop(), time.monotonic()
    while not stop():
        if time.monotonic() >= next_turn:
            for installation_id in active(runtime):
                ring(runtime.redis, Lane.FAST, Work.POLL, installation_id)
            next_turn += LISTEN_EVERY_S
        time.sleep(0.5)
