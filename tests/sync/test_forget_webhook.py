"""A contact is erased in HubSpot: the signed webhook, the web process, the look, and then the proof."""

from __future__ import annotations

import time
from collections.abc import Callable

from sync.allocators import look_on
from sync.forget_rows import named_rows
from sync.person import Person
from sync.person_text import Traces
from sync.prove import prove
from sync.state import dirty
from sync.state.dirty import Scope
from sync.state.engine import reading
from tests.sync.forgotten import EMAIL, contact_in_crm, found_by_hand, mirrored, used
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers
from tests.webhooks.test_real_delivery import gunicorn

WITHIN_S = 60


def quiet(_what: str, _count: int) -> None:
    """Show nothing."""


def test_a_privacy_deletion_is_followed_to_the_end(lite: Deployment, office: Callable[..., Office]) -> None:
    """The event is a mark that outlives the drain; the look forgets; a second delivery changes nothing."""
    there = office(lite, HUBSPOT, three_customers())
    contact = contact_in_crm(there)
    mirrored(there, contact)
    used(there, "acorn")
    there.drain()
    settings = lite.runtime.settings
    given = there.sandbox.get("credentials")
    assert settings.secret_keys is not None
    env = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url or "",
        "CS_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        "CS_HUBSPOT_CLIENT_SECRET": str(given["client_secret"]),
    }
    logs = settings.home.parent / "web"
    logs.mkdir()
    with gunicorn(logs, env) as url:
        told = [{"eventType": "contact.privacyDeletion"}]
        there.sandbox.post("webhooks", {"target_url": f"{url}/webhooks/hubspot", "subscriptions": told})
        there.sandbox.post("edit", {"object": "contacts", "id": contact, "privacy_delete": True})
        ends = time.monotonic() + WITHIN_S
        while not there.events_left():
            assert time.monotonic() < ends, "no webhook came"
            time.sleep(0.05)
    there.drain()
    with reading(there.engine) as conn:
        assert dirty.count(conn, there.id)[Scope.CONTACT] == 1
    while look_on(there.ws, "worker") is not None:
        pass
    assert found_by_hand(there) == []
    person = Person(email=frozenset({EMAIL}), name=frozenset({"Ann Berg"}), contact=frozenset({contact}))
    assert prove(there.ws, Traces(person, there.id), quiet).hits == ()
    there.tell("contact.privacyDeletion", contact, name="again, later")
    there.drain()
    while look_on(there.ws, "worker") is not None:
        pass
    assert named_rows(there.engine, Traces(person, there.id), quiet) == {}
