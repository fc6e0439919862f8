"""What Salesforce fills in itself when a standard record is saved.

Called by ``write.py`` after validation; ``after_save`` runs once the row is in the store and
keeps an opportunity's amount the sum of its lines.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from sandbox.salesforce.errors import dml
from sandbox.salesforce.history_rows import record
from sandbox.salesforce.org import Org
from sandbox.salesforce.store import Change, Row

_CLOSED_CASE = {"Closed"}


def derive(org: Org, object_name: str, row: Row, old: Row | None, given: set[str]) -> None:
    """Fill the derived fields of ``row``; ``given`` are the names the caller wrote."""
    steps = {
        "Opportunity": _opportunity, "Contact": _person, "User": _person, "Case": _case, "Task": _task,
        "OpportunityLineItem": _line, "PricebookEntry": _entry,
        "Contract": _contract,
    }  # fmt: skip
    step = steps.get(object_name)
    if step:
        step(org, row, old, given)


def _opportunity(org: Org, row: Row, old: Row | None, given: set[str]) -> None:
    moved = old is None or old.get("StageName") != row.get("StageName")
    stage = org.stage(row["StageName"]) if row.get("StageName") else None
    if moved:
        row["IsClosed"], row["IsWon"] = bool(stage and stage["IsClosed"]), bool(stage and stage["IsWon"])
        row["LastStageChangeDate"] = None if old is None else org.stamp()
        if "Probability" not in given:
            row["Probability"] = stage["DefaultProbability"] if stage else 0.0
        if "ForecastCategoryName" not in given:
            row["ForecastCategoryName"] = stage["ForecastCategoryName"] if stage else "Pipeline"
    row["ForecastCategory"] = (row.get("ForecastCategoryName") or "").replace(" ", "")
    fixed = [name for name in ("Pricebook2Id", "CurrencyIsoCode") if old and old.get(name) != row.get(name)]
    if row.get("HasOpportunityLineItem") and fixed:
        words = f"field integrity exception: {fixed[0]} (the opportunity has products)"
        raise dml("FIELD_INTEGRITY_EXCEPTION", words, fixed[0])
    if row.get("HasOpportunityLineItem") and old is not None and "Amount" in given:
        row["Amount"] = old[
            "Amount"
        ]  # With products on it the amount is their sum; writes to it are ignored.
    amount, chance = row.get("Amount"), row.get("Probability")
    row["ExpectedRevenue"] = None if amount is None else round(amount * (chance or 0.0) / 100, 2)
    year, month = row["CloseDate"][:4], row["CloseDate"][5:7]
    row["FiscalYear"], row["FiscalQuarter"] = int(year), (int(month) + 2) // 3


def _person(_org: Org, row: Row, _old: Row | None, _given: set[str]) -> None:
    row["Name"] = " ".join(p for p in (row.get("FirstName"), row.get("LastName")) if p)


def _case(org: Org, row: Row, old: Row | None, _given: set[str]) -> None:
    if not row.get("CaseNumber"):
        row["CaseNumber"] = f"{org.count('case') + 1000:08d}"
    closed = row.get("Status") in _CLOSED_CASE
    if closed and not (old and old.get("IsClosed")):
        row["ClosedDate"] = org.stamp()
    elif not closed:
        row["ClosedDate"] = None
    row["IsClosed"] = closed
    contact = org.store.find("Contact", row["ContactId"]) if row.get("ContactId") else None
    if contact and old is None and not row.get("AccountId"):
        row["AccountId"] = contact["AccountId"]


def _task(org: Org, row: Row, _old: Row | None, _given: set[str]) -> None:
    row["IsClosed"] = row.get("Status") == "Completed"
    row["AccountId"] = _account_of(org, row)


def _account_of(org: Org, row: Row) -> str | None:
    what = row.get("WhatId")
    if not what:
        return None
    obj = org.schema.by_prefix(what[:3])
    if obj is None or obj.name == "Account":
        return str(what) if obj else None
    parent = org.store.find(obj.name, what)
    return parent.get("AccountId") if parent else None


def _contract(org: Org, row: Row, old: Row | None, given: set[str]) -> None:
    del given
    if not row.get("ContractNumber"):
        row["ContractNumber"] = f"{org.count('contract') + 100:08d}"
    if old is None and row.get("Status") == "Activated":
        raise dml("INVALID_STATUS", "Choose a valid contract status and save your changes.", "Status")
    if row.get("Status") == "Activated" and not row.get("ActivatedDate"):
        row["ActivatedDate"] = org.stamp()
    start, months = row.get("StartDate"), row.get("ContractTerm")
    row["EndDate"] = _ends(date.fromisoformat(start), int(months)) if start and months else None


def _ends(start: date, months: int) -> str:
    """Return the last day of a term: the day before the same day so many months on."""
    turn = start.month - 1 + months
    year, month = start.year + turn // 12, turn % 12 + 1
    last = monthrange(year, month)[1]
    return (date(year, month, min(start.day, last)) - timedelta(days=start.day <= last)).isoformat()


def _entry(org: Org, row: Row, _old: Row | None, _given: set[str]) -> None:
    product = org.store.find("Product2", row["Product2Id"]) or {}
    row["Name"], row["ProductCode"] = product.get("Name"), product.get("ProductCode")


def _line(org: Org, row: Row, old: Row | None, given: set[str]) -> None:
    if old is None:
        _choose_entry(org, row)
    quantity = row.get("Quantity") or 0.0
    if "UnitPrice" in given and "TotalPrice" in given:
        words = "field integrity exception: UnitPrice, TotalPrice "
        words += "(specify either UnitPrice or TotalPrice, not both)"
        raise dml("FIELD_INTEGRITY_EXCEPTION", words, "UnitPrice", "TotalPrice")
    if "TotalPrice" in given and row.get("TotalPrice") is not None:
        row["UnitPrice"] = round(row["TotalPrice"] / quantity, 2) if quantity else row["TotalPrice"]
    elif row.get("UnitPrice") is None:
        raise dml("REQUIRED_FIELD_MISSING", "Required fields are missing: [UnitPrice]", "UnitPrice")
    else:
        row["TotalPrice"] = round(row["UnitPrice"] * quantity, 2)


def _choose_entry(org: Org, row: Row) -> None:
    if row.get("PricebookEntryId"):
        entry = org.store.find("PricebookEntry", row["PricebookEntryId"])
    else:
        entries = org.store.live("PricebookEntry")
        entry = next((e for e in entries if e["Product2Id"] == row.get("Product2Id")), None)
    if entry is None:
        words = "field integrity exception: PricebookEntryId (pricebook entry is required)"
        raise dml("FIELD_INTEGRITY_EXCEPTION", words, "PricebookEntryId")
    product = org.store.find("Product2", entry["Product2Id"]) or {}
    parent = org.store.find("Opportunity", row["OpportunityId"]) or {}
    _check_entry(entry, parent)
    row |= {"PricebookEntryId": entry["Id"], "Product2Id": entry["Product2Id"],
        "ListPrice": entry["UnitPrice"],
            "ProductCode": product.get("ProductCode"),
            "CurrencyIsoCode": parent.get("CurrencyIsoCode"),
            "Name": f"{parent.get('Name', '')} {product.get('Name', '')}".strip()[:376]}  # fmt: skip


def _check_entry(entry: Row, parent: Row) -> None:
    """Raise where a price is not of the opportunity's price book and currency, or no longer sold at."""
    if parent.get("Pricebook2Id") not in (None, entry["Pricebook2Id"]):
        words = "pricebook entry is in a different pricebook than the one assigned to the opportunity"
    elif parent.get("CurrencyIsoCode") != entry["CurrencyIsoCode"]:
        words = "the currency of the pricebook entry is not the opportunity's"
    elif not entry.get("IsActive"):
        words = "pricebook entry is inactive"
    else:
        return
    shown = f"field integrity exception: PricebookEntryId ({words})"
    raise dml("FIELD_INTEGRITY_EXCEPTION", shown, "PricebookEntryId")


def after_save(org: Org, object_name: str, row: Row, change: Change) -> str | None:
    """Roll line items up to their opportunity; return the opportunity's id where it changed.

    A contact role that is primary leaves its opportunity with no other.
    """
    if object_name == "OpportunityContactRole" and row.get("IsPrimary") and not row.get("IsDeleted"):
        _only_primary(org, row, change)
    if object_name != "OpportunityLineItem":
        return None
    old = org.store.find("Opportunity", row["OpportunityId"])
    if old is None:
        return None
    lines = [r for r in org.store.live("OpportunityLineItem") if r["OpportunityId"] == old["Id"]]
    new = dict(old, HasOpportunityLineItem=bool(lines))
    if lines:
        new["Amount"] = round(sum(r.get("TotalPrice") or 0.0 for r in lines), 2)
        new["ExpectedRevenue"] = round(new["Amount"] * (new.get("Probability") or 0.0) / 100, 2)
        entry = org.store.find("PricebookEntry", lines[0]["PricebookEntryId"])
        new["Pricebook2Id"] = new.get("Pricebook2Id") or (entry or {}).get("Pricebook2Id")
    if new == old:
        return None
    moment = org.stamp()
    new |= {"SystemModstamp": moment, "LastModifiedDate": moment}
    org.store.put(change, "Opportunity", new)
    record(org, change, org.schema["Opportunity"], new, old)
    return str(old["Id"])


def _only_primary(org: Org, row: Row, change: Change) -> None:
    for other in org.store.live("OpportunityContactRole"):
        same = other["OpportunityId"] == row["OpportunityId"] and other["Id"] != row["Id"]
        if same and other["IsPrimary"]:
            moment = org.stamp()
            audit = {"SystemModstamp": moment, "LastModifiedDate": moment}
            org.store.put(change, "OpportunityContactRole", dict(other, IsPrimary=False, **audit))
