"""The charter's policies: what may be chosen, what is refused, and one choice changed for a look."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from mappings.charter import canonical_bytes, from_canonical_bytes, rules_of
from mappings.ledger_policies import Policies, with_choices
from mappings.load import load_charter
from mappings.problems import CharterError
from success.facts import LineKind
from success.policies import Customer, Overlap
from success.policies import Policies as LedgerPolicies
from tests.mappings.test_charter_content import DEFAULT

RATES = "fx: {EUR: 1.08, GBP: 1.27}"


def written(tmp_path: Path, policies: str) -> Path:
    """Return the default charter with more policies under its own."""
    text = DEFAULT.read_text(encoding="utf-8")
    assert RATES in text
    target = tmp_path / "charter.yaml"
    target.write_text(text.replace(RATES, f"{RATES}\n{policies}"), encoding="utf-8")
    return target


def test_a_charter_that_says_nothing_counts_as_the_ledger_does() -> None:
    """The defaults stand in one place's words and the other's, and are the same."""
    assert Policies().to_rules() == LedgerPolicies()
    assert {one.name for one in fields(LedgerPolicies)} == set(Policies.model_fields)


def test_every_policy_can_be_chosen_in_the_charter(tmp_path: Path) -> None:
    """Choices, days, kinds and rates by day arrive exactly, also from the stored charter."""
    path = written(
        tmp_path,
        "  customer: ultimate_parent\n  grace_days: 30\n  counted: [cs_offer, recurring]\n"
        "  fx_rate: spot\n  fx_dated: {EUR: {2024-06-01: 1.2, 2024-01-01: 1.1}}",
    )
    charter = load_charter(path, "hubspot")
    for one in (charter, from_canonical_bytes(canonical_bytes(charter))):
        policies = rules_of(one).policies
        assert (policies.customer, policies.grace_days) == (Customer.ULTIMATE_PARENT, 30)
        assert policies.counted == {LineKind.RECURRING, LineKind.CS_OFFER}
        assert policies.rate("EUR", date(2024, 5, 31)) == Fraction(11, 10)
        assert policies.rate("EUR", date(2024, 6, 1)) == Fraction(6, 5)
        assert policies.rate("EUR", date(2023, 12, 31)) == Fraction(27, 25)


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        ("  grace_days: 400", "less than or equal to 366"),
        ("  churn_date: whenever", "Write 'term_end', 'notice', 'last_payment' or 'last_use'"),
        ("  counted: [trial]", "Write 'recurring', 'committed_usage' or 'cs_offer'"),
        ("  counted: []", "Name at least one, such as recurring."),
        ("  fx_dated: {CHF: {2024-01-01: 1.1}}", "Give it the fixed rate in `fx` too."),
        ("  fx_dated: {EUR: {yesterday: 1.1}}", "valid date"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, policies: str, said: str) -> None:
    """One mistake at its line, with what may stand there."""
    path = written(tmp_path, policies)
    with pytest.raises(CharterError) as error:
        load_charter(path, "hubspot")
    (problem,) = error.value.problems
    assert said in str(problem)
    assert path.read_text(encoding="utf-8").splitlines()[problem.line - 1].startswith(policies)


def test_choices_change_what_they_name_and_nothing_else() -> None:
    """An overlap, days and a rate are changed; the other rate stays."""
    declared = Policies(fx={"EUR": Decimal("1.08"), "GBP": Decimal("1.27")})
    changed = with_choices(
        declared, ["overlap=supersede_product", "grace_days=60", "fx.EUR=1.5", "counted=recurring+cs_offer"]
    ).to_rules()
    assert (changed.overlap, changed.grace_days) == (Overlap.SUPERSEDE_PRODUCT, 60)
    assert changed.fx == {"EUR": Fraction(3, 2), "GBP": Fraction(127, 100)}
    assert changed.counted == {LineKind.RECURRING, LineKind.CS_OFFER}
    assert with_choices(declared, []) == declared


def test_rates_by_day_can_be_tried_too() -> None:
    """One day's rate joins those the charter has."""
    declared = Policies(fx={"EUR": Decimal(1)}, fx_dated={"EUR": {date(2024, 1, 1): Decimal(2)}})
    changed = with_choices(declared, ["fx_dated.EUR.2024-06-01=3", "fx_rate=spot"]).to_rules()
    days = (date(2023, 12, 31), date(2024, 5, 31), date(2024, 6, 1))
    assert [changed.rate("EUR", day) for day in days] == [1, 2, 3]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("overlaps=stack", "Did you mean 'overlap'?"),
        ("overlap=pile", "overlap: input should be 'stack'"),
        ("grace_days", "write NAME=VALUE"),
        ("grace_days=long", "grace_days: input should be a valid integer"),
        ("fx.EUR=much", "'much' is not a number"),
        ("fx.EUR=-1", "greater than 0"),
        ("fx=1", "there is no policy 'fx'. Use one of"),
        ("fx_dated.EUR.soon=1", "valid date"),
    ],
)
def test_a_choice_nobody_can_mean_says_so(choice: str, said: str) -> None:
    """The name, the value or the form is named."""
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        with_choices(Policies(), [choice])
