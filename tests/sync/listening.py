"""An org listened to inside a test: the sandbox's Pub/Sub API, the channel of our package, one listener.

The listener runs in the test's own thread, word by word: ``hear`` returns once the next one is kept. A stream
of the sandbox begins with a keep-alive here, so that what follows it is certain to be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sync.catch_up import catch_up
from sync.listen import PLACE
from sync.listen_one import OneListener
from sync.state import cursors, due, inbox, installations, mirror
from sync.state.engine import reading, writing
from sync.state.inbox import InboxState
from tests.sandbox.salesforce_pubsub import channel
from tests.sandbox.salesforce_session import Api
from tests.sync.harness import SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
CHANNEL = "CS_Changes__chn"


@dataclass
class Ear:
    """An office whose changes are told."""

    office: Office
    address: str

    def control(self, **body: object) -> None:
        """Call the control endpoint of change events."""
        self.office.sandbox.post("change_events", body)

    def listener(self) -> OneListener:
        """Return a new listener, as a process that has just begun has it."""
        return OneListener(self.office.deployment.runtime, self.office.id, self.address)

    @contextmanager
    def open(self) -> Iterator[Iterator[int]]:
        """Begin to listen and hear the first word; the block asks for further ones."""
        words = self.listener()._hear()
        try:
            next(words)
            yield words
        finally:
            words.close()

    def caught_up(self) -> int:
        """Do the polls that are due; return how many."""
        return catch_up(self.office.ws, self.office.owner) or 0

    def due(self) -> list[str]:
        """Return the polls that are due now."""
        with reading(self.office.engine) as conn:
            times = due.schedule(conn, self.office.id)
        return [task for task, at in times.items() if at <= self.office.deployment.now]

    def place(self) -> str | None:
        """Return where the next listener goes on."""
        with reading(self.office.engine) as conn:
            held = cursors.get(conn, self.office.id, PLACE)
        return None if held is None else held.position

    def hints(self) -> int:
        """Return how many hints were ever kept."""
        with reading(self.office.engine) as conn:
            return sum(inbox.counts(conn, self.office.id).get(state, 0) for state in InboxState)

    def value(self, object_name: str, ref: str, field: str) -> str | None:
        """Return what the mirror holds in a field of the record a portfolio key became."""
        record_id = self.office.sandbox.lookup(ref)
        with reading(self.office.engine) as conn:
            held = mirror.find(conn, self.office.id, object_name, [record_id])[record_id]
        return None if held.deleted else held.values[field]


def ear(deployed: Deployment, office: OPEN, *, deaf: bool = False, bare: bool = False) -> Ear:
    """Return an org that is live and caught up with.

    ``bare``: it is said to be live, nothing is installed or read, which is all that hearing needs.
    ``deaf``: its channel is not deployed yet.
    """
    there = office(deployed, SALESFORCE, three_customers(), "--pubsub-port", "0")
    if bare:
        with writing(there.engine) as conn:
            installations.change_settings(conn, there.id, {"live": True})
    else:
        there.install().load()
        there.go_live().settle()
    found = Ear(there, str(there.sandbox.get("change_events")["pubsub"]))
    found.control(greet=True)
    if not deaf:
        deploy_channel(found)
    return found


def deploy_channel(found: Ear) -> Api:
    """Deploy the channel of our package with the objects in it; return a session of an admin."""
    api = Api(found.office.sandbox.url)
    done = api.deploy(channel("Account", "Opportunity", "Case", name=CHANNEL))
    assert done["success"], done
    return api
