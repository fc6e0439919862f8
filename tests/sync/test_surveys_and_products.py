"""Answers to surveys and products are read where the charter says so, in one call an object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from mappings.charter import Charter
from mappings.further_reads import ProductReads, SurveyReads
from mappings.load import load_charter
from success.measures import MEASURES, MeasureValue
from sync.catch_up import catch_up
from sync.facts import Moment, assemble
from sync.state.engine import reading
from tests.mappings.test_further_facts import SCALE, SURVEY
from tests.sync.harness import CHARTER, HUBSPOT, Deployment, Office, daily_use
from tests.sync.portfolios import Book, three_customers

OPEN = Callable[..., Office]
PRODUCTS = {"object": "products", "fields": {"name": "name", "sku": "hs_sku"}}
SURVEYS = "feedback_submissions"


def charter(**further: Any) -> Charter:
    """Return the default charter, reading more of HubSpot."""
    found = load_charter(CHARTER, HUBSPOT)
    crm = found.crm_for(HUBSPOT)
    read = crm.model_copy(update={"reads": crm.reads.model_copy(update=further)})
    return found.model_copy(update={"crm": found.crm.model_copy(update={"hubspot": read})})


def surveyed() -> Book:
    """Return three customers; Acorn answered twice, a week and two weeks before the day."""
    book = three_customers().answered("acorn", "s1", "nps", 9, "2025-01-01T10:00:00Z")
    return book.answered("acorn", "s2", "csat", 1, "2025-01-08T10:00:00Z")


def opened(deployed: Deployment, office: OPEN, book: Book, **further: Any) -> Office:
    """Return an installation whose charter reads more; nothing is loaded yet."""
    return office(deployed, HUBSPOT, book).connect(charter(**further)).install()


def measured(there: Office, ref: str, *names: str) -> list[MeasureValue]:
    """Return measures of an account on this day."""
    ws, account = there.ws, there.sandbox.lookup(f"account:{ref}")
    day = ws.day_of(ws.now())
    with reading(there.engine) as conn:
        found = assemble(conn, ws, [account], Moment(day))
    assert found.contradictions == []
    return [MEASURES[name](found.facts[account], ws.rules, day) for name in names]


def paths(there: Office, mark: int) -> Counter[str]:
    """Return the calls since a mark by the object and operation asked for."""
    found = (one["path"].partition("/2026-09/")[2].partition("?")[0] for one in there.sandbox.requests(mark))
    return Counter(one for one in found if one.startswith(("0-19", "0-7")))


def test_answers_are_facts_of_their_account(lite: Deployment, office: OPEN) -> None:
    """One call lists them; recommendation and, by the charter's scale, satisfaction have their days."""
    survey = SurveyReads.model_validate(SURVEY | {"csat_scale": SCALE})
    there = opened(lite, office, surveyed(), survey=survey)
    mark = there.sandbox.mark()
    there.load()
    assert paths(there, mark) == {"0-19": 1}
    known = [MeasureValue(9, date(2025, 1, 1)), MeasureValue(Fraction(3), date(2025, 1, 8))]
    assert measured(there, "acorn", "nps_latest", "csat_90d") == known
    assert [one.value for one in measured(there, "birch", "nps_latest", "csat_90d", "nps_90d")] == [None] * 3


def test_without_the_entry_no_answer_is_asked_for(lite: Deployment, office: OPEN) -> None:
    """The default charter reads neither surveys nor products."""
    there = opened(lite, office, surveyed())
    mark = there.sandbox.mark()
    there.load()
    assert paths(there, mark) == {}
    assert [one.value for one in measured(there, "acorn", "nps_latest", "csat_90d")] == [None, None]


def test_a_new_answer_is_found_by_the_poll(lite: Deployment, office: OPEN) -> None:
    """HubSpot pushes nothing of surveys: within a quarter of an hour a search finds it, and whose it is."""
    there = opened(lite, office, surveyed(), survey=SurveyReads.model_validate(SURVEY))
    there.load()
    there.go_live().settle()
    lite.later(minutes=15)
    catch_up(there.ws, there.owner)  # sees our own writes once
    there.settle()
    lite.later(minutes=10)
    acorn = there.sandbox.lookup("account:acorn")
    said = {"hs_survey_type": "NPS", "hs_value": "3", "hs_submission_timestamp": lite.now.isoformat()}
    ends = [{"object": "companies", "id": acorn}]
    there.sandbox.edit(SURVEYS, None, said, associations=ends)
    mark = there.sandbox.mark()
    lite.later(minutes=5)
    catch_up(there.ws, there.owner)
    assert paths(there, mark) == {"0-19/search": 1, "0-19/companies/batch/read": 1}
    assert there.waiting_accounts() == 1
    assert [one.value for one in measured(there, "acorn", "nps_latest")] == [3]


def test_a_merged_account_takes_its_answers_along(lite: Deployment, office: OPEN) -> None:
    """What Acorn answered is Birch's once they are one."""
    there = opened(lite, office, surveyed(), survey=SurveyReads.model_validate(SURVEY))
    there.load()
    there.go_live().settle()
    acorn, birch = (there.sandbox.lookup(f"account:{one}") for one in ("acorn", "birch"))
    lite.later(minutes=10)
    there.sandbox.edit("companies", birch, {}, merge=acorn)
    there.tell("company.merge", birch, mergedObjectIds=[int(acorn)], newObjectId=int(birch))
    there.drain()
    assert [one.value for one in measured(there, "birch", "nps_latest")] == [9]


@pytest.mark.parametrize(
    ("further", "name"),
    [({"product": ProductReads.model_validate(PRODUCTS)}, "Core"), ({}, "core")],
)
def test_expansions_carry_the_products_name(
    lite: Deployment, office: OPEN, further: dict[str, Any], name: str
) -> None:
    """Where products are read deal and reason carry the name, else the id; the field keeps the id."""
    there = opened(lite, office, three_customers(), **further)
    mark = there.sandbox.mark()
    there.load()
    assert paths(there, mark) == ({"0-7": 1} if further else {})
    there.use(daily_use("birch", lite.now - timedelta(days=40), 41, 4))
    there.drain()
    there.go_live().settle()
    lite.later(days=1)
    there.look_at_all()
    there.settle()
    (found,) = [one for one in there.written("deals").values() if one["cs_kind"] == "expansion"]
    assert found["dealname"].startswith("Birch: ")
    assert found["dealname"].endswith(f" of {name}")
    assert f"of {name} were in use" in found["cs_reason"]
    assert found["cs_product"] == "core"


def test_an_answer_of_nobodys_account_is_left_out(lite: Deployment, office: OPEN) -> None:
    """An anonymous answer is linked to no company: no fact, and nothing to correct."""
    there = opened(lite, office, three_customers(), survey=SurveyReads.model_validate(SURVEY))
    said = {"hs_survey_type": "NPS", "hs_value": "3", "hs_submission_timestamp": lite.now.isoformat()}
    there.sandbox.edit(SURVEYS, None, said)
    there.load()
    ws = there.ws
    with reading(there.engine) as conn:
        found = assemble(conn, ws, None, Moment(ws.day_of(ws.now())))
    assert [one.answers for one in found.facts.values()] == [(), (), ()]
    assert found.contradictions == []
