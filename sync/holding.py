"""A job's hold on what it claims: prolonged as long as it works, given back when it is asked to leave.

A claim stands for a minute (``leases.HOLD_S``). A thread prolongs it while the job lives, so that a long
batch keeps its rows and a killed process's rows are free within that minute. A job that fails keeps its
rows until then, which is its pause; one that is broken off because its process ends gives them back at once,
and so does one whose transaction the database ended, for the next one may fare better.
Neighbours: ``jobs`` holds one per job, ``worker`` asks to leave, ``state/held.py`` writes.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from sync.runtime import Runtime
from sync.state import held
from sync.state.engine import writing
from sync.state.leases import HOLD_S

PROLONG_EVERY_S = HOLD_S / 4
"""Three times in a row may fail before anybody else can take the rows."""

log = logging.getLogger(__name__)
_LEAVING = threading.Event()


def stay() -> None:
    """Begin to work: nobody has asked this process to end yet."""
    _LEAVING.clear()


def leave() -> None:
    """Have the job at work end after its current batch."""
    _LEAVING.set()


def leaving() -> bool:
    """Return whether this process was asked to end."""
    return _LEAVING.is_set()


def owner_name() -> str:
    """Return a name nobody else has, to hold leases under.

    It begins with host and process, for people who look at the tables. Containers may share both, and what
    an earlier job of this process left must not be prolonged by its next one: so it ends by chance.
    """
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(6)}"


@contextmanager
def holding(runtime: Runtime, every_s: float = PROLONG_EVERY_S) -> Iterator[str]:
    """Yield the name under which to claim; what is claimed under it stands while the block runs."""
    owner, ended = owner_name(), threading.Event()
    thread = threading.Thread(
        target=_prolong, args=(runtime, owner, ended, every_s), name=f"hold {owner}", daemon=True
    )
    thread.start()
    try:
        yield owner
    except (SystemExit, KeyboardInterrupt, OperationalError):
        ended.set()
        thread.join()
        _give_back(runtime, owner)
        raise
    finally:
        ended.set()
        thread.join()


def _prolong(runtime: Runtime, owner: str, ended: threading.Event, every_s: float) -> None:
    while not ended.wait(every_s):
        try:
            until = runtime.clock.now() + timedelta(seconds=HOLD_S)
            with writing(runtime.engine) as conn:
                held.prolong(conn, owner, until)
        except SQLAlchemyError as error:
            log.warning("what %s holds cannot be prolonged now: %s", owner, type(error).__name__)


def _give_back(runtime: Runtime, owner: str) -> None:
    try:
        with writing(runtime.engine) as conn:
            given = held.give_back(conn, owner)
    except SQLAlchemyError as error:
        log.warning("what %s holds comes free by itself: %s", owner, type(error).__name__)
    else:
        log.warning("%s ends and gives back %d rows", owner, given)
