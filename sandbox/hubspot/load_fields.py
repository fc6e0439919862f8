"""The customer's own properties, which are in a lived-in portal before any add-on is installed."""

from __future__ import annotations

from typing import Any, Final

from sandbox.hubspot.portal import Portal
from sandbox.hubspot.standard_properties import GROUPS

_YES_NO: Final = ({"label": "Yes", "value": "true"}, {"label": "No", "value": "false"})


def _own(name: str, kind: str, field_type: str, values: tuple[str, ...] = ()) -> dict[str, Any]:
    options = [{"label": value, "value": value} for value in values]
    if kind == "bool":
        options = [dict(option) for option in _YES_NO]
    label = name.replace("_", " ").capitalize()
    return {"name": name, "label": label, "type": kind, "fieldType": field_type, "options": options}


CONTRACT: Final = (
    _own("contract_ref", "string", "text"),
    _own("contract_product", "string", "text"),
    _own("contract_seats", "number", "number"),
    _own("contract_start", "date", "date"),
    _own("contract_end", "date", "date"),
    _own("contract_term_months", "number", "number"),
    _own("contract_arr", "number", "number"),
    _own("contract_kind", "enumeration", "select", ("recurring", "one_time", "trial")),
    _own("contract_billing", "enumeration", "select", ("monthly", "annual")),
    _own("contract_auto_renew", "bool", "booleancheckbox"),
    _own("contract_notice_days", "number", "number"),
    _own("contract_co_term_group", "string", "text"),
)
DEAL: Final = (_own("deal_kind", "enumeration", "select", ("new", "expansion", "renewal")),)
TICKET: Final = (
    _own("support_escalated", "bool", "booleancheckbox"),
    _own("support_csat", "number", "number"),
)


def make_own_properties(portal: Portal, contract_home: str, attributes: tuple[str, ...]) -> None:
    """Create the customer's properties that are not there yet; account attributes become text."""
    company = (_own("customer_ref", "string", "text"), *(_own(name, "string", "text") for name in attributes))
    _make(portal, "companies", company)
    _make(portal, "deals" if contract_home == "deal" else "line_items", CONTRACT)
    _make(portal, "deals", DEAL)
    _make(portal, "tickets", TICKET)


def _make(portal: Portal, object_name: str, definitions: tuple[dict[str, Any], ...]) -> None:
    kind = portal.type_of(object_name)
    group = GROUPS[kind.type_id][0]
    for definition in definitions:
        if definition["name"] not in portal.properties.live(kind.type_id):
            portal.properties.create(kind, {**definition, "groupName": group}, "7")
