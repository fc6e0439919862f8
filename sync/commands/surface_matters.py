"""What the doctor says of the surface: keys that are old or missing, ways to our own servers without TLS.

Neighbours: ``diagnosis`` has what is the matter with a connection, ``showing`` is the command.
"""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

from sqlalchemy.engine import make_url

from integration.safe_address import LOOPBACK_HOSTS, is_public
from sync.commands.diagnosis import Diagnosis, Severity
from sync.config import Settings
from sync.runtime import Runtime
from sync.state.sealed import standing

DEPLOYMENT = "deployment"
"""Stands for an installation where a matter is everybody's."""

TLS_MODES = frozenset({"require", "verify-ca", "verify-full"})


def of_surface(runtime: Runtime) -> list[Diagnosis]:
    """Return what is the matter with the keys, and with the ways to Redis and PostgreSQL."""
    return [*of_keys(runtime), *of_ways(runtime.settings)]


def of_keys(runtime: Runtime) -> list[Diagnosis]:
    """Return whether secrets open with no key, wait to be sealed anew, or a key is there for nothing."""
    found, told = standing(runtime.engine, runtime.box), list[Diagnosis]()
    if found.unopened:
        words = f"{found.unopened} secrets open with none of CS_SECRET_KEYS"
        told.append(Diagnosis(DEPLOYMENT, words, "put the key that sealed them back at the end"))
    if found.older:
        words = f"{found.older} secrets are sealed with a key that is not the first"
        told.append(Diagnosis(DEPLOYMENT, words, "run `colonnade keys rotate`", Severity.NOTE))
    for place, count in enumerate(found.by_key[1:], start=2):
        if not count:
            words = f"key {place} of CS_SECRET_KEYS seals nothing any more"
            told.append(Diagnosis(DEPLOYMENT, words, "take it out", Severity.NOTE))
    return told


def of_ways(settings: Settings) -> list[Diagnosis]:
    """Return which of our own servers is reached over the Internet in clear."""
    told = []
    redis, database = urlsplit(settings.redis_url or ""), make_url(settings.database_url)
    if redis.scheme == "redis" and _is_outside(redis.hostname or ""):
        told.append(_in_clear("REDIS_URL", "give rediss:// there"))
    mode = database.query.get("sslmode") or parse_qs(urlsplit(settings.database_url).query).get("sslmode")
    modes = {mode} if isinstance(mode, str) else set(mode or ())
    if database.drivername != "sqlite" and not modes & TLS_MODES and _is_outside(database.host or ""):
        told.append(_in_clear("DATABASE_URL", "add sslmode=verify-full to it"))
    return told


def _in_clear(variable: str, remedy: str) -> Diagnosis:
    words = f"{variable} leads to a host on the Internet and does not ask for TLS"
    return Diagnosis(DEPLOYMENT, words, remedy)


def _is_outside(host: str) -> bool:
    """Return whether a host is an address of the Internet; one that has no address now is not."""
    if not host or host in LOOPBACK_HOSTS or host.startswith("/"):
        return False
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return is_public(host)
    with suppress(OSError):
        return any(is_public(str(one[4][0])) for one in socket.getaddrinfo(host, None))
    return False
