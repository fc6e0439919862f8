"""Contact roles of opportunities, as Salesforce keeps them (object reference, OpportunityContactRole)."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import Sandbox
from tests.sandbox.salesforce_refusals import refuses
from tests.sandbox.salesforce_session import Api

ROLES = "OpportunityContactRole"


@pytest.fixture(scope="module")
def api(salesforce: Sandbox) -> Api:
    """Give a session on the org."""
    return Api(salesforce.url)


@pytest.fixture
def deal(api: Api) -> str:
    """Give an opportunity."""
    account = api.create("Account", Name="Acme")
    values = {"Name": "R", "StageName": "Prospecting", "CloseDate": "2026-01-31", "AccountId": account}
    return api.create("Opportunity", **values)


@pytest.fixture
def person(api: Api) -> str:
    """Give a contact."""
    return api.create("Contact", LastName="Ado")


def test_the_same_contact_may_be_added_twice(api: Api, deal: str, person: str) -> None:
    """Nothing is unique about a role, so whoever adds roles looks before."""
    for _ in range(2):
        api.create(ROLES, OpportunityId=deal, ContactId=person, Role="Influencer")
    found = api.rows(f"SELECT Role, IsPrimary FROM {ROLES} WHERE OpportunityId = '{deal}'")
    assert found == [{"Role": "Influencer", "IsPrimary": False}] * 2


def test_an_opportunity_has_one_primary_contact(api: Api, deal: str, person: str) -> None:
    """The one made primary last; those of other opportunities stay."""
    first = api.create(ROLES, OpportunityId=deal, ContactId=person, IsPrimary=True)
    last = api.create(ROLES, OpportunityId=deal, ContactId=person, IsPrimary=True)
    found = api.rows(f"SELECT Id, IsPrimary FROM {ROLES} WHERE OpportunityId = '{deal}'")
    assert {one["Id"]: one["IsPrimary"] for one in found} == {first: False, last: True}


def test_a_role_names_its_contact_after_that_was_deleted(api: Api, deal: str, person: str) -> None:
    """The contact is no longer found; the role goes with its opportunity."""
    api.create(ROLES, OpportunityId=deal, ContactId=person)
    assert api.call("DELETE", f"/sobjects/Contact/{person}").status_code == 204
    asked = f"SELECT ContactId FROM {ROLES} WHERE OpportunityId = '{deal}'"
    assert api.rows(asked) == [{"ContactId": person}]
    assert api.rows(f"SELECT Id FROM Contact WHERE Id = '{person}'") == []
    assert api.call("DELETE", f"/sobjects/Opportunity/{deal}").status_code == 204
    assert api.rows(asked) == []


@refuses("role-of-nobody")
def test_a_role_needs_a_contact(api: Api, deal: str) -> None:
    """And an opportunity."""
    status, code, words = api.refusal("POST", f"/sobjects/{ROLES}", {"OpportunityId": deal})
    assert (status, code) == (400, "REQUIRED_FIELD_MISSING")
    assert "ContactId" in words


@refuses("role-moved")
def test_a_role_stays_with_its_opportunity(api: Api, deal: str, person: str) -> None:
    """It is set when the role is made."""
    made = api.create(ROLES, OpportunityId=deal, ContactId=person)
    status, code, _ = api.refusal("PATCH", f"/sobjects/{ROLES}/{made}", {"OpportunityId": deal})
    assert (status, code) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
