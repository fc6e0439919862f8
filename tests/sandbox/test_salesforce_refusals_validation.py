"""Validation rules in the Salesforce sandbox: what it refuses to deploy, and which saves, by raw HTTP."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import pytest

from tests.sandbox.conftest import Sandbox
from tests.sandbox.salesforce_refusals import refuses
from tests.sandbox.salesforce_session import NS, Api, custom_object, field, package, permission_set

FIELDS = ("Amount__c", "Due__c", "Stage__c", "Note__c")
STAGE = "<fields><fullName>Stage__c</fullName><label>Stage</label><type>Picklist</type><valueSet>"
STAGE += "<valueSetDefinition><sorted>false</sorted><value><fullName>open</fullName><default>false</default>"
STAGE += "<label>Open</label></value></valueSetDefinition></valueSet></fields>"
DEFINED = (
    field("Amount__c", "Number", precision="18", scale="0"),
    field("Due__c", "Date"),
    field("Note__c", "Text", length="50"),
    STAGE,
)


@pytest.fixture(scope="module")
def api(salesforce: Sandbox) -> Api:
    """Give a session in an org at noon of 3 March 2025, with an object Thing__c the user may write."""
    stands(salesforce, 3)
    api = Api(salesforce.url)
    result = api.deploy(
        {
            "package.xml": package(CustomObject=["Thing__c"], PermissionSet=["Things"]),
            "objects/Thing__c.object": custom_object("Thing", *DEFINED),
            "permissionsets/Things.permissionset": permission_set(
                "Things", ["Thing__c"], [f"Thing__c.{name}" for name in FIELDS]
            ),
        }
    )
    assert result["status"] == "Succeeded", result["details"]
    api.grant("Things")
    return api


def stands(salesforce: Sandbox, day: int) -> None:
    """Set the org's clock to noon of a day of March 2025."""
    salesforce.control("POST", "/clock", {"now": f"2025-03-{day:02}T12:00:00Z", "running": False})


def deployed(api: Api, formula: str, *, name: str = "Rule", **changes: str | None) -> list[str]:
    """Deploy the one rule of the object; return what the org says against it."""
    parts: dict[str, str | None] = {
        "fullName": name,
        "active": "true",
        "errorConditionFormula": formula,
        "errorDisplayField": "Amount__c",
        "errorMessage": "No.",
        **changes,
    }
    rule = "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in parts.items() if text is not None)
    held = f"<CustomObject {NS}><validationRules>{rule}</validationRules></CustomObject>"
    files = {
        "package.xml": package(ValidationRule=[f"Thing__c.{name}"]),
        "objects/Thing__c.object": held,
    }
    return [one["problem"] for one in api.deploy(files)["details"]["componentFailures"]]


@refuses("rule-formula")
@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("Nope__c > 1", "Field Nope__c does not exist. Check spelling."),
        ("Amount__c", "Expected Boolean, received Number"),
        ("Amount__c > TODAY()", "Incorrect parameter type for operator '>'. Expected Number, received Date"),
        ("Amount__c >", "Syntax error. Found 'EOF'"),
        ("AND(Amount__c > 1", "Syntax error. Missing ','"),
        ("Amount__c > 1)", "Syntax error. Extra )"),
        ("Amount__c ? 1", "Syntax error. Found '?'"),
        ('Stage__c = "open"', "Field Stage__c is a picklist field."),
        ("ISBLANK(Stage__c)", "Field Stage__c is a picklist field."),
        ("ISCHANGED(1)", "Expected a field"),
        (
            "NOT(ISNEW(), ISNEW())",
            "Incorrect number of parameters for function 'NOT()'. Expected 1, received 2",
        ),
        (
            "AND(Amount__c)",
            "Incorrect parameter type for function 'AND()'. Expected Boolean, received Number",
        ),
        ("Note__c + 1 > 2", "Expected Number, Date, received Text"),
        ("VLOOKUP(Amount__c) > 1", "does not judge the function VLOOKUP"),
    ],
)
def test_a_formula_that_cannot_be_judged_is_refused(api: Api, formula: str, words: str) -> None:
    """Unknown fields and functions, types that do not go together, and what is no formula at all."""
    (said,) = deployed(api, formula)
    assert words in said


@refuses("rule-incomplete")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"errorMessage": None}, "Required field is missing: errorMessage"),
        ({"errorMessage": "x" * 256}, "ErrorMessage maximum length is:255"),
        ({"errorDisplayField": "Gone__c"}, "no CustomField named Thing__c.Gone__c found"),
        ({"active": "perhaps"}, "'perhaps' is not a valid value for the type xsd:boolean"),
        ({"active": None}, "Required field is missing: active"),
        ({"severity": "high"}, "invalid at this location in type ValidationRule"),
    ],
)
def test_a_rule_that_lacks_something_is_refused(api: Api, changes: dict[str, str | None], words: str) -> None:
    """What the Metadata API asks of a rule, and what it does not know."""
    (said,) = deployed(api, "Amount__c > 1", **changes)
    assert words in said


@refuses("rule-name")
def test_a_rules_name_has_at_most_forty_characters(api: Api) -> None:
    """As every developer name, without two underscores in a row."""
    assert "is not valid" in deployed(api, "Amount__c > 1", name="R" * 41)[0]
    assert "is not valid" in deployed(api, "Amount__c > 1", name="A__B")[0]


@refuses("validation-rule")
def test_a_save_that_meets_a_rule_is_refused_at_its_field(api: Api) -> None:
    """On 3 March: what is due that day or before, new or changed; other saves of a record go through."""
    formula = "AND(OR(ISNEW(), ISCHANGED(Due__c)), NOT(ISBLANK(TEXT(Stage__c))), Due__c <= TODAY() + 0)"
    assert deployed(api, formula, errorDisplayField="Due__c", errorMessage="Too late.") == []

    def made(**values: Any) -> int:
        return api.call("POST", "/sobjects/Thing__c", values).status_code

    body = {"Stage__c": "open", "Due__c": "2025-03-03"}
    answer = api.call("POST", "/sobjects/Thing__c", body)
    assert (answer.status_code, answer.json()) == (
        400,
        [{"message": "Too late.", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": ["Due__c"]}],
    )
    assert made(Due__c="2025-03-03") == 201  # no stage
    assert made(Stage__c="open") == 201  # nothing is compared with an empty field
    thing = api.create("Thing__c", Stage__c="open", Due__c="2025-03-04")
    path = f"/sobjects/Thing__c/{thing}"
    assert api.refusal("PATCH", path, {"Due__c": "2025-03-01"})[1] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert api.call("PATCH", path, {"Due__c": "2025-03-05", "Amount__c": 1}).status_code == 204


def test_a_rule_speaks_of_a_save_only_where_it_says_so(salesforce: Sandbox, api: Api) -> None:
    """Two days later the same value would be refused anew, and stands: it is not changed."""
    formula = "AND(OR(ISNEW(), ISCHANGED(Due__c)), Due__c <= TODAY())"
    assert deployed(api, formula) == []
    thing = api.create("Thing__c", Due__c="2025-03-04")
    stands(salesforce, 5)
    api.sign_in()
    assert api.call("PATCH", f"/sobjects/Thing__c/{thing}", {"Amount__c": 2}).status_code == 204
    stands(salesforce, 3)
    api.sign_in()
    assert deployed(api, "Due__c <= TODAY()", active="false") == []
    assert api.call("POST", "/sobjects/Thing__c", {"Due__c": "2025-03-01"}).status_code == 201


@refuses("delete-ruled-field")
def test_a_field_a_rule_asks_about_goes_after_the_rule(api: Api) -> None:
    """Destructive changes: the field is held while the rule stands; a rule that went refuses nothing."""
    assert deployed(api, 'Note__c = "no"', errorDisplayField=None) == []
    assert api.refusal("POST", "/sobjects/Thing__c", {"Note__c": "no"})[2] == "No."

    def deleted(**members: list[str]) -> list[str]:
        files = {"package.xml": package(), "destructiveChanges.xml": package(**members)}
        return [one["problem"] for one in api.deploy(files)["details"]["componentFailures"]]

    (held,) = deleted(CustomField=["Thing__c.Note__c"])
    assert "Validation Rule - Thing__c.Rule" in held
    assert deleted(ValidationRule=["Thing__c.Rule"]) == []
    assert api.call("POST", "/sobjects/Thing__c", {"Note__c": "no"}).status_code == 201
    assert deleted(CustomField=["Thing__c.Note__c"]) == []
