"""Time filters of lists: points and ranges that move with the portal's clock.

Source: HubSpot's list filters overview (TIME_POINT, TIME_RANGED, relative dates) and the shapes of
its SDK. A property of type ``date`` is a day without a zone: it counts as the start of that day in
the zone the filter names. ``list_filters`` uses it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.hubspot.errors import VendorError, invalid
from sandbox.hubspot.reading import a_text, an_object
from sandbox.hubspot.times import to_ms
from sandbox.server.clock import epoch_ms, from_epoch_ms

_FIXED: Final = ("milliseconds", "seconds", "minutes", "hours", "days", "weeks")
_MONTHS: Final = {"months": 1, "quarters": 3, "years": 12}
_ROLLING: Final = (
    "IS_LESS_THAN_X_DAYS_AGO",
    "IS_MORE_THAN_X_DAYS_AGO",
    "IS_LESS_THAN_X_DAYS_FROM_NOW",
    "IS_MORE_THAN_X_DAYS_FROM_NOW",
)


@dataclass(frozen=True, slots=True)
class Moment:
    """The present of the portal and its own time zone."""

    now: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class _Point:
    """An instant in ms, and the zone in which a day without one is read."""

    at: int
    zone: ZoneInfo


def _refused(message: str) -> VendorError:
    return invalid(message, sub_category="ILS.INVALID_FILTER_BRANCH")


def time_test(definition: dict[str, Any], operation: dict[str, Any], moment: Moment) -> Callable[[str], bool]:
    """Return the test of one value of a date or datetime property. Raises 400."""
    kind = operation["operationType"]
    if kind == "TIME_POINT":
        return _before_or_after(definition, operation, _point(operation.get("timePoint"), moment))
    if kind == "DATETIME":
        return _before_or_after(definition, operation, _Point(_stamp(operation, "timestamp"), _zone("UTC")))
    if kind == "TIME_RANGED":
        low, high = _point(operation.get("lowerBoundTimePoint"), moment), operation.get("upperBoundTimePoint")
        return _between(definition, operation, low, _point(high, moment))
    if kind == "RANGED_DATE":
        low_ms, high_ms = _stamp(operation, "lowerBound"), _stamp(operation, "upperBound")
        return _between(definition, operation, _Point(low_ms, _zone("UTC")), _Point(high_ms, _zone("UTC")))
    return _rolling(definition, operation, moment)


def _stamp(operation: dict[str, Any], part: str) -> int:
    if isinstance(operation.get(part), bool) or not isinstance(operation.get(part), int):
        raise _refused(f"operationType {operation['operationType']} needs milliseconds in {part}")
    found: int = operation[part]
    return found


def _operator(operation: dict[str, Any], allowed: tuple[str, ...]) -> str:
    operator = str(operation.get("operator"))
    if operator not in allowed:
        raise _refused(f"Invalid operator {operator} for operationType {operation['operationType']}")
    return operator


def _instant(definition: dict[str, Any], held: str, zone: ZoneInfo) -> int:
    if definition["type"] == "datetime":
        return to_ms(held)
    day = from_epoch_ms(to_ms(held))
    return epoch_ms(datetime(day.year, day.month, day.day, tzinfo=zone))


def _before_or_after(
    definition: dict[str, Any], operation: dict[str, Any], point: _Point
) -> Callable[[str], bool]:
    after = _operator(operation, ("IS_BEFORE", "IS_AFTER")) == "IS_AFTER"
    inclusive = operation.get("endpointBehavior") == "INCLUSIVE"

    def test(held: str) -> bool:
        at = _instant(definition, held, point.zone)
        return (inclusive and at == point.at) or (at > point.at if after else at < point.at)

    return test


def _between(
    definition: dict[str, Any], operation: dict[str, Any], low: _Point, high: _Point
) -> Callable[[str], bool]:
    inside = _operator(operation, ("IS_BETWEEN", "IS_NOT_BETWEEN")) == "IS_BETWEEN"
    open_low = operation.get("lowerBoundEndpointBehavior") == "EXCLUSIVE"
    open_high = operation.get("upperBoundEndpointBehavior") == "EXCLUSIVE"

    def test(held: str) -> bool:
        at = _instant(definition, held, low.zone)
        above = at > low.at if open_low else at >= low.at
        below = at < high.at if open_high else at <= high.at
        return (above and below) == inside

    return test


def _rolling(definition: dict[str, Any], operation: dict[str, Any], moment: Moment) -> Callable[[str], bool]:
    operator, days = _operator(operation, _ROLLING), _stamp(operation, "numberOfDays")
    zone = _zone(moment.zone)
    today = _midnight(moment.now.astimezone(zone))
    past = operator.endswith("AGO")
    edge = epoch_ms(today - timedelta(days=days) if past else today + timedelta(days=days))
    near, start = operator.startswith("IS_LESS"), epoch_ms(today)

    def test(held: str) -> bool:
        at = _instant(definition, held, zone)
        if past:
            return edge <= at <= epoch_ms(moment.now) if near else at < edge
        return start <= at <= edge if near else at > edge

    return test


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise _refused(f"Unknown zoneId {name}") from None


def _midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def _point(given: Any, moment: Moment) -> _Point:
    if not isinstance(given, dict) or given.get("timeType") not in ("DATE", "INDEXED"):
        raise _refused("A time point must be of timeType DATE or INDEXED")
    zone = _zone(str(given.get("zoneId") or moment.zone))
    if given["timeType"] == "INDEXED":
        return _Point(_indexed(given, moment.now.astimezone(zone)), zone)
    try:
        day = datetime(int(given["year"]), int(given["month"]), int(given["day"]), tzinfo=zone)
        return _Point(epoch_ms(_with_clock(day, given)), zone)
    except (KeyError, TypeError, ValueError):
        raise _refused("A DATE time point needs year, month and day") from None


def _with_clock(day: datetime, given: dict[str, Any]) -> datetime:
    hour, minute, second = (int(given.get(name) or 0) for name in ("hour", "minute", "second"))
    return day.replace(hour=hour, minute=minute, second=second)  # ValueError past the clock


def _indexed(given: dict[str, Any], now: datetime) -> int:
    reference = an_object(given.get("indexReference"), "indexReference")
    kind = a_text(reference.get("referenceType"), "referenceType")
    day = _midnight(now)
    starts = {
        "NOW": now,
        "TODAY": day,
        "WEEK": day - timedelta(days=day.weekday()),
        "MONTH": day.replace(day=1),
        "QUARTER": day.replace(month=3 * ((day.month - 1) // 3) + 1, day=1),
        "YEAR": day.replace(month=1, day=1),
    }
    if kind not in starts:
        raise _refused(f"Invalid referenceType {kind}")
    try:
        start = starts[kind] if kind == "NOW" else _with_clock(starts[kind], reference)
        return epoch_ms(_moved(start, an_object(given.get("offset"), "offset")))
    except (TypeError, ValueError, OverflowError):
        raise _refused("An INDEXED time point has a clock or an offset that is no number") from None


def _moved(start: datetime, offset: dict[str, Any]) -> datetime:
    months = sum(int(offset.get(name) or 0) * size for name, size in _MONTHS.items())
    if months:
        count = start.year * 12 + start.month - 1 + months
        year, month = count // 12, count % 12 + 1
        last = (datetime(year + month // 12, month % 12 + 1, 1, tzinfo=start.tzinfo) - timedelta(days=1)).day
        start = start.replace(year=year, month=month, day=min(start.day, last))
    return start + timedelta(**{name: int(offset.get(name) or 0) for name in _FIXED})
