"""What HubSpot says it kept in another form, wherever its answer says it."""

from __future__ import annotations

import pytest

from integration.port import Link, NormalisedValue, WriteRow

SENT, KEPT = "2025-03-01T10:00:00Z", "2025-03-01"
WORDS = f"{SENT} was brought to {KEPT}"
ROWS = [WriteRow("k0", {"day": KEPT}), WriteRow("k1", {"day": SENT})]


def warning(*, lists=True, category="PROPERTY_VALUE_NORMALIZED", **more):
    """Return a warning with its context as lists, as in HubSpot's errors, or as single texts."""
    context = {"propertyName": "day", "rawValue": SENT, "normalizedValue": KEPT}
    if lists:
        context = {name: [value] for name, value in context.items()}
    return {"category": category, "context": {**context, **more}, "message": WORDS}


def answer(*, second=(), whole=()):
    """Return the answer to two rows, with warnings on the second's result and on the whole body."""
    results = [
        {"id": "100", "objectWriteTraceId": "row-0", "properties": {"day": KEPT}},
        {"id": "101", "objectWriteTraceId": "row-1", "properties": {"day": KEPT}, "warnings": list(second)},
    ]
    return {"status": "COMPLETE", "results": results[::-1], "warnings": list(whole)}


@pytest.mark.parametrize(
    "body",
    [
        answer(second=[warning()]),
        answer(second=[warning(lists=False)]),
        answer(second=[warning(normalizedValue=[])]),
        answer(whole=[warning(objectWriteTraceId=["row-1"])]),
        answer(whole=[warning()]),
    ],
    ids=["on the result", "as single texts", "by what stands", "of the batch, by trace", "of the batch"],
)
def test_the_row_whose_value_was_normalised_is_told_so(scripted_hubspot, script, body):
    """What was sent, what is kept, in HubSpot's words; the other row stands as it was sent."""
    script.answer(200, body)
    as_sent, changed = scripted_hubspot.upsert("deals", "cs_key", ROWS)
    assert as_sent.normalised == ()
    assert changed.normalised == (NormalisedValue("day", SENT, KEPT, WORDS),)
    assert (changed.record_id, changed.error) == ("101", None)


@pytest.mark.parametrize(
    "told",
    [warning(category="SOMETHING_ELSE"), warning(propertyName=["other"]), {"category": None}, "text"],
    ids=["another kind", "a field not written", "no context", "no object"],
)
def test_what_is_said_of_something_else_is_left_out(scripted_hubspot, script, told):
    """Only a normalised value of the row's own counts; nothing odd in the list stops the write."""
    script.answer(200, answer(second=[told], whole=[told]))
    results = scripted_hubspot.upsert("deals", "cs_key", ROWS)
    assert [(one.record_id, one.normalised) for one in results] == [("100", ()), ("101", ())]


def test_updates_and_creates_tell_it_too(scripted_hubspot, script):
    """By id, and for records without a key."""
    one = {"id": "9", "properties": {"day": KEPT}, "warnings": [warning()]}
    script.answer(200, {"results": [one]})
    (updated,) = scripted_hubspot.update("deals", [WriteRow("k", {"day": SENT}, record_id="9")])
    script.answer(201, {"results": [{**one, "objectWriteTraceId": "row-0"}]})
    row = WriteRow("k", {"day": SENT}, (Link("companies", "7"),))
    (made,) = scripted_hubspot.create("tasks", [row])
    assert (updated.normalised, made.normalised) == ((NormalisedValue("day", SENT, KEPT, WORDS),),) * 2
    assert made.created
