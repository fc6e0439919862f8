"""Where we may be told to go: what a CRM's answer names as its address is checked before it is called.

An org's token answer says where the org is (``instance_url``), an admin where it signs in, an operator where
a stand-in stands. Without a check each could send us, with a token, to a machine of our own network. Two
checks: the name, before anything is sent, and the address it was connected to, since a name may lead
anywhere. Neighbours: ``http`` asks for every request; ``salesforce/oauth_consent`` is stricter still.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from integration.port import Misconfigured

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
HUBSPOT_HOSTS: Final = ("hubapi.com", "hubspot.com")
"""HubSpot's API and token endpoint (page "API overview")."""

SALESFORCE_HOSTS: Final = ("salesforce.com", "force.com", "salesforce.mil", "sfcrmproducts.cn")
"""Where orgs answer (Help, "My Domain URL Formats"): all, those of older names, Government Cloud, China."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The hosts a session may call: a vendor's own and the one it was connected at.

    ``base_url`` on this machine is a stand-in's: then this machine is all there is. Empty is the vendor's.
    """

    hosts: tuple[str, ...]
    base_url: str = ""

    @property
    def at_home(self) -> bool:
        """Return whether a stand-in on this machine is what is called."""
        return is_loopback(self.base_url)

    def check(self, url: str) -> None:
        """Raise Misconfigured for an address we must not call, or not without TLS; no look-up is made."""
        host = host_of(url)
        if self.at_home:
            if host not in LOOPBACK_HOSTS:
                raise Misconfigured(f"{_shown(url)} is not on this machine, where the CRM's stand-in is")
            return
        if urlsplit(url).scheme != "https":
            raise Misconfigured(f"{_shown(url)} must be https")
        own = host_of(self.base_url)
        if host != own and not any(host == one or host.endswith(f".{one}") for one in self.hosts):
            raise Misconfigured(f"{_shown(url)} is no address of the CRM: nothing is sent there")

    def check_peer(self, address: str) -> None:
        """Raise Misconfigured where a name led to an address that is nobody's on the Internet."""
        if not self.at_home and not is_public(address):
            raise Misconfigured(f"the CRM's name leads to {address}, which is inside a network: not called")


def host_of(url: str) -> str:
    """Return a URL's host in small letters, empty where it has none or is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_loopback(url: str) -> bool:
    """Return whether a URL's host is this machine, by the names and addresses it has everywhere."""
    return host_of(url) in LOOPBACK_HOSTS


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the Internet: not private, link-local, loopback or reserved."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_global and not found.is_multicast


def _shown(url: str) -> str:
    """Return a URL's scheme and host: what follows may hold a secret."""
    scheme = url.partition("://")[0] if "://" in url else ""
    return f"{scheme}://{host_of(url)}"
