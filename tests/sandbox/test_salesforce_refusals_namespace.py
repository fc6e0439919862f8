"""What an org refuses of a package's names without their namespace (reference 8)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.conftest import Sandbox
from tests.sandbox.salesforce_refusals import refuses
from tests.sandbox.salesforce_session import PROFILE_FIELDS, Api, profile_package

ON_ACCOUNT = ("Account.CS_Profile__c", "Account.CS_Health__c")
COMPONENTS = ["CS_Profile__c", *ON_ACCOUNT, *(f"CS_Profile__c.{name}" for name in PROFILE_FIELDS)]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Give a session on an org that has a package under ``acme``, with a profile of one account."""
    org = Sandbox("salesforce", Path(tmp_path_factory.mktemp("acme")) / "org.db")
    org.start()
    api = Api(org.url)
    assert api.deploy(profile_package())["status"] == "Succeeded"
    api.grant("CS_Integration")
    account = api.create("Account", Name="Acorn")
    profile = api.create("CS_Profile__c", Name="p", CS_Key__c="k", CS_Health__c=71.5, CS_Account__c=account)
    assert api.call("PATCH", f"/sobjects/Account/{account}", {"CS_Profile__c": profile}).status_code == 204
    org.control("POST", "/package", {"namespace": "acme", "components": COMPONENTS})
    yield api
    org.kill()


def test_a_packages_records_rights_and_formulas_stand_under_its_names(api: Api) -> None:
    """Rows written before, lookups both ways, and the formula that crosses them."""
    path = "acme__CS_Profile__r.acme__CS_Health__c"
    (row,) = api.rows(f"SELECT Name, acme__CS_Health__c, {path} FROM Account")
    assert (row["acme__CS_Health__c"], row["acme__CS_Profile__r"]["acme__CS_Health__c"]) == (71.5, 71.5)
    (found,) = api.rows("SELECT Name, acme__CS_Account__r.Name FROM acme__CS_Profile__c")
    assert found["acme__CS_Account__r"]["Name"] == "Acorn"
    listed = {one["name"] for one in api.call("GET", "/sobjects").json()["sobjects"]}
    assert {name for name in listed if "CS_" in name} == {"acme__CS_Profile__c"}
    upsert = api.call("PATCH", "/sobjects/acme__CS_Profile__c/acme__CS_Key__c/k", {"acme__CS_Band__c": "red"})
    assert (upsert.status_code, upsert.json()["created"]) == (200, False)


@refuses("namespace-object")
def test_a_packages_object_is_not_known_by_its_bare_name(api: Api) -> None:
    """INVALID_TYPE in a query, NOT_FOUND as an address."""
    answer = api.query("SELECT Id FROM CS_Profile__c")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_TYPE")
    assert api.refusal("GET", "/sobjects/CS_Profile__c/describe")[:2] == (404, "NOT_FOUND")


@refuses("namespace-field")
def test_a_packages_field_is_not_known_by_its_bare_name(api: Api) -> None:
    """INVALID_FIELD, on the package's objects and on the customer's, read or written."""
    for soql in ("SELECT CS_Key__c FROM acme__CS_Profile__c", "SELECT CS_Health__c FROM Account"):
        answer = api.query(soql)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
    body = {"Name": "x", "CS_Key__c": "k2"}
    assert api.refusal("POST", "/sobjects/acme__CS_Profile__c", body)[:2] == (400, "INVALID_FIELD")
