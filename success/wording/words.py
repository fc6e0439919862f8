"""Sentences in the charter's language: phrases filled in, numbers, days and money as people write them.

English is written as it always was here: days in the ISO form, a point before decimals. The other
languages follow the Unicode CLDR as Babel brings it, always asked with the language as an argument.
Neighbours: ``en``, ``de``, ``fr`` and ``es`` hold the phrases, ``explain``, ``explain_change`` and
``records`` say them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from success.facts import Money
from success.ledger import minor_per_unit
from success.wording import de, en, es, fr

Said = str | int | Decimal | date | Money
"""What a phrase may be filled with; everything but text is written as the language does."""


class Language(StrEnum):
    """A language every phrase exists in, by its ISO 639-1 code."""

    EN = "en"
    DE = "de"
    FR = "fr"
    ES = "es"


PHRASES: Mapping[Language, Mapping[str, str]] = {
    Language.EN: en.PHRASES,
    Language.DE: de.PHRASES,
    Language.FR: fr.PHRASES,
    Language.ES: es.PHRASES,
}


@dataclass(frozen=True, slots=True)
class Words:
    """One language. Calling it says a phrase; KeyError for one that does not exist."""

    language: Language

    def __call__(self, phrase: str, **values: Said) -> str:
        """Return a phrase filled in."""
        shown = {name: self.shown(value) for name, value in values.items()}
        return PHRASES[self.language][phrase].format(**shown)

    def counted(self, phrase: str, count: int | Decimal, **values: Said) -> str:
        """Return a phrase in the form the language has for ``count`` of a thing (``.one``, ``.other``)."""
        return self(f"{phrase}.{self._form(count)}", count=count, **values)

    def measure(self, name: str, title: str) -> str:
        """Return the title of a measure; one the catalogue of the language has not stays as it is."""
        return PHRASES[self.language].get(f"measure.{name}", title)

    def shown(self, value: Said) -> str:
        """Return a value as people write it; decimals keep the places they are given with."""
        if isinstance(value, str):
            return value
        if isinstance(value, Money):
            return self._money(value)
        if isinstance(value, date):
            return self._day(value)
        if self.language is Language.EN:
            return str(value)
        return self._number(value)

    def grouped(self, number: int) -> str:
        """Return a whole number with its thousands set apart."""
        return f"{number:,}" if self.language is Language.EN else self._number(number)

    def signed(self, number: Decimal) -> str:
        """Return a number with its sign, whichever it is."""
        return f"+{self.shown(number)}" if number > 0 else self.shown(number)

    def _form(self, count: int | Decimal) -> str:
        if self.language is Language.EN:
            return "one" if count == 1 and not _exponent(count) else "other"
        # CLDR's "many" of French and Spanish is for millions, which take the form of any other number here.
        return "one" if _locale(self.language).plural_form(count) == "one" else "other"

    def _day(self, day: date) -> str:
        if self.language is Language.EN:
            return day.isoformat()
        return format_date(day, "medium", locale=_locale(self.language))

    def _number(self, number: int | Decimal) -> str:
        places = max(0, -_exponent(number))
        pattern = "#,##0" + ("." + "0" * places if places else "")
        return format_decimal(number, format=pattern, locale=_locale(self.language))

    def _money(self, amount: Money) -> str:
        digits = len(str(minor_per_unit(amount.currency))) - 1
        number = Decimal(amount.minor).scaleb(-digits)
        if self.language is Language.EN:
            return f"{amount.currency} {number:,.{digits}f}"
        return f"{self._number(number)}\N{NO-BREAK SPACE}{amount.currency}"


def _exponent(number: int | Decimal) -> int:
    exponent = Decimal(number).as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


@lru_cache(maxsize=len(Language))
def _locale(language: Language) -> Locale:
    return Locale.parse(language.value)


ENGLISH = Words(Language.EN)
