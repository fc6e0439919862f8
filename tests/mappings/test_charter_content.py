"""What a charter holds once read: its hash, its schema, and the rules it sets."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mappings.charter import (
    Charter,
    canonical_bytes,
    content_hash,
    from_canonical_bytes,
    json_schema,
    rules_of,
)
from mappings.load import load_charter
from mappings.naming import VENDORS
from success.rules import CurvePoint, Language, OnMissing, Overlap, Validity

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "mappings" / "charters" / "default.yaml"
RAVENSTACK = ROOT / "tests" / "ravenstack" / "charter.yaml"
PLAIN = YAML(typ="safe", pure=True).load(DEFAULT.read_text(encoding="utf-8"))


def shuffled(value: object, seed: int) -> object:
    """Return the same data with the keys of every mapping in another order."""
    if isinstance(value, list):
        return [shuffled(item, seed) for item in value]
    if not isinstance(value, dict):
        return value
    keys = list(value)
    random.Random(seed).shuffle(keys)
    return {key: shuffled(value[key], seed) for key in keys}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("path", [DEFAULT, RAVENSTACK], ids=["default", "ravenstack"])
def test_shipped_charters_are_without_mistakes(path: Path, vendor: str) -> None:
    """Both shipped charters can be used with either CRM."""
    assert load_charter(path, vendor).crm_for(vendor).reads.account.object in ("companies", "Account")


@given(st.integers())
def test_the_hash_does_not_see_the_order_of_keys(seed: int) -> None:
    """Whoever sorts the keys of a charter changes nothing in force."""
    assert content_hash(Charter.model_validate(PLAIN)) == content_hash(
        Charter.model_validate(shuffled(PLAIN, seed))
    )


def test_english_named_or_not_is_one_charter_and_another_language_another() -> None:
    """A charter from before there were languages keeps its hash; each keeps its own when stored."""
    silent, english, german = (
        Charter.model_validate({**PLAIN, **said}) for said in ({}, {"language": "en"}, {"language": "de"})
    )
    assert b"language" not in canonical_bytes(silent)
    assert content_hash(silent) == content_hash(english) != content_hash(german)
    stored = [from_canonical_bytes(canonical_bytes(one)) for one in (english, german)]
    assert [rules_of(one).language for one in stored] == [Language.EN, Language.DE]


def test_the_hash_does_not_see_comments_nor_how_a_number_is_written(tmp_path: Path) -> None:
    """A comment, or 90.0 written for 90, changes nothing in force."""
    text = DEFAULT.read_text(encoding="utf-8")
    assert "floor: 75}" in text
    changed = tmp_path / "charter.yaml"
    changed.write_text(text.replace("floor: 75}", "floor: 75.0}  # better"), encoding="utf-8")
    assert content_hash(load_charter(DEFAULT, "hubspot")) == content_hash(load_charter(changed, "hubspot"))


@pytest.mark.parametrize(
    ("old", "new"), [("floor: 75}", "floor: 76}"), ("closedate", "close_on"), ("UTC", "CET")]
)
def test_the_hash_sees_every_change_of_meaning(tmp_path: Path, old: str, new: str) -> None:
    """A changed band, field or time zone is another charter."""
    changed = tmp_path / "charter.yaml"
    changed.write_text(DEFAULT.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert content_hash(load_charter(DEFAULT, "hubspot")) != content_hash(load_charter(changed, "hubspot"))


def test_a_stored_charter_comes_back_the_same() -> None:
    """Replay reads the charter that was in force from its canonical bytes."""
    charter = load_charter(DEFAULT, "hubspot")
    assert charter == from_canonical_bytes(canonical_bytes(charter))


def test_editors_and_the_loader_agree_on_the_shipped_charters() -> None:
    """The published schema is today's, and accepts what the loader accepts."""
    published = json.loads((DEFAULT.parent / "charter.schema.json").read_text(encoding="utf-8"))
    assert published == json_schema()
    validator = jsonschema.Draft202012Validator(published)
    for path in (DEFAULT, RAVENSTACK):
        data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        assert list(validator.iter_errors(data)) == []


@pytest.mark.parametrize("broken", [{"weight": "thirty"}, {"wieght": 30}, {"curve": 5}])
def test_editors_see_mistakes_too(broken: dict[str, object]) -> None:
    """The published schema refuses wrong types and unknown fields."""
    data = json.loads(json.dumps(PLAIN))
    data["scorecard"]["measures"][0] |= broken
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(data)


def test_the_default_rules_are_those_people_read_in_the_file() -> None:
    """Percent, points and shares of the default charter become exact thousandths."""
    charter = load_charter(DEFAULT, "hubspot")
    rules = rules_of(charter)
    assert content_hash(charter) == rules.charter_hash
    assert (rules.policies.overlap, rules.policies.validity) == (Overlap.STACK, Validity.HALF_OPEN)
    assert {"EUR": Fraction(27, 25), "GBP": Fraction(127, 100)} == rules.policies.fx
    assert sum(measure.weight for measure in rules.scorecard.measures) == 1000
    assert {"usage", "support", "commercial"} == {measure.group for measure in rules.scorecard.measures}
    seats = rules.scorecard.measures[0]
    assert (seats.title, seats.weight, seats.on_missing) == ("Seat utilisation", 300, OnMissing.REDISTRIBUTE)
    assert CurvePoint(Fraction(3, 10), 40_000) == seats.curve[1]
    assert [band.floor for band in rules.scorecard.bands] == [0, 50_000, 75_000]
    assert (rules.scorecard.caps[0].points, rules.scorecard.coverage_floor) == (60_000, 500)
    assert [milestone.due_offset_days for milestone in rules.plan.milestones] == [14, 45, 75, 120]
    expansion = rules.expansion
    assert rules.renewal.lead_days == 90
    assert (expansion.seat_utilisation, expansion.days, expansion.add_share) == (800, 14, 200)


def test_ravenstack_names_the_policies_of_its_figures() -> None:
    """The published RavenStack figures stack lines, half-open, in dollars, with rolling terms (domain E)."""
    rules = rules_of(load_charter(RAVENSTACK, "salesforce"))
    assert (
        rules.policies.overlap, rules.policies.validity, rules.policies.reporting_currency
    ) == (Overlap.STACK, Validity.HALF_OPEN, "USD")  # fmt: skip
    renewal = rules.renewal
    assert (renewal.rolling_terms, renewal.lead_days, rules.plan.lookback_days) == (True, 90, 180)
    assert "seat_utilisation" not in {measure.measure for measure in rules.scorecard.measures}
