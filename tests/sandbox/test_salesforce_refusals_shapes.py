"""Orgs that were lived in: record types, flows, person accounts, field access, over raw HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import Sandbox
from tests.sandbox.salesforce_refusals import refuses
from tests.sandbox.salesforce_session import Api

STAGES = [
    {"label": "Erstkontakt", "probability": 10},
    {"label": "Angebot", "probability": 50},
    {"label": "Gewonnen", "won": True},
    {"label": "Verloren", "closed": True},
]
SALES = [
    {
        "developer_name": "Bestand",
        "name": "Bestandsgeschäft",
        "default": True,
        "picks": {"StageName": ["Angebot", "Gewonnen", "Verloren"]},
    },
    {"developer_name": "Partner", "available": False},
]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Give one org for tests that shape objects of their own."""
    folder: Path = tmp_path_factory.mktemp("shapes")
    sandbox = Sandbox("salesforce", folder / "sf.db")
    sandbox.start()
    yield sandbox
    sandbox.kill()


@pytest.fixture
def org(process: Sandbox) -> Iterator[Sandbox]:
    """Give the org, without flows and field access of the test before."""
    yield process
    process.control("POST", "/flows", {"flows": []})
    process.control("POST", "/field_access", {"fields": {}})


def refused(answer: Any) -> tuple[int, str, list[str]]:
    """Return status, code and fields of a refusal."""
    (error,) = answer.json()
    return answer.status_code, error["errorCode"], error["fields"]


@refuses("record-type-not-given")
def test_record_types_have_stages_of_their_own(org: Sandbox) -> None:
    """Describe lists them with Master, which is closed to the user; each has its subset with flags."""
    org.control("POST", "/org", {"stages": STAGES})
    own, other = org.control("POST", "/record_types", {"object": "Opportunity", "types": SALES})["ids"]
    api = Api(org.url)
    told = api.call("GET", "/sobjects/Opportunity/describe").json()["recordTypeInfos"]
    shown = [(one["developerName"], one["available"], one["defaultRecordTypeMapping"]) for one in told]
    assert shown == [("Bestand", True, True), ("Partner", False, False), ("Master", False, False)]
    path = f"/ui-api/object-info/Opportunity/picklist-values/{own[:15]}"
    values = api.call("GET", path).json()["picklistFieldValues"]["StageName"]["values"]
    assert [one["value"] for one in values] == ["Angebot", "Gewonnen", "Verloren"]
    assert (values[0]["attributes"]["closed"], values[1]["attributes"]["won"]) == (False, True)
    assert api.call("GET", path.replace(own[:15], "012000000000009AAA")).status_code == 400

    deal = {"Name": "D", "CloseDate": "2026-01-01", "StageName": "Angebot"}
    made = api.create("Opportunity", **deal)
    (row,) = api.rows(f"SELECT RecordTypeId, RecordType.DeveloperName FROM Opportunity WHERE Id = '{made}'")
    assert (row["RecordTypeId"], row["RecordType"]["DeveloperName"]) == (own, "Bestand")
    answer = api.call("POST", "/sobjects/Opportunity", {**deal, "RecordTypeId": other})
    assert refused(answer) == (400, "INVALID_CROSS_REFERENCE_KEY", ["RecordTypeId"])
    assert api.call("POST", "/sobjects/Opportunity", {**deal, "StageName": "Erstkontakt"}).status_code == 201


def test_a_flow_rewrites_as_the_user_who_saves(org: Sandbox) -> None:
    """Before or after the save the value is another, the last modifier the same, and nothing says so."""
    api = Api(org.url)
    user = org.control("GET", "/credentials")["user_id"]
    org.control(
        "POST",
        "/flows",
        {
            "flows": [
                {"object": "Account", "when": "before_save", "on": "create", "set": {"Rating": "Cold"}},
                {"object": "Account", "when": "after_save", "set": {"Phone": {"upper": "Phone"}}},
            ]
        },
    )
    made = api.create("Account", Name="A", Rating="Hot", Phone="x1")
    soql = f"SELECT Rating, Phone, LastModifiedById FROM Account WHERE Id = '{made}'"
    assert api.rows(soql) == [{"Rating": "Cold", "Phone": "X1", "LastModifiedById": user}]
    assert api.call("PATCH", f"/sobjects/Account/{made}", {"Rating": "Hot"}).status_code == 204
    assert api.rows(soql)[0]["Rating"] == "Hot"


@refuses("flow-fails")
def test_a_flow_that_fails_refuses_the_save(org: Sandbox) -> None:
    """Its words come with CANNOT_EXECUTE_FLOW_TRIGGER, and nothing is saved."""
    flow = {"object": "Account", "when": "after_save", "fail": "No owner", "name": "Route"}
    org.control("POST", "/flows", {"flows": [{**flow, "if": {"Name": "Flowed"}}]})
    api = Api(org.url)
    answer = api.call("POST", "/sobjects/Account", {"Name": "Flowed"})
    assert refused(answer) == (400, "CANNOT_EXECUTE_FLOW_TRIGGER", [])
    assert "“Route” process failed" in answer.json()[0]["message"]
    assert api.rows("SELECT Id FROM Account WHERE Name = 'Flowed'") == []


@refuses("field-read-only")
@refuses("field-hidden")
def test_fields_taken_from_the_user_are_hidden_or_read_only(org: Sandbox) -> None:
    """Hidden: no such column, not in describe. Read-only: refused with the field's name."""
    fields = {"Account.Industry": "hidden", "Account.Rating": "read_only"}
    org.control("POST", "/field_access", {"fields": fields})
    api = Api(org.url)
    shown = {f["name"]: f for f in api.call("GET", "/sobjects/Account/describe").json()["fields"]}
    assert "Industry" not in shown
    assert (shown["Rating"]["createable"], shown["Rating"]["updateable"]) == (False, False)
    assert api.query("SELECT Industry FROM Account").json()[0]["errorCode"] == "INVALID_FIELD"
    answer = api.call("POST", "/sobjects/Account", {"Name": "A", "Rating": "Hot"})
    assert refused(answer) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Rating"])


@refuses("person-name")
@refuses("person-fields")
def test_a_person_account_is_named_by_its_parts_and_has_a_twin(org: Sandbox) -> None:
    """Its Name is composed and refused when written; the contact follows the account."""
    business, person = org.control("POST", "/org", {"person_accounts": True})["record_types"]
    api = Api(org.url)
    answer = api.call("POST", "/sobjects/Account", {"RecordTypeId": person, "LastName": "L", "Name": "N"})
    assert refused(answer) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Name"])
    assert answer.json()[0]["message"] == "Account: bad field names on insert/update call: Name"
    answer = api.call("POST", "/sobjects/Account", {"RecordTypeId": business, "Name": "N", "LastName": "L"})
    assert refused(answer)[2] == ["LastName"]
    made = api.create(
        "Account", RecordTypeId=person, FirstName="Ada", LastName="Lund", PersonEmail="a@l.example"
    )
    soql = f"SELECT Name, IsPersonAccount, PersonContactId FROM Account WHERE Id = '{made}'"
    (row,) = api.rows(soql)
    assert (row["Name"], row["IsPersonAccount"]) == ("Ada Lund", True)
    assert api.call("PATCH", f"/sobjects/Account/{made}", {"LastName": "Berg"}).status_code == 204
    twin = (
        f"SELECT Name, Email, AccountId, IsPersonAccount FROM Contact WHERE Id = '{row['PersonContactId']}'"
    )
    assert api.rows(twin) == [
        {"Name": "Ada Berg", "Email": "a@l.example", "AccountId": made, "IsPersonAccount": True}
    ]
    assert refused(api.call("PATCH", f"/sobjects/Account/{made}", {"Name": "X"}))[2] == ["Name"]


@refuses("record-locked")
@refuses("owner-inactive")
def test_records_wait_for_approval_and_owners_leave(org: Sandbox) -> None:
    """A locked record refuses the API user and lets an admin edit; an inactive user is given nothing."""
    api = Api(org.url)
    made = api.create("Case", Subject="S")
    org.control("POST", "/org", {"approval_locks": [made]})
    assert refused(api.call("PATCH", f"/sobjects/Case/{made}", {"Subject": "T"}))[1] == "ENTITY_IS_LOCKED"
    user = org.control("GET", "/credentials")["user_id"]
    org.control("POST", "/edit", {"object": "Case", "id": made, "values": {"Subject": "U"}})
    org.control("POST", "/edit", {"object": "User", "id": user, "values": {"IsActive": False}})
    answer = api.call("POST", "/sobjects/Case", {"Subject": "V", "OwnerId": user})
    assert refused(answer) == (400, "INACTIVE_OWNER_OR_USER", ["OwnerId"])
    org.control("POST", "/edit", {"object": "User", "id": user, "values": {"IsActive": True}})


@refuses("required-field")
@refuses("one-currency")
def test_an_org_of_one_currency_has_no_currency_field(org: Sandbox) -> None:
    """CurrencyIsoCode is there only where an org has several; required fields are said to be so."""
    api = Api(org.url)
    org.control("POST", "/org", {"multi_currency": False, "required": ["Case.Reason"]})
    assert api.query("SELECT CurrencyIsoCode FROM Opportunity").json()[0]["errorCode"] == "INVALID_FIELD"
    shown = {f["name"]: f for f in api.call("GET", "/sobjects/Case/describe").json()["fields"]}
    reason = shown["Reason"]
    assert (reason["nillable"], reason["createable"], reason["defaultedOnCreate"]) == (False, True, False)
    assert refused(api.call("POST", "/sobjects/Case", {"Subject": "S"})) == (
        400,
        "REQUIRED_FIELD_MISSING",
        ["Reason"],
    )


@refuses("account-with-case")
def test_an_account_with_a_case_is_not_deleted(org: Sandbox) -> None:
    """Nobody deletes it before the case is gone."""
    api = Api(org.url)
    account = api.create("Account", Name="Served")
    case = api.create("Case", Subject="Help", Reason="Other", AccountId=account)
    status, code, words = api.refusal("DELETE", f"/sobjects/Account/{account}")
    assert (status, code) == (400, "DELETE_FAILED")
    assert "Your attempt to delete Served could not be completed" in words
    assert api.call("DELETE", f"/sobjects/Case/{case}").status_code == 204
    assert api.call("DELETE", f"/sobjects/Account/{account}").status_code == 204


@refuses("account-with-contract")
def test_an_account_with_an_activated_contract_is_not_deleted(org: Sandbox) -> None:
    """A draft goes along with it."""
    api = Api(org.url)
    account = api.create("Account", Name="Bound")
    contract = api.create("Contract", AccountId=account, StartDate="2026-01-01", ContractTerm=12)
    assert api.call("PATCH", f"/sobjects/Contract/{contract}", {"Status": "Activated"}).status_code == 204
    status, code, words = api.refusal("DELETE", f"/sobjects/Account/{account}")
    assert (status, code) == (400, "DELETE_FAILED")
    assert "contracts" in words
