"""The charter's ``models``: what may be declared, and every mistake with its place and remedy."""

from __future__ import annotations

from fractions import Fraction

import pytest

from mappings.charter import canonical_bytes, from_canonical_bytes
from mappings.load import read_charter
from mappings.problems import CharterError
from success.prediction.rule import FeatureRule, ModelRule
from success.prediction.table import Direction
from tests.mappings.test_charter_content import DEFAULT

GOOD = """
models:
  - key: churn
    version: 2
    horizon_days: 180
    active: true
    features:
      - {measure: seat_utilisation, weight: -2.5, typical: 0.6, direction: lowers}
      - measure: open_tickets
      - attribute: industry
"""


def written(text: str) -> str:
    """Return the default charter with models after all else."""
    return f"{DEFAULT.read_text(encoding='utf-8').rstrip()}\n{text}"


def test_a_charter_without_models_declares_none() -> None:
    """The default charter has none."""
    assert read_charter(written(""), "hubspot").models == ()


def test_models_arrive_exactly(tmp_path: object) -> None:
    """Weights and typical values are exact, also from the stored charter."""
    charter = read_charter(written(GOOD), "hubspot")
    features = (
        FeatureRule("seat_utilisation", Fraction(-5, 2), Fraction(3, 5), Direction.LOWERS),
        FeatureRule("open_tickets"),
        FeatureRule("attribute.industry"),
    )
    for one in (charter, from_canonical_bytes(canonical_bytes(charter))):
        assert one.models[0].to_rules() == ModelRule("churn", 2, 180, features)
        assert one.models[0].active


MISTAKES = {
    "unknown measure": ("open_tickets", "open_tikets", "open_tikets", "Did you mean 'open_tickets'?"),
    "unread attribute": ("industry", "industri", "industri", "Did you mean 'industry'?"),
    "both": ("- attribute: industry", "- {attribute: industry, measure: seats}", "{attribute", "not both"),
    "neither": ("- measure: open_tickets", "- {typical: 1}", "{typical: 1}", "not both"),
    "weighed words": ("- attribute: industry", "- {attribute: industry, weight: 1}", "1}", "Leave `weight`"),
    "turned round": ("direction: lowers", "direction: raises", "-2.5", "Turn one of them round"),
    "twice": ("measure: open_tickets", "measure: seat_utilisation", "measure: seat_utilisation\n",
              "Names in a list must differ."),
    "too short a horizon": ("horizon_days: 180", "horizon_days: 3", "3\n    active", "Change the value."),
    "another target": ("version: 2", "target: upsell\n    version: 2", "upsell", "Write 'churn'."),
    "weight in words": ("weight: -2.5", "weight: strong", "strong", "Write a number"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_has_its_place_and_remedy(mistake: str) -> None:
    """File, line and column of what is wrong, and what to do."""
    old, new, marker, remedy = MISTAKES[mistake]
    assert GOOD.count(old) == 1, old
    text = written(GOOD.replace(old, new))
    place = text.rindex(marker)
    with pytest.raises(CharterError) as raised:
        read_charter(text, "hubspot")
    first = raised.value.problems[0]
    assert remedy in first.remedy
    assert first.line == text[:place].count("\n") + 1


def test_one_key_and_one_model_on_the_record() -> None:
    """Two of one key, and two that are active, are refused together."""
    second = GOOD.replace("models:\n", "").replace("version: 2", "version: 3")
    with pytest.raises(CharterError) as raised:
        read_charter(written(GOOD + second.lstrip("\n")), "hubspot")
    assert [one.where for one in raised.value.problems] == ["models[1].key", "models[1].active"]


def test_a_model_without_features_is_none() -> None:
    """It is told to have one."""
    text = written(GOOD[: GOOD.index("    features:")] + "    features: []\n")
    with pytest.raises(CharterError, match="the model has no feature"):
        read_charter(text, "hubspot")
