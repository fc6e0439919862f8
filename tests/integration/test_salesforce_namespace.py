"""Our names in an org that has our package under a namespace, and which names have one."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime

import pytest

from integration.listening import Heard, HeardChange, Hint
from integration.port import FieldSpec, FieldType, Link, Misconfigured, ReadQuery, Refusal, WriteRow
from integration.salesforce.connector import SalesforcePort
from integration.salesforce.names import namespace_in, parent_field, relationship_of
from integration.salesforce.namespace import NO_NAMESPACE, Namespace, prefix_among
from integration.salesforce.namespaced_listening import NamespacedListening
from integration.salesforce.namespaced_port import NamespacedPort
from integration.wholes import RolesWanted, Whole
from tests.integration.salesforce_wire import account_row, page, rig
from tests.integration.test_salesforce_write import take_collection

ACME = Namespace("acme")
OURS = ["CS_Milestone__c", "CS_Plan__c", "CS_Profile__c", "CS_Snapshot__c"]
KEY = "CS_Key__c"
# Verbs that neither take nor give a name of ours.
NAMELESS = {
    *("namespace", "organization_id", "calls", "vendor", "pays_as_stream", "reads_as_stream"),
    *("history_rows", "owners", "storage", "objects_take_records"),
    # The installer is given the prefix itself; a lookup carries no label.
    *("survey", "make", "remove_parts", "learn_labels"),
}


@pytest.mark.parametrize(
    ("object_name", "path", "told"),
    [
        ("CS_Profile__c", "CS_Health__c", "acme__CS_Health__c"),
        ("CS_Profile__c", "Name", "Name"),
        ("CS_Profile__c", "CS_Added_By_Charter__c", "CS_Added_By_Charter__c"),
        ("Account", "CS_Profile__c", "acme__CS_Profile__c"),
        ("Account", "Industry__c", "Industry__c"),
        ("Account", "CS_Profile__r.CS_Health__c", "acme__CS_Profile__r.acme__CS_Health__c"),
        ("CS_Milestone__c", "CS_Plan__r.CS_Key__c", "acme__CS_Plan__r.acme__CS_Key__c"),
        ("CS_Milestone__c", "CS_Account__r.Name", "acme__CS_Account__r.Name"),
        ("CS_Milestone__c", "CS_Account__r.CS_Profile__c", "acme__CS_Account__r.acme__CS_Profile__c"),
        ("Opportunity", "Account.CS_Profile__c", "Account.acme__CS_Profile__c"),
        ("Opportunity", "CS_Key__c", "acme__CS_Key__c"),
        ("Task", "CS_Key__c", "CS_Key__c"),
    ],
)
def test_what_the_package_holds_has_the_prefix_and_nothing_else(object_name, path, told):
    """Our fields on our objects and on the customer's; what a charter adds is beside the package."""
    assert ACME.field(object_name, path) == told
    assert ACME.ours(told) == path
    assert NO_NAMESPACE.field(object_name, path) == path


def test_objects_have_it_where_the_package_holds_them():
    """The customer's own object keeps its name, whatever it begins with."""
    names = ["CS_Profile__c", "CS_Signal__c", "Account", "Thing__c"]
    assert [ACME.object(name) for name in names] == ["acme__CS_Profile__c", *names[1:]]


def test_in_the_org_that_develops_the_package_everything_of_ours_has_it():
    """There what a charter adds is made under the namespace as well."""
    own = Namespace("acme", own=True)
    assert own.field("CS_Profile__c", "CS_Added_By_Charter__c") == "acme__CS_Added_By_Charter__c"
    assert own.object("CS_Signal__c") == "acme__CS_Signal__c"
    assert own.field("Account", "Industry__c") == "Industry__c"


def test_another_vendors_prefix_is_none_of_ours():
    """Its names stay whole."""
    assert ACME.ours("other__CS_Health__c") == "other__CS_Health__c"
    assert NO_NAMESPACE.ours("acme__CS_Health__c") == "acme__CS_Health__c"


@pytest.mark.parametrize(
    ("names", "prefix"),
    [
        (["Account"], None),
        (["Account", *OURS], ""),
        (["Account", *(f"acme__{name}" for name in OURS)], "acme"),
        ([*(f"acme_cs__{name}" for name in OURS)], "acme_cs"),
        (["other__CS_Profile__c", *(f"acme__{name}" for name in OURS)], "acme"),
        (["other__CS_Profile__c", *OURS], ""),
        (OURS[:3], None),
    ],
)
def test_the_prefix_is_the_one_all_our_objects_stand_under(names, prefix):
    """One object of such a name may be another vendor's."""
    assert prefix_among(names) == prefix


def test_an_org_that_holds_the_package_twice_is_told():
    """Deployed by hand and installed as a package: which one is meant is not ours to say."""
    with pytest.raises(Misconfigured, match="twice, under no prefix and 'acme'"):
        prefix_among([*OURS, *(f"acme__{name}" for name in OURS)])


def test_what_is_built_of_a_name_has_its_namespace():
    """Lookups by convention, and the relationships they are followed by."""
    assert parent_field("acme__CS_Milestone__c", "Account") == "acme__CS_Account__c"
    assert parent_field("acme__CS_Milestone__c", "acme__CS_Plan__c") == "acme__CS_Plan__c"
    assert parent_field("CS_Milestone__c", "Account") == "CS_Account__c"
    assert relationship_of("acme__CS_Plan__c") == "acme__CS_Plan__r"
    assert [namespace_in(name) for name in ("acme__A__c", "A__c", "Account")] == ["acme__", "", ""]


@pytest.mark.parametrize(("own", "found"), [(None, ACME), ("acme", Namespace("acme", own=True))])
def test_an_org_says_by_itself_whether_it_develops_the_package(own, found):
    """The prefix is in its objects' names; its own namespace is that of the org."""
    listed = {"sobjects": [{"name": f"acme__{name}"} for name in OURS]}
    setup = rig((200, listed), page([{"NamespacePrefix": own}]))
    assert setup.port.namespace() == found


def namespaced(*answers):
    """Return a scripted org with a port that speaks of it in our words."""
    setup = rig(*answers)
    setup.port = NamespacedPort(setup.port._transport, ACME)
    types = [FieldSpec("CS_Health__c", "Health", FieldType.NUMBER), FieldSpec(KEY, "Key", FieldType.TEXT)]
    setup.port.learn_fields("CS_Profile__c", types)
    setup.port.learn_fields("CS_Milestone__c", [])
    return setup


def test_rows_go_out_under_the_orgs_names():
    """The address, the key, values, parents by id and parents by key."""
    setup = namespaced(take_collection, take_collection)
    row = WriteRow("profile:a", {"CS_Health__c": "71"}, parents=(Link("Account", "001A"),))
    setup.port.upsert("CS_Profile__c", KEY, [row])
    setup.port.upsert("CS_Milestone__c", KEY, [WriteRow("m", {}, parent_keys=(("CS_Plan__c", "plan:a"),))])
    first, second = setup.org.sent
    assert first.path.endswith("/composite/sobjects/acme__CS_Profile__c/acme__CS_Key__c")
    assert first.json["records"] == [
        {
            "attributes": {"type": "acme__CS_Profile__c"},
            "acme__CS_Key__c": "profile:a",
            "acme__CS_Health__c": 71,
            "acme__CS_Account__c": "001A",
        }
    ]
    assert second.json["records"][0]["acme__CS_Plan__r"] == {"acme__CS_Key__c": "plan:a"}


def test_a_refusal_names_our_field_and_keeps_the_orgs_words():
    """A person reads what the org says; the ledger looks the field up by our word."""
    words = "acme__CS_Health__c: too high"
    error = {"statusCode": "STRING_TOO_LONG", "message": words, "fields": ["acme__CS_Health__c"]}
    setup = namespaced((200, [{"success": False, "errors": [error]}]))
    (result,) = setup.port.upsert("CS_Profile__c", KEY, [WriteRow("k", {"CS_Health__c": "1"})])
    assert (result.error.message, result.error.fields) == (words, ("CS_Health__c",))


def test_what_is_read_comes_back_in_the_words_it_was_asked_in():
    """Pages, single records and records by key; deleted ones and links too."""
    found = account_row(
        1, acme__CS_Health__c=71, acme__CS_Key__c="k", acme__CS_Account__c="0015g00000zzzzzAAA"
    )
    setup = namespaced(page([found]), page([found]), page([found]))
    asked = ReadQuery("CS_Profile__c", ("CS_Health__c",), link_to=("Account",))
    ((paged,),) = [one.records for one in setup.port.iter_pages(asked)]
    (read,) = setup.port.read("CS_Profile__c", [found["Id"]], ["CS_Health__c"], ["Account"])
    by_key = setup.port.find("CS_Profile__c", KEY, ["k"], ["CS_Health__c"])["k"]
    link = (Link("Account", "0015g00000zzzzzAAA"),)
    assert [(one.object, one.links) for one in (paged, read)] == [("CS_Profile__c", link)] * 2
    assert paged.values == read.values == {"CS_Health__c": "71"}
    assert by_key.values == {"CS_Health__c": "71", KEY: "k"}
    assert all("FROM acme__CS_Profile__c" in sent.soql for sent in setup.org.sent)


def test_a_customers_field_of_the_same_word_gives_way_to_ours():
    """Ours is ``acme__CS_Key__c``; one the customer called ``CS_Key__c`` is not taken for it."""
    fields = [
        {"name": "CS_Key__c", "type": "double", "label": "Theirs"},
        {"name": "acme__CS_Key__c", "type": "string", "label": "Ours"},
    ]
    shape = {"name": "acme__CS_Profile__c", "fields": fields}
    organization = {"Id": "00D", "Name": "Acme", "TimeZoneSidKey": "UTC"}
    bodies = [{"records": [organization]}, {"records": []}, shape]
    rows = [{"referenceId": f"p{n}", "httpStatusCode": 200, "body": body} for n, body in enumerate(bodies)]
    hidden = (403, [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}])
    spec = namespaced((200, {"compositeResponse": rows}), hidden).port.describe(["CS_Profile__c"])
    assert [(one.name, one.label) for one in spec.objects["CS_Profile__c"].fields] == [(KEY, "Ours")]


def test_who_saved_last_is_asked_and_told_in_our_words():
    """The values come back under our names, the user beside them."""
    found = account_row(
        1,
        acme__CS_Health__c=71,
        LastModifiedById="0055g00000zzzzzAAA",
        LastModifiedBy={"attributes": {"type": "User"}, "Name": "Ann"},
    )
    setup = namespaced(page([found]))
    (saved,) = setup.port.last_saved("CS_Profile__c", [found["Id"]], ["CS_Health__c"]).values()
    assert (saved.values, saved.by) == ({"CS_Health__c": "71"}, "Ann")
    assert "acme__CS_Health__c" in setup.org.sent[0].soql
    assert "FROM acme__CS_Profile__c" in setup.org.sent[0].soql


def test_the_past_of_a_field_of_ours_is_told_under_our_name():
    """Its history is that of the org's object, and names the org's field."""
    record = account_row(1, acme__CS_Health__c=71)
    change = {
        "Id": "0175g00000AbcdeAAA",
        "ParentId": record["Id"],
        "Field": "acme__CS_Health__c",
        "OldValue": 50,
        "NewValue": 71,
        "CreatedDate": "2024-06-02T00:00:00.000+0000",
    }
    setup = namespaced(page([record]), page([change]))
    (history,) = setup.port.history("CS_Profile__c", [record["Id"]], ["CS_Health__c"])
    assert [one.value for one in history.fields["CS_Health__c"]] == ["50", "71"]
    assert "FROM acme__CS_Profile__History" in setup.org.sent[1].soql


def test_what_is_counted_or_gone_is_asked_of_the_orgs_object():
    """A census, a count before an uninstall, and what became of a record."""
    count = (200, {"totalSize": 0, "done": True, "records": []})
    setup = namespaced(count, page([]), count)
    setup.port.count_records("CS_Plan__c")
    setup.port.fates("CS_Profile__c", ["a0B5g00000AbcdeEAB"])
    setup.port.census("CS_Milestone__c", [])
    asked = [sent.soql for sent in setup.org.sent]
    assert [one.split(" FROM ")[1].split(" ")[0] for one in asked[:2]] == [
        "acme__CS_Plan__c",
        "acme__CS_Profile__c",
    ]
    assert all("FROM acme__CS_Milestone__c" in one for one in asked[2:])


def test_a_deal_and_its_lines_go_out_under_the_orgs_names():
    """The deal by the package's key; the key of a line is a field a charter adds, which has no prefix."""
    asked = []

    def taken(sent):
        nodes = sent.json["graphs"][0]["compositeRequest"]
        asked.extend(nodes)
        bodies = [
            {"id": f"0065g00000Abcd{n}AAA", "success": True, "created": True} for n in range(len(nodes))
        ]
        told = [
            {"referenceId": node["referenceId"], "httpStatusCode": 201, "body": body}
            for node, body in zip(nodes, bodies, strict=True)
        ]
        graph = {"graphId": "g0", "isSuccessful": True, "graphResponse": {"compositeResponse": told}}
        return 200, {"graphs": [graph]}

    entry = {
        "Id": "01u5g00000AbcdeAAA",
        "Product2Id": "01t5g00000AbcdeAAA",
        "Product2": {"Name": "Core"},
        "Pricebook2Id": "01s5g00000AbcdeAAA",
        "Pricebook2": {"Name": "Standard"},
        "IsActive": True,
    }
    setup = namespaced(page([entry]), taken)
    keyed = [FieldSpec(name, name, FieldType.TEXT) for name in (KEY, "CS_Kind__c", "Pricebook2Id")]
    setup.port.learn_fields("Opportunity", keyed)
    line = [FieldSpec(name, name, FieldType.TEXT) for name in (KEY, "PricebookEntryId")]
    setup.port.learn_fields("OpportunityLineItem", line)
    deal = WriteRow("renewal:a", {"Name": "R", "CS_Kind__c": "renewal"})
    part = WriteRow("renewal:a:line:1", {"PricebookEntryId": entry["Id"]})
    (result,) = setup.port.upsert_wholes("Opportunity", "OpportunityLineItem", KEY, [Whole(deal, (part,))])
    assert [result.row.error, result.parts[0].error] == [None, None]
    assert asked[0]["url"].endswith("/sobjects/Opportunity/acme__CS_Key__c/renewal%3Aa")
    assert asked[0]["body"]["acme__CS_Kind__c"] == "renewal"
    assert asked[1]["url"].endswith("/sobjects/OpportunityLineItem/CS_Key__c/renewal%3Aa%3Aline%3A1")


def test_a_deal_and_its_contact_roles_go_out_under_the_orgs_names():
    """The deal is inserted with the package's key; a refusal of either names our fields."""
    asked = []

    def refused(sent):
        asked.extend(sent.json["graphs"][0]["compositeRequest"])
        error = {"errorCode": "DUPLICATE_VALUE", "message": "acme__CS_Key__c", "fields": ["acme__CS_Key__c"]}
        told = [{"referenceId": asked[0]["referenceId"], "httpStatusCode": 400, "body": [error]}]
        graph = {"graphId": "g0", "isSuccessful": False, "graphResponse": {"compositeResponse": told}}
        return 200, {"graphs": [graph]}

    role = {"OpportunityId": "006A", "ContactId": "003A", "Role": None, "IsPrimary": True}
    setup = namespaced(page([role]), page([{"Id": "003A"}]), refused, page([role]))
    setup.port.learn_fields("Opportunity", [FieldSpec("CS_Kind__c", "Kind", FieldType.TEXT)])
    deal = WriteRow("renewal:a", {"CS_Kind__c": "renewal"})
    (result,) = setup.port.upsert_wholes("Opportunity", None, KEY, [Whole(deal, roles_of=("006A",))])
    assert (asked[0]["method"], asked[0]["url"][-20:]) == ("POST", "sobjects/Opportunity")
    assert asked[0]["body"] == {"acme__CS_Kind__c": "renewal", "acme__CS_Key__c": "renewal:a"}
    assert asked[1]["body"] == {"OpportunityId": "@{whole.id}", "ContactId": "003A", "IsPrimary": True}
    assert (result.row.error.refusal, result.row.error.fields) == (Refusal.BUSY, (KEY,))
    assert result.roles_error == result.row.error
    assert setup.port.copy_roles("Opportunity", [RolesWanted("006A", ("006B",))]) == [None]


def test_a_stream_is_heard_in_our_words():
    """Objects and the fields of our own writes; the channel came with the package."""

    class Told:
        """A stream of one change."""

        def listen(self, place):
            """Tell it."""
            yield Heard("2", (change,))

        def close(self):
            """End."""

    at = datetime(2024, 6, 1, tzinfo=UTC)
    change = HeardChange("e", "acme__CS_Plan__c", ("a",), Hint.READ, at, {"acme__CS_Health__c": "7"})
    (heard,) = NamespacedListening(Told(), ACME).listen("1")
    (told,) = heard.changes
    assert (heard.place, told.object, told.written) == ("2", "CS_Plan__c", {"CS_Health__c": "7"})
    assert ACME.channel("CS_Changes__chn") == "acme__CS_Changes__chn"
    assert NO_NAMESPACE.channel("CS_Changes__chn") == "CS_Changes__chn"


def test_every_verb_that_speaks_of_names_is_translated():
    """A verb added to the port is translated as well, or said here to need no translation."""
    verbs = {name for name, _ in inspect.getmembers(SalesforcePort) if not name.startswith("_")}
    assert verbs - set(vars(NamespacedPort)) == NAMELESS
