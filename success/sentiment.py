"""What customers say, over a portfolio: NPS and CSAT with intervals (K22), and who asked for help too soon.

Each person's latest answer in the window counts once; below five nothing is said. Intervals are those of
K22, exact to a thousandth and cut to the scale. Neighbours: ``measures`` has the figures of one account,
``kpi_pack`` asks for these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from math import isqrt

from success.days import window_start
from success.facts import SurveyAnswer, SurveyKind
from success.view import AccountView, AnswerDay

WINDOW_DAYS = 90
FEWEST = 5
PROMOTER, DETRACTOR = 9, 6
CONTENT = (4, 5)
Z_THOUSANDTHS = 1960
PERCENT = 100
THOUSAND = 1000


@dataclass(frozen=True, slots=True)
class Sentiment:
    """A figure of 90 days up to ``as_of`` in points (NPS) or percent (CSAT); all None below five answers.

    ``low`` and ``high`` are the ends of its 95 % interval. ``response_rate`` is None: nothing that is read
    says how many were asked.
    """

    name: str
    as_of: date
    n: int
    value: Fraction | None
    low: Fraction | None
    high: Fraction | None
    response_rate: Fraction | None = None


@dataclass(frozen=True, slots=True)
class TicketsBeforeSignup:
    """Tickets opened before the day their account was made in the CRM, of all up to ``as_of``.

    They are told, not left out: the day of the account may be wrong as well as the ticket's.
    """

    as_of: date
    tickets: int
    before: int
    share: Fraction | None


def sentiment(views: Sequence[AccountView], as_of: date) -> tuple[Sentiment, ...]:
    """Return NPS and CSAT of a portfolio over the 90 days that end on a day."""
    scores, ratings = _recommendations(views, as_of), _ratings(views, as_of)
    balance = sum(one >= PROMOTER for one in scores), sum(one <= DETRACTOR for one in scores)
    content = sum(one in CONTENT for one in ratings), 0
    return (
        _figure("NPS", as_of, balance, len(scores), -PERCENT),
        _figure("CSAT", as_of, content, len(ratings), 0),
    )


def tickets_before_signup(views: Iterable[AccountView], as_of: date) -> TicketsBeforeSignup:
    """Return how many tickets, by their local day, came before their account did."""
    made = [
        (one.opened_on, view.facts.account.created_on)
        for view in views
        for one in view.tickets
        if one.opened_on <= as_of
    ]
    before = sum(opened < created for opened, created in made)
    return TicketsBeforeSignup(as_of, len(made), before, Fraction(before, len(made)) if made else None)


def _figure(name: str, as_of: date, balance: tuple[int, int], n: int, least: int) -> Sentiment:
    """Return p - d in percent with ± 1.96·√((p + d − (p − d)²)/n), from counts of n answers."""
    if n < FEWEST:
        return Sentiment(name, as_of, n, None, None, None)
    for_it, against = (Fraction(count, n) for count in balance)
    value = for_it - against
    margin = _root_in_thousandths((for_it + against - value**2) / n)
    low, high = PERCENT * value - margin, PERCENT * value + margin
    return Sentiment(name, as_of, n, PERCENT * value, max(low, Fraction(least)), min(high, Fraction(PERCENT)))


def _root_in_thousandths(variance: Fraction) -> Fraction:
    """Return 1.96·√variance in percent, to the nearest thousandth: integers only, the same everywhere."""
    square = (Z_THOUSANDTHS * PERCENT) ** 2 * variance
    doubled = isqrt(4 * square.numerator // square.denominator)
    return Fraction((doubled + 1) // 2, THOUSAND)


def _recommendations(views: Iterable[AccountView], as_of: date) -> list[int]:
    asked = (one for one in _answers(views, as_of) if one.answer.kind is SurveyKind.NPS)
    return _latest_of_each((one.answer, one.answer.score) for one in asked)


def _ratings(views: Sequence[AccountView], as_of: date) -> list[int]:
    """Return the ratings of tickets, and each person's latest of the surveys the charter rates."""
    first = window_start(as_of, WINDOW_DAYS)
    tickets = [one for view in views for one in view.tickets if first <= one.answered_on <= as_of]
    answers = ((one.answer, one.answer.csat) for one in _answers(views, as_of))
    surveys = ((given, csat) for given, csat in answers if csat is not None)
    return [one.csat for one in tickets if one.csat is not None] + _latest_of_each(surveys)


def _answers(views: Iterable[AccountView], as_of: date) -> Iterable[AnswerDay]:
    first = window_start(as_of, WINDOW_DAYS)
    return (one for view in views for one in view.answers if first <= one.on <= as_of)


def _latest_of_each(told: Iterable[tuple[SurveyAnswer, int]]) -> list[int]:
    """Return each person's latest score; an answer of nobody we can tell stands for itself."""
    latest: dict[tuple[str, str], tuple[datetime, str, int]] = {}
    for given, score in told:
        who = ("person", given.respondent) if given.respondent else ("answer", given.answer_id)
        said = given.answered_at, given.answer_id, score
        latest[who] = max(said, latest.get(who, said))
    return [score for _, _, score in latest.values()]
