"""Whether a browser or program on this machine asks, for pages that have no sign-in of their own."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request

LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
OWN_NAMES = ("127.0.0.1", "localhost", "::1")
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")


def from_here() -> bool:
    """Say whether this machine asked, and asked for this machine.

    A proxy or tunnel beside us also calls from the loopback address, but says for whom; a
    page of another site that had its name point here says its own name.
    """
    forwarded = any(name in request.headers for name in FORWARDED)
    name = urlsplit(f"//{request.host}").hostname
    return request.remote_addr in LOOPBACK and not forwarded and name in OWN_NAMES
