"""An account on a day as a row of a model: its features, its age and term, and what became of it.

Features are asked with the facts known then, outcomes with those known later.
Neighbours: ``sync.models`` brings both, ``records`` asks the row of today.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction

from success import segmentation
from success.days import MONTHS_IN_YEAR
from success.facts import AccountFacts, ContractLine, Ticket
from success.measures import MEASURES, MeasureBook
from success.policies import ChurnDate, Customer, Policies, Validity
from success.positions import Book
from success.prediction.rule import ATTRIBUTE, ModelRule
from success.prediction.table import Column, Kind, Role, Value
from success.standing import Standing
from success.view import AccountView
from success.words import SEGMENT

AGE, TO_END, ENDS = "days_since_start", "days_to_renewal", "term_ends"
MONTH_DAYS = 31


def columns(rule: ModelRule) -> tuple[Column, ...]:
    """Return the columns of a model's table: its features, then age and the way to the term's end."""
    features = [
        Column(one.name, Kind.CATEGORY if _in_words(one.name) else Kind.NUMBER, Role.FEATURE)
        for one in rule.features
    ]
    stated = [
        replace(column, direction=one.direction) for column, one in zip(features, rule.features, strict=True)
    ]
    named = {one.name for one in rule.features}
    times = [Column(name, role=Role.TIME) for name in (AGE, TO_END, ENDS) if name not in named]
    return (*stated, *times)


def _in_words(name: str) -> bool:
    return name.startswith(ATTRIBUTE) or name == SEGMENT


def values(view: AccountView, names: Sequence[str], horizon_days: int, as_of: date) -> tuple[Value, ...]:
    """Return an account's values of the named columns on a day; None is unknown.

    ``segment`` is the one the day alone tells: nobody kept what stood before.
    """
    book = MeasureBook(view, as_of)
    return tuple(_value(view, book, name, horizon_days, as_of) for name in names)


def _value(view: AccountView, book: MeasureBook, name: str, horizon_days: int, as_of: date) -> Value:
    if name.startswith(ATTRIBUTE):
        return view.facts.account.attributes.get(name.removeprefix(ATTRIBUTE))
    if name == SEGMENT:
        return segmentation.step(view, Standing(), book, as_of)[0].value
    found = book[TO_END if name == ENDS else name].value
    if found is None:
        return None
    if name == ENDS:
        return int(found <= horizon_days)
    return found if isinstance(found, Fraction) else int(found)


def unknown_columns(names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns nothing here can fill, such as a measure of another release."""
    return tuple(one for one in names if not one.startswith(ATTRIBUTE) and one not in {*MEASURES, ENDS})


def churned(lines: Sequence[ContractLine], policies: Policies, day: date, horizon_days: int) -> bool | None:
    """Return whether one account that is a customer on ``day`` left within the horizon that begins then.

    It left when nothing of it counted any more, once the grace for late renewals was over, and the last
    term had ended in (day, day + horizon]. None where it is no customer on the day.
    """
    book = Book(lines, replace(policies, customer=Customer.ACCOUNT, churn_date=ChurnDate.TERM_END))
    account = next((line.account_id for line in lines), "")
    if not book.positions(account, day):
        return None
    last = day + timedelta(days=horizon_days)
    late = last + timedelta(days=policies.grace_days)
    changes = [one for one in book.change_days((account,)) if day < one <= late]
    gone = next((one for one in changes if not book.positions(account, one)), None)
    if gone is None:
        return False
    return day < _ended(book.lines(account), policies, gone) <= last


def _ended(lines: Iterable[ContractLine], policies: Policies, gone: date) -> date:
    """Return the first day after the last counted term that was over when an account was gone."""
    more = timedelta(days=1 if policies.validity is Validity.END_INCLUSIVE else 0)
    ends = [line.end + more for line in lines if line.end is not None and line.kind in policies.counted]
    return max((end for end in ends if end <= gone), default=gone)


def cut_off(then: AccountFacts, now: AccountFacts, instant: datetime) -> AccountFacts:
    """Return the facts known at an instant with the tickets and answers dated before it, taken from ``now``.

    A CRM keeps no past of tickets: one closed later was open, and of an open one nobody can say whether it
    was escalated then, so that it was not.
    """
    tickets = (
        one if one.closed_at is not None and one.closed_at < instant else _still_open(one)
        for one in now.tickets
        if one.opened_at < instant
    )
    answers = (one for one in now.answers if one.answered_at < instant)
    return replace(then, tickets=tuple(tickets), answers=tuple(answers))


def _still_open(ticket: Ticket) -> Ticket:
    return replace(ticket, closed_at=None, csat=None, escalated=False)


def known_from(day: date, policies: Policies, horizon_days: int) -> date:
    """Return the first day on which what became of an account after ``day`` is known."""
    return day + timedelta(days=horizon_days + policies.grace_days + 1)


def grid(first: date, until: date, horizon_days: int) -> Iterator[tuple[date, int]]:
    """Yield the days an account has rows for, firsts of months in [first, until], each with its horizon.

    They are as many months apart as the horizon has begun, and where those are shorter than it (February)
    the horizon ends with them, so that no churn is counted twice. Counted from the first month of all, so
    that a longer past adds days and moves none.
    """
    apart = -(-horizon_days // MONTH_DAYS)
    month = -(-_months(first) // apart) * apart
    while (day := first_of(month)) <= until:
        if day >= first:
            yield day, min(horizon_days, (first_of(month + apart) - day).days)
        month += apart


def period(day: date) -> int:
    """Return the number of a day's month, counted from the year 0."""
    return _months(day)


def _months(day: date) -> int:
    return day.year * MONTHS_IN_YEAR + day.month - 1


def first_of(months: int) -> date:
    """Return the first day of a period."""
    year, month = divmod(months, MONTHS_IN_YEAR)
    return date(year, month + 1, 1)
