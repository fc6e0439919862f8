"""Which addresses the program may fetch from: none that only this machine's cloud should answer.

A link-local address (169.254.169.254 and its like) is where clouds hand a machine its own credentials.
A name is looked up here and again when it is connected to: a name whose owner moves it in between is not
held off by this. Neighbour: ``usage_pull`` asks before it opens a source.
"""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import parse_qs, urlsplit

METADATA: Final = ip_network("fd00:ec2::/32")
"""Where EC2 answers for itself by IPv6 (AWS page "Access instance metadata for an EC2 instance")."""
FURTHER_ADDRESSES: Final = ("endpoint_override",)
"""Parameters of an address that name another one: PyArrow's, of an S3 store that is not Amazon's."""


class UnsafeAddress(ValueError):
    """An address that is not fetched from; says which and how to allow it."""


def check_address(url: str) -> None:
    """Return for an address that may be fetched from. Raises UnsafeAddress for one that may not.

    An address without a host (a file), and a name nobody knows, are no danger; connecting fails by itself.
    """
    parts = urlsplit(url)
    hosts = [parts.hostname or ""]
    for name in FURTHER_ADDRESSES:
        named = parse_qs(parts.query).get(name, [])
        hosts += [urlsplit(text if "//" in text else f"//{text}").hostname or "" for text in named]
    for host in hosts:
        for found in _looked_up(host):
            if _is_unsafe(found):
                raise UnsafeAddress(
                    f"{host} is {found}, an address of this machine's own network that hands out credentials "
                    "in clouds; give --link-local where it is really meant"
                )


def _looked_up(host: str) -> set[str]:
    if not host:
        return set()
    try:
        return {str(one[4][0]).partition("%")[0] for one in socket.getaddrinfo(host, None)}
    except (socket.gaierror, UnicodeError):
        return set()


def _is_unsafe(text: str) -> bool:
    found = ip_address(text)
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_link_local or found.is_multicast or found.is_unspecified or found in METADATA
