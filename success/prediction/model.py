"""A fitted model: log-odds as an exact sum of contributions, kept as JSON and asked without scikit-learn.

Log-odds are integer millionths. A number on its scale contributes weight × (number − centre) / spread,
held within the range training saw; an unknown value, or a word never met, contributes nothing: it is
read as the average of training, never as zero. Neighbours: ``ladder`` fits models, ``calibration`` maps
their log-odds to probabilities, ``model_text`` stores them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from success.prediction.profile import Profile
from success.prediction.ranking import tenth
from success.prediction.scale import Scale
from success.prediction.table import FeatureTable, Kind, Role, Value
from success.shares import half_up, largest_remainder

MILLION = 1_000_000
"""How many millionths make a log-odd; parts of it are summed in millionths of those."""
BASE = "base"
"""The name of the term every account has: the log-odds of an account average in everything."""


class Rung(StrEnum):
    """How much the data may say; which one is used follows from the number of events."""

    EXPERT = "expert"
    RIDGE = "ridge"
    HAZARD = "hazard"


@dataclass(frozen=True, slots=True)
class Encoded:
    """One fitted number: a column's own value on a scale, or whether it is the word ``level``.

    ``weight`` is millionths of log-odds per ``spread``, ``prior`` what the expert held of the same.
    ``low`` and ``high`` are the edges of what training saw, None where nothing is held back. Centre,
    spread and edges are on the ``scale``.
    """

    level: str | None
    weight: int
    prior: int
    centre: Fraction
    spread: Fraction
    low: Fraction | None = None
    high: Fraction | None = None
    scale: Scale = Scale.LINEAR

    def part(self, value: Value) -> Fraction:
        """Return the millionths of log-odds this number adds for a known value, not rounded."""
        if self.level is not None:
            number = Fraction(value == self.level)
        else:
            number = self.scale.of(Fraction(value))  # type: ignore[arg-type]  # only numbers come here
            number = number if self.low is None else max(self.low, number)
            number = number if self.high is None else min(self.high, number)
        return self.weight * (number - self.centre) / self.spread


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of a model, with the numbers it was encoded as.

    ``against`` says that the data spoke against the direction stated, so that it counts nothing;
    ``profile`` is how its values were spread in training.
    """

    name: str
    kind: Kind
    role: Role
    encoded: tuple[Encoded, ...]
    against: bool = False
    profile: Profile | None = None

    def part(self, value: Value) -> int:
        """Return the log-odds of a value in millionths of millionths; 0 for what is unknown or never met.

        Raises ValueError for a word where numbers stand, or the reverse.
        """
        if value is None:
            return 0
        if isinstance(value, str) != (self.kind is Kind.CATEGORY):
            raise ValueError(f"{self.name} holds a {self.kind}, not {value!r}")
        if self.kind is Kind.CATEGORY and all(one.level != value for one in self.encoded):
            return 0
        return half_up(MILLION * sum((one.part(value) for one in self.encoded), Fraction(0)))


@dataclass(frozen=True, slots=True)
class Term:
    """One contribution to the log-odds, in millionths; ``value`` None is unknown or the base."""

    feature: str
    value: Value
    micro: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone map on held-out time: calibrated log-odds = ``shift`` + ``slope`` × log-odds, millionths.

    ``slope`` is above zero, so ranks stay as they are. ``first`` and ``last`` are the periods held out.
    """

    slope: int
    shift: int
    events: int
    rows: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Trained:
    """What a model learned from: counts, and the first and last period (None without rows).

    ``auc`` is how well it orders the very rows it learned from, in thousandths.
    """

    rows: int
    accounts: int
    events: int
    parameters: int
    first: int | None
    last: int | None
    auc: int | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model. ``strength`` is the pull towards the expert's weights, None where they stand alone.

    ``cuts`` part the scores of training into tenths, none where it had fewer than ten rows.
    """

    rung: Rung
    base: int
    features: tuple[Feature, ...]
    trained: Trained
    strength: int | None = None
    calibration: Calibration | None = None
    cuts: tuple[int, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the columns the model reads, in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def evidence(self) -> str:
        """Return whether the data moved the weights: ``sufficient`` or ``insufficient``."""
        return "insufficient" if self.rung is Rung.EXPERT else "sufficient"

    def log_odds(self, values: Sequence[Value]) -> tuple[Term, ...]:
        """Return the contributions to the log-odds of ``values`` (in order of ``names``), base first.

        They sum to ``score`` to the millionth: each is rounded by largest remainder.
        """
        parts = [Fraction(self.base), *(Fraction(part, MILLION) for part in self._parts(values))]
        named = ((BASE, None), *zip(self.names, values, strict=True))
        shown = largest_remainder(parts)
        return tuple(Term(name, value, micro) for (name, value), micro in zip(named, shown, strict=True))

    def score(self, values: Sequence[Value]) -> int:
        """Return the log-odds in millionths: what accounts are ranked by."""
        return half_up(Fraction(MILLION * self.base + sum(self._parts(values)), MILLION))

    def scores(self, table: FeatureTable) -> tuple[int, ...]:
        """Return the score of each row of a table, whose columns may be more and in another order.

        Raises ValueError where a column the model reads is missing.
        """
        places = {column.name: index for index, column in enumerate(table.columns)}
        missing = [name for name in self.names if name not in places]
        if missing:
            raise ValueError(f"the table has no column {', '.join(missing)}")
        totals = [MILLION * self.base] * len(table.rows)
        for feature in self.features:
            place, known = places[feature.name], dict[Value, int]()
            for number, row in enumerate(table.rows):
                value = row.values[place]
                if value not in known:  # values repeat, and each is asked once
                    known[value] = feature.part(value)
                totals[number] += known[value]
        return tuple((2 * total + MILLION) // (2 * MILLION) for total in totals)

    def rank(self, values: Sequence[Value]) -> int | None:
        """Return the tenth of training's scores these values fall into, 10 the most endangered."""
        return tenth(self.score(values), self.cuts)

    def probability(self, values: Sequence[Value]) -> int | None:
        """Return the calibrated probability of churn in thousandths; None where only ranks are known."""
        if self.calibration is None:
            return None
        shifted = self.calibration.shift + Fraction(self.calibration.slope * self.score(values), MILLION)
        return half_up(1000 * Fraction(chance(float(shifted) / MILLION)))

    def raw_probability(self, values: Sequence[Value]) -> float:
        """Return the probability the fit itself gives, 0 to 1; for backtests, never for people."""
        return chance(self.score(values) / MILLION)

    def _parts(self, values: Sequence[Value]) -> Iterable[int]:
        return (feature.part(value) for feature, value in zip(self.features, values, strict=True))


def chance(log_odds: float) -> float:
    """Return the probability of some log-odds, without overflow at either end."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    return math.exp(log_odds) / (1 + math.exp(log_odds))
