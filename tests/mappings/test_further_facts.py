"""Answers to surveys and names of products, as the charter reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from integration.port import CrmRecord, Link
from mappings.bindings import Reads
from mappings.further_facts import product_names, to_answer
from mappings.further_reads import ProductReads, SurveyReads
from mappings.inbound import Contradiction, Inbound, watched_fields
from success.facts import SurveyAnswer, SurveyKind
from tests.mappings.test_mappings_inbound import HUBSPOT, INBOUND

SURVEY = {
    "object": "feedback_submissions",
    "parent": "companies",
    "fields": {
        "kind": {
            "field": "hs_survey_type",
            "map": {"NPS": "nps", "CSAT": "csat", "CES": "ces"},
            "default": "other",
        },
        "score": "hs_value",
        "answered_at": "hs_submission_timestamp",
        "respondent": "hs_contact_id",
    },
}
SCALE = {"0": 1, "1": 3, "2": 5}
AT = datetime(2024, 6, 30, 22, 30, tzinfo=UTC)


def inbound(**further: object) -> Inbound:
    """Return how records are read with more than the default charter reads."""
    reads = INBOUND.crm.reads.model_copy(update=further)
    return replace(INBOUND, crm=INBOUND.crm.model_copy(update={"reads": reads}))


def surveys(**changes: object) -> Inbound:
    """Return how answers are read; ``changes`` are of the charter's entry."""
    return inbound(survey=SurveyReads.model_validate(SURVEY | changes))


def record(kind: str, score: str, **values: str) -> CrmRecord:
    """Return an answer of a company as HubSpot holds it."""
    held = {"hs_survey_type": kind, "hs_value": score, "hs_submission_timestamp": "2024-06-30T22:30:00Z"}
    created = datetime(2024, 7, 1, tzinfo=UTC)
    return CrmRecord(
        "feedback_submissions", "5", held | values, created, created, links=(Link("companies", "7"),)
    )


def test_an_answer_is_read_with_its_respondent() -> None:
    """The hour it was submitted counts, not when the record was made."""
    found = to_answer(record("NPS", "10", hs_contact_id="12"), surveys())
    assert found == SurveyAnswer("5", "7", SurveyKind.NPS, 10, AT, "12")


@pytest.mark.parametrize(("scale", "csat"), [({}, None), (SCALE, 3)])
def test_satisfaction_is_rated_only_as_the_charter_says(scale: dict[str, int], csat: int | None) -> None:
    """HubSpot's 1 of 0, 1 and 2 is a 3 of 5 by this scale, and no rating without one."""
    found = to_answer(record("CSAT", "1"), surveys(csat_scale=scale))
    assert isinstance(found, SurveyAnswer)
    assert (found.score, found.csat) == (1, csat)


@pytest.mark.parametrize(
    ("kind", "score", "reason"),
    [
        ("NPS", "11", "11 is not between 0 and 10"),
        ("CES", "0", "0 is not between 1 and 7"),
        ("CSAT", "4", "the charter's csat_scale has no 4"),
        ("NPS", "", "nothing is written in it"),
    ],
)
def test_a_score_off_its_scale_is_a_contradiction(kind: str, score: str, reason: str) -> None:
    """Shown with the field and the reason, and in no number."""
    found = to_answer(record(kind, score), surveys(csat_scale=SCALE))
    assert found == Contradiction("feedback_submissions", "5", "hs_value", reason)


def test_a_survey_of_another_kind_is_no_fact() -> None:
    """A custom survey's answer is neither a number nor a contradiction."""
    assert to_answer(record("CUSTOM", "4"), surveys()) is None


def test_a_survey_hangs_under_the_account() -> None:
    """Answers linked to anything else are a mistake of the charter."""
    read = HUBSPOT.crm_for("hubspot").reads.model_dump(by_alias=True)
    with pytest.raises(ValueError, match="'deals' is not the object read above"):
        Reads.model_validate(read | {"survey": SURVEY | {"parent": "deals"}})


def test_by_default_neither_surveys_nor_products_are_read() -> None:
    """The default charter asks for nothing the portal's admin has not granted."""
    assert watched_fields(HUBSPOT, "hubspot").keys() == {"companies", "deals", "line_items", "tickets"}


def test_products_are_named_by_id_and_sku() -> None:
    """Contract lines may hold either; an id goes before a sku, and what has no name names nothing."""
    reads = ProductReads.model_validate({"object": "products", "fields": {"name": "name", "sku": "hs_sku"}})
    rows = {
        "1": {"name": "Core", "hs_sku": "core"},
        "2": {"name": "Extra", "hs_sku": "1"},
        "3": {"hs_sku": "x"},
    }
    records = [CrmRecord("products", key, values, AT, AT) for key, values in rows.items()]
    assert product_names(records, inbound(product=reads)) == {"1": "Core", "core": "Core", "2": "Extra"}
    assert product_names(records, INBOUND) == {}
