"""Segments, journey and adoption in the charter: what they become, and what is told of mistakes in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from integration.port import FieldSpec
from mappings.catalogue import RecordKind
from mappings.charter import Charter, rules_of
from mappings.load import read_charter
from mappings.naming import vendor_name
from mappings.outbound import object_specs
from mappings.problems import CharterError, Problem
from success.criteria import CONTRACT_JOURNEY, ONE_SEGMENT, Criterion, SegmentRule, TouchModel

ROOT = Path(__file__).parents[2]
DEFAULT = (ROOT / "mappings" / "charters" / "default.yaml").read_text(encoding="utf-8")
SHOWN = (ROOT / "docs" / "charter.md").read_text(encoding="utf-8")
PARTS = """
segments:
  version: 3
  hold_days: 7
  rules:
    - key: large
      title: Large accounts
      touch: high
      touch_every_days: 14
      when: arr >= 100000.0
      leave_when: arr < 90000.0
    - key: banks
      touch: mid
      when: attr.industry == "Banking"
    - key: small
      touch: digital
journey:
  version: 1
  stages:
    - key: align
    - key: onboard
      when: contract.open
    - key: adopt
      when: contract.open && active_days_28d >= 8
      leave_when: active_days_28d < 4
adoption:
  version: 1
  hold_days: 7
  stages:
    - key: bought
    - key: used
      when: product.usage_total >= 1
"""


def written(*pairs: tuple[str, str]) -> str:
    """Return the default charter with these parts, some of their text replaced."""
    text = DEFAULT + PARTS
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def problems_of(text: str) -> tuple[Problem, ...]:
    """Return the problems of a charter that must have some."""
    with pytest.raises(CharterError) as raised:
        read_charter(text, "hubspot")
    return raised.value.problems


def place_of(text: str, marker: str) -> tuple[int, int]:
    """Return line and column (from 1) of a marker that stands once in a text."""
    assert text.count(marker) == 1, marker
    before = text[: text.index(marker)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def test_the_parts_become_the_rules_as_written() -> None:
    """Order, conditions, touch and holds; a title is made of the key where there is none."""
    rules = rules_of(read_charter(written(), "hubspot"))
    assert (rules.segmentation.version, rules.segmentation.hold_days) == (3, 7)
    assert rules.segmentation.segments == (
        SegmentRule("large", "Large accounts", "arr >= 100000.0", "arr < 90000.0", TouchModel.HIGH, 14),
        SegmentRule("banks", "Banks", 'attr.industry == "Banking"', touch=TouchModel.MID),
        SegmentRule("small", "Small", touch=TouchModel.DIGITAL),
    )
    assert (rules.journey.hold_days, rules.journey.stages[0]) == (0, Criterion("align", "Align"))
    assert rules.journey.stages[2].leave_when == "active_days_28d < 4"
    assert rules.adoption is not None
    assert [stage.key for stage in rules.adoption.stages] == ["bought", "used"]


def test_a_charter_without_them_has_the_ones_of_before() -> None:
    """One segment, the journey of contract and plan, and no stage for products."""
    rules = rules_of(read_charter(DEFAULT, "hubspot"))
    assert (rules.segmentation, rules.journey, rules.adoption) == (ONE_SEGMENT, CONTRACT_JOURNEY, None)


def choices(charter: Charter, name: str) -> list[str]:
    """Return the values a portal would offer in a field of the profile."""
    profile = object_specs(charter, "hubspot")[0]
    assert profile.name == vendor_name(RecordKind.PROFILE.value, "hubspot")
    found: FieldSpec = next(one for one in profile.fields if one.name == vendor_name(name, "hubspot"))
    return [value for value, _ in found.choices]


def test_a_portal_offers_the_segments_and_stages_of_its_charter() -> None:
    """Also the segment of those of whom too little is known; stages always are known."""
    charter = read_charter(written(), "hubspot")
    assert choices(charter, "segment") == ["large", "banks", "small", "unknown"]
    assert choices(charter, "stage") == ["align", "onboard", "adopt"]
    assert choices(charter, "touch_model") == ["high", "mid", "low", "digital"]
    before = read_charter(DEFAULT, "hubspot")
    assert choices(before, "stage") == ["prospect", "onboarding", "adopting", "customer", "churned"]


# What is written in place of what, where the mistake stands (a text standing once), what is said of it.
MISTAKES = {
    "unknown field": ("touch_every_days: 14", "touch_evry: 14", "touch_evry", "Did you mean"),
    "no touch model": ("      touch: mid\n", "", "key: banks", "Add `touch:` here."),
    "no such touch model": ("touch: mid", "touch: medium", "medium\n      when: attr", "'high', 'mid'"),
    "hold below zero": ("hold_days: 7\n  rules", "hold_days: -1\n  rules", "-1\n  rules", "greater than"),
    "hold that is no number": ("hold_days: 7\n  rules", "hold_days: week\n  rules", "week\n  rules", "whole"),
    "segment twice": ("key: banks", "key: large", "large\n      touch: mid", "stands in the list before"),
    "reserved key": ("key: banks", "key: unknown", "unknown\n      touch", "too little is known"),
    "segment nobody can be in": ("      when: attr.industry",
                                 "    - key: more\n      touch: low\n      when: attr.industry",
                                 "key: more", "'banks' before it has no `when`"),
    "segment told by the same": ('attr.industry == "Banking"', "arr >= 100000.0",
                                 "arr >= 100000.0\n    - key: small", "at number 1"),
    "leave without when": ("    - key: small\n", "    - key: small\n      leave_when: arr > 1.0\n",
                           "arr > 1.0", "without `when`"),
    "nobody takes the rest": ("    - key: small\n      touch: digital\n", "", "- key: large",
                              "Add a last segment without `when`."),
    "segment by the score": ("when: arr >= 100000.0", "when: health > 50.0", "health > 50.0", "a circle"),
    "segment by the stage": ("when: arr >= 100000.0", 'when: seats > 1 || stage == "adopt"',
                             'stage == "adopt"', "stage is not known here yet"),
    "segment by itself": ("when: arr >= 100000.0", 'when: segment == "small"', 'segment == "small"',
                          "Read measures or account.name"),
    "segment by one product": ("when: arr >= 100000.0", "when: product.seats > 1", "product.seats",
                               "not known here"),
    "stage by the stage": ("when: contract.open\n", 'when: stage == "align"\n', 'stage == "align"',
                           "a circle"),
    "stage by one product": ("when: contract.open\n", "when: product.seats > 1\n", "product.seats > 1",
                             "rules of adoption only"),
    "cap by one product": ("when: open_escalations > 0", "when: product.seats > 1", "product.seats > 1",
                           "rules of adoption only"),
    "evidence by the stage": ("evidence: usage_total >= 1", 'evidence: stage == "adopt"', 'stage == "adopt"',
                              "a circle"),
    "attribute of another type": ('attr.industry == "Banking"', "attr.industry == 3", "== 3", "no matching"),
    "attribute nobody maps": ('attr.industry == "Banking"', 'arr > 1.0 && attr.industri == "Banking"',
                              "attr.industri", "Did you mean 'industry'?"),
    "attribute nobody maps, in a cap": ("when: open_escalations > 0", 'when: attr.tier == "gold"',
                                        "attr.tier", "no attribute 'tier' in hubspot and salesforce"),
    "no such word": ("when: contract.open\n", "when: contract.signed\n", ".signed", "undeclared"),
    "no such segment": ("when: contract.open\n", 'when: contract.open && segment == "lage"\n', '"lage"',
                        "Did you mean 'large'?"),
    "no such segment in a list": ("when: contract.open\n", 'when: segment in ["large", "tiny"]\n', '"tiny"',
                                  "there is no segment 'tiny'"),
    "no such stage": ("when: open_escalations > 0", 'when: stage == "adopted"', '"adopted"',
                      "Did you mean 'adopt'?"),
    "first stage with a condition": ("    - key: align\n", "    - key: align\n      when: seats > 1\n",
                                     "seats > 1", "it is where everybody begins"),
    "later stage without one": ("      when: contract.open\n", "", "key: onboard\n    - key: adopt",
                                "Say by `when`"),
    "stage twice": ("key: adopt\n", "key: align\n", "align\n      when: contract.open &&",
                    "stands in the list"),
    "product's stage by the score": ("when: product.usage_total >= 1", "when: health > 1.0", "health > 1.0",
                                     "a circle"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "marker", "said"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_problem_at_its_place(old: str, new: str, marker: str, said: str) -> None:
    """Each kind of mistake is reported once, at its own line and column, with what to do."""
    text = written((old, new))
    problems = problems_of(text)
    assert [place_of(text, marker)] == [(problem.line, problem.column) for problem in problems], problems
    assert said in str(problems[0])


def test_mistakes_in_all_three_parts_are_told_at_once() -> None:
    """One reading, one problem each."""
    text = written(
        ("hold_days: 7\n  rules", "hold_days: -7\n  rules"),
        ("when: contract.open\n", "when: contract.openn\n"),
        ("product.usage_total", "product.uses"),
    )
    assert [one.where for one in problems_of(text)] == [
        "segments.hold_days",
        "journey.stages[1].when",
        "adoption.stages[1].when",
    ]


def test_the_charter_that_is_shown_can_be_used() -> None:
    """The seven stages and the segments of the page on charters load with the default charter."""
    blocks = re.findall(r"```yaml\n((?:segments|journey|adoption):\n.*?)```", SHOWN, re.DOTALL)
    assert [block.partition(":")[0] for block in blocks] == ["segments", "journey", "adoption"]
    for vendor in ("hubspot", "salesforce"):
        rules = rules_of(read_charter(DEFAULT + "".join(blocks), vendor))
        assert [stage.title for stage in rules.journey.stages] == [
            "Align",
            "Onboard",
            "Adopt",
            "Prove value",
            "Expand",
            "Advocate",
            "Govern",
        ]
