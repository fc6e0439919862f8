"""Three-way writes: desired, acknowledged, observed; and who wins when a person insists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.diff import Acknowledged, BlockedField, FieldChanges, Observed, changed_fields, same_value

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PEOPLE = {"cs_health": "kim@example.com"}
TEXTS = st.none() | st.text(max_size=5) | st.sampled_from(["5", "5.0", "true", "True", "2025-01-01"])


def test_a_record_never_written_is_written_whole() -> None:
    """Without an acknowledgement and without an observation every field goes."""
    assert changed_fields({"a": "1", "b": None}, None, None).write == {"a": "1", "b": None}


def test_an_unchanged_record_is_not_sent() -> None:
    """What the CRM acknowledged needs no second call, however it writes numbers and truth."""
    acknowledged = Acknowledged({"a": "5.0", "b": "True", "c": ""}, NOON)
    assert changed_fields({"a": "5", "b": "true", "c": None}, acknowledged, None) == FieldChanges({})


def test_only_what_changed_is_sent() -> None:
    """One new value among two is one field."""
    acknowledged = Acknowledged({"a": "1", "b": "2"}, NOON)
    assert changed_fields({"a": "1", "b": "3"}, acknowledged, None).write == {"b": "3"}


def test_an_observation_older_than_the_acknowledgement_does_not_count() -> None:
    """The mirror may lag behind our own write: its old value is no change by anybody."""
    seen = Observed({"cs_health": "40"}, NOON - HOUR)
    assert changed_fields({"cs_health": "71"}, Acknowledged({"cs_health": "71"}, NOON), seen).write == {}


def test_our_own_write_as_the_crm_dated_it_is_no_change_by_anybody() -> None:
    """An observation as old as the acknowledgement is our own write coming back."""
    seen = Observed({"cs_health": "40"}, NOON)
    assert changed_fields({"cs_health": "71"}, Acknowledged({"cs_health": "71"}, NOON), seen).write == {}


def test_a_lost_answer_is_settled_by_what_is_there() -> None:
    """A write whose answer was lost, seen in the mirror, is not sent again."""
    assert changed_fields({"cs_health": "71"}, None, Observed({"cs_health": "71.0"}, NOON)).write == {}


def test_a_persons_change_is_overruled_once() -> None:
    """A field of ours changed by somebody else is written again and marked as a rewrite."""
    acknowledged = Acknowledged({"cs_health": "71"}, NOON)
    changes = changed_fields(
        {"cs_health": "71"}, acknowledged, Observed({"cs_health": "99"}, NOON + HOUR, PEOPLE)
    )
    assert changes == FieldChanges({"cs_health": "71"}, ("cs_health",))


@pytest.mark.parametrize(("hours", "blocked"), [(1, True), (24, True), (25, False)])
def test_changed_again_within_a_day_it_is_blocked(hours: int, *, blocked: bool) -> None:
    """Within 24 hours of the rewrite the second change blocks the write and names who made it."""
    acknowledged = Acknowledged({"cs_health": "71"}, NOON, {"cs_health": NOON})
    seen = Observed({"cs_health": "99"}, NOON + hours * HOUR, PEOPLE)
    changes = changed_fields({"cs_health": "72", "b": "1"}, acknowledged, seen)
    if blocked:
        assert changes.blocked == (BlockedField("cs_health", "72", "99", "kim@example.com"),)
        assert changes.write == {"b": "1"}
    else:
        assert changes == FieldChanges({"cs_health": "72", "b": "1"}, ("cs_health",))


@pytest.mark.parametrize("days", [-1, 1, 30])
def test_what_somebody_insists_on_stays_blocked_while_other_fields_are_written(days: int) -> None:
    """However long ago, and though the CRM has taken other fields since: by the value that stands there."""
    acknowledged = Acknowledged({"cs_health": "71", "b": "1"}, NOON, {}, {}, {"cs_health"})
    seen = Observed({"cs_health": "99", "b": "1"}, NOON + timedelta(days=days), PEOPLE)
    changes = changed_fields({"cs_health": "72", "b": "2"}, acknowledged, seen)
    assert changes.blocked == (BlockedField("cs_health", "72", "99", "kim@example.com"),)
    assert (changes.write, changes.rewrites) == ({"b": "2"}, ())


def test_our_own_save_of_another_field_makes_nobody_an_automation() -> None:
    """We saved the record last, with another field: the value that stands is still a person's."""
    acknowledged = Acknowledged({"cs_health": "71"}, NOON, {}, {}, {"cs_health"})
    seen = Observed({"cs_health": "99"}, NOON + HOUR, {"cs_health": "a flow"}, on_save=True)
    assert changed_fields({"cs_health": "71"}, acknowledged, seen).blocked == (
        BlockedField("cs_health", "71", "99", "somebody else"),
    )


def test_insisted_on_no_more_once_it_holds_what_is_wanted() -> None:
    """Theirs is ours: there is nothing to write and nothing to block."""
    acknowledged = Acknowledged({"cs_health": "71"}, NOON, {}, {}, {"cs_health"})
    seen = Observed({"cs_health": "99"}, NOON - HOUR, PEOPLE)
    assert changed_fields({"cs_health": "99"}, acknowledged, seen) == FieldChanges({})


@pytest.mark.parametrize("days", [0, 30])
def test_an_automation_is_met_once_for_each_value_wanted(days: int) -> None:
    """Written over before with this value it is blocked, however long ago; another value is tried."""
    before = NOON - timedelta(days=days)
    acknowledged = Acknowledged({"cs_health": "71"}, NOON, {"cs_health": before})
    seen = Observed({"cs_health": "99"}, NOON + HOUR, {"cs_health": "a flow"}, on_save=True)
    blocked = BlockedField("cs_health", "71", "99", "a flow", on_save=True)
    assert changed_fields({"cs_health": "71"}, acknowledged, seen) == FieldChanges({}, (), (blocked,))
    tried = changed_fields({"cs_health": "72"}, acknowledged, seen)
    assert (tried.write, tried.blocked) == ({"cs_health": "72"}, ())


def test_a_person_who_sets_the_right_value_blocks_nothing() -> None:
    """When the field holds what we want there is nothing to write and nobody to name."""
    acknowledged = Acknowledged({"cs_health": "71"}, NOON, {"cs_health": NOON})
    assert changed_fields(
        {"cs_health": "72"}, acknowledged, Observed({"cs_health": "72.0"}, NOON + HOUR)
    ) == (FieldChanges({}))


def test_a_field_the_mirror_does_not_hold_is_judged_by_the_acknowledgement() -> None:
    """A newer observation of other fields says nothing of this one."""
    acknowledged = Acknowledged({"a": "1"}, NOON)
    assert changed_fields({"a": "1"}, acknowledged, Observed({"z": "9"}, NOON + HOUR)).write == {}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("5", "5.0", True), ("5", "5.01", False), ("0", "-0.0", True), ("1E+2", "100", True),
        ("true", "True", True), ("true", "1", False), (None, "", True), (None, "0", False),
        ("2025-01-01", "2025-01-01T00:00:00Z", True), ("2025-01-01", "2025-01-01T00:00:00.000Z", True),
        ("2025-01-01", "2025-01-01T01:00:00Z", False), ("a\r\nb", "a\nb ", True), ("A", "a", False),
        ("2025-07-01T12:00:00Z", "2025-07-01T14:00:00.000+02:00", True), ("2025-13-01T12:00:00Z", "x", False),
        ("007", "7", False), ("1e999999999", "1e99", False),
    ],
)  # fmt: skip
def test_values_are_compared_by_what_they_mean(one: str | None, other: str | None, *, same: bool) -> None:
    """Numbers, truth, dates and line ends compare by meaning; a reference with zeros is text."""
    assert same_value(one, other) is same


@given(st.dictionaries(st.sampled_from("abc"), TEXTS), st.dictionaries(st.sampled_from("abc"), TEXTS))
def test_writing_what_is_asked_leaves_nothing_to_write(
    desired: dict[str, str | None], before: dict[str, str | None]
) -> None:
    """One look converges: acknowledged and observed after the write, the next look is silent."""
    write = changed_fields(desired, Acknowledged(before, NOON), None).write
    after = {**before, **write}
    seen = Observed(after, NOON + 2 * HOUR)
    assert changed_fields(desired, Acknowledged(after, NOON + HOUR), seen) == FieldChanges({})


@given(TEXTS, TEXTS, TEXTS)
def test_sameness_is_an_equivalence(one: str | None, two: str | None, three: str | None) -> None:
    """A value is as itself, both ways round, and along chains."""
    assert same_value(one, one)
    assert same_value(one, two) == same_value(two, one)
    assert same_value(one, three) or not (same_value(one, two) and same_value(two, three))
