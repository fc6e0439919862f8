"""Records without a unique key on HubSpot: made once, found under their parents."""

import pytest
import requests

from integration.port import KeylessPort, Link, RateLimited, Refusal, Unavailable, WriteRow

CREATE = "POST /crm/objects/2026-09/0-27/batch/create"
LINKS = "POST /crm/associations/2026-09/companies/0-27/batch/read"
READ = "POST /crm/objects/2026-09/0-27/batch/read"
COMPANY = (Link("companies", "77"),)


def rows(count, start=0):
    """Return tasks ``k0`` … of company 77."""
    return [
        WriteRow(f"k{number}", {"hs_task_subject": str(number)}, COMPANY)
        for number in range(start, start + count)
    ]


def made(count, first_id=100):
    """Return HubSpot's answer to a create, in another order than asked; it says nothing of ``new``."""
    results = [
        {"id": str(first_id + at), "properties": {}, "objectWriteTraceId": f"row-{at}"} for at in range(count)
    ]
    return {"status": "COMPLETE", "results": results[::-1]}


def test_the_port_makes_records_without_a_key(scripted_hubspot):
    """HubSpot is such a CRM; what asks for it finds both verbs."""
    assert isinstance(scripted_hubspot, KeylessPort)


def test_a_record_is_made_together_with_its_links(scripted_hubspot, script):
    """One call: values, the task-to-company link 192 of page "Associate records", a trace id each."""
    script.answer(201, made(2))
    results = scripted_hubspot.create("tasks", rows(2))
    assert [(one.key, one.record_id, one.created) for one in results] == [
        ("k0", "100", True),
        ("k1", "101", True),
    ]
    assert script.paths() == [CREATE]
    assert script.bodies()[0]["inputs"][1] == {
        "properties": {"hs_task_subject": "1"},
        "associations": [
            {
                "to": {"id": "77"},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192}],
            }
        ],
        "objectWriteTraceId": "row-1",
    }


def test_records_are_made_by_the_hundred(scripted_hubspot, script):
    """250 tasks are three calls, and no call links them."""
    for start, count in ((0, 100), (100, 100), (200, 50)):
        script.answer(201, made(count, start))
    results = scripted_hubspot.create("tasks", rows(250))
    assert [one.record_id for one in results] == [str(number) for number in range(250)]
    assert script.paths() == [CREATE] * 3


def test_a_row_asked_for_twice_is_made_once(scripted_hubspot, script):
    """Two rows of one key are one record, and both get its id."""
    script.answer(201, made(1))
    results = scripted_hubspot.create("tasks", [*rows(1), *rows(1)])
    assert [one.record_id for one in results] == ["100", "100"]
    assert len(script.bodies()[0]["inputs"]) == 1


def test_a_refused_row_does_not_stop_the_others(scripted_hubspot, script):
    """A 207 is read by trace id; the refusal keeps HubSpot's words."""
    error = {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "message": "hs_timestamp is missing",
        "context": {"objectWriteTraceId": ["row-0"]},
    }
    answer = made(2)
    script.answer(207, {"results": [answer["results"][0]], "errors": [error], "numErrors": 1})
    refused, written = scripted_hubspot.create("tasks", rows(2))
    assert (refused.record_id, refused.error.message) == (None, "hs_timestamp is missing")
    assert (written.record_id, written.error) == ("101", None)


def test_a_row_the_answer_does_not_speak_of_may_stand(scripted_hubspot, script):
    """It is neither written nor refused: busy, to be looked for before it is made again."""
    script.answer(201, made(1))
    _, silent = scripted_hubspot.create("tasks", rows(2))
    assert (silent.record_id, silent.error.refusal) == (None, Refusal.BUSY)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 524])
def test_an_unclear_answer_is_not_asked_for_again(scripted_hubspot, script, monotonic, status):
    """A gateway's error does not say whether the records stand: one call, no sleep."""
    script.answer(status, raw=b"<html>")
    with pytest.raises(Unavailable):
        scripted_hubspot.create("tasks", rows(1))
    assert script.paths() == [CREATE]
    assert monotonic.sleeps == []


def test_an_answer_that_is_no_json_is_unclear_too(scripted_hubspot, script):
    """The call may have been done: it is not made again."""
    script.answer(200, raw=b"<html>")
    with pytest.raises(Unavailable):
        scripted_hubspot.create("tasks", rows(1))
    assert script.paths() == [CREATE]


def test_a_lost_connection_is_not_tried_again(scripted_hubspot, script):
    """The answer was lost, perhaps after the work."""
    script.lose(requests.ConnectionError("reset"))
    with pytest.raises(Unavailable):
        scripted_hubspot.create("tasks", rows(1))
    assert script.paths() == [CREATE]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"message": "limit", "policyName": "SECONDLY"}),
        (423, {"message": "locked"}),
        (477, {"message": "moving"}),
    ],
)
def test_a_clear_refusal_to_do_it_now_is_waited_out(scripted_hubspot, script, status, body):
    """HubSpot says that nothing was done: the call is made again."""
    script.answer(status, body).answer(201, made(1))
    (result,) = scripted_hubspot.create("tasks", rows(1))
    assert result.record_id == "100"
    assert script.paths() == [CREATE] * 2


def test_a_failure_after_the_first_hundred_keeps_their_answer(scripted_hubspot, script):
    """The first hundred are known, the others may stand: nothing is raised and nothing lost."""
    script.answer(201, made(100)).lose(requests.ReadTimeout("slow"))
    results = scripted_hubspot.create("tasks", rows(150))
    assert [one.record_id for one in results[:100]] == [str(100 + number) for number in range(100)]
    assert {one.error.refusal for one in results[100:]} == {Refusal.BUSY}
    assert script.paths() == [CREATE] * 2


def test_a_missing_scope_refuses_the_rows_by_name(scripted_hubspot, script):
    """The 403 names the scope, and each row carries it."""
    body = {
        "category": "MISSING_SCOPES",
        "message": "no",
        "errors": [{"message": "no", "context": {"requiredGranularScopes": ["crm.objects.contacts.write"]}}],
    }
    script.answer(403, body)
    results = scripted_hubspot.create("tasks", rows(2))
    assert {(one.error.refusal, one.error.fields) for one in results} == {
        (Refusal.PERMISSION, ("crm.objects.contacts.write",))
    }


def test_a_used_up_day_is_told_before_anything_is_made(scripted_hubspot, script):
    """The daily limit is no unclear answer: it has its own name."""
    script.answer(429, {"message": "You have reached your daily limit.", "policyName": "DAILY"})
    with pytest.raises(RateLimited):
        scripted_hubspot.create("tasks", rows(1))


def test_a_link_nobody_knows_the_type_of_is_refused_in_words(scripted_hubspot, script):
    """No call is made for a pair of objects without a known type."""
    (result,) = scripted_hubspot.create("tasks", [WriteRow("k", {}, (Link("quotes", "5"),))])
    assert result.error.message == "no association type is known from tasks to quotes"
    assert script.paths() == []


def test_children_are_read_by_their_parents(scripted_hubspot, script):
    """One call for the links, one for the records; a child of two parents is read once."""
    links = {
        "results": [
            {"from": {"id": "77"}, "to": [{"toObjectId": 9, "associationTypes": []}]},
            {
                "from": {"id": "78"},
                "to": [{"toObjectId": 9, "associationTypes": []}, {"toObjectId": 10, "associationTypes": []}],
            },
        ]
    }
    times = {"createdAt": "2025-01-01T00:00:00Z", "updatedAt": "2025-01-01T00:00:00Z"}
    found = {
        "results": [
            {"id": "10", "properties": {"hs_task_body": "ten"}, **times},
            {"id": "9", "properties": {"hs_task_body": "nine"}, **times},
        ]
    }
    script.answer(200, links).answer(200, found)
    parents = [Link("companies", "77"), Link("companies", "78"), Link("companies", "77")]
    children = scripted_hubspot.children("tasks", parents, ["hs_task_body"])
    assert [(one.id, one.values["hs_task_body"]) for one in children] == [("9", "nine"), ("10", "ten")]
    assert script.paths() == [LINKS, READ]


def test_parents_without_children_cost_one_call(scripted_hubspot, script):
    """HubSpot names those with nothing in a 207; no record is read."""
    script.answer(207, {"results": [], "errors": [{"category": "OBJECT_NOT_FOUND", "message": "none"}]})
    assert scripted_hubspot.children("tasks", COMPANY, ["hs_task_body"]) == []
    assert script.paths() == [LINKS]


def test_records_are_withdrawn_by_the_hundred(scripted_hubspot, script):
    """Two calls for 101 records; HubSpot answers without a body, and a lost answer is asked for again."""
    script.lose(requests.ConnectionError("reset")).answer(204, raw=b"").answer(204, raw=b"")
    scripted_hubspot.withdraw("tasks", [str(number) for number in range(101)])
    assert script.paths() == ["POST /crm/objects/2026-09/0-27/batch/archive"] * 3
    assert [len(body["inputs"]) for body in script.bodies()] == [100, 100, 1]


def refused(category, message="no"):
    """Return HubSpot's refusal of a whole call."""
    return {"status": "error", "category": category, "message": message}


def test_one_record_hubspot_keeps_holds_up_no_other(scripted_hubspot, script):
    """It takes or refuses a batch as a whole: by halves the one is found, and the others go."""
    for status in (400, 204, 400, 400, 204):  # four; the first two; the last two; the third; the fourth
        told = refused("VALIDATION_ERROR", "locked by a workflow")
        script.answer(status, told) if status == 400 else script.answer(status, raw=b"")
    kept = scripted_hubspot.withdraw("tasks", ["1", "2", "3", "4"])
    assert {name: error.message for name, error in kept.items()} == {"3": "locked by a workflow"}
    asked = [[one["id"] for one in body["inputs"]] for body in script.bodies()]
    assert asked == [["1", "2", "3", "4"], ["1", "2"], ["3", "4"], ["3"], ["4"]]


def test_a_hundred_records_hubspot_keeps_cost_few_calls(scripted_hubspot, script):
    """One is found among a hundred by halves; where it keeps all, as many calls are made and no more."""
    for _ in range(15):
        script.answer(400, refused("VALIDATION_ERROR"))
    asked = [str(number) for number in range(100)]
    assert scripted_hubspot.withdraw("tasks", asked).keys() == set(asked)
    assert len(script.paths()) == 15


def test_a_scope_that_is_missing_is_asked_about_once(scripted_hubspot, script):
    """No half of a batch would fare better."""
    script.answer(403, refused("MISSING_SCOPES"))
    assert scripted_hubspot.withdraw("tasks", ["1", "2", "3"]).keys() == {"1", "2", "3"}
    assert len(script.paths()) == 1


def test_one_that_is_gone_already_is_as_wanted(scripted_hubspot, script):
    """Whatever HubSpot says of a record it does not know, it does not stand."""
    script.answer(404, refused("OBJECT_NOT_FOUND"))
    assert scripted_hubspot.withdraw("tasks", ["1"]) == {}


def test_nothing_to_make_is_no_call(scripted_hubspot, script):
    """No rows, no call."""
    assert scripted_hubspot.create("tasks", []) == []
    assert script.paths() == []
