"""Listening to one installation until told to stop: hear, keep, and when it ends, why and how long to wait.

While nothing is heard the installation is polled, which people are told once. Neighbours: ``listen`` keeps
what was heard, ``listen_all`` runs one of these per installation.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import tenacity
from sqlalchemy.exc import SQLAlchemyError

from integration.listening import Listening, ListeningPort, NotOffered, PlaceLost
from integration.port import CrmError, NeedsConsent, RateLimited, Unavailable
from sync.connect import client_mark
from sync.jobs import stop_until_consent
from sync.listen import keep_heard, lose_place, place_of, tell_deaf
from sync.runtime import Runtime
from sync.state.errors import StateError
from sync.workspace import open_workspace

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0
NOT_OFFERED_WAIT_S = 3_600.0
"""How often an org without change events is asked again: an admin may have deployed the channel."""

log = logging.getLogger(__name__)


class _Again(Exception):
    """Listening ended and is to be begun again, after ``wait_s`` where that is known."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class OneListener:
    """Listens to one installation. ``run`` belongs to one thread, ``stop`` to any."""

    def __init__(self, runtime: Runtime, installation_id: str, address: str) -> None:
        """Listen to an installation's CRM at ``address``; nothing is called yet."""
        self._runtime, self._id, self._address = runtime, installation_id, address
        self._stopped = threading.Event()
        self._stream: Listening | None = None
        self._opened_with: str | None = None

    def stop(self) -> None:
        """Have ``run`` return soon; a stream that stands is ended."""
        self._stopped.set()
        if self._stream is not None:
            self._stream.close()

    def run(self) -> None:
        """Listen until stopped, or until the installation needs its admin's consent."""
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Again),
            wait=_wait,
            stop=tenacity.stop_when_event_set(self._stopped),
            sleep=tenacity.sleep_using_event(self._stopped),
            reraise=True,
        )
        while not self._stopped.is_set():
            try:
                again.copy()(self._once)
            except _Again:
                return
            except NeedsConsent as error:
                stop_until_consent(self._runtime, self._id, error, self._opened_with)
                return
            self._stopped.wait(FIRST_WAIT_S)

    def _once(self) -> None:
        """Listen until the stream ends. Returns where something had been heard: what follows is a new try."""
        heard = 0
        try:
            for count in self._hear():
                heard = count  # how far it came matters only where it ends badly
        except PlaceLost as error:
            log.warning("%s is polled whole, its place is lost: %s", self._id, error)
            lose_place(open_workspace(self._runtime, self._id))
        except (NotOffered, RateLimited) as error:
            wait_s = error.retry_after_s if isinstance(error, RateLimited) else NOT_OFFERED_WAIT_S
            raise self._deaf(error, wait_s) from error
        except NeedsConsent:
            raise
        except (CrmError, SQLAlchemyError, StateError) as error:
            if heard and isinstance(error, Unavailable):
                log.warning("%s is listened to again: %s", self._id, error)
                return
            raise self._deaf(error, None) from error

    def _hear(self) -> Iterator[int]:
        """Keep what comes, in the order it comes; yield how many words that was."""
        self._opened_with = client_mark(self._runtime, self._id)
        ws = open_workspace(self._runtime, self._id)
        port = ws.port
        if not isinstance(port, ListeningPort):
            raise NotOffered(f"{ws.vendor} has no stream of changes")
        self._stream = stream = port.open_listening(self._address)
        if self._stopped.is_set():
            stream.close()  # ``stop`` came before there was one
        place, words = place_of(ws), 0
        log.info("%s is listened to", self._id)
        try:
            for heard in stream.listen(place):
                now = open_workspace(self._runtime, self._id)  # charters change while a stream stands
                keep_heard(now, heard, resumed=place is not None)
                place, words = heard.place, words + 1
                log.log(logging.INFO if words == 1 else logging.DEBUG, "%s is heard", self._id)
                yield words
        finally:
            stream.close()

    def _deaf(self, error: Exception, wait_s: float | None) -> _Again:
        """Tell people once that changes are polled for; return what has it tried again."""
        reason = " ".join(str(error).split())
        try:
            if tell_deaf(open_workspace(self._runtime, self._id), reason):
                log.warning("%s is polled, its changes cannot be heard: %s", self._id, reason)
        except (SQLAlchemyError, StateError) as away:
            log.warning("%s: that it cannot be heard is not kept: %s", self._id, away)
        return _Again(reason, wait_s)


def _wait(state: tenacity.RetryCallState) -> float:
    """Return the seconds to wait: what the CRM's refusal asks for, else longer with each failure."""
    error = state.outcome.exception() if state.outcome is not None else None
    if isinstance(error, _Again) and error.wait_s is not None:
        return error.wait_s
    return tenacity.wait_random_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S)(state)
