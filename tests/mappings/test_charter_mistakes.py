"""What an admin is told about a charter that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings.load import load_charter, read_charter
from mappings.problems import CharterError, Problem

DEFAULT = Path(__file__).parents[2] / "mappings" / "charters" / "default.yaml"


def problems_of(text: str, vendor: str = "hubspot") -> tuple[Problem, ...]:
    """Return the problems of a charter that must have some."""
    with pytest.raises(CharterError) as raised:
        read_charter(text, vendor)
    return raised.value.problems


def swapped(*pairs: tuple[str, str]) -> str:
    """Return the default charter with the first of each pair replaced where it stands first."""
    text = DEFAULT.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def place_of(text: str, marker: str) -> tuple[int, int]:
    """Return line and column (from 1) of a marker that stands once in a text."""
    assert text.count(marker) == 1, marker
    before = text[: text.index(marker)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


# What is written in place of what, where the mistake stands (a text standing once), what is said of it.
MISTAKES = {
    "unknown field": ("  lead_days: 90", "  lead_dys: 90", "lead_dys", "Did you mean 'lead_days'?"),
    "unknown field with nothing near": ("  lead_days: 90", "  zzz: 90", "zzz", "Use one of: adopt"),
    "wrong type": ("weight: 30", "weight: thirty", "thirty", "Write a number"),
    "number where text is due": ("name: dealname", "name: 4711", "4711", "in quotes"),
    "missing field": ("        object: tickets\n", "", "ticket:\n        parent", "Add `object:` here."),
    "nothing written": ("reason: An escalation is open\n", "reason:\n", "reason:\n", "nothing is written"),
    "unknown time zone": ("time_zone: UTC", "time_zone: Mars/Olympus", "Mars/Olympus", "IANA name"),
    "unknown measure": ("csat_90d ", "csat_90 ", "csat_90 ", "Did you mean 'csat_90d'?"),
    "unknown profile field": ("[health, band,", "[helth, band,", "helth", "Did you mean 'health'?"),
    "a home for a kind that needs none": ("priority: [profile,", "priority: [renewal,", "renewal, plan",
                                          "a renewal never has a custom object"),
    "a kind named twice": ("priority: [profile, plan,", "priority: [profile, profile,",
                           "profile, milestone, snapshot]", "'profile' stands in the list before"),
    "a home that cannot be passed over": ("priority: [profile, plan, milestone, snapshot]",
                                          "without: [object]", "object]", "cannot be passed over"),
    "homes in Salesforce": ("      profile_lookup: true",
                            "      homes: {priority: []}\n      profile_lookup: true",
                            "{priority: []}", "every kind of record has an object of its own"),
    "freshness of what is not read": ("    webhooks:  ", "    freshness: {contacts: 30}\n    webhooks:  ",
                                      "30}\n", "nothing is read from 'contacts'"),
    "freshness too often": ("    webhooks:  ", "    freshness: {deals: 1}\n    webhooks:  ",
                            "1}\n", "greater than or equal to 5"),
    "freshness in words": ("    webhooks:  ", "    freshness: {plan: hourly}\n    webhooks:  ",
                           "hourly", "Write minutes, or {changes: 15, deletions: 60}."),
    "a language nobody speaks": ("time_zone: UTC ", "language: klingon\ntime_zone: UTC ", "klingon",
                                 "Write 'en', 'de', 'fr' or 'es'"),
    "unlisted choice": ("overlap: stack", "overlap: pile", "pile", "Write 'stack', 'supersede' or"),
    "weights not whole": ("weight: 30", "weight: 31", "- measure: seat_util", "add up to 101, not to 100"),
    "bands out of order": ("Green, floor: 75", "Green, floor: 45", "45}", "floor 45 does not come after 50"),
    "bands not from zero": ("Red, floor: 0", "Red, floor: 5", "5}\n    - {key: y", "does not begin at 0"),
    "curve out of order": ("[0.3, 40]", "[0.7, 40]", "[0.6, 80]", "0.6 does not come after 0.7"),
    "points beyond 100": ("[0.8, 100]", "[0.8, 101]", "101", "less than or equal to 100"),
    "measure twice": ("measure: usage_trend", "measure: seat_utilisation",
                      "seat_utilisation         #", "stands in the list before"),
    "milestone twice": ("position: regular_use", "position: first_use",
                        "first_use\n      title: Used on", "stands in the list before"),
    "expression with unknown name": ("when: open_escalations", "when: open_escalation",
                                     "open_escalation >", "undeclared reference to 'open_escalation'"),
    "expression with mixed types": ("usage_total >= 1", "usage_total >= 1.0", ">= 1.0", "beside a double"),
    "expression that is no question": ("when: open_escalations > 0", "when: 1 + open_escalations",
                                       "1 + open_escalations", "a yes or no"),
    "cap that reads the score": ("when: open_escalations > 0", "when: health < 20.0",
                                 "health < 20.0", "health is not known here"),
    "wrong schema": ("schema: 1", "schema: 2", "2\nname: Default", "Write 1."),
    "name in the wrong form": ("{EUR: 1.08", "{eur: 1.08", "eur", "Write it in that form."),
    "rate of the own currency": ("{EUR: 1.08", "{USD: 1.08", "1.08", "Leave this rate out."),
    "text where a list is due": ("[health, band,", "5 #", "5 # stage", "Write a list"),
    "key twice": ("  key: onboarding", "  key: onboarding\n  key: again", "key: again", "Keep one of them."),
    "objects that do not meet": ("parent: deals", "parent: quotes", "quotes", "Write deals."),
    "webhook on something unread": ("      tickets: []", "      tickts: []", "[]\n\n  salesforce",
                                    "Did you mean 'tickets'?"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "marker", "said"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_problem_at_its_place(old: str, new: str, marker: str, said: str) -> None:
    """Each kind of mistake is reported once, at its own line and column, with what to do."""
    text = swapped((old, new))
    problems = problems_of(text)
    assert [place_of(text, marker)] == [(problem.line, problem.column) for problem in problems]
    assert said in str(problems[0])


def test_all_mistakes_are_reported_in_one_reading() -> None:
    """An admin with five mistakes sees five problems, in the order of the file."""
    text = swapped(
        ("time_zone: UTC", "time_zone: Mars"),
        ("name: dealname", "nam: dealname"),
        ("weight: 30", "weight: thirty"),
        ("when: open_escalations", "when: escalations"),
        ("lead_days: 90", "lead_days: soon"),
    )
    problems = problems_of(text)
    wrong = [problem.where for problem in problems]
    assert wrong == [
        "time_zone",
        "crm.hubspot.reads.deal.fields.name",
        "crm.hubspot.reads.deal.fields.nam",
        "scorecard.measures[0].weight",
        "scorecard.caps[0].when",
        "renewal.lead_days",
    ]
    assert str(CharterError(problems)).startswith("6 problems in the charter\ncharter.yaml:")


@pytest.mark.parametrize(
    ("written", "line_after", "column"),
    [
        ('"open_escalations > 0 &&\\n nope"', None, None),
        ("'open_escalations > 0 || nope'", 0, 38),
        ("open_escalations > 0 || nope", 0, 37),
        ("|\n        open_escalations > 0 ||\n          nope", 2, 11),
        (">-\n        open_escalations > 0 ||\n        nope", 2, 9),
        ("open_escalations > 0 ||\n        nope", 1, 9),
    ],
    ids=["escaped", "quoted", "plain", "literal", "folded", "plain on two lines"],
)
def test_an_expression_error_is_shown_inside_the_text(
    written: str, line_after: int | None, column: int | None
) -> None:
    """The place of a CEL error is a place in the file, however YAML writes the text."""
    text = swapped(("when: open_escalations > 0", f"when: {written}"))
    (problem,) = problems_of(text)
    first = place_of(text, "\n      when: ")[0] + 1
    assert "nope" in problem.wrong
    if line_after is None:
        assert first == problem.line
    else:
        assert (first + line_after, column) == (problem.line, problem.column)


def test_yaml_that_is_none_is_one_problem_with_its_place() -> None:
    """A syntax error is told with its line: nothing else can be said about the file."""
    text = swapped(("  lead_days: 90", "  lead_days: [90"))
    (problem,) = problems_of(text)
    assert problem.line > place_of(text, "lead_days: [90")[0] - 1
    assert "this is not YAML" in problem.wrong


@pytest.mark.parametrize("text", ["", "just words", "- a\n- list\n"])
def test_a_file_that_is_no_charter_is_refused_in_words(text: str) -> None:
    """An empty file, a sentence or a list is refused as a charter, not with a crash."""
    (problem,) = problems_of(text)
    assert (problem.line, problem.column) == (1, 1)


def test_a_charter_without_the_crm_asked_for_says_so() -> None:
    """A charter for HubSpot only cannot be installed into Salesforce."""
    text = DEFAULT.read_text(encoding="utf-8")
    start, end = text.index("  salesforce:\n"), text.index("# Health: each")
    (problem,) = problems_of(text[:start] + text[end:], "salesforce")
    assert "nothing about salesforce" in problem.wrong


def test_schema_comes_first() -> None:
    """A reader of any later version must find the version before anything else."""
    text = swapped(("schema: 1\nname: Default\n", "name: Default\nschema: 1\n"))
    (problem,) = problems_of(text)
    assert place_of(text, "schema: 1") == (problem.line, problem.column)


def test_a_file_that_is_not_there_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    """A wrong path is reported like any other mistake."""
    with pytest.raises(CharterError, match="cannot be read"):
        load_charter(tmp_path / "none.yaml", "hubspot")
