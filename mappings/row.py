"""One record of a CRM seen through the charter's bindings: text in, typed values out.

``mappings.inbound`` asks a ``Row`` for each canonical value; what cannot be read raises
``Contradicted`` with the field's name, so that the record is quarantined with a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from integration.port import CrmRecord
from mappings.binding import Binding
from mappings.money import from_major
from mappings.typed import Unreadable, read_boolean, read_day, read_decimal, read_instant, read_integer
from success.facts import Money

LARGEST_AMOUNT = Decimal(10) ** 15  # beyond any CRM's currency field; guards against unreadable exponents
YES_OR_NO = {"true": 1, "false": 0}

_T = TypeVar("_T")


class Contradicted(Exception):
    """A value that cannot be what the charter says it is; ``field`` is the CRM's field name."""

    def __init__(self, field: str, reason: str) -> None:
        """Hold the field and the reason, a sentence's end such as ``nothing is written in it``."""
        super().__init__(reason)
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Row:
    """A record with the installation's time zone; each method reads one canonical value."""

    record: CrmRecord
    zone: ZoneInfo

    def text(self, binding: Binding | None) -> str | None:
        """Return the bound text after map and default; empty text is ``None``."""
        if binding is None:
            return None
        raw = self.record.values.get(binding.field) if binding.field else None
        if raw is None or not raw.strip():
            return binding.default
        if not binding.map:
            return raw.strip()
        mapped = binding.map.get(raw.strip(), binding.default)
        if mapped is None:
            raise Contradicted(_named(binding), f"the charter's map has no {raw!r}")
        return mapped

    def required_text(self, binding: Binding) -> str:
        """Return the bound text, which must be there."""
        return self._required(binding, self.text(binding))

    def integer(self, binding: Binding | None) -> int | None:
        """Return a whole number or ``None``."""
        return self._read(binding, read_integer)

    def required_integer(self, binding: Binding) -> int:
        """Return a whole number, which must be there."""
        return self._required(binding, self.integer(binding))

    def boolean(self, binding: Binding | None) -> bool:
        """Return a truth value; nothing written is false."""
        return bool(self._read(binding, read_boolean))

    def times(self, binding: Binding | None) -> int | None:
        """Return how often something happened, where a field may also only say whether: yes is once."""
        text = (self.text(binding) or "").lower()
        if text in YES_OR_NO:
            return YES_OR_NO[text]
        count = self.integer(binding)
        if binding is not None and count is not None and count < 0:
            raise Contradicted(_named(binding), f"{count} is less than none")
        return count

    def day(self, binding: Binding | None) -> date | None:
        """Return a day in the installation's time zone or ``None``."""
        return self._read(binding, lambda text: read_day(text, self.zone))

    def required_day(self, binding: Binding) -> date:
        """Return a day, which must be there."""
        return self._required(binding, self.day(binding))

    def instant(self, binding: Binding | None) -> datetime | None:
        """Return an instant in UTC or ``None``."""
        return self._read(binding, read_instant)

    def created_day(self, binding: Binding | None) -> date:
        """Return the bound day, else the day the CRM made the record."""
        return self.day(binding) or self.record.created_at.astimezone(self.zone).date()

    def money(self, binding: Binding, currency: str) -> Money | None:
        """Return an amount in ``currency`` or ``None``."""
        amount = self._read(binding, read_decimal)
        if amount is None:
            return None
        if abs(amount) >= LARGEST_AMOUNT:
            raise Contradicted(_named(binding), f"{amount} is too large for an amount")
        return from_major(amount, currency)

    def required_money(self, binding: Binding, currency: str) -> Money:
        """Return an amount, which must be there."""
        return self._required(binding, self.money(binding, currency))

    def amounts(self, binding: Binding | None, currency: str) -> tuple[Money, ...]:
        """Return amounts in ``currency`` written one after another with ``;`` between them."""
        text = self.text(binding)
        if binding is None or text is None:
            return ()
        try:
            read = [read_decimal(part) for part in text.split(";") if part.strip()]
        except Unreadable as error:
            raise Contradicted(_named(binding), str(error)) from error
        if any(abs(amount) >= LARGEST_AMOUNT for amount in read):
            raise Contradicted(_named(binding), "one of the amounts is too large")
        return tuple(from_major(amount, currency) for amount in read)

    def link(self, parent: str) -> str:
        """Return the id of the record's parent; the port names a primary link first."""
        for link in self.record.links:
            if link.object == parent:
                return link.id
        raise Contradicted(parent, f"the record is linked to none of {parent}")

    def _read(self, binding: Binding | None, read: Callable[[str], _T]) -> _T | None:
        text = self.text(binding)
        if binding is None or text is None:
            return None
        try:
            return read(text)
        except Unreadable as error:
            raise Contradicted(_named(binding), str(error)) from error

    def _required(self, binding: Binding, value: _T | None) -> _T:
        if value is None:
            raise Contradicted(_named(binding), "nothing is written in it")
        return value


def _named(binding: Binding) -> str:
    return binding.field or "the charter's default"
