"""What an admin is told about scorecards that cannot be used, and what a sound one becomes."""

from __future__ import annotations

from fractions import Fraction

import pytest

from mappings.charter import canonical_bytes, from_canonical_bytes, rules_of
from mappings.load import read_charter
from mappings.scorecards import wrong_audience
from success.event_points import EventKind, EventRule
from success.rules import CurvePoint, GroupRule, Scorecard
from tests.mappings.test_charter_mistakes import DEFAULT, place_of, problems_of

CARD = """\
scorecard:
  key: health
  version: 2
  bands:
    - {key: red, title: Red, floor: 0}
    - {key: yellow, title: Yellow, floor: 50}
    - {key: green, title: Green, floor: 75}
  margin: 5
  hold_days: 7
  groups:
    - {key: usage, title: Use, weight: 60}
    - {key: support, title: Support, weight: 40}
  measures:
    - {measure: seat_utilisation, group: usage, weight: 75, curve: [[0, 0], [0.8, 100]]}
    - {measure: usage_slope_8w, group: usage, weight: 25, curve: [[-0.1, 0], [0, 70], [0.05, 100]]}
    - {measure: open_tickets, group: support, weight: 100, curve: [[0, 100], [5, 0]]}
  events:
    - {key: raised, when: escalation_opened, points: -15, half_life_days: 30, limit: 20, reason: Escalated}
    - {key: left, when: attribute, attribute: customer_ref, points: -7.5, half_life_days: 60, reason: Left}
  caps:
    - {key: notice, when: cancel_notice, points: 20, reason: Notice given, critical: true}

scorecards:
  - for: {segments: [enterprise], stages: [onboarding, adopting]}
    key: young
    version: 1
    bands:
      - {key: red, title: Red, floor: 0}
      - {key: yellow, title: Yellow, floor: 40}
      - {key: green, title: Green, floor: 60}
    measures:
      - {measure: days_since_start, group: start, weight: 100, curve: [[0, 0], [90, 100]]}

"""


def charter(*pairs: tuple[str, str]) -> str:
    """Return the default charter with the scorecards above, the first of each pair replaced."""
    text = DEFAULT.read_text(encoding="utf-8")
    card = CARD
    for old, new in pairs:
        assert old in card, old
        card = card.replace(old, new, 1)
    after = text.index("# The success plan of every new customer.")
    return text[: text.index("scorecard:\n")] + card + text[after:]


# What is written in place of what, where the mistake stands (a text standing once), what is said of it.
MISTAKES = {
    "percent for a share": ("[0.8, 100]", "[80, 100]", "80, 100]]}",
                            "This measure is a share: write 0.8 for 80 %."),
    "weight sum 0": ("weight: 60}", "weight: 0}", "- {key: usage", "add up to 40, not to 100"),
    "measures of a group not whole": ("usage, weight: 75", "usage, weight: 70", "70, curve",
                                      "the weights in group 'usage' add up to 95, not to 100"),
    "measure in no group": ("group: support, weight", "group: suport, weight", "suport",
                            "Did you mean 'support'?"),
    "group without measures": ("group: support, weight: 100", "group: usage, weight: 0", "support, title",
                               "group 'support' has no measure"),
    "group twice": ("{key: support, title", "{key: usage, title", "usage, title: Support",
                    "stands in the list before"),
    "margin too wide": ("margin: 5", "margin: 13", "13\n", "Write at most 12.5."),
    "hold below nothing": ("hold_days: 7", "hold_days: -1", "-1\n", "greater than or equal to 0"),
    "half-life of nothing": ("half_life_days: 30", "half_life_days: 0", "0, limit",
                             "points do not halve in 0 days"),
    "half-life below nothing": ("half_life_days: 30", "half_life_days: -3", "-3, limit", "from 1 to 3660"),
    "event without points": ("points: -15", "points: 0", "0, half_life_days: 30", "0 points move no score"),
    "unknown event": ("when: escalation_opened", "when: escalated", "escalated, points",
                      "Write 'escalation_opened'"),
    "event twice": ("{key: left", "{key: raised", "raised, when: attribute", "stands in the list before"),
    "event of an unread field": ("attribute: customer_ref", "attribute: customer_rf", "customer_rf",
                                 "Did you mean 'customer_ref'?"),
    "event without its field": ("attribute: customer_ref, ", "", "attribute, points", "Add `attribute:`"),
    "event with a field it does not read": ("when: attribute,", "when: csat_low,", "customer_ref, points",
                                            "'csat_low' is read from no attribute"),
    "scorecard for everybody": ("for: {segments: [enterprise], stages: [onboarding, adopting]}", "for: {}",
                                "{}\n    key: young", "Name `segments` or `stages`"),
    "scorecard without whom": ("for: {segments: [enterprise], stages: [onboarding, adopting]}\n    ", "",
                               "key: young", "Add `for:` here."),
    "scorecard of the same key": ("key: young", "key: health", "health\n    version: 1",
                                  "is the key of `scorecard`"),
    "other bands": ("{key: green, title: Green, floor: 60}", "{key: lime, title: Lime, floor: 60}",
                    "- {key: red, title: Red, floor: 0}\n      -", "Use the keys red, yellow, green"),
    "bands of a further one out of order": ("floor: 40", "floor: 70", "60}\n    measures",
                                            "floor 60 does not come after 70"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "marker", "said"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_problem_at_its_place(old: str, new: str, marker: str, said: str) -> None:
    """Each kind of mistake is reported once, at its own line and column, with what to do."""
    text = charter((old, new))
    problems = problems_of(text)
    assert [place_of(text, marker)] == [(problem.line, problem.column) for problem in problems]
    assert said in str(problems[0])


def test_a_yes_or_no_has_two_values() -> None:
    """A curve over a flag has corners at 0 and 1, and each other one is told."""
    flag = "{measure: cancel_notice, group: support, weight: 100, curve: [[0, 100], [0.5, 50], [1, 0]]}"
    text = charter(("{measure: open_tickets, group: support, weight: 100, curve: [[0, 100], [5, 0]]}", flag))
    (problem,) = problems_of(text)
    assert (problem.line, problem.column) == place_of(text, "0.5, 50")
    assert problem.remedy == "Write 1 for yes and 0 for no."


def test_weights_that_are_all_nothing_are_refused() -> None:
    """Without groups the measures must weigh 100; nothing at all is not that."""
    text = DEFAULT.read_text(encoding="utf-8")
    for weight in ("30", "15", "15", "15", "15", "10"):
        text = text.replace(f"weight: {weight}", "weight: 0", 1)
    (problem,) = problems_of(text)
    assert problem.wrong == "the weights add up to 0, not to 100"


def test_a_sound_scorecard_becomes_rules_in_thousandths() -> None:
    """Percent, points and days as written, and the same again from the stored form."""
    read = read_charter(charter(), "hubspot")
    rules = rules_of(read)
    card = rules.scorecard
    assert card.groups == (GroupRule("usage", "Use", 600), GroupRule("support", "Support", 400))
    assert (card.margin, card.hold_days, card.caps[0].critical) == (5_000, 7, True)
    assert card.measures[1].curve[0] == CurvePoint(Fraction(-1, 10), 0)
    assert card.events == (
        EventRule("raised", EventKind.ESCALATION_OPENED, -15_000, 30, "Escalated", limit=20_000),
        EventRule("left", EventKind.ATTRIBUTE, -7_500, 60, "Left", attribute="customer_ref"),
    )
    (young,) = rules.scorecards
    assert young.segments == {"enterprise"}
    assert young.stages == {"onboarding", "adopting"}
    assert [band.floor for band in young.bands] == [0, 40_000, 60_000]
    assert rules_of(from_canonical_bytes(canonical_bytes(read))) == rules


def test_a_charter_without_the_new_words_has_none_of_it() -> None:
    """No groups, events, margin, hold or further scorecards unless somebody writes them."""
    rules = rules_of(read_charter(DEFAULT.read_text(encoding="utf-8"), "hubspot"))
    card = rules.scorecard
    assert (card.groups, card.events, card.margin, card.hold_days, rules.scorecards) == ((), (), 0, 0, ())
    assert isinstance(card, Scorecard)
    assert not any(cap.critical for cap in card.caps)


def test_whom_a_scorecard_is_for_must_be_defined() -> None:
    """Segments and stages the charter does not have are told with the nearest it has."""
    read = read_charter(charter(), "hubspot")
    found = list(wrong_audience(read.scorecards, ["enterprises", "smb"], ["onboarding", "customer"]))
    assert [finding.at for finding in found] == [(0, "for", "segments", 0), (0, "for", "stages", 1)]
    assert found[0].remedy == "Did you mean 'enterprises'?"
    assert found[1].wrong == "there is no stage 'adopting'"
