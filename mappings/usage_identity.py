"""How usage finds its account: the charter's `usage`, and what an e-mail domain says of a company.

Domains are compared as what somebody registered (``mail.acme.co.uk`` is ``acme.co.uk``), by the Public
Suffix List as the installed ``publicsuffixlist`` brings it: nothing is fetched. Neighbour:
``sync/usage_identity.py`` looks up who claims a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import cache

from publicsuffixlist import PublicSuffixList
from pydantic import Field, field_validator

from mappings.scalars import Finding, Model, refuse

EMAIL_DOMAIN = "email_domain"
"""The account attribute that holds a company's domains, or the addresses of its web sites."""

FREE_MAIL = (
    "126.com",
    "163.com",
    "aol.*",
    "fastmail.*",
    "free.fr",
    "freenet.de",
    "gmail.com",
    "gmx.*",
    "googlemail.com",
    "hotmail.*",
    "icloud.com",
    "laposte.net",
    "libero.it",
    "live.*",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "naver.com",
    "orange.fr",
    "outlook.*",
    "pm.me",
    "proton.me",
    "protonmail.*",
    "qq.com",
    "rediffmail.com",
    "t-online.de",
    "web.de",
    "yahoo.*",
    "yandex.*",
    "ymail.com",
    "zoho.com",
)
"""Large providers of personal addresses; HubSpot's page "Domains blocked from form submissions" has more.

``name.*`` is the name under every public suffix. A charter may write a list of its own.
"""
_DOMAIN = re.compile(r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}$")
_LISTED = re.compile(r"^[a-z0-9-]+(\.[a-z0-9-]+)*\.(\*|[a-z0-9-]{2,63})$")


class Means(StrEnum):
    """By which name usage finds its account."""

    ACCOUNT = "account"
    SUBSCRIPTION = "subscription"
    EMAIL_DOMAIN = "email_domain"


class UsageEntry(Model):
    """How usage finds its account; without it, by the account's name alone."""

    identity: tuple[Means, ...] = Field(
        default=(Means.ACCOUNT, Means.SUBSCRIPTION, Means.EMAIL_DOMAIN),
        description="What is tried, first come first: the product's name of the account, the contract line "
        "it names, the domain of its user's address.",
    )
    free_mail: tuple[str, ...] = Field(
        default=FREE_MAIL,
        description="Domains that are no company's; `name.*` is the name under every public suffix.",
    )

    @field_validator("identity")
    @classmethod
    def _each_once(cls, means: tuple[Means, ...]) -> tuple[Means, ...]:
        found = [
            Finding((index,), f"{one.value!r} stands in the list before", "Name each way once.")
            for index, one in enumerate(means)
            if one in means[:index]
        ]
        if not means:
            found.append(Finding((), "no usage would find its account", "Name at least one way."))
        refuse(found)
        return means

    @field_validator("free_mail")
    @classmethod
    def _are_domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        refuse(
            [
                Finding(
                    (index,), f"{one!r} is no domain", "Write it as gmail.com, or yahoo.* for all of them."
                )
                for index, one in enumerate(domains)
                if not _LISTED.match(one)
            ]
        )
        return domains

    def is_free_mail(self, domain: str) -> bool:
        """Say whether a registered domain belongs to a provider of personal addresses."""
        name = domain.partition(".")[0]
        return domain in self.free_mail or f"{name}.*" in self.free_mail


def registered_domain(text: str) -> str | None:
    """Return the domain somebody registered, of a host, an address of a site or an e-mail address.

    ``None`` of what is no domain, and of a public suffix, which is nobody's.
    """
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", text.strip().lower()).rpartition("@")[2]
    host = re.split(r"[/:?#]", host, maxsplit=1)[0].rstrip(".")
    try:
        plain = host.encode("idna").decode()
    except UnicodeError:
        return None
    return _suffixes().privatesuffix(plain) if _DOMAIN.match(plain) else None


def registered_domains(text: str) -> tuple[str, ...]:
    """Return the registered domains in a text that may name several, with ``;``, ``,`` or spaces between."""
    named: Iterable[str | None] = (registered_domain(part) for part in re.split(r"[;,\s]+", text) if part)
    return tuple(dict.fromkeys(one for one in named if one is not None))


@cache
def _suffixes() -> PublicSuffixList:
    """Return the list, private suffixes among it: of hosted sites each is its owner's.

    A last part nobody listed counts as a suffix, as the list's own rules have it.
    """
    return PublicSuffixList()
