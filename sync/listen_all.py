"""Listening to every org that tells of its changes: one thread each, and one process per org by a lease.

Neighbours: ``listen_one`` is what each thread runs; ``commands/processes`` turns this once in a while. What
is not listened to (HubSpot, orgs without change events, those beyond ``MOST``) is polled.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

from integration.salesforce.limits import PUBSUB_ADDRESS
from integration.salesforce.transport import LOOPBACK_HOSTS
from mappings.naming import SALESFORCE
from sync.holding import owner_name
from sync.listen import LISTEN, TASK, is_heard
from sync.listen_one import OneListener
from sync.runtime import Runtime
from sync.state import due, installations
from sync.state.due import DueTask
from sync.state.engine import reading, writing
from sync.state.installations import Installation, Status
from sync.state.leases import Lease

LEASE_S = 60
MOST = 200
"""Streams of one process, a thread each; more orgs need more processes."""

END_S = 10.0
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Running:
    """A listener at work, and the lease that makes it the only one."""

    listener: OneListener
    thread: threading.Thread
    task: DueTask


class Listeners:
    """All listeners of one process. Used by one thread."""

    def __init__(self, runtime: Runtime) -> None:
        """Start with none."""
        self._runtime = runtime
        self._running: dict[str, _Running] = {}
        self._owner = owner_name()

    def turn(self) -> int:
        """Begin where an org is new, end where it is gone or another process's; return how many stand."""
        wanted = self._wanted()
        for one in [name for name in self._running if name not in wanted or not self._holds(name)]:
            self._end([one])
        for name, address in wanted.items():
            if name not in self._running and len(self._running) < MOST:
                self._begin(name, address)
        return len(self._running)

    def stop(self) -> int:
        """End all, and let other processes have them; return how many there were."""
        ended = list(self._running)
        self._end(ended)
        return len(ended)

    def unheard(self) -> list[str]:
        """Return the active installations that have to be polled: nobody hears them."""
        now = self._runtime.clock.now()
        with reading(self._runtime.engine) as conn:
            every = [one.id for one in installations.every(conn, Status.ACTIVE)]
            return [one for one in every if not is_heard(conn, one, now)]

    def _wanted(self) -> dict[str, str]:
        with reading(self._runtime.engine) as conn:
            every = installations.every(conn, Status.ACTIVE)
        found = {one.id: address_of(self._runtime, one) for one in every if one.live}
        return {name: address for name, address in found.items() if address is not None}

    def _begin(self, name: str, address: str) -> None:
        task = self._claim(name)
        if task is None:
            return
        listener = OneListener(self._runtime, name, address)
        thread = threading.Thread(target=listener.run, name=f"listen {name}", daemon=True)
        self._running[name] = _Running(listener, thread, task)
        thread.start()

    def _claim(self, name: str) -> DueTask | None:
        """Take an installation's lease; ``None`` where another process holds it."""
        now = self._runtime.clock.now()
        with writing(self._runtime.engine) as conn:
            planned = due.schedule(conn, name).get(TASK)
            if planned is None or planned > now:  # in the future: the clock was set back
                due.plan(conn, name, TASK, now)
            lease = Lease(self._owner, now, LEASE_S, 1)
            return next(iter(due.claim(conn, lease, installation_id=name, kinds=(LISTEN,))), None)

    def _holds(self, name: str) -> bool:
        """Hold on to an installation; return whether its listener lives and is still ours alone."""
        running = self._running[name]
        lease = Lease(self._owner, self._runtime.clock.now(), LEASE_S, 1)
        with writing(self._runtime.engine) as conn:
            return due.extend(conn, lease, running.task) and running.thread.is_alive()

    def _end(self, names: list[str]) -> None:
        ending = [self._running.pop(one) for one in names]
        for one in ending:
            one.listener.stop()
        for one in ending:
            one.thread.join(END_S)
        with writing(self._runtime.engine) as conn:
            now = self._runtime.clock.now()
            for one in ending:
                due.finish(conn, now, one.task)


def address_of(runtime: Runtime, one: Installation) -> str | None:
    """Return where an installation's changes are told, ``None`` where nowhere.

    An org on this machine is a stand-in: Salesforce's own service does not know it.
    """
    if one.vendor != SALESFORCE:
        return None
    stand_in = urlsplit(one.base_url).hostname in LOOPBACK_HOSTS
    return runtime.settings.pubsub_url or (None if stand_in else PUBSUB_ADDRESS)
