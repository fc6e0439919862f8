"""The customer's own fields and survey object: in the org before we install, so open to every user."""

from __future__ import annotations

from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import Field
from sandbox.salesforce.standard import choice, flag, make, number, reference, system_fields, text


def attribute_field(name: str) -> str:
    """Return the field an account attribute is kept in: ``renewal_risk`` becomes ``Renewal_Risk__c``."""
    return "_".join(p[:1].upper() + p[1:] for p in name.replace("-", "_").split("_") if p) + "__c"


def _custom(name: str, label: str, length: int = 255) -> Field:
    return text(name, label, length)


def contract_fields() -> list[Field]:
    """Return the contract fields of the contract home."""
    return [
        text("Contract_Ref__c", "Contract Ref", 255, external_id=True),
        _custom("Contract_Product__c", "Product"),
        number("Contract_Seats__c", "Seats", "double", 12, 0),
        Field("Contract_Start__c", "Contract Start", "date"),
        Field("Contract_End__c", "Contract End", "date"),
        number("Contract_Term_Months__c", "Term (Months)", "double", 5, 0),
        number("Contract_ARR__c", "ARR", "currency", 18, 2),
        choice("Contract_Kind__c", "Contract Kind", "recurring", "one_time", "trial"),
        choice("Contract_Billing__c", "Billing", "monthly", "annual"),
        flag("Contract_Auto_Renew__c", "Auto Renew"),
        number("Contract_Notice_Days__c", "Notice Days", "double", 5, 0),
        _custom("Contract_Co_Term_Group__c", "Co-Term Group"),
    ]  # fmt: skip


def add_customer_fields(org: Org, contract_home: str, attributes: tuple[str, ...]) -> None:
    """Add what the portfolio's customer has beyond the standard fields; asking twice changes nothing."""
    wanted = [("Account", text("Customer_Ref__c", "Customer Ref", 255, external_id=True))]
    wanted += [("Account", _custom(attribute_field(n), n.replace("_", " ").title())) for n in attributes]
    wanted += [(contract_home, f) for f in contract_fields()]
    wanted += [("Opportunity", choice("Deal_Kind__c", "Deal Kind", "new", "expansion", "renewal")),
               ("Contact", choice("Contact_Role__c", "Role", "champion", "economic_buyer", "admin", "user")),
               ("Case", number("CSAT__c", "CSAT", "double", 1, 0))]  # fmt: skip
    _survey_object(org)
    for object_name, f in wanted:
        if org.schema[object_name].get(f.name) is None:
            org.schema.put_field(object_name, f, org.stamp())


def _survey_object(org: Org) -> None:
    if org.schema.get("Survey_Response__c"):
        return
    fields = [
        *system_fields(), text("Name", "Survey Response Name", 80),
        reference("Account__c", "Account", "Account", "Survey_Responses__r", path="Account__r"),
        reference("Contact__c", "Contact", "Contact", "Survey_Responses__r", path="Contact__r"),
        choice("Kind__c", "Kind", "nps", "csat", "ces"), number("Score__c", "Score", "double", 4, 1),
        Field("Responded_At__c", "Responded At", "datetime"),
        text("Survey_Ref__c", "Survey Ref", 255, external_id=True),
    ]  # fmt: skip
    obj = make("Survey_Response__c", "Survey Response", "Survey Responses", org.next_prefix(), fields)
    org.schema.put(obj, org.stamp())
