"""From the versions of a record to what people said of its account: with a day, an author and an end; pure.

A word counts from the day its own fields were last changed: the first version read that holds it as it
stands now (decision 0078). Who saved that version is its author where the CRM says so and it was a person,
else the account's owner. What cannot be taken is a ``Contradiction`` in people's words and counts for
nothing. Neighbours: ``human_fields`` has the fields, ``sync/human_inputs.py`` brings the versions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, TypeVar

from integration.port import CrmRecord
from mappings.binding import Binding
from mappings.charter import Charter, rules_of_standing
from mappings.human_fields import (
    HUBSPOT_AUTHOR,
    KIND,
    MADE_BY,
    POINTS,
    PULSE,
    REASON,
    SAVED_BY,
    SAVED_BY_NAME,
    SEGMENT,
    SEGMENT_UNTIL,
    STAGE,
    STAGE_UNTIL,
    UNTIL,
)
from mappings.inbound import Contradiction, Inbound
from mappings.naming import HUBSPOT, vendor_name
from mappings.row import Contradicted, Row
from mappings.typed import Unreadable, read_decimal
from success.human_inputs import OVERRIDE_DAYS, HumanInputs, Override, OverrideKind, Pin, Pulse

RATINGS: Final = range(1, 6)
MOST_POINTS: Final = 100
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PinKeys:
    """The keys a pin may name; ``None`` where the charter names none and whoever takes the pin judges."""

    segments: frozenset[str] | None = None
    stages: frozenset[str] | None = None


def pin_keys(charter: Charter) -> PinKeys:
    """Return which segments and stages there are to be pinned under a charter."""
    segmentation, journey = rules_of_standing(charter)
    return PinKeys(
        segments=frozenset(rule.key for rule in segmentation.segments),
        stages=frozenset(stage.key for stage in journey.stages),
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What people said of one account, and what of it cannot be taken as it stands."""

    inputs: HumanInputs
    contradictions: tuple[Contradiction, ...] = ()


def to_human_inputs(
    versions: Sequence[CrmRecord],
    owner: str | None,
    inbound: Inbound,
    keys: PinKeys,
    users: Mapping[str, str] | None = None,
) -> Said:
    """Return what the newest of ``versions`` says, oldest first; there must be one.

    ``owner`` is who answers where the CRM does not say who wrote, ``users`` what HubSpot's users are called
    by their ids.

    Overrides and pins are returned with their ends, whether or not these have passed: days are asked
    about later. One that was cleared is not there.
    """
    reading = _Reading(tuple(versions), owner, inbound, users or {})
    inputs = HumanInputs(
        override=reading.taken(_override),
        segment_pin=reading.taken(lambda one: _pin(one, SEGMENT, SEGMENT_UNTIL, keys.segments)),
        stage_pin=reading.taken(lambda one: _pin(one, STAGE, STAGE_UNTIL, keys.stages)),
        pulse=reading.taken(_pulse),
    )
    return Said(inputs, tuple(reading.contradictions))


@dataclass(slots=True)
class _Reading:
    """One account's record being read, and what of it was found wrong."""

    versions: tuple[CrmRecord, ...]
    owner: str | None
    inbound: Inbound
    users: Mapping[str, str]
    contradictions: list[Contradiction] = field(default_factory=list)

    def taken(self, read: Callable[[_Reading], _T | None]) -> _T | None:
        """Return what ``read`` makes of the record; what it cannot take is kept for the report."""
        try:
            return read(self)
        except Contradicted as error:
            self.tell(error.field, error.reason)
            return None

    def tell(self, named: str, reason: str) -> None:
        """Keep a contradiction of a field, by the CRM's name of it."""
        newest = self.versions[-1]
        self.contradictions.append(Contradiction(newest.object, newest.id, named, reason))

    def named(self, name: str) -> str:
        """Return what the CRM calls a field."""
        return vendor_name(name, self.inbound.vendor)

    def text(self, name: str) -> str | None:
        """Return what is written in a field; empty is ``None``."""
        return self._row.text(self._bound(name))

    def day(self, name: str) -> date | None:
        """Return the day in a field."""
        return self._row.day(self._bound(name))

    def integer(self, name: str) -> int | None:
        """Return the whole number in a field."""
        return self._row.integer(self._bound(name))

    def decimal(self, name: str) -> Decimal | None:
        """Return the number in a field."""
        text = self.text(name)
        try:
            return None if text is None else read_decimal(text)
        except Unreadable as error:
            raise Contradicted(self.named(name), str(error)) from error

    def begun(self, *names: str) -> tuple[date, str]:
        """Return the day since which the fields hold what they hold now, and who wrote it."""
        held = [self.named(name) for name in names]
        first = self.versions[-1]
        for version in reversed(self.versions):
            if any(_written(version, one) != _written(first, one) for one in held):
                break
            first = version
        return first.source_at.astimezone(self.inbound.zone).date(), self._author(first)

    def _author(self, record: CrmRecord) -> str:
        values = record.values
        if self.inbound.vendor == HUBSPOT:
            user = values.get(HUBSPOT_AUTHOR) or ""
            return self.users.get(user, user) or self.owner or ""
        if values.get(SAVED_BY) == values.get(MADE_BY):  # our own write came between the person's and us
            return self.owner or ""
        return values.get(SAVED_BY_NAME) or values.get(SAVED_BY) or self.owner or ""

    @property
    def _row(self) -> Row:
        return Row(self.versions[-1], self.inbound.zone)

    def _bound(self, name: str) -> Binding:
        return Binding(field=self.named(name))


def _written(record: CrmRecord, name: str) -> str:
    return (record.values.get(name) or "").strip()


def _override(one: _Reading) -> Override | None:
    """Return the override; a reason or an end alone, left over from one, says nothing."""
    kind, points = one.text(KIND), one.decimal(POINTS)
    if kind is None and points is None:
        return None
    if kind is None:
        raise Contradicted(one.named(KIND), f"points without a kind: choose {', '.join(OverrideKind)}")
    if kind not in set(OverrideKind):
        raise Contradicted(one.named(KIND), f"{kind!r} is none of {', '.join(OverrideKind)}")
    if points is None:
        raise Contradicted(one.named(POINTS), f"a {kind} without points: write some from 0 to {MOST_POINTS}")
    if not 0 <= points <= MOST_POINTS:
        raise Contradicted(one.named(POINTS), f"{points} is not between 0 and {MOST_POINTS}")
    reason = one.text(REASON)
    if reason is None:
        raise Contradicted(one.named(REASON), "an override needs a reason")
    made_on, author = one.begun(KIND, POINTS, UNTIL)
    latest = made_on + timedelta(days=OVERRIDE_DAYS)
    until = _end(one, UNTIL, made_on) or latest
    if until > latest:
        words = f"{until} is more than {OVERRIDE_DAYS} days after {made_on}: the override ends on {latest}"
        one.tell(one.named(UNTIL), words)
    return Override(OverrideKind(kind), _thousandths(points), reason, author, made_on, min(until, latest))


def _pin(one: _Reading, name: str, until_name: str, known: Collection[str] | None) -> Pin | None:
    key = one.text(name)
    if key is None:
        return None
    what = name.removesuffix("_pin")
    if known is not None and key not in known:  # it sets nothing; the record tells whoever pinned it so
        one.tell(one.named(name), f"there is no {what} {key!r}, only {', '.join(sorted(known))}")
    made_on, author = one.begun(name, until_name)
    until = _end(one, until_name, made_on)
    if until is None:
        raise Contradicted(one.named(until_name), f"a pinned {what} needs a day on which it ends")
    return Pin(key, made_on, until, author=author)


def _pulse(one: _Reading) -> Pulse | None:
    rating = one.integer(PULSE)
    if rating is None:
        return None
    if rating not in RATINGS:
        raise Contradicted(one.named(PULSE), f"{rating} is not between {RATINGS[0]} and {RATINGS[-1]}")
    on, author = one.begun(PULSE)
    return Pulse(rating, on, author)


def _end(one: _Reading, name: str, made_on: date) -> date | None:
    """Return the day on which a word ends; one that ends no later than it begins is a contradiction."""
    until = one.day(name)
    if until is not None and until <= made_on:
        raise Contradicted(one.named(name), f"it ends on {until}, and was written on {made_on}")
    return until


def _thousandths(points: Decimal) -> int:
    return int((points * 1000).to_integral_value(ROUND_HALF_UP))
