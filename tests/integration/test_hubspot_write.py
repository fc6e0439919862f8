"""Writing HubSpot: batches, trace ids, partial refusals, parents; on a scripted server."""

import pytest
import requests

from integration.port import Link, RateLimited, Refusal, WriteRow

UPSERT = "POST /crm/objects/2026-09/deals/batch/upsert"
UPDATE = "POST /crm/objects/2026-09/deals/batch/update"
LINK = "POST /crm/associations/2026-09/deals/companies/batch/associate/default"
PARENT = (Link("companies", "77"),)


def rows(count, **more):
    """Return rows ``k0`` … with an amount."""
    return [WriteRow(f"k{number}", {"amount": str(number)}, **more) for number in range(count)]


def written(inputs, first_id=100, new=True):
    """Return HubSpot's answer to a batch, in another order than asked."""
    results = [
        {"id": str(first_id + at), "new": new, "properties": {}, **each} for at, each in enumerate(inputs)
    ]
    return {"status": "COMPLETE", "results": results[::-1]}


def traces(*numbers):
    """Return inputs as our batches number them."""
    return [{"objectWriteTraceId": f"row-{number}"} for number in numbers]


def test_embedded_details_are_told_as_words(scripted_hubspot, script):
    """HubSpot's message may embed JSON; people get the words in it."""
    error = refused("row-0", message="abc was not a valid number.")
    error["message"] = 'Property values were not valid: [{"isValid":false}]'
    script.answer(207, {"results": [], "errors": [error]})
    (result,) = scripted_hubspot.upsert("deals", "cs_key", rows(1))
    assert result.error.message == "abc was not a valid number."


def refused(trace, message="Bad amount", code="INVALID_INTEGER", category="VALIDATION_ERROR"):
    """Return one row's error in a 207."""
    return {
        "status": "error",
        "category": category,
        "message": message,
        "context": {"objectWriteTraceId": [trace]},
        "errors": [{"message": message, "code": code, "context": {"propertyName": ["amount"]}}],
    }


def test_answers_are_matched_by_trace_id(scripted_hubspot, script):
    """HubSpot answers in any order; each row gets its own id."""
    script.answer(200, written(traces(0, 1, 2)))
    results = scripted_hubspot.upsert("deals", "cs_key", rows(3))
    assert [(each.key, each.record_id, each.created) for each in results] == [
        ("k0", "100", True),
        ("k1", "101", True),
        ("k2", "102", True),
    ]
    assert script.bodies()[0]["inputs"][1] == {
        "id": "k1",
        "idProperty": "cs_key",
        "objectWriteTraceId": "row-1",
        "properties": {"amount": "1"},
    }


def test_rows_go_by_the_hundred(scripted_hubspot, script):
    """250 rows are three calls."""
    for start, end in ((0, 100), (100, 200), (200, 250)):
        script.answer(200, written(traces(*range(start, end)), first_id=start))
    results = scripted_hubspot.upsert("deals", "cs_key", rows(250))
    assert [each.record_id for each in results] == [str(number) for number in range(250)]
    assert script.paths() == [UPSERT] * 3
    assert scripted_hubspot.calls.by_reason == {"write deals": 3}


def test_one_bad_row_does_not_stop_the_others(scripted_hubspot, script):
    """A 207 is read row by row; the refused one carries the portal's own words."""
    script.answer(207, {**written(traces(0, 2)), "numErrors": 1, "errors": [refused("row-1")]})
    good, bad, other = scripted_hubspot.upsert("deals", "cs_key", rows(3))
    assert (good.record_id, other.record_id) == ("100", "101")
    assert bad.error.refusal is Refusal.FIXABLE
    assert (bad.error.code, bad.error.message, bad.error.fields) == (
        "INVALID_INTEGER",
        "Bad amount",
        ("amount",),
    )


@pytest.mark.parametrize(
    ("category", "refusal"),
    [("OBJECT_NOT_FOUND", Refusal.GONE), ("CONFLICT", Refusal.BUSY), ("MISSING_SCOPES", Refusal.PERMISSION)],
)
def test_a_rows_refusal_is_named_by_what_can_be_done(scripted_hubspot, script, category, refusal):
    """Gone, racing and forbidden rows are told apart."""
    script.answer(207, {"results": [], "errors": [refused("row-0", category=category)]})
    (result,) = scripted_hubspot.upsert("deals", "cs_key", rows(1))
    assert result.error.refusal is refusal


def test_rows_with_one_key_are_sent_once_with_the_later_values(scripted_hubspot, script):
    """HubSpot refuses a whole batch for one repeated id, so repeats are joined first."""
    script.answer(200, written(traces(0)))
    repeats = [WriteRow("k", {"amount": "1", "a": "x"}), WriteRow("k", {"amount": "2", "b": None})]
    results = scripted_hubspot.upsert("deals", "cs_key", repeats)
    assert [each.record_id for each in results] == ["100", "100"]
    (sent,) = script.bodies()[0]["inputs"]
    assert sent["properties"] == {"amount": "2", "a": "x", "b": ""}


def test_rows_a_whole_batch_refusal_names_are_left_out_and_the_rest_written(scripted_hubspot, script):
    """When HubSpot refuses all for one row it names, the others are sent once more."""
    named = {"category": "VALIDATION_ERROR", "message": "Bad", "context": {"ids": ["k1"]}}
    script.answer(400, named).answer(200, written(traces(0, 2)))
    good, bad, other = scripted_hubspot.upsert("deals", "cs_key", rows(3))
    assert (good.record_id, bad.error.message, other.record_id) == ("100", "Bad", "101")
    assert len(script.asked) == 2


def test_a_refusal_that_names_no_row_is_every_rows(scripted_hubspot, script):
    """A key property that is not unique refuses all rows, in one call and the portal's words."""
    words = "Unable to perform update/upsert by non-unique 0-3 property cs_key"
    script.answer(400, {"category": "VALIDATION_ERROR", "message": words})
    results = scripted_hubspot.upsert("deals", "cs_key", rows(3))
    assert [each.error.message for each in results] == [words] * 3
    assert len(script.asked) == 1


def test_missing_scopes_stop_the_batches_that_follow(scripted_hubspot, script):
    """Repeated 403s cost certification: after one, the rest are not sent."""
    script.answer(403, {"category": "MISSING_SCOPES", "message": "no"})
    results = scripted_hubspot.upsert("deals", "cs_key", rows(250))
    assert {each.error.refusal for each in results} == {Refusal.PERMISSION}
    assert len(results) == 250
    assert len(script.asked) == 1


def test_batches_already_written_are_not_lost_to_a_limit(scripted_hubspot, script):
    """When the day ends after the first hundred, those keep their ids and the rest are busy."""
    script.answer(200, written(traces(*range(100))))
    script.answer(429, {"message": "daily", "policyName": "DAILY"})
    results = scripted_hubspot.upsert("deals", "cs_key", rows(150))
    assert all(each.record_id for each in results[:100])
    assert {(each.error.refusal, each.error.code) for each in results[100:]} == {(Refusal.BUSY, "DAILY")}


def test_a_limit_before_anything_was_written_is_raised(scripted_hubspot, script):
    """With nothing to report, the caller is told by the error itself."""
    script.answer(429, {"message": "daily", "policyName": "DAILY"})
    with pytest.raises(RateLimited):
        scripted_hubspot.upsert("deals", "cs_key", rows(150))


def test_a_row_with_a_known_id_is_updated_and_never_upserted(scripted_hubspot, script):
    """An adopted deal gets its key by update, so it is not doubled; a deleted one is not made again."""
    script.answer(200, {"results": [{"id": "9", "properties": {}}]}).answer(200, written(traces(0)))
    adopted = WriteRow("k9", {"amount": "9"}, record_id="9", parents=PARENT)
    results = scripted_hubspot.upsert("deals", "cs_key", [adopted, WriteRow("k0", {"amount": "0"})])
    assert [(each.key, each.record_id, each.created) for each in results] == [
        ("k9", "9", False),
        ("k0", "100", True),
    ]
    assert script.paths() == [UPDATE, UPSERT]
    assert script.bodies()[0]["inputs"] == [
        {"id": "9", "objectWriteTraceId": "row-0", "properties": {"amount": "9", "cs_key": "k9"}}
    ]


def test_new_rows_are_linked_to_their_parents_in_one_call(scripted_hubspot, script):
    """Three created rows under two companies are one upsert and one association call."""
    parents = [PARENT, PARENT, (Link("companies", "78"),)]
    script.answer(200, written(traces(0, 1, 2))).answer(200, {"status": "COMPLETE", "results": []})
    scripted_hubspot.upsert(
        "deals", "cs_key", [WriteRow(f"k{at}", {}, parents=parent) for at, parent in enumerate(parents)]
    )
    assert script.paths() == [UPSERT, LINK]
    assert script.bodies()[1]["inputs"] == [
        {"from": {"id": "100"}, "to": {"id": "77"}},
        {"from": {"id": "101"}, "to": {"id": "77"}},
        {"from": {"id": "102"}, "to": {"id": "78"}},
    ]
    assert scripted_hubspot.calls.by_reason == {"write deals": 1, "associate": 1}


def test_a_row_whose_first_answer_was_lost_is_linked_too(scripted_hubspot, script):
    """The repeat says ``new: false``; without an acknowledged id the links are made all the same."""
    script.lose(requests.ConnectionError("reset")).answer(200, written(traces(0), new=False)).answer(200, {})
    (result,) = scripted_hubspot.upsert("deals", "cs_key", rows(1, parents=PARENT))
    assert result.record_id == "100"
    assert script.paths() == [UPSERT, UPSERT, LINK]


def test_a_refused_link_gives_the_row_an_error_and_says_what_stands(scripted_hubspot, script):
    """A row without its parent is not done: the next upsert tries the link again."""
    script.answer(200, written(traces(0, 1)))
    gone = {"category": "OBJECT_NOT_FOUND", "message": "no company 78", "context": {"toObjectId": ["78"]}}
    linked = {"from": {"id": "100"}, "to": {"id": "77"}}
    script.answer(207, {"results": [linked], "errors": [gone]})
    linked_row, orphan = scripted_hubspot.upsert(
        "deals",
        "cs_key",
        [WriteRow("k0", {}, parents=PARENT), WriteRow("k1", {}, parents=(Link("companies", "78"),))],
    )
    assert (linked_row.record_id, linked_row.error, linked_row.unlinked) == ("100", None, None)
    assert orphan.unlinked == "101"
    assert (orphan.record_id, orphan.error.refusal, orphan.error.message) == (
        None,
        Refusal.GONE,
        "no company 78",
    )


def test_a_parent_written_before_is_linked_without_a_read(scripted_hubspot, script):
    """The port remembers the ids of the keys it wrote."""
    script.answer(200, written(traces(0), first_id=500))
    scripted_hubspot.upsert("companies", "cs_key", [WriteRow("c", {})])
    script.answer(200, written(traces(0))).answer(200, {})
    scripted_hubspot.upsert("deals", "cs_key", [WriteRow("d", {}, parent_keys=(("companies", "c"),))])
    assert script.paths()[1:] == [UPSERT, LINK]
    assert script.bodies()[2]["inputs"] == [{"from": {"id": "100"}, "to": {"id": "500"}}]


def test_an_unknown_parent_is_read_by_key_and_its_absence_holds_the_row_back(scripted_hubspot, script):
    """One read finds the parents of all rows; a row whose parent is not there yet is not written."""
    found = {
        "id": "500",
        "properties": {"cs_key": "c"},
        "createdAt": "2024-01-01T00:00:00Z",
        "updatedAt": "2024-01-01T00:00:00Z",
    }
    script.answer(207, {"results": [found], "errors": [{"category": "OBJECT_NOT_FOUND"}]})
    script.answer(200, written(traces(0))).answer(200, {})
    child, orphan = scripted_hubspot.upsert(
        "deals",
        "cs_key",
        [
            WriteRow("d", {}, parent_keys=(("companies", "c"),)),
            WriteRow("e", {}, parent_keys=(("companies", "lost"),)),
        ],
    )
    assert child.record_id == "100"
    assert (orphan.error.refusal, orphan.error.code) == (Refusal.BUSY, "PARENT_NOT_FOUND")
    assert len(script.bodies()[1]["inputs"]) == 1
    assert len(script.asked) == 3


def test_updates_by_id_clear_fields_with_empty_text(scripted_hubspot, script):
    """``None`` clears: HubSpot wants an empty string."""
    script.answer(200, {"results": [{"id": "9", "properties": {}}]})
    (result,) = scripted_hubspot.update("deals", [WriteRow("k", {"amount": None}, record_id="9")])
    assert (result.record_id, result.error) == ("9", None)
    assert script.paths() == [UPDATE]
    assert script.bodies()[0]["inputs"][0]["properties"] == {"amount": ""}


def test_an_update_of_a_deleted_record_says_gone(scripted_hubspot, script):
    """HubSpot names missing ids, not always trace ids."""
    gone = {"category": "OBJECT_NOT_FOUND", "message": "not there", "context": {"ids": ["8"]}}
    script.answer(207, {"results": [{"id": "9", "properties": {}}], "errors": [gone]})
    there, lost = scripted_hubspot.update(
        "deals", [WriteRow("a", {}, record_id="9"), WriteRow("b", {}, record_id="8")]
    )
    assert (there.error, lost.error.refusal) == (None, Refusal.GONE)


def test_a_row_the_answer_does_not_mention_is_not_called_written(scripted_hubspot, script):
    """Silence about a row is no acknowledgement."""
    script.answer(200, {"results": []})
    (result,) = scripted_hubspot.upsert("deals", "cs_key", rows(1))
    assert (result.record_id, result.error.refusal) == (None, Refusal.BUSY)
