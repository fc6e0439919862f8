"""Which parts of the package an org goes without, by its edition and what it has."""

from __future__ import annotations

import pytest

from integration.salesforce.editions import Record, without_by_edition
from integration.salesforce.source_format import Part
from integration.salesforce.standing import StandingPackage

OURS = {"CS_Customer_Health", "CS_Renewals_and_Onboarding"}


def without(edition: str, *dashboards: str) -> dict[Part, str]:
    """Return what an org of an edition goes without that has these dashboards running as their reader."""
    return dict(without_by_edition(StandingPackage(edition, {}, {}, frozenset(), frozenset(dashboards))))


@pytest.mark.parametrize(
    ("edition", "theirs", "left_out"),
    [
        ("Enterprise Edition", 3, set()),
        ("Enterprise Edition", 4, {Part.DASHBOARDS}),
        ("Unlimited Edition", 8, set()),
        ("Unlimited Edition", 9, {Part.DASHBOARDS}),
        ("Developer Edition", 1, set()),
        ("Developer Edition", 2, {Part.DASHBOARDS}),
        ("Professional Edition", 0, {Part.DASHBOARDS, Part.EVENTS}),
        ("", 0, {Part.DASHBOARDS, Part.EVENTS}),
    ],
)
def test_five_dashboards_in_enterprise_ten_in_unlimited_three_in_developer(
    edition: str, theirs: int, left_out: set[Part]
) -> None:
    """Ours are two; change events are not in Professional Edition, nor where the edition is not known."""
    assert without(edition, *(f"D{number}" for number in range(theirs))).keys() == left_out


def test_our_own_dashboards_take_no_room_from_us() -> None:
    """Once installed they are among the five, and stay."""
    assert without("Enterprise Edition", "A", "B", "C", *OURS) == {}


def test_what_was_deployed_last_is_read_as_it_was_kept() -> None:
    """With the parts an org refused, and with none; nothing kept is nothing deployed."""
    for record in (Record("abc"), Record("abc", frozenset({Part.EVENTS, Part.DASHBOARDS}))):
        assert Record.read(str(record)) == record
    assert Record.read(None) is None
