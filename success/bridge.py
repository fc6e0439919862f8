"""The ARR bridge (domain C06): from opening to closing, every movement in one bucket.

Opening + new + reactivation + expansion + uplift + contraction + churn + FX is closing, per
unit and in total, to the minor unit. A period runs from the state on ``start`` to the state
on ``end``, so that periods that meet add up. Neighbours: ``positions`` says what stood on a
day; ``kpis`` derives retention from the same positions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from success.days import add_months
from success.facts import ContractLine
from success.policies import Movement, policies_text
from success.positions import Book, Ground, Level, Position, Unit
from success.shares import half_up


@dataclass(frozen=True, slots=True)
class Movements:
    """What moved, in minor units of the reporting currency; losses are negative.

    ``uplift`` is what prices added: steps of a ramp, and a dearer renewal of the same seats.
    """

    opening: int = 0
    new: int = 0
    reactivation: int = 0
    expansion: int = 0
    uplift: int = 0
    contraction: int = 0
    churn: int = 0
    fx: int = 0
    closing: int = 0

    @property
    def adds_up(self) -> bool:
        """Say whether opening and movements are closing."""
        moved = (
            self.new,
            self.reactivation,
            self.expansion,
            self.uplift,
            self.contraction,
            self.churn,
            self.fx,
        )
        return self.opening + sum(moved) == self.closing


@dataclass(frozen=True, slots=True)
class BridgeRow:
    """One unit's part: its customer first, then account, product and line as the level has them."""

    unit: Unit
    moved: Movements


@dataclass(frozen=True, slots=True)
class Bridge:
    """The bridge of a period. ``pending`` is the part of ``closing`` that awaits a late renewal."""

    start: date
    end: date
    level: Level
    total: Movements
    pending: int
    rows: tuple[BridgeRow, ...]
    policies: str


def bridge(book: Book, start: date, end: date, level: Level = Level.ACCOUNT) -> Bridge:
    """Return the bridge between two days, in the movement view where the policy says so."""
    by_step = book.policies.movement is Movement.MOVEMENTS
    rows = []
    for customer in book.customers:
        days = [start, end]
        if by_step:
            days = sorted({start, end, *(day for day in book.change_days(customer) if start < day < end)})
        rows += _rows(book, customer, days, level)
    total = _sum(row.moved for row in rows)
    pending = sum(book.worth(position, end) for position in book.on(end) if position.ground is Ground.PENDING)
    return Bridge(start, end, level, total, pending, tuple(rows), policies_text(book.policies))


def active(positions: Iterable[Position], book: Book, rate_on: date | None) -> bool:
    """Say whether what stands is worth anything: a customer with ARR above 0 is active."""
    return sum(book.worth(position, rate_on) for position in positions) > 0


def last_active_before(book: Book, customer: Unit, day: date) -> date | None:
    """Return the first day of the absence that a customer inactive on ``day`` is in.

    None where it was never active before.
    """
    left: date | None = None
    for change in reversed([one for one in book.change_days(customer) if one <= day]):
        if active(book.of_customer(customer, change), book, None):
            return left or day
        left = change
    return None


def _rows(book: Book, customer: Unit, days: list[date], level: Level) -> list[BridgeRow]:
    """Walk from day to day at the rates of the first, then put the change of rates into FX."""
    start, end = days[0], days[-1]
    moved: defaultdict[Unit, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    states = [book.of_customer(customer, day) for day in days]
    for unit, amount in _by_unit(book, states[0], level, start).items():
        moved[unit]["opening"] = amount
    for place in range(1, len(days)):
        for unit, bucket, amount in _step(
            book, customer, (days[place - 1], days[place]), (states[place - 1], states[place]), level, start
        ):
            moved[unit][bucket] += amount
    constant = _by_unit(book, states[-1], level, start)
    for unit, amount in _by_unit(book, states[-1], level, end).items():
        moved[unit]["closing"] = amount
        moved[unit]["fx"] = amount - constant[unit]
    return [
        BridgeRow(unit, Movements(**parts)) for unit, parts in sorted(moved.items()) if any(parts.values())
    ]


def _step(
    book: Book,
    customer: Unit,
    days: tuple[date, date],
    states: tuple[tuple[Position, ...], tuple[Position, ...]],
    level: Level,
    rate_on: date,
) -> Iterable[tuple[Unit, str, int]]:
    """Yield what moved between two days, by unit and bucket, at one day's rates."""
    before, after = (_by_unit(book, state, level, rate_on) for state in states)
    if before == after:
        return
    was, still = sum(before.values()) > 0, sum(after.values()) > 0
    gain = "expansion" if was else _arrival(book, customer, days)
    loss = "contraction" if still else "churn"
    uplifts = _uplifts(book, states, level, rate_on) if was and still else {}
    for unit in sorted({*before, *after}):
        change = after.get(unit, 0) - before.get(unit, 0)
        if change < 0:
            yield unit, loss, change
            continue
        by_price = min(change, uplifts.get(unit, 0))
        yield unit, "uplift", by_price
        yield unit, gain, change - by_price


def _arrival(book: Book, customer: Unit, days: tuple[date, date]) -> str:
    """Say whether a customer absent on the first day is new or came back by the second."""
    left = last_active_before(book, customer, days[0])
    if left is None:
        return "new"
    months = book.policies.new_after_months
    changes = [day for day in book.change_days(customer) if days[0] < day <= days[1]]
    back = next((day for day in changes if active(book.of_customer(customer, day), book, None)), days[1])
    return "new" if months and add_months(left, months) <= back else "reactivation"


def _uplifts(
    book: Book, states: tuple[tuple[Position, ...], tuple[Position, ...]], level: Level, rate_on: date
) -> Mapping[Unit, int]:
    """Return what prices added to each unit: the same line dearer, or its renewal per seat."""
    earlier = {position.line.line_id: position for position in states[0]}
    found: defaultdict[Unit, int] = defaultdict(int)
    for position in states[1]:
        line = position.line
        old = earlier.get(line.line_id) or earlier.get(line.renewal_of_line_id or "")
        if old is None or old.line.arr.currency != line.arr.currency:
            continue
        now, then = book.worth(position, rate_on), book.worth(old, rate_on)
        found[book.unit(line, level)] += max(0, _price_rise(line, now, old.line, then))
    return found


def _price_rise(line: ContractLine, now: int, old: ContractLine, then: int) -> int:
    """Return what the seats held throughout cost more; lines without seats compare as a whole."""
    if line.quantity <= 0 or old.quantity <= 0:
        return now - then
    per_seat = Fraction(now, line.quantity) - Fraction(then, old.quantity)
    return half_up(per_seat * min(line.quantity, old.quantity))


def _by_unit(book: Book, state: Iterable[Position], level: Level, rate_on: date) -> dict[Unit, int]:
    totals: defaultdict[Unit, int] = defaultdict(int)
    for position in state:
        totals[book.unit(position.line, level)] += book.worth(position, rate_on)
    return dict(totals)


def _sum(parts: Iterable[Movements]) -> Movements:
    held = list(parts)
    return Movements(**{name: sum(getattr(one, name) for one in held) for name in Movements.__slots__})
