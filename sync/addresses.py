"""The addresses at which one installation is reached: HubSpot's webhooks, outbound messages, usage.

Where the sender cannot sign, the address or key itself is the secret; it is sealed in the
database and shown once, when it is made. Neighbours: ``webhooks/`` checks them,
``commands/connecting`` makes and prints them.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from sync.runtime import Runtime
from sync.state import installations
from sync.state.engine import reading, writing
from sync.state.installations import Installation

HUBSPOT_PATH = "/webhooks/hubspot"
SALESFORCE_PATH = "/webhooks/salesforce"
USAGE_PATH = "/v1/batch"
WEBHOOK_SECRET = "webhook_path"  # noqa: S105 - the kind of a secret, not one
WRITE_KEY = "write_key"
SECRET_BYTES = 24


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where to point the senders. ``write_key`` is the user name of usage requests."""

    webhooks: str
    usage: str
    write_key: str


def make_addresses(runtime: Runtime, installation: Installation, web: str) -> Addresses:
    """Make new secrets for an installation and return its addresses under ``web``; old ones end."""
    key, path = secrets.token_urlsafe(SECRET_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    now = runtime.clock.now()
    with writing(runtime.engine) as conn:
        installations.save_secret(conn, runtime.box, installation.id, now, WRITE_KEY, key)
        if installation.vendor == "salesforce":
            installations.save_secret(conn, runtime.box, installation.id, now, WEBHOOK_SECRET, path)
    own = f"{SALESFORCE_PATH}/{installation.id}/{path}"
    hook = own if installation.vendor == "salesforce" else HUBSPOT_PATH
    return Addresses(f"{web}{hook}", f"{web}{USAGE_PATH}", f"{installation.id}.{key}")


def is_secret(runtime: Runtime, installation_id: str, kind: str, given: str) -> bool:
    """Say in constant time whether ``given`` is the installation's secret of that kind.

    Raises StateError when no key opens the sealed one.
    """
    with reading(runtime.engine) as conn:
        expected = installations.load_secret(conn, runtime.box, installation_id, kind)
    return expected is not None and hmac.compare_digest(expected.encode(), given.encode())
