"""The standard objects of service and set-up: cases, tasks, users, permission sets, the organization.

Continues ``standard.py``. Field names, types and lengths are from Salesforce's Object Reference.
"""

from __future__ import annotations

from sandbox.salesforce.schema import Field, Schema, SObject
from sandbox.salesforce.standard import (
    account,
    choice,
    contact,
    contact_role,
    flag,
    line_item,
    make,
    number,
    opportunity,
    products,
    read_only,
    reference,
    system_fields,
    text,
)
from sandbox.salesforce.standard_contracts import asset, contract
from sandbox.salesforce.standard_history import stage_history
from sandbox.salesforce.standard_setup import metadata_objects


def case() -> SObject:
    """Return Case; ``CaseNumber`` counts up, ``IsClosed`` follows the status."""
    return make("Case", "Case", "Cases", "500", [
        *system_fields(named=False),
        read_only("CaseNumber", "Case Number", "string", length=30, nillable=False, auto_format="{00000000}"),
        reference("ContactId", "Contact ID", "Contact", "Cases"),
        reference("AccountId", "Account ID", "Account", "Cases"),
        choice("Type", "Case Type", "Mechanical", "Electrical", "Electronic", "Structural", "Other"),
        choice("Status", "Status", "New", "Working", "Escalated", "Closed", default="New"),
        choice("Reason", "Case Reason", "Installation", "Equipment Complexity", "Performance", "Breakdown",
        "Other"),
        choice("Origin", "Case Origin", "Phone", "Email", "Web"), text("Subject", "Subject"),
        choice("Priority", "Priority", "High", "Medium", "Low", "Urgent", default="Medium"),
        text("Description", "Description", 32000, type="textarea"),
        flag("IsClosed", "Closed", writable=False),
        read_only("ClosedDate", "Closed Date", "datetime"), flag("IsEscalated", "Escalated"),
    ])  # fmt: skip


def task() -> SObject:
    """Return Task; ``WhatId`` points to any record, ``WhoId`` to a contact."""
    what = Field(
        "WhatId", "Related To ID", "reference", length=18, relationship_name="What",
        reference_to=("Account", "Opportunity", "Case", "Product2"),
    )  # fmt: skip
    return make("Task", "Task", "Tasks", "00T", [
        *system_fields(named=False), reference("WhoId", "Name ID", "Contact", "Tasks"), what,
        text("Subject", "Subject", 255), Field("ActivityDate", "Due Date Only", "date"),
        choice("Status", "Status", "Not Started", "In Progress", "Completed", "Waiting on someone else",
        "Deferred",
               default="Not Started"),
        choice("Priority", "Priority", "High", "Normal", "Low", default="Normal"),
        text("Description", "Description", 32000, type="textarea"),
        flag("IsClosed", "Closed", writable=False),
        reference("AccountId", "Account ID", "Account", "Tasks", createable=False, updateable=False),
        choice("TaskSubtype", "Task Subtype", "Task", "Email", "Call"),
    ])  # fmt: skip


def user() -> SObject:
    """Return User. The sandbox lets no API caller create one."""
    fields = [
        *system_fields(named=False, owned=False),
        text("Username", "Username", 80, nillable=False),
        text("LastName", "Last Name", 80, nillable=False),
        text("FirstName", "First Name", 40),
        read_only("Name", "Full Name", "string", length=121, nillable=False),
        text("Email", "Email", 128, type="email", nillable=False),
        text("Alias", "Alias", 8),
        text("Title", "Title", 80),
        flag("IsActive", "Active"),
        text("TimeZoneSidKey", "Time Zone", 40),
        choice("UserType", "User Type", "Standard", "AutomatedProcess"),
        text("LanguageLocaleKey", "Language", 40),
        text("FederationIdentifier", "SAML Federation ID", 512),
        flag("UserPreferencesApexPagesDeveloperMode", "ApexPagesDeveloperMode"),
    ]
    obj = make("User", "User", "People", "005", fields, createable=False, deletable=False)
    obj.fields.pop("isdeleted")
    return obj


def setup_objects() -> list[SObject]:
    """Return the set-up objects SOQL can read."""
    org = make("Organization", "Organization", "Organizations", "00D", [
        *system_fields(owned=False), text("TimeZoneSidKey", "Time Zone", 40), flag("IsSandbox", "Is Sandbox"),
        text("InstanceName", "Instance Name", 5), text("OrganizationType", "Edition", 40),
        text("NamespacePrefix", "Namespace Prefix", 15), text("LanguageLocaleKey", "Language", 40),
        text("DefaultLocaleSidKey", "Locale", 40),
        Field("TrialExpirationDate", "Trial Expiration", "datetime"),
        Field("FiscalYearStartMonth", "Fiscal Year Starts In",
        "int"),
    ], createable=False, updateable=False, deletable=False)  # fmt: skip
    record_type = make("RecordType", "Record Type", "Record Types", "012", [
        *system_fields(owned=False), text("DeveloperName", "Record Type Name", 80),
        text("SobjectType", "Object Type Name", 40), flag("IsActive", "Active"),
        flag("IsPersonType", "Is Person Type"),
        reference("BusinessProcessId", "Business Process ID", "BusinessProcess"),
        text("Description", "Description"),
    ], createable=False, updateable=False, deletable=False)  # fmt: skip
    stage = make("OpportunityStage", "Opportunity Stage", "Opportunity Stages", "01J", [
        *system_fields(named=False, owned=False), text("MasterLabel", "Master Label"),
        text("ApiName", "API Name"),
        flag("IsActive", "Active"), Field("SortOrder", "Sort Order", "int"), flag("IsClosed", "Closed"),
        flag("IsWon", "Won"), choice("ForecastCategory", "Forecast Category"),
        text("ForecastCategoryName", "Name"),
        number("DefaultProbability", "Probability (%)", "percent", 3, 0), text("Description", "Description"),
    ], createable=False, updateable=False, deletable=False)  # fmt: skip
    process = make("BusinessProcess", "Business Process", "Business Processes", "019", [
        *system_fields(owned=False), text("TableEnumOrId", "Entity Enumeration Or ID", 40),
        flag("IsActive", "Active"), text("Description", "Description"),
    ], createable=False, updateable=False, deletable=False)  # fmt: skip
    return [org, record_type, process, stage, *permission_objects(), *metadata_objects()]


def permission_objects() -> list[SObject]:
    """Return PermissionSet (deployed as metadata only) and PermissionSetAssignment (made by DML)."""
    sets = make("PermissionSet", "Permission Set", "Permission Sets", "0PS", [
        *system_fields(owned=False), text("Name", "Permission Set Name", 80, nillable=False),
        text("Label", "Permission Set Label", 80), text("Description", "Description"),
        flag("IsOwnedByProfile", "Is Owned By Profile", writable=False),
        text("NamespacePrefix", "Namespace", 15),
        choice("Type", "Type", "Regular", "Profile"),
    ], createable=False, updateable=False, deletable=False)  # fmt: skip
    assignment = make("PermissionSetAssignment", "Permission Set Assignment", "Permission Set Assignments",
        "0Pa", [
        read_only("Id", "Assignment ID", "id", length=18, nillable=False),
        reference("PermissionSetId", "Permission Set ID", "PermissionSet", "Assignments", nillable=False,
                  updateable=False),
        reference("AssigneeId", "Assignee ID", "User", "PermissionSetAssignments", nillable=False,
        updateable=False),
        read_only("SystemModstamp", "System Modstamp", "datetime", nillable=False),
    ], updateable=False)  # fmt: skip
    sets.fields.pop("isdeleted")
    return [sets, assignment]


def standard_schema(at: str) -> Schema:
    """Return the schema of a new org."""
    schema = Schema()
    for obj in (
        account(),
        contact(),
        user(),
        opportunity(),
        line_item(),
        contact_role(),
        *products(),
        case(),
        task(),
        contract(),
        asset(),
    ):
        schema.put(obj, at)
    for obj in (stage_history(), *setup_objects()):
        schema.put(obj, at)
    return schema
