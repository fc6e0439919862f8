"""What speaks for and against an account in words: the largest contributions to its log-odds.

Neighbours: ``model`` gives the contributions, ``records`` writes the words, ``wording`` has the sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from success.explain import shown_value
from success.measures import MEASURES, MeasureValue
from success.prediction.features import ENDS
from success.prediction.model import BASE, MILLION, Model, Term
from success.prediction.rule import ATTRIBUTE
from success.prediction.table import Value
from success.shares import half_up
from success.wording.words import ENGLISH, Words

SHOWN = 3
HUNDREDTHS = 100


def reasons(model: Model, found: Sequence[Value], words: Words = ENGLISH) -> tuple[str, ...]:
    """Return the largest contributions in words, at most three; those that would show as 0.00 are left out.

    Equal ones stand in the model's order.
    """
    terms = [term for term in model.log_odds(found) if term.feature != BASE and shown_log_odds(term.micro)]
    largest = sorted(terms, key=lambda term: -abs(term.micro))[:SHOWN]
    return tuple(_sentence(term, words) for term in largest)


def shown_log_odds(micro: int) -> Decimal:
    """Return millionths of log-odds as log-odds with two decimals, a half away from zero."""
    size = half_up(Fraction(abs(micro) * HUNDREDTHS, MILLION))
    return Decimal(size if micro > 0 else -size).scaleb(-2)


def _sentence(term: Term, words: Words) -> str:
    phrase = "model.raises" if term.micro > 0 else "model.lowers"
    log_odds = words.signed(shown_log_odds(term.micro))
    return words(phrase, feature=title(term.feature, words), value=_shown(term, words), log_odds=log_odds)


def title(name: str, words: Words = ENGLISH) -> str:
    """Return what people call a column; an attribute goes by its name in every language."""
    if name == ENDS:
        return words("model.term_ends")
    if name.startswith(ATTRIBUTE):
        return name.removeprefix(ATTRIBUTE).replace("_", " ").capitalize()
    return words.measure(name, MEASURES[name].title)


def _shown(term: Term, words: Words) -> str:
    if term.feature == ENDS:
        return words("value.yes" if term.value else "value.no")
    if isinstance(term.value, str):
        return term.value
    return shown_value(term.feature, MeasureValue(term.value, None), words)
