"""From which day a change of health is told on the record, and what is remembered of that day.

A CSM who reads *yellow* asks what happened since it was green. So the change is told from the last day on
which the score stood in the band before, to now; of the first band, from the first day. That day moves only
when the band does, so the sentence changes when health does and not with the calendar.

The facts of that day are gone by then, and more than a memory should hold. An ``Anchor`` keeps what a score
was made of, and a short mark of each record it was made from: what still stands as then is told from what
came since. Neighbours: ``decide`` takes the steps, ``fold`` remembers, ``anchor_text`` writes them down,
``told_change`` tells the change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from zoneinfo import ZoneInfo

from success.days import local_day
from success.facts import AccountFacts, ContractLine, Deal, SurveyAnswer, Ticket
from success.health import HealthResult
from success.health_result import Contribution
from success.holding import Held
from success.human_inputs import Override
from success.overriding import in_force
from success.words import Word

MARK_BYTES = 4


@dataclass(frozen=True, slots=True)
class Anchor:
    """One day's score as it was made, at the end of ``day``, and what it was made from.

    ``band`` is the one that stood, ``words`` what expressions could read, ``charter_hash`` the charter in
    force. ``override`` is the one in force, without its author. ``marks`` tell the records known then.
    """

    day: date
    charter_hash: str
    scorecard: str
    band: str
    points: int | None
    coverage: int
    contributions: tuple[Contribution, ...]
    words: Mapping[str, Word] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    owner_id: str | None = None
    usage_seen: bool = False
    support_seen: bool = False
    override: Override | None = None
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Anchors:
    """``since`` is what the change is told from; ``settled`` the newest day whose score was in its band."""

    since: Anchor | None = None
    settled: Anchor | None = None

    @property
    def charters(self) -> frozenset[str]:
        """Return the hashes of the charters a change may be told from."""
        return frozenset(one.charter_hash for one in (self.since, self.settled) if one is not None)


def step(
    known: Anchors, before: Held | None, after: Held, result: HealthResult, today: Callable[[], Anchor]
) -> Anchors:
    """Return what is remembered after a day.

    ``before`` and ``after`` are the bands held, ``result`` is the score of the day.

    Without an earlier day, and where none was kept, this day is the first.
    """
    if before is None or known.settled is None:
        first = today()
        return Anchors(first, first)
    since = known.since if after.value == before.value else known.settled
    return Anchors(since, today() if result.raw_band == after.value else known.settled)


def anchor(
    facts: AccountFacts,
    result: HealthResult,
    band: str,
    words: Mapping[str, Word],
    charter_hash: str,
    zone: str,
) -> Anchor:
    """Return what is to be remembered of the day a score is of."""
    word = in_force(facts.human.override, result.as_of)
    return Anchor(
        day=result.as_of,
        charter_hash=charter_hash,
        scorecard=result.scorecard,
        band=band,
        points=result.points,
        coverage=result.coverage,
        contributions=result.contributions,
        words=words,
        attributes=facts.account.attributes,
        owner_id=facts.account.owner_id,
        usage_seen=facts.usage_seen,
        support_seen=facts.support_seen,
        override=None if word is None else replace(word, author=""),
        marks=frozenset(mark for mark, _ in _marked(facts, result.as_of, zone)),
    )


def facts_then(then: Anchor, facts: AccountFacts, zone: str) -> AccountFacts:
    """Return the facts of now as far as they stood at the end of the day remembered.

    Use and people seen up to that day, and each record that is today what it was then, a ticket closed since
    as the open one it was.
    """
    standing = [record for mark, record in _marked(facts, then.day, zone) if mark in then.marks]
    pulse = facts.human.pulse
    said = replace(facts.human, override=then.override)
    if pulse is not None and pulse.on > then.day:
        said = replace(said, pulse=None)
    return replace(
        facts,
        account=replace(facts.account, owner_id=then.owner_id, attributes=then.attributes),
        lines=tuple(one for one in standing if isinstance(one, ContractLine)),
        deals=tuple(one for one in standing if isinstance(one, Deal)),
        tickets=tuple(one for one in standing if isinstance(one, Ticket)),
        answers=tuple(one for one in standing if isinstance(one, SurveyAnswer)),
        usage=tuple(one for one in facts.usage if one.day <= then.day),
        presence=tuple(one for one in facts.presence if one.day <= then.day),
        usage_seen=then.usage_seen,
        support_seen=then.support_seen,
        human=said,
    )


Record = ContractLine | Deal | Ticket | SurveyAnswer


def _marked(facts: AccountFacts, day: date, zone: str) -> Iterator[tuple[str, Record]]:
    """Yield the records of an account as they were on a day, each with its mark."""
    place = ZoneInfo(zone)
    for line in facts.lines:
        yield _mark_of_line(line), line
    for deal in facts.deals:
        yield _mark_of_deal(deal), deal
    for answer in facts.answers:
        if local_day(answer.answered_at, place) <= day:
            yield _mark(answer), answer
    for ticket in facts.tickets:
        if local_day(ticket.opened_at, place) <= day:
            was = _open_still(ticket, day, place)
            yield _mark_of_ticket(was), was


def _open_still(ticket: Ticket, day: date, place: ZoneInfo) -> Ticket:
    """Return a ticket as of a day: one closed later was open, and nobody had rated it."""
    if ticket.closed_at is None or local_day(ticket.closed_at, place) <= day:
        return ticket
    return replace(ticket, closed_at=None, csat=None)


def _mark_of_line(line: ContractLine) -> str:
    """Leave out what moves without a measure: a payment that came, the price list, who sold it."""
    return _mark(replace(line, last_paid_on=None, price_id=None, deal_id=None, source_id=""))


def _mark_of_deal(deal: Deal) -> str:
    """Leave out all but what makes an event of it."""
    return _mark((deal.deal_id, deal.state, deal.kind, deal.close_on))


def _mark_of_ticket(ticket: Ticket) -> str:
    """Leave out how often it was reopened, which would make another ticket of it."""
    return _mark(replace(ticket, reopened=None))


# The same records are marked on each day that is folded.
@lru_cache(maxsize=65536)
def _mark(content: object) -> str:
    return blake2b(repr(content).encode(), digest_size=MARK_BYTES).hexdigest()
