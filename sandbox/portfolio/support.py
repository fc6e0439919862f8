"""Tickets and survey answers of one account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Final, Literal

from sandbox.portfolio import names
from sandbox.portfolio.dates import at_work, days_before, iso_instant
from sandbox.portfolio.model import Contact, SurveyResponse, Ticket
from sandbox.portfolio.people import Situation
from sandbox.portfolio.story import CAUSES, Story

_YEAR: Final = 365
_CONTENT: Final = frozenset(
    {Story.HEALTHY, Story.EXPANSION_READY, Story.RENEWAL_SOON, Story.RENEWAL_TO_ADOPT, Story.RENEWAL_TOMORROW}
)
# The answers to "how likely are you to recommend us", 0 to 10, by what is going on.
_NPS_CONTENT: Final = (8, 8, 9, 9, 9, 10, 10)
_NPS_USUAL: Final = (6, 7, 7, 8, 8, 9)
_NPS_AT_RISK: Final = (0, 2, 3, 4, 5, 6)

Priority = Literal["low", "medium", "high", "urgent"]


def tickets(who: Situation, until: date) -> list[Ticket]:
    """Return the tickets opened on the days before ``until``, in no more than the last year."""
    if who.story is Story.PROSPECT:
        return []
    rng = who.draw("tickets")
    span = min(_YEAR, (until - who.customer_since).days)
    made = list(_ordinary(rng, who, until, span))
    if who.story is Story.ESCALATION:
        made += _escalations(rng, who, until)
    if who.story is Story.PRICE:
        made.append(_ticket(rng, who, days_before(until, rng.randint(3, 30)), names.PRICE_SUBJECT, "medium"))
    made.sort(key=lambda ticket: ticket.opened_at)
    return [_numbered(ticket, number) for number, ticket in enumerate(made, start=1)]


def _ordinary(rng: Random, who: Situation, until: date, span: int) -> Iterator[Ticket]:
    """Yield everyday tickets: more for more seats, nearly all closed within days."""
    most = min(7, 2 + who.seats // 12) * span // _YEAR
    for _ in range(rng.randint(0, max(1, most))):
        day = days_before(until, rng.randint(1, max(1, span)))
        priorities: Sequence[Priority] = ("low", "low", "medium", "medium", "medium", "high")
        escalated = who.story is Story.STEADY and rng.random() < 0.06
        subject = rng.choice(names.TICKET_SUBJECTS)
        yield _ticket(rng, who, day, subject, rng.choice(priorities), escalated=escalated)


def _escalations(rng: Random, who: Situation, until: date) -> Iterator[Ticket]:
    """Yield two or three escalated tickets of the last weeks, most of them still open."""
    for number in range(rng.randint(2, 3)):
        day = days_before(until, rng.randint(4, 40))
        priority: Priority = "urgent" if number == 0 else "high"
        subject = rng.choice(names.ESCALATION_SUBJECTS)
        # The first stays open, so that an open escalation is always there to be seen.
        open_still = number == 0 or rng.random() < 0.5
        yield _ticket(rng, who, day, subject, priority, escalated=True, open_still=open_still)


def _ticket(
    rng: Random, who: Situation, day: date, subject: str, priority: Priority,
    *, escalated: bool = False, open_still: bool = False,
) -> Ticket:  # fmt: skip
    """Return a ticket without its number; what would close after as_of is still open."""
    opened = at_work(rng, day)
    closes = datetime.fromisoformat(opened) + timedelta(minutes=rng.randint(40, 6_000))
    is_open = open_still or closes.date() >= who.as_of
    csat = None if is_open or rng.random() < 0.45 else _csat(rng, who, escalated)
    closed_at = None if is_open else iso_instant(closes)
    return Ticket("", who.account.key, subject, priority, opened, closed_at, escalated, csat)


def _csat(rng: Random, who: Situation, escalated: bool) -> int:
    """Return a satisfaction score, 1 to 5."""
    if escalated or who.story is Story.ESCALATION:
        return rng.choice((1, 1, 2, 2, 3))
    return rng.choice((4, 4, 5, 5, 5) if who.story in _CONTENT else (3, 3, 4, 4, 5))


def _numbered(ticket: Ticket, number: int) -> Ticket:
    """Return the ticket with its place in the account's history as key."""
    values = {name: getattr(ticket, name) for name in Ticket.__slots__}
    return Ticket(**values | {"key": f"{ticket.account_key}-S{number}"})


def surveys(who: Situation, people: Sequence[Contact], until: date) -> list[SurveyResponse]:
    """Return the survey answers given before ``until``: NPS about twice a year, some CSAT and CES."""
    if who.story is Story.PROSPECT:
        return []
    rng = who.draw("surveys")
    made: list[SurveyResponse] = []
    day = days_before(until, rng.randint(3, 60))
    while day > who.customer_since and (until - day).days < 2 * _YEAR:
        if rng.random() < 0.6:
            number = len(made) + 1
            made.append(_answer(rng, who, people, day, number, recent=(until - day).days < 90))
        day = days_before(day, rng.randint(120, 200))
    return made


def _answer(
    rng: Random, who: Situation, people: Sequence[Contact], day: date, number: int, *, recent: bool
) -> SurveyResponse:
    """Return one answer; what goes wrong shows in answers of the last 90 days only."""
    kind: Literal["nps", "csat", "ces"] = rng.choice(("nps", "nps", "nps", "csat", "ces"))
    scores = _NPS_CONTENT if who.story in _CONTENT else _NPS_USUAL
    if recent and who.story in CAUSES:
        scores = _NPS_AT_RISK
    score = rng.choice(scores)
    if kind != "nps":
        score = max(1, (score + 1) // 2)
    someone = rng.choice(people).key if rng.random() < 0.9 else None
    return SurveyResponse(
        f"{who.account.key}-V{number}", who.account.key, someone, kind, score, at_work(rng, day)
    )
