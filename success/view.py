"""One account's facts, indexed once: sorted, judged and ready for questions about any day.

Built per call from ``AccountFacts``; the order in which facts arrive leaves no trace here.
``measures``, ``renewals``, ``expansion`` and ``plans`` ask it instead of scanning facts.
All windows end on a given day, that day included; facts after it are not seen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import accumulate
from zoneinfo import ZoneInfo

from success.days import local_day
from success.facts import AccountFacts, ContractLine, SurveyAnswer
from success.ledger import open_lines
from success.rules import Rules
from success.usage import UsageJudge, UsageVerdict


class UsageIndex:
    """Valid usage of one account by day, with running totals."""

    def __init__(self, by_day: dict[date, tuple[int, frozenset[str]]]) -> None:
        """Index uses and features by day."""
        self.days = sorted(by_day)
        self._features = [by_day[day][1] for day in self.days]
        self._totals = [0, *accumulate(by_day[day][0] for day in self.days)]

    def _span(self, first: date, last: date) -> tuple[int, int]:
        low = bisect_left(self.days, first)
        return low, max(low, bisect_right(self.days, last))

    def total(self, first: date, last: date) -> int:
        """Return the uses counted in [first, last]."""
        low, high = self._span(first, last)
        return self._totals[high] - self._totals[low]

    def active_days(self, first: date, last: date) -> int:
        """Return the number of days with use in [first, last]."""
        low, high = self._span(first, last)
        return high - low

    def features(self, first: date, last: date) -> frozenset[str]:
        """Return the features used in [first, last]."""
        low, high = self._span(first, last)
        return frozenset[str]().union(*self._features[low:high])

    def last_day(self, as_of: date) -> date | None:
        """Return the latest day with use up to a day."""
        high = bisect_right(self.days, as_of)
        return self.days[high - 1] if high else None


class ActiveUsers:
    """Distinct users over a sliding window, counted by merging each user's active spans."""

    def __init__(self, sightings: Iterable[tuple[date, str]], window_days: int) -> None:
        """Index (day, user) sightings for windows of ``window_days`` days."""
        changes: defaultdict[date, int] = defaultdict(int)
        last_end: dict[str, date] = {}
        for day, user in sorted(sightings):
            end = day + timedelta(days=window_days)
            previous = last_end.get(user)
            if previous is not None and previous > day:
                changes[previous] += 1
            else:
                changes[day] += 1
            changes[end] -= 1
            last_end[user] = end
        self._days = sorted(changes)
        self._counts = [0, *accumulate(changes[day] for day in self._days)]

    def on(self, day: date) -> int:
        """Return how many users were seen in the window that ends on a day."""
        return self._counts[bisect_right(self._days, day)]


@dataclass(frozen=True, slots=True)
class TicketDays:
    """A ticket with its local days; ``answered_on`` is the day its rating belongs to."""

    opened_on: date
    closed_on: date | None
    escalated: bool
    csat: int | None
    priority: str = ""
    reopened: int | None = None

    @property
    def answered_on(self) -> date:
        """Return the day of the rating: the closing day, else the opening day."""
        return self.closed_on or self.opened_on


@dataclass(frozen=True, slots=True)
class AnswerDay:
    """An answer to a survey and its local day."""

    on: date
    answer: SurveyAnswer


class AccountView:
    """Everything the rules ask of one account, computed on first use and kept."""

    def __init__(self, facts: AccountFacts, rules: Rules) -> None:
        """Index an account's facts for the given rules."""
        self.facts = facts
        self.rules = rules
        self.lines = tuple(sorted(facts.lines, key=lambda line: (line.start, line.line_id)))
        self.recurring = tuple(line for line in self.lines if line.kind in rules.policies.counted)
        self._judge = UsageJudge(self.lines)
        self._usage_by_product: dict[str, UsageIndex] = {}
        self._active: dict[tuple[str | None, int], ActiveUsers] = {}
        self._open: dict[date, tuple[ContractLine, ...]] = {}

    @cached_property
    def usage(self) -> UsageIndex:
        """Return the valid usage by day."""
        return self._usage_index(None)

    def usage_of(self, product_id: str) -> UsageIndex:
        """Return the valid usage of one product by day."""
        if product_id not in self._usage_by_product:
            self._usage_by_product[product_id] = self._usage_index(product_id)
        return self._usage_by_product[product_id]

    def _usage_index(self, product_id: str | None) -> UsageIndex:
        counts: defaultdict[date, int] = defaultdict(int)
        features: defaultdict[date, set[str]] = defaultdict(set)
        for row in self.facts.usage:
            if product_id in (None, row.product_id) and self._judge.of_row(row) is UsageVerdict.VALID:
                counts[row.day] += row.count
                features[row.day].add(row.feature)
        return UsageIndex({day: (counts[day], frozenset(features[day])) for day in counts})

    @cached_property
    def sightings(self) -> tuple[tuple[date, str, str], ...]:
        """Return (day, product, user) of every known user on days with a valid line."""
        account = self.facts.account.account_id
        return tuple(
            (seen.day, seen.product_id, user)
            for seen in self.facts.presence
            if self._judge.of_day(account, seen.day) is UsageVerdict.VALID
            for user in seen.users
            if user
        )

    @cached_property
    def sighting_days(self) -> list[date]:
        """Return the days on which a known user was seen, in order."""
        return sorted({day for day, _, _ in self.sightings})

    @cached_property
    def tickets(self) -> tuple[TicketDays, ...]:
        """Return the tickets with days in the installation's time zone."""
        zone = ZoneInfo(self.rules.time_zone)
        return tuple(
            TicketDays(
                local_day(ticket.opened_at, zone),
                None if ticket.closed_at is None else local_day(ticket.closed_at, zone),
                ticket.escalated,
                ticket.csat,
                ticket.priority,
                ticket.reopened,
            )
            for ticket in self.facts.tickets
        )

    @cached_property
    def answers(self) -> tuple[AnswerDay, ...]:
        """Return the answers to surveys with days in the installation's time zone, oldest first."""
        zone = ZoneInfo(self.rules.time_zone)
        ordered = sorted(self.facts.answers, key=lambda one: (one.answered_at, one.answer_id))
        return tuple(AnswerDay(local_day(one.answered_at, zone), one) for one in ordered)

    def open_lines(self, day: date) -> tuple[ContractLine, ...]:
        """Return the recurring lines that count on a day under the ledger's policies."""
        if day not in self._open:
            self._open[day] = open_lines(self.recurring, day, self.rules.policies)
        return self._open[day]

    def seats(self, day: date, product_id: str | None = None) -> int:
        """Return the seats purchased on a day, of one product or of all."""
        lines = self.open_lines(day)
        return sum(line.quantity for line in lines if product_id in (None, line.product_id))

    def active_users(self, day: date, window_days: int, product_id: str | None = None) -> int:
        """Return the distinct known users in the window that ends on a day."""
        key = (product_id, window_days)
        if key not in self._active:
            seen = ((at, user) for at, product, user in self.sightings if product_id in (None, product))
            self._active[key] = ActiveUsers(seen, window_days)
        return self._active[key].on(day)

    @cached_property
    def first_sightings(self) -> Mapping[str, date]:
        """Return the first day on which a known user of each product was seen."""
        found: dict[str, date] = {}
        for day, product, _ in self.sightings:
            found[product] = min(day, found.get(product, day))
        return found

    def last_sighting(self, as_of: date) -> date | None:
        """Return the latest day up to ``as_of`` on which a known user was seen."""
        high = bisect_right(self.sighting_days, as_of)
        return self.sighting_days[high - 1] if high else None

    def contracted_within(self, first: date, last: date) -> bool:
        """Say whether any line was valid on a day of [first, last]."""
        return any(line.start <= last and (line.end is None or line.end >= first) for line in self.lines)

    def started_on(self, as_of: date) -> date | None:
        """Return the first recurring start up to a day, None where nothing recurring has begun."""
        if self.recurring and self.recurring[0].start <= as_of:
            return self.recurring[0].start
        return None
