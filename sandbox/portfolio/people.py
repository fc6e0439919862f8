"""Owners, accounts and contacts of the made-up portfolio."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final

from sandbox.portfolio import names
from sandbox.portfolio.dates import days_before
from sandbox.portfolio.model import Account, Contact, Owner
from sandbox.portfolio.story import Part, Story, draw, part_of

OWNER_COUNT: Final = 8
# Every tenth account heads a group; of the others about one in eleven belongs to an earlier head.
_HEAD_EVERY: Final = 10
_CHILD_SHARE: Final = 0.09


@dataclass(frozen=True, slots=True)
class Situation:
    """What the writers of contracts, tickets and usage need to know of one account.

    ``seats`` is what it pays for today (the core product, without add-ons), ``customer_since``
    the first day of its first contract or trial.
    """

    seed: int
    index: int
    as_of: date
    part: Part
    account: Account
    seats: int
    customer_since: date

    @property
    def story(self) -> Story:
        """The planted story."""
        return self.part.story

    def draw(self, topic: str) -> Random:
        """Return this account's random numbers of one topic."""
        return draw(self.seed, self.index, topic)


def account_key(index: int) -> str:
    """Return the reference of the account at ``index``, counted from 0."""
    return f"ACC-{index + 1:05d}"


def owners(seed: int) -> list[Owner]:
    """Return the vendor's CRM users, the same for a portfolio of any size."""
    rng = draw(seed, 0, "owners")
    firsts = rng.sample(names.FIRST_NAMES, OWNER_COUNT)
    lasts = rng.sample(names.LAST_NAMES, OWNER_COUNT)
    return [
        Owner(f"OWN-{n}", f"{first}.{last}@brightwater.example".lower(), first, last)
        for n, (first, last) in enumerate(zip(firsts, lasts, strict=True), start=1)
    ]


def situation(seed: int, index: int, as_of: date, customer_since: date) -> Situation:
    """Return the account at ``index`` with its story, as dealt by ``seed``."""
    rng = draw(seed, index, "account")
    employees = min(60_000, max(8, round(math.exp(rng.gauss(5.0, 1.4)))))
    seats = min(150, max(4, round(math.exp(rng.gauss(2.75, 0.75)))), max(4, employees * 3 // 4))
    account = _account(rng, seed, index, employees, customer_since)
    return Situation(seed, index, as_of, part_of(seed, index), account, seats, customer_since)


def _account(rng: Random, seed: int, index: int, employees: int, customer_since: date) -> Account:
    """Return the company record."""
    name = f"{rng.choice(names.NAME_STARTS)} {rng.choice(names.NAME_ENDS)}"
    currency, country = _money_and_place(rng)
    return Account(
        key=account_key(index),
        name=name,
        domain=f"{name.replace(' ', '-').lower()}-{index + 1}.example",
        industry=rng.choice(names.INDUSTRIES),
        country=country,
        employees=employees,
        currency=currency,
        created_on=days_before(customer_since, rng.randint(20, 120)).isoformat(),
        owner_key=f"OWN-{rng.randint(1, OWNER_COUNT)}",
        parent_key=_parent(seed, index),
        attributes={"segment": _segment(employees)},
    )


def _money_and_place(rng: Random) -> tuple[str, str]:
    """Return currency and country: three in four USD, one in six EUR, the rest GBP."""
    roll = rng.random()
    if roll < 0.75:
        return "USD", rng.choice(names.USD_COUNTRIES)
    if roll < 0.92:
        return "EUR", rng.choice(names.EUR_COUNTRIES)
    return "GBP", rng.choice(names.GBP_COUNTRIES)


def _segment(employees: int) -> str:
    """Return the size class the vendor sells by."""
    if employees < 100:
        return "small"
    return "mid" if employees < 1_000 else "enterprise"


def _parent(seed: int, index: int) -> str | None:
    """Return the head of the group an account belongs to; always an earlier account, never nested."""
    rng = draw(seed, index, "parent")
    if index % _HEAD_EVERY == 0 or rng.random() >= _CHILD_SHARE:
        return None
    return account_key(rng.randint(0, index // _HEAD_EVERY) * _HEAD_EVERY)


def contacts(who: Situation) -> list[Contact]:
    """Return the people known at the account: champion, economic buyer, admin and a few users."""
    rng = who.draw("contacts")
    roles = ["champion", "economic_buyer", "admin", *["user"] * rng.randint(0, 4)]
    return [_contact(rng, who, n, role) for n, role in enumerate(roles, start=1)]


def _contact(rng: Random, who: Situation, number: int, role: str) -> Contact:
    """Return one person; a champion who left says so in the title."""
    first, last = rng.choice(names.FIRST_NAMES), rng.choice(names.LAST_NAMES)
    gone = role == "champion" and who.story is Story.CHAMPION_LEFT
    title = rng.choice(names.TITLES[role])
    return Contact(
        key=f"{who.account.key}-C{number}",
        account_key=who.account.key,
        email=f"{first}.{last}{number}@{who.account.domain}".lower(),
        first_name=first,
        last_name=last,
        title=names.LEFT_TITLE if gone else title,
        role=role,
        created_on=who.account.created_on,
    )
