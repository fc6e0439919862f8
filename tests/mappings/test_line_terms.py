"""What some customers keep on their contracts: notice, last payment and prices by year."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from integration.port import Link
from mappings.inbound import Contradiction, Inbound, inbound_of, to_line
from mappings.load import load_charter
from success.facts import ContractLine, Money
from tests.mappings.test_charter_content import DEFAULT
from tests.mappings.test_mappings_inbound import LINE, PIPELINES, record, won

FIELDS = ("cancelled_on: notice_given", "last_paid_on: paid_until", "ramp: price_steps")


@pytest.fixture(scope="module")
def inbound(tmp_path_factory: pytest.TempPathFactory) -> Inbound:
    """Return the default charter's reading with the three fields bound."""
    path: Path = tmp_path_factory.mktemp("charter") / "charter.yaml"
    text = DEFAULT.read_text(encoding="utf-8")
    place = "          co_term_group: contract_co_term_group\n"
    assert text.count(place) == 1
    path.write_text(
        text.replace(place, place + "".join(f"          {one}\n" for one in FIELDS)), encoding="utf-8"
    )
    return inbound_of(load_charter(path, "hubspot"), "hubspot", PIPELINES)


def read(inbound: Inbound, **values: str) -> ContractLine | Contradiction | None:
    """Return what becomes of the good line with more values."""
    return to_line(record("line_items", {**LINE, **values}, Link("deals", "77")), won(), inbound)


def test_notice_payment_and_prices_are_read(inbound: Inbound) -> None:
    """Days as days, prices one after another in the line's currency."""
    found = read(
        inbound, notice_given="2025-03-01", paid_until="2025-06-30", price_steps="1200; 1320.50;1500"
    )
    assert isinstance(found, ContractLine)
    assert (found.cancelled_on, found.last_paid_on) == (date(2025, 3, 1), date(2025, 6, 30))
    assert found.ramp == (Money(120_000, "EUR"), Money(132_050, "EUR"), Money(150_000, "EUR"))


def test_what_is_not_written_is_not_there(inbound: Inbound) -> None:
    """An empty field is no notice, no payment and no step."""
    found = read(inbound)
    assert isinstance(found, ContractLine)
    assert (found.cancelled_on, found.last_paid_on, found.ramp) == (None, None, ())


@pytest.mark.parametrize(
    ("steps", "reason"),
    [("1200;much", "'much' is not a number"), ("1200;1e30", "one of the amounts is too large")],
)
def test_a_price_that_is_none_quarantines_the_line(inbound: Inbound, steps: str, reason: str) -> None:
    """The line is a contradiction with its field, never priced by half."""
    found = read(inbound, price_steps=steps)
    assert isinstance(found, Contradiction)
    assert (found.field, found.reason) == ("price_steps", reason)
