"""What a charter says of a model, and a trained model in force; frozen values for ``success.rules``.

Neighbours: ``mappings.models`` makes rules of the charter's YAML, ``features`` reads accounts by them,
``sync.models`` trains.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from success.prediction.model import Model
from success.prediction.table import Direction, Prior

ATTRIBUTE = "attribute."
"""What the column of an account's attribute begins with; other columns are named as their measure."""


@dataclass(frozen=True, slots=True)
class FeatureRule:
    """A feature by its column's name; ``weight`` is log-odds of churn per unit, None where nobody says."""

    name: str
    weight: Fraction | None = None
    typical: Fraction | None = None
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class ModelRule:
    """A model as declared: churn at the term's end within ``horizon_days`` days, told by features."""

    key: str
    version: int
    horizon_days: int
    features: tuple[FeatureRule, ...]

    @property
    def prior(self) -> Prior:
        """Return what the charter holds of the features before any data."""
        return Prior(
            {one.name: one.weight for one in self.features if one.weight is not None},
            {one.name: one.typical for one in self.features if one.typical is not None},
        )


@dataclass(frozen=True, slots=True)
class Scoring:
    """A trained model in force: the ``version``-th training of ``key``, known by its content hash."""

    key: str
    version: int
    content_hash: str
    horizon_days: int
    model: Model
