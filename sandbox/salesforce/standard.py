"""The standard objects every org has that matter to customer success: the sales ones.

``standard_work.py`` holds users, cases, tasks and set-up objects. Field names, types and
lengths are from Salesforce's Object Reference.
"""

from __future__ import annotations

from sandbox.salesforce.schema import Field, Pick, SObject

STAGES: tuple[tuple[str, bool, bool, float, str], ...] = (
    ("Prospecting", False, False, 10.0, "Pipeline"),
    ("Qualification", False, False, 10.0, "Pipeline"),
    ("Proposal/Price Quote", False, False, 75.0, "BestCase"),
    ("Negotiation/Review", False, False, 90.0, "Commit"),
    ("Closed Won", True, True, 100.0, "Closed"),
    ("Closed Lost", True, False, 0.0, "Omitted"),
)
INDUSTRIES = (
    "Agriculture", "Apparel", "Banking", "Biotechnology", "Chemicals", "Communications", "Construction",
    "Consulting", "Education", "Electronics", "Energy", "Engineering", "Entertainment", "Environmental",
    "Finance", "Food & Beverage", "Government", "Healthcare", "Hospitality", "Insurance", "Machinery",
    "Manufacturing", "Media", "Not For Profit", "Recreation", "Retail", "Shipping", "Technology",
    "Telecommunications", "Transportation", "Utilities", "Other",
)  # fmt: skip
OPPORTUNITY_TYPES = (
    "Existing Customer - Upgrade", "Existing Customer - Replacement", "Existing Customer - Downgrade",
    "Existing Customer - Renewal", "New Customer",
)  # fmt: skip
CONTACT_ROLES = (
    "Business User", "Decision Maker", "Economic Buyer", "Economic Decision Maker", "Evaluator",
    "Executive Sponsor", "Influencer", "Technical Buyer", "Other",
)  # fmt: skip


CURRENCIES = ("USD", "EUR", "GBP", "CAD", "AUD", "JPY", "CHF", "SEK")
"""The org's active currencies; it is a multi-currency org, whose default is the first."""


def picks(*values: str, default: str | None = None) -> tuple[Pick, ...]:
    """Return picklist entries whose label is their value."""
    return tuple(Pick(v, v, True, v == default) for v in values)


def text(name: str, label: str, length: int = 255, **more: object) -> Field:
    """Return a text field."""
    return Field(name, label, str(more.pop("type", "string")), length=length, **more)  # type: ignore[arg-type]


def number(name: str, label: str, kind: str, precision: int, scale: int, **more: object) -> Field:
    """Return a numeric field; ``precision`` counts all digits."""
    return Field(name, label, kind, precision=precision, scale=scale, **more)  # type: ignore[arg-type]


def choice(name: str, label: str, *values: str, default: str | None = None, nillable: bool = True) -> Field:
    """Return an unrestricted picklist, as standard picklists are."""
    return Field(
        name,
        label,
        "picklist",
        length=255,
        picks=picks(*values, default=default),
        default=default,
        nillable=nillable,
    )


def reference(name: str, label: str, to: str, child: str | None = None, **more: object) -> Field:
    """Return a reference field; its parent path is its name without ``Id``."""
    path = more.pop("path", name.removesuffix("Id"))
    return Field(
        name, label, "reference", length=18, reference_to=(to,), relationship_name=str(path),
        child_relationship=child, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def currency() -> Field:
    """Return the currency of a record, as multi-currency orgs have it: one of the active ones."""
    return Field("CurrencyIsoCode", "Currency ISO Code", "picklist", length=3, picks=picks(*CURRENCIES),
                 default=CURRENCIES[0], restricted=True)  # fmt: skip


def read_only(name: str, label: str, kind: str, **more: object) -> Field:
    """Return a field the API shows and never takes."""
    return Field(name, label, kind, createable=False, updateable=False, **more)  # type: ignore[arg-type]


def flag(name: str, label: str, *, writable: bool = True) -> Field:
    """Return a checkbox."""
    return Field(
        name, label, "boolean", nillable=False, default=False, createable=writable, updateable=writable
    )


def system_fields(*, named: bool = True, owned: bool = True) -> list[Field]:
    """Return the fields every record has; audit fields are read-only."""
    fields = [
        read_only("Id", "Record ID", "id", length=18, nillable=False, default=""),
        flag("IsDeleted", "Deleted", writable=False),
    ]
    if named:
        fields.append(text("Name", "Name", 255, nillable=False))
    if owned:
        fields.append(reference("OwnerId", "Owner ID", "User", nillable=False, default="<user>"))
    fields += [
        read_only("CreatedDate", "Created Date", "datetime", nillable=False),
        reference("CreatedById", "Created By ID", "User", createable=False, updateable=False, nillable=False),
        read_only("LastModifiedDate", "Last Modified Date", "datetime", nillable=False),
        reference("LastModifiedById", "Last Modified By ID", "User", createable=False, updateable=False,
                  nillable=False),
        read_only("SystemModstamp", "System Modstamp", "datetime", nillable=False),
    ]  # fmt: skip
    return fields


def make(name: str, label: str, plural: str, prefix: str, fields: list[Field], **more: object) -> SObject:
    """Return an object with the given fields in order; a later field replaces an earlier namesake."""
    obj = SObject(name, label, plural, prefix, **more)  # type: ignore[arg-type]
    for f in fields:
        obj.put(f)
    return obj


def account() -> SObject:
    """Return Account."""
    return make("Account", "Account", "Accounts", "001", [
        *system_fields(),
        text("Name", "Account Name", nillable=False),
        reference("MasterRecordId", "Master Record ID", "Account", createable=False, updateable=False,
                  path="MasterRecord"),
        choice("Type", "Account Type", "Prospect", "Customer - Direct", "Customer - Channel",
               "Channel Partner / Reseller", "Installation Partner", "Technology Partner", "Other"),
        reference("ParentId", "Parent Account ID", "Account", "ChildAccounts"),
        text("BillingStreet", "Billing Street", type="textarea"), text("BillingCity", "Billing City", 40),
        text("BillingState", "Billing State/Province", 80), text("BillingPostalCode",
        "Billing Zip/Postal Code", 20),
        text("BillingCountry", "Billing Country", 80), text("Phone", "Account Phone", 40, type="phone"),
        text("AccountNumber", "Account Number", 40), text("Website", "Website", type="url"),
        choice("Industry", "Industry", *INDUSTRIES), number("AnnualRevenue", "Annual Revenue", "currency", 18,
        0),
        Field("NumberOfEmployees", "Employees", "int", precision=8),
        text("Description", "Account Description", 32000,
                                                                          type="textarea"),
        choice("AccountSource", "Account Source", "Web", "Phone Inquiry", "Partner Referral",
        "Purchased List",
               "Other"),
        choice("Rating", "Account Rating", "Hot", "Warm", "Cold"),
        currency(),
    ])  # fmt: skip


def contact() -> SObject:
    """Return Contact; ``Name`` is made of first and last name."""
    return make("Contact", "Contact", "Contacts", "003", [
        *system_fields(),
        reference("AccountId", "Account ID", "Account", "Contacts"),
        text("LastName", "Last Name", 80, nillable=False), text("FirstName", "First Name", 40),
        read_only("Name", "Full Name", "string", length=121, nillable=False),
        text("Phone", "Business Phone", 40, type="phone"), text("MobilePhone", "Mobile Phone", 40,
        type="phone"),
        text("Email", "Email", 80, type="email"), text("Title", "Title", 128),
        text("Department", "Department", 80),
        text("Description", "Contact Description", 32000, type="textarea"),
        flag("HasOptedOutOfEmail", "Email Opt Out"),
        reference("ReportsToId", "Reports To ID", "Contact"),
    ])  # fmt: skip


def opportunity() -> SObject:
    """Return Opportunity; closed, won and forecast follow the stage."""
    stages = [s[0] for s in STAGES]
    return make("Opportunity", "Opportunity", "Opportunities", "006", [
        *system_fields(),
        reference("AccountId", "Account ID", "Account", "Opportunities"),
        text("Name", "Name", 120, nillable=False), text("Description", "Description", 32000, type="textarea"),
        choice("StageName", "Stage", *stages, nillable=False),
        currency(), number("Amount", "Amount", "currency", 18, 2),
        number("Probability", "Probability (%)", "percent", 3, 0),
        read_only("ExpectedRevenue", "Expected Amount", "currency", precision=18, scale=2),
        Field("CloseDate", "Close Date", "date", nillable=False), choice("Type", "Opportunity Type",
                                                                         *OPPORTUNITY_TYPES),
        text("NextStep", "Next Step"), choice("LeadSource", "Lead Source", "Web", "Phone Inquiry",
                                              "Partner Referral", "Purchased List", "Other"),
        flag("IsClosed", "Closed", writable=False), flag("IsWon", "Won", writable=False),
        choice("ForecastCategoryName", "Forecast Category", "Omitted", "Pipeline", "Best Case", "Commit",
        "Closed"),
        read_only("ForecastCategory", "Forecast Category", "picklist", length=40),
        flag("HasOpportunityLineItem", "Has Line Item", writable=False),
        reference("Pricebook2Id", "Price Book ID", "Pricebook2"),
        reference("ContactId", "Contact ID", "Contact", updateable=False),
        reference("ContractId", "Contract ID", "Contract", "Opportunities"),
        read_only("LastStageChangeDate", "Last Stage Change Date", "datetime"),
        read_only("FiscalYear", "Fiscal Year", "int", precision=9),
        read_only("FiscalQuarter", "Fiscal Quarter", "int", precision=9),
    ])  # fmt: skip


def line_item() -> SObject:
    """Return OpportunityLineItem; deleting its opportunity deletes it."""
    return make("OpportunityLineItem", "Opportunity Product", "Opportunity Products", "00k", [
        *system_fields(named=False, owned=False),
        reference("OpportunityId", "Opportunity ID", "Opportunity", "OpportunityLineItems", nillable=False,
                  updateable=False, cascade_delete=True),
        reference("PricebookEntryId", "Price Book Entry ID", "PricebookEntry", updateable=False),
        reference("Product2Id", "Product ID", "Product2", updateable=False, path="Product2"),
        read_only("ProductCode", "Product Code", "string", length=255),
        read_only("Name", "Opportunity Product Name", "string", length=376),
        read_only("CurrencyIsoCode", "Currency ISO Code", "picklist", length=3),
        number("Quantity", "Quantity", "double", 12, 2, nillable=False),
        number("UnitPrice", "Sales Price", "currency", 18, 2),
        number("TotalPrice", "Total Price", "currency", 18, 2),
        read_only("ListPrice", "List Price", "currency", precision=18, scale=2),
        Field("ServiceDate", "Date", "date"), text("Description", "Line Description"),
        Field("SortOrder", "Sort Order", "int", precision=9),
    ])  # fmt: skip


def contact_role() -> SObject:
    """Return OpportunityContactRole; it goes with its opportunity, and outlives its contact."""
    return make("OpportunityContactRole", "Opportunity Contact Role", "Opportunity Contact Roles", "00K", [
        *system_fields(named=False, owned=False),
        reference("OpportunityId", "Opportunity ID", "Opportunity", "OpportunityContactRoles", nillable=False,
                  updateable=False, cascade_delete=True),
        reference("ContactId", "Contact ID", "Contact", "OpportunityContactRoles", nillable=False),
        choice("Role", "Role", *CONTACT_ROLES), flag("IsPrimary", "Primary"), currency(),
    ])  # fmt: skip


def products() -> list[SObject]:
    """Return Product2, Pricebook2 and PricebookEntry."""
    product = make("Product2", "Product", "Products", "01t", [
        *system_fields(owned=False), text("Name", "Product Name", nillable=False),
        text("ProductCode", "Product Code"), text("Description", "Product Description", 4000,
        type="textarea"),
        flag("IsActive", "Active"), choice("Family", "Product Family", "None"),
        text("StockKeepingUnit", "Product SKU", 180),
    ])  # fmt: skip
    book = make("Pricebook2", "Price Book", "Price Books", "01s", [
        *system_fields(owned=False), flag("IsActive", "Active"),
        flag("IsStandard", "Is Standard", writable=False),
        text("Description", "Description"),
    ])  # fmt: skip
    entry = make("PricebookEntry", "Price Book Entry", "Price Book Entries", "01u", [
        *system_fields(named=False, owned=False),
        read_only("Name", "Product Name", "string", length=255),
        reference("Pricebook2Id", "Price Book ID", "Pricebook2", "PricebookEntries", nillable=False,
        updateable=False,
                  path="Pricebook2"),
        reference("Product2Id", "Product ID", "Product2", "PricebookEntries", nillable=False,
        updateable=False,
                  path="Product2"),
        number("UnitPrice", "List Price", "currency", 18, 2, nillable=False), flag("IsActive", "Active"),
        flag("UseStandardPrice", "Use Standard Price"),
        currency(),
        read_only("ProductCode", "Product Code", "string", length=255),
    ])  # fmt: skip
    return [product, book, entry]
