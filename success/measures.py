"""The catalogue of measures: one number about one account on one day, or *unknown*.

Scorecards weigh them and expressions name them. None means unknown and is never read as
good or bad. Windows end on ``as_of``, that day included, and only valid usage counts.
``observed_on`` is the day the value stands for: the day asked about where the value is a
statement about that day (a contract, or silence in a product that does report), else the
day of the latest fact behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from success import support
from success.active_users import active_users
from success.days import window_start
from success.facts import AccountFacts, SurveyKind
from success.ledger import in_reporting, minor_per_unit, sum_arr
from success.renewal_terms import next_due
from success.rules import Rules
from success.slope import relative_use_slope
from success.support import Reading
from success.view import AccountView, AnswerDay
from success.words import WORDS, Word

MONTH_DAYS = 28
QUARTER_DAYS = 90
CSAT_RANGE = range(1, 6)
PROMOTER, DETRACTOR = 9, 6
NPS_PEOPLE = 5


class CelType(StrEnum):
    """The CEL type a measure has in expressions; a double is compared with ``1.0``, not ``1``."""

    INT = "int"
    DOUBLE = "double"
    BOOL = "bool"


class Unit(StrEnum):
    """How a measure's value is shown to people."""

    SHARE = "share"
    COUNT = "count"
    DAYS = "days"
    RATING = "rating"
    MONEY = "money"
    RATIO = "ratio"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class MeasureValue:
    """A measure's value on a day and the day it stands for; ``value`` None is unknown."""

    value: Fraction | int | bool | None
    observed_on: date | None


UNKNOWN = MeasureValue(None, None)


@dataclass(frozen=True, slots=True)
class Measure:
    """An entry of the catalogue. Call it with facts, rules and a day."""

    name: str
    title: str
    unit: Unit
    cel_type: CelType
    of_view: Callable[[AccountView, date], MeasureValue]

    def __call__(self, facts: AccountFacts, rules: Rules, as_of: date) -> MeasureValue:
        """Return the value for one account on a day, with the facts given."""
        return self.of_view(AccountView(facts, rules), as_of)


class MeasureBook(Mapping[str, MeasureValue]):
    """All measures of one account on one day, each computed when first asked for, and its words.

    ``extra`` adds values that are no measures themselves (the health of the same day), ``words``
    those that steps before this one settled (``success.words``): segment, stage, the plan's progress.
    """

    def __init__(
        self,
        view: AccountView,
        as_of: date,
        extra: Mapping[str, MeasureValue] | None = None,
        words: Mapping[str, Word] | None = None,
    ) -> None:
        """Measure the view's account on ``as_of``."""
        self._view = view
        self._as_of = as_of
        self._known: dict[str, MeasureValue] = dict(extra or {})
        self._words = words or {}

    def word(self, name: str) -> Word | None:
        """Return a word's value, None where it is not known; KeyError for a name that is no word."""
        entry = WORDS[name]
        if name in self._words or entry.of_view is None:
            return self._words.get(name)
        return entry.of_view(self._view, self._as_of)

    def saying(self, words: Mapping[str, Word]) -> MeasureBook:
        """Return a book of the same account and day that has more words, and measures nothing twice."""
        told = MeasureBook(self._view, self._as_of, words={**self._words, **words})
        told._known = self._known
        return told

    def __getitem__(self, name: str) -> MeasureValue:
        """Return a measure's value; KeyError for a name that is not in the catalogue."""
        if name not in self._known:
            self._known[name] = MEASURES[name].of_view(self._view, self._as_of)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the catalogue."""
        return iter(MEASURES)

    def __len__(self) -> int:
        """Return the size of the catalogue."""
        return len(MEASURES)


def measure_all(facts: AccountFacts, rules: Rules, as_of: date) -> Mapping[str, MeasureValue]:
    """Return every measure of one account on a day."""
    return dict(MeasureBook(AccountView(facts, rules), as_of))


# Usage: unknown where the product sends nothing, a true zero where it does and the account is silent.


def _usage_known(view: AccountView, as_of: date, days: int) -> bool:
    reports = view.facts.usage_seen or view.usage.last_day(as_of) is not None
    return reports and view.contracted_within(window_start(as_of, days), as_of)


def _usage_observed(view: AccountView, as_of: date) -> date | None:
    return as_of if view.facts.usage_seen else view.usage.last_day(as_of)


def _usage_value(view: AccountView, as_of: date, value: Fraction | int) -> MeasureValue:
    if not _usage_known(view, as_of, MONTH_DAYS):
        return UNKNOWN
    return MeasureValue(value, _usage_observed(view, as_of))


def _uses(view: AccountView, as_of: date) -> int:
    return view.usage.total(window_start(as_of, MONTH_DAYS), as_of)


def _usage_events(view: AccountView, as_of: date) -> MeasureValue:
    return _usage_value(view, as_of, _uses(view, as_of))


def _usage_per_seat(view: AccountView, as_of: date) -> MeasureValue:
    seats = view.seats(as_of)
    return _usage_value(view, as_of, Fraction(_uses(view, as_of), seats)) if seats > 0 else UNKNOWN


def _usage_trend(view: AccountView, as_of: date) -> MeasureValue:
    """Compare with the 28 days before; unknown without use then or without a contract throughout."""
    before = as_of - timedelta(days=MONTH_DAYS)
    start = window_start(before, MONTH_DAYS)
    base = view.usage.total(start, before)
    if base == 0 or not view.lines or view.lines[0].start > start:
        return UNKNOWN
    return _usage_value(view, as_of, Fraction(_uses(view, as_of), base))


def _usage_slope(weeks: int) -> Callable[[AccountView, date], MeasureValue]:
    """Return the measure of the weekly change of use over so many weeks, as a share of the mean week."""

    def measured(view: AccountView, as_of: date) -> MeasureValue:
        slope = relative_use_slope(view, as_of, weeks)
        return UNKNOWN if slope is None else _usage_value(view, as_of, slope)

    return measured


def _active_days(view: AccountView, as_of: date) -> MeasureValue:
    return _usage_value(view, as_of, view.usage.active_days(window_start(as_of, MONTH_DAYS), as_of))


def _feature_breadth(view: AccountView, as_of: date) -> MeasureValue:
    return _usage_value(view, as_of, len(view.usage.features(window_start(as_of, MONTH_DAYS), as_of)))


def _days_since_last_use(view: AccountView, as_of: date) -> MeasureValue:
    last = view.usage.last_day(as_of)
    return UNKNOWN if last is None else MeasureValue((as_of - last).days, as_of)


def _usage_total(view: AccountView, as_of: date) -> MeasureValue:
    last = view.usage.last_day(as_of)
    if last is None and not (view.facts.usage_seen and view.lines):
        return UNKNOWN
    return MeasureValue(view.usage.total(date.min, as_of), _usage_observed(view, as_of))


def _first_use_days(view: AccountView, as_of: date) -> MeasureValue:
    """Return the days from the first recurring start to the first use; 0 where a pilot used it before."""
    start, days = view.started_on(as_of), view.usage.days
    if start is None or not days or days[0] > as_of:
        return UNKNOWN
    return MeasureValue(max(0, (days[0] - start).days), days[0])


def _seat_utilisation(view: AccountView, as_of: date) -> MeasureValue:
    """Return K10; unknown while no user of the account was ever seen, or no seat is purchased."""
    last, seats = view.last_sighting(as_of), view.seats(as_of)
    if last is None or seats <= 0:
        return UNKNOWN
    share = Fraction(view.active_users(as_of, MONTH_DAYS), seats)
    return MeasureValue(share, as_of if view.facts.usage_seen else last)


# Support is measured in ``support``, people in ``active_users``; these are the catalogue's form of them.


def _read(
    of_view: Callable[[AccountView, date], Reading | None],
) -> Callable[[AccountView, date], MeasureValue]:
    def measured(view: AccountView, as_of: date) -> MeasureValue:
        found = of_view(view, as_of)
        return UNKNOWN if found is None else MeasureValue(found.value, found.observed_on)

    return measured


def _csat(view: AccountView, as_of: date) -> MeasureValue:
    """Return the mean of the ratings of tickets, and of those surveys the charter counts as such."""
    first = window_start(as_of, QUARTER_DAYS)
    given = [(ticket.answered_on, ticket.csat) for ticket in view.tickets]
    given += [(one.on, one.answer.csat) for one in view.answers]
    rated = [(day, csat) for day, csat in given if csat in CSAT_RANGE and first <= day <= as_of]
    if not rated:
        return UNKNOWN
    total = sum(score for _, score in rated if score is not None)
    return MeasureValue(Fraction(total, len(rated)), max(day for day, _ in rated))


# Recommendation: an answer counts from its day on, and silence says nothing (domain K22).


def _nps_answers(view: AccountView, first: date, as_of: date) -> list[AnswerDay]:
    return [one for one in view.answers if one.answer.kind is SurveyKind.NPS and first <= one.on <= as_of]


def _nps_latest(view: AccountView, as_of: date) -> MeasureValue:
    """Return the score of the account's latest answer, whatever its age: a scorecard says what is fresh."""
    answers = _nps_answers(view, date.min, as_of)
    return MeasureValue(answers[-1].answer.score, answers[-1].on) if answers else UNKNOWN


def _nps(view: AccountView, as_of: date) -> MeasureValue:
    """Return percent of promoters less percent of detractors, each person's latest answer counting once.

    Unknown below five people (domain K22): of four, each is a quarter of the figure.
    """
    latest = {
        one.answer.respondent or ("answer", one.answer.answer_id): one
        for one in _nps_answers(view, window_start(as_of, QUARTER_DAYS), as_of)
    }
    if len(latest) < NPS_PEOPLE:
        return UNKNOWN
    scores = [one.answer.score for one in latest.values()]
    balance = sum(score >= PROMOTER for score in scores) - sum(score <= DETRACTOR for score in scores)
    return MeasureValue(Fraction(100 * balance, len(scores)), max(one.on for one in latest.values()))


# The CSM's own word: of the day it was given, however old; a scorecard says what is fresh.


def _csm_pulse(view: AccountView, as_of: date) -> MeasureValue:
    """Return the CSM's latest rating; unknown before its day, and where none was given."""
    pulse = view.facts.human.pulse
    return UNKNOWN if pulse is None or pulse.on > as_of else MeasureValue(pulse.rating, pulse.on)


# Contract: known as soon as the ledger is.


def _days_to_renewal(view: AccountView, as_of: date) -> MeasureValue:
    due = next_due(view, as_of)
    return UNKNOWN if due is None else MeasureValue((due - as_of).days, as_of)


def _days_since_start(view: AccountView, as_of: date) -> MeasureValue:
    start = view.started_on(as_of)
    return UNKNOWN if start is None else MeasureValue((as_of - start).days, as_of)


def _arr(view: AccountView, as_of: date) -> MeasureValue:
    """Return ARR in major units; unknown while an open line has no rate."""
    lines, policies = view.open_lines(as_of), view.rules.policies
    if any(in_reporting(line.arr, policies) is None for line in lines):
        return UNKNOWN
    total = sum_arr(lines, policies)
    return MeasureValue(Fraction(total.minor, minor_per_unit(total.currency)), as_of)


def _seats(view: AccountView, as_of: date) -> MeasureValue:
    return MeasureValue(view.seats(as_of), as_of)


def _cancel_notice(view: AccountView, as_of: date) -> MeasureValue:
    """Say whether notice was given, up to the day, on a recurring line that is still open on it."""
    given = (line.cancelled_on for line in view.open_lines(as_of))
    return MeasureValue(any(day is not None and day <= as_of for day in given), as_of)


_CATALOGUE = (
    Measure("seat_utilisation", "Seat utilisation", Unit.SHARE, CelType.DOUBLE, _seat_utilisation),
    Measure("usage_events_28d", "Uses in 28 days", Unit.COUNT, CelType.INT, _usage_events),
    Measure("usage_per_seat_28d", "Uses per seat in 28 days", Unit.RATIO, CelType.DOUBLE, _usage_per_seat),
    Measure("usage_trend", "Use against the 28 days before", Unit.SHARE, CelType.DOUBLE, _usage_trend),
    Measure("usage_slope_4w", "Weekly change of use, 4 weeks", Unit.SHARE, CelType.DOUBLE, _usage_slope(4)),
    Measure("usage_slope_8w", "Weekly change of use, 8 weeks", Unit.SHARE, CelType.DOUBLE, _usage_slope(8)),
    Measure("active_days_28d", "Active days in 28 days", Unit.COUNT, CelType.INT, _active_days),
    Measure("days_since_last_use", "Time since last use", Unit.DAYS, CelType.INT, _days_since_last_use),
    Measure("feature_breadth_28d", "Features used in 28 days", Unit.COUNT, CelType.INT, _feature_breadth),
    Measure("usage_total", "Uses ever", Unit.COUNT, CelType.INT, _usage_total),
    Measure("first_use_days", "Time to first use", Unit.DAYS, CelType.INT, _first_use_days),
    Measure("open_tickets", "Open tickets", Unit.COUNT, CelType.INT, _read(support.open_tickets)),
    Measure("open_escalations", "Open escalations", Unit.COUNT, CelType.INT, _read(support.open_escalations)),
    Measure("tickets_28d", "Tickets in 28 days", Unit.COUNT, CelType.INT, _read(support.tickets)),
    Measure("csat_90d", "Satisfaction in 90 days", Unit.RATING, CelType.DOUBLE, _csat),
    Measure("csm_pulse", "CSM pulse", Unit.RATING, CelType.INT, _csm_pulse),
    Measure("nps_latest", "Latest recommendation", Unit.RATING, CelType.INT, _nps_latest),
    Measure("nps_90d", "NPS in 90 days", Unit.RATING, CelType.DOUBLE, _nps),
    Measure("days_to_renewal", "Time to renewal", Unit.DAYS, CelType.INT, _days_to_renewal),
    Measure("days_since_start", "Time since start", Unit.DAYS, CelType.INT, _days_since_start),
    Measure("arr", "ARR", Unit.MONEY, CelType.DOUBLE, _arr),
    Measure("seats", "Seats", Unit.COUNT, CelType.INT, _seats),
    Measure("cancel_notice", "Cancellation notice", Unit.FLAG, CelType.BOOL, _cancel_notice),
)
_FURTHER = (
    *(
        Measure(
            f"active_users_{days}d",
            f"Users in {days} days",
            Unit.COUNT,
            CelType.INT,
            _read(active_users(days)),
        )
        for days in (7, 28, 90)
    ),
    Measure(
        "open_severe_tickets",
        "Open severe tickets",
        Unit.COUNT,
        CelType.INT,
        _read(support.open_severe_tickets),
    ),
    Measure(
        "ticket_severity", "Severity of open tickets", Unit.COUNT, CelType.INT, _read(support.ticket_severity)
    ),
    Measure(
        "ticket_velocity_28d",
        "Tickets more than in the 28 days before",
        Unit.COUNT,
        CelType.INT,
        _read(support.ticket_velocity),
    ),
    Measure("reopen_rate_90d", "Tickets reopened", Unit.SHARE, CelType.DOUBLE, _read(support.reopen_rate)),
    Measure(
        "days_to_resolve_90d", "Time to resolve", Unit.DAYS, CelType.DOUBLE, _read(support.days_to_resolve)
    ),
)
MEASURES: Mapping[str, Measure] = {measure.name: measure for measure in (*_CATALOGUE, *_FURTHER)}
