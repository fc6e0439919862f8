"""How rows are written to Salesforce: the calls they cost, their order, and what refusals become."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integration.port import FieldSpec, FieldType, Link, Refusal, WriteRow
from tests.integration.salesforce_wire import rig

KEY = "CS_Key__c"


def accepted(records):
    """Return the results of a collection in which every record was created."""
    return [
        {"id": f"a00{n:015d}", "success": True, "errors": [], "created": True} for n, _ in enumerate(records)
    ]


def take_collection(sent):
    """Answer one collections request."""
    return 200, accepted(sent.json["records"])


def take_composite(sent):
    """Answer a composite call of collections requests."""
    rows = [
        {"referenceId": part["referenceId"], "httpStatusCode": 200, "body": accepted(part["body"]["records"])}
        for part in sent.json["compositeRequest"]
    ]
    return 200, {"compositeResponse": rows}


def rows_of(count):
    """Return that many rows that need no types."""
    return [WriteRow(f"key:{number}", {"Name": f"n{number}"}) for number in range(count)]


def refused(code, message, fields=()):
    """Return the answer to a single refused row."""
    error = {"statusCode": code, "message": message, "fields": list(fields)}
    return 200, [{"success": False, "errors": [error]}]


def test_two_hundred_rows_cost_one_call():
    """A collection takes 200 rows, none of which can take another down."""
    setup = rig(take_collection)
    results = setup.port.upsert("CS_Profile__c", KEY, rows_of(200))
    sent = setup.org.sent[0]
    assert (sent.method, sent.path) == (
        "PATCH",
        "/services/data/v68.0/composite/sobjects/CS_Profile__c/CS_Key__c",
    )
    assert sent.json["allOrNone"] is False
    assert all(result.created for result in results)
    assert setup.port.calls.by_reason == {"write CS_Profile__c": 1}


@pytest.mark.parametrize(("rows", "calls"), [(0, 0), (201, 1), (500, 1), (1_000, 1), (1_001, 2)])
def test_a_thousand_rows_ride_in_one_composite_call(rows, calls):
    """Five collections of 200 are one call towards the customer's limit."""
    setup = rig(*([take_composite, take_collection][:calls]))
    results = setup.port.upsert("CS_Profile__c", KEY, rows_of(rows))
    assert [result.key for result in results] == [row.key for row in rows_of(rows)]
    assert setup.port.calls.total == calls


def test_results_come_in_the_callers_order_though_rows_travel_by_parent():
    """Rows of one account travel together, so that it is locked once."""
    rows = [WriteRow(f"k{n}", {"Name": "x"}, parents=(Link("Account", f"001{n % 2}"),)) for n in range(4)]
    setup = rig(take_collection)
    results = setup.port.upsert("CS_Plan__c", KEY, rows)
    sent = [record[KEY] for record in setup.org.sent[0].json["records"]]
    assert sent == ["k0", "k2", "k1", "k3"]
    assert [result.record_id[-1] for result in results] == ["0", "2", "1", "3"]


def test_parents_are_named_by_id_or_by_our_key():
    """A parent written a moment ago needs no id: its key is enough."""
    row = WriteRow("m1", {}, parents=(Link("Account", "001A"),), parent_keys=(("CS_Plan__c", "plan:1"),))
    setup = rig(take_collection)
    setup.port.upsert("CS_Milestone__c", KEY, [row])
    record = setup.org.sent[0].json["records"][0]
    assert (record["CS_Account__c"], record["CS_Plan__r"]) == ("001A", {KEY: "plan:1"})


def test_a_native_opportunity_hangs_under_its_account_by_the_standard_field():
    """A renewal is a native record: standard types and parents are known without a describe."""
    row = WriteRow("renewal:1:2", {"Name": "R", "Amount": "12500.50"}, parents=(Link("Account", "001A"),))
    setup = rig(take_collection)
    setup.port.upsert("Opportunity", KEY, [row])
    assert b'"Amount":12500.5,' in setup.org.sent[0].body
    assert setup.org.sent[0].json["records"][0]["AccountId"] == "001A"


def test_known_field_types_spare_the_describe():
    """Types told by the caller are used; numbers and booleans leave as such."""
    setup = rig(take_collection)
    fields = [FieldSpec("Health__c", "H", FieldType.NUMBER), FieldSpec("Pinned__c", "P", FieldType.BOOLEAN)]
    setup.port.learn_fields("CS_Profile__c", fields)
    setup.port.upsert("CS_Profile__c", KEY, [WriteRow("p", {"Health__c": "71.5", "Pinned__c": None})])
    record = setup.org.sent[0].json["records"][0]
    assert (record["Health__c"], record["Pinned__c"]) == (71.5, False)


def test_a_known_lookup_spares_the_describe_too():
    """An account points to its profile by a field of ours, told with the other fields."""
    setup = rig((200, [{"id": "001A", "success": True, "errors": []}]))
    lookup = FieldSpec("CS_Profile__c", "P", FieldType.REFERENCE, references="CS_Profile__c")
    setup.port.learn_fields("Account", [lookup])
    row = WriteRow("k", {}, parents=(Link("CS_Profile__c", "a00P"),), record_id="001A")
    setup.port.update("Account", [row])
    assert setup.org.sent[0].json["records"][0]["CS_Profile__c"] == "a00P"


def test_unknown_field_types_cost_one_describe_for_ever():
    """The second write of an object asks nothing."""
    field = {"name": "Health__c", "label": "H", "type": "double", "scale": 1}
    describe = {"name": "CS_Profile__c", "label": "P", "fields": [field]}
    setup = rig((200, describe), take_collection, take_collection)
    for _ in range(2):
        setup.port.upsert("CS_Profile__c", KEY, [WriteRow("p", {"Health__c": "71.5"})])
    assert setup.port.calls.by_reason == {"describe": 1, "write CS_Profile__c": 2}


def test_a_record_we_know_by_id_is_adopted_with_our_key():
    """An opportunity made by a person gets our key; upserting by key would double it."""
    setup = rig((200, [{"id": "006A", "success": True, "errors": []}]))
    setup.port.upsert("Opportunity", KEY, [WriteRow("renewal:1:2", {"NextStep": "x"}, record_id="006A")])
    sent = setup.org.sent[0]
    assert sent.path.endswith("/composite/sobjects")
    assert (sent.json["records"][0]["Id"], sent.json["records"][0][KEY]) == ("006A", "renewal:1:2")


def test_an_update_touches_no_key():
    """Updating by id sends the fields asked for and nothing else."""
    setup = rig((200, [{"id": "006A", "success": True, "errors": []}]))
    setup.port.update("Opportunity", [WriteRow("any", {"NextStep": "x"}, record_id="006A")])
    assert setup.org.sent[0].json["records"] == [
        {"attributes": {"type": "Opportunity"}, "Id": "006A", "NextStep": "x"}
    ]


def test_an_update_without_an_id_is_a_mistake_of_the_caller():
    """Nothing is sent when a row names no record."""
    with pytest.raises(ValueError, match="record_id"):
        rig().port.update("Opportunity", [WriteRow("k", {})])


@pytest.mark.parametrize(
    ("code", "message", "refusal"),
    [
        ("DUPLICATE_VALUE", "duplicate value found: CS_Key__c duplicates value on record", Refusal.BUSY),
        ("DUPLICATE_VALUE", "duplicate value found: Serial__c duplicates value on record", Refusal.FIXABLE),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Close date must be a Friday", Refusal.FIXABLE),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "MyTrigger: execution of BeforeInsert", Refusal.FIXABLE),
        ("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded", Refusal.FULL),
        ("DUPLICATES_DETECTED", "Use one of these records?", Refusal.FIXABLE),
        ("ENTITY_IS_DELETED", "entity is deleted", Refusal.GONE),
        ("INVALID_FIELD", "No such column 'X__c'", Refusal.PERMISSION),
        ("INVALID_FIELD", "Foreign key external ID: plan:1 not found for field CS_Key__c", Refusal.GONE),
        ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "insufficient access rights", Refusal.PERMISSION),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: X__c", Refusal.PERMISSION),
    ],
)
def test_a_refused_row_says_what_can_be_done_in_the_orgs_own_words(code, message, refusal):
    """The code is sorted by what the reader can do, the words stay the org's."""
    setup = rig(refused(code, message, ("X__c",)))
    error = setup.port.upsert("CS_Plan__c", KEY, [WriteRow("k", {})])[0].error
    assert (error.refusal, error.code, error.message, error.fields) == (refusal, code, message, ("X__c",))


LOCKED = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access", "fields": []}


def locked_in(*numbers):
    """Return an answer in which the rows at these places are locked, the others written."""

    def answer(sent):
        rows = accepted(sent.json["records"])
        return 200, [
            {"success": False, "errors": [LOCKED]} if place in numbers else row
            for place, row in enumerate(rows)
        ]

    return answer


def test_a_locked_row_is_sent_again_alone_after_a_random_pause():
    """Its neighbours stand; two writers that met wait unlike times."""
    setup = rig(locked_in(1), locked_in(0), take_collection)
    results = setup.port.upsert("CS_Plan__c", KEY, rows_of(3))
    assert all(result.error is None for result in results)
    assert [len(sent.json["records"]) for sent in setup.org.sent] == [3, 1, 1]
    assert 1 <= setup.slept[0] <= 2 <= setup.slept[1] <= 4
    assert setup.slept[0] != setup.slept[1] / 2


def test_a_row_that_stays_locked_is_put_off():
    """After three more tries it is told as busy; the push comes back to it."""
    setup = rig(*[locked_in(0)] * 4)
    error = setup.port.upsert("CS_Plan__c", KEY, rows_of(1))[0].error
    assert (error.refusal, error.code) == (Refusal.BUSY, "UNABLE_TO_LOCK_ROW")
    assert len(setup.org.sent) == 4


def like_others(*, may_be_saved):
    """Return the refusal of a duplicate rule that matched two records."""
    error = {"statusCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", "fields": []}
    matched = [{"record": {"Id": one}, "matchConfidence": 100.0} for one in ("001B", "001C")]
    found = {"allowSave": may_be_saved, "duplicateRule": "Same name"}
    found["matchResults"] = [{"matchRecords": matched}]
    return {"success": False, "errors": [{**error, "duplicateResult": found}]}


HEADER = "Sforce-Duplicate-Rule-Header"
ROW = WriteRow("k", {"Name": "x"}, record_id="001A")


def test_a_duplicate_rule_that_warns_is_passed_where_the_caller_allows_it():
    """The rule lets a person save all the same: only this row is sent again, and only now with the header."""
    good = {"id": "001A", "success": True, "errors": []}
    setup = rig((200, [good, like_others(may_be_saved=True)]), (200, [good]))
    rows = [replace(ROW, key=name, allow_duplicate=True) for name in ("one", "other")]
    results = setup.port.update("Account", rows)
    first, second = setup.org.sent
    assert [result.error for result in results] == [None, None]
    assert HEADER not in first.headers
    assert second.headers[HEADER] == "allowSave=true"
    assert second.json["records"] == first.json["records"][1:]


@pytest.mark.parametrize(("may_be_saved", "allowed"), [(True, False), (False, True), (False, False)])
def test_a_duplicate_rule_is_told_with_what_it_matched(may_be_saved, allowed):
    """Where the rule blocks, or the caller does not allow it, nothing is sent again."""
    setup = rig((200, [like_others(may_be_saved=may_be_saved)]))
    error = setup.port.update("Account", [replace(ROW, allow_duplicate=allowed)])[0].error
    assert (error.refusal, error.code) == (Refusal.FIXABLE, "DUPLICATES_DETECTED")
    assert error.message == "Use one of these records? (Same name matches 001B, 001C)"
    assert len(setup.org.sent) == 1


def test_a_batch_refused_whole_is_told_for_each_of_its_rows():
    """A column nobody may see refuses the request, not the row; every row tells it."""
    setup = rig((400, [{"errorCode": "INVALID_FIELD", "message": "No such column 'X'"}]))
    results = setup.port.upsert("CS_Plan__c", KEY, rows_of(3))
    assert {result.error.refusal for result in results} == {Refusal.PERMISSION}


def test_one_refused_batch_leaves_its_neighbours_written():
    """In a composite call each collection stands for itself."""

    def answer(sent):
        body = take_composite(sent)[1]
        failed = {"httpStatusCode": 400, "body": [{"errorCode": "JSON_PARSER_ERROR", "message": "bad"}]}
        body["compositeResponse"][1].update(failed)
        return 200, body

    results = rig(answer).port.upsert("CS_Plan__c", KEY, rows_of(401))
    assert [result.error is None for result in results] == [True] * 200 + [False] * 200 + [True]


def test_a_key_in_the_path_is_quoted():
    """Nothing in a name can reach another resource."""
    setup = rig(take_collection)
    setup.port.upsert("A/../B?c", KEY, rows_of(1))
    assert "/A%2F..%2FB%3Fc/" in setup.org.sent[0].path
