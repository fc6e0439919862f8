"""What a permission set of ours lacks in an org, and what of the org's stays when it is deployed."""

from __future__ import annotations

from integration.salesforce.metadata_xml import FieldGrant, ObjectGrant, permission_set_xml
from integration.salesforce.rights import Rights, read_rights, with_held

TEXT = permission_set_xml(
    [ObjectGrant("CS_Plan__c", writes=True), ObjectGrant("Account", writes=False)],
    [FieldGrant("CS_Plan__c.CS_Status__c", editable=True), FieldGrant("Account.CS_Band__c", editable=False)],
)
READ = frozenset({"readable"})
READS = frozenset({"allowRead", "viewAllRecords"})


def test_a_file_is_read_as_it_is_written() -> None:
    """Rights by name: what is true, and nothing that is false."""
    held = read_rights(TEXT)
    assert held.fields["Account.CS_Band__c"] == READ
    assert held.fields["CS_Plan__c.CS_Status__c"] == READ | {"editable"}
    assert held.objects["Account"] == READS
    assert "allowDelete" in held.objects["CS_Plan__c"]


def test_what_an_admin_took_is_named() -> None:
    """A right gone, a field gone; what is granted beyond is not lacking."""
    held = Rights(
        {"Account": READS | {"allowEdit"}, "CS_Plan__c": read_rights(TEXT).objects["CS_Plan__c"]},
        {"CS_Plan__c.CS_Status__c": READ},
    )
    assert list(read_rights(TEXT).lacking(held)) == [
        "Account.CS_Band__c (readable)",
        "CS_Plan__c.CS_Status__c (editable)",
    ]


def test_what_an_admin_added_stays() -> None:
    """A deployed set replaces the org's: a right added there is deployed with it, and once only."""
    held = Rights({"Account": READS | {"allowEdit"}, "Theirs__c": READS}, {"Theirs__c.Any__c": READ})
    joined = read_rights(with_held(TEXT, held))
    assert joined.objects["Account"] == READS | {"allowEdit"}
    assert joined.objects["Theirs__c"] == READS
    assert joined.fields["Theirs__c.Any__c"] == READ
    assert joined.fields["CS_Plan__c.CS_Status__c"] == READ | {"editable"}
    assert with_held(TEXT, held).count("<object>Account<") == 1
    assert with_held(TEXT, Rights({"Account": READS})) == TEXT
