"""Change events read from bytes written by hand, after Avro's and the vendor's own pages.

Avro specification, "Binary Encoding": an int or long is zig-zag (n becomes 2n) in groups of seven bits; text
is its length and its bytes; an array is its count, its items and a zero; a union is the number of its branch
and the value; an enum the number of its symbol.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from integration.listening import HeardChange, Hint
from integration.salesforce.change_events import bitmap_fields, parse_schema, read_change

TEXTS = {"type": "array", "items": "string"}
KINDS = ["CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE",
         "GAP_OVERFLOW", "SNAPSHOT"]  # fmt: skip
HEADER = {
    "type": "record",
    "name": "ChangeEventHeader",
    "fields": [
        {"name": "entityName", "type": "string"},
        {"name": "recordIds", "type": TEXTS},
        {"name": "changeType", "type": {"type": "enum", "name": "ChangeType", "symbols": KINDS}},
        {"name": "changeOrigin", "type": "string"},
        {"name": "transactionKey", "type": "string"},
        {"name": "sequenceNumber", "type": "int"},
        {"name": "commitTimestamp", "type": "long"},
        {"name": "commitNumber", "type": "long"},
        {"name": "commitUser", "type": "string"},
        {"name": "nulledFields", "type": TEXTS},
        {"name": "diffFields", "type": TEXTS},
        {"name": "changedFields", "type": TEXTS},
    ],
}
ADDRESS = {
    "type": "record",
    "name": "Address",
    "fields": [{"name": one, "type": ["null", "string"]} for one in ("Street", "City", "State")],
}
# Positions: 0 the header, 1 Name, 2 BillingAddress, 3 AnnualRevenue, 4 SLAExpiration__c, 5 LastModifiedDate.
ACCOUNT = parse_schema(
    json.dumps(
        {
            "type": "record",
            "name": "AccountChangeEvent",
            "namespace": "com.sforce.eventbus",
            "fields": [
                {"name": "ChangeEventHeader", "type": HEADER},
                {"name": "Name", "type": ["null", "string"]},
                {"name": "BillingAddress", "type": ["null", ADDRESS]},
                {"name": "AnnualRevenue", "type": ["null", "double"]},
                {"name": "SLAExpiration__c", "type": ["null", "long"]},
                {"name": "LastModifiedDate", "type": ["null", "long"]},
            ],
        }
    )
)
ID = "0018d0000000001AAA"
OURS = "com/salesforce/api/rest/66.0;client=colonnade"
SCREEN = "com/salesforce/api/soap/66.0;client=SfdcInternalAPI/"
# 2026-01-31T00:00:00Z is 1,769,817,600,000 ms; twice that is 3,539,635,200,000 in groups of seven bits, the
# lowest first: 0, 64, 75, 21, 2, 103 -> 0x80 0xc0 0xcb 0x95 0x82 0x67.
MIDNIGHT = b"\x80\xc0\xcb\x95\x82\x67"
NULL = b"\x00"


def text(value: str) -> bytes:
    """Return text of at most 63 bytes."""
    raw = value.encode()
    return bytes([2 * len(raw)]) + raw


def texts(*values: str) -> bytes:
    """Return an array of texts."""
    return (bytes([2 * len(values)]) + b"".join(map(text, values)) if values else b"") + b"\x00"


def event(kind: str, body: bytes, *, ids: tuple[str, ...] = (ID,), origin: str = SCREEN,
          nulled: tuple[str, ...] = (), changed: tuple[str, ...] = ()) -> bytes:  # fmt: skip
    """Return an event of Account."""
    head = text("Account") + texts(*ids) + bytes([2 * KINDS.index(kind)]) + text(origin) + text("key")
    head += b"\x02" + MIDNIGHT + b"\x08" + text("0058d0000000001AAA")
    return head + texts(*nulled) + texts() + texts(*changed) + body


def read(payload: bytes) -> HeardChange:
    """Return what an event tells."""
    return read_change("event-1", ACCOUNT, payload)


def test_the_vendors_example_bitmap_names_the_fields_counted_by_hand() -> None:
    """0x650004E0 is 0110 0101 0000 0000 0000 0100 1110 0000: fields 5, 6, 7, 10, 24, 26, 29 and 30."""
    inner = [{"name": f"i{n}", "type": "string"} for n in range(5)]
    fields = [{"name": f"f{n}", "type": "string"} for n in range(1, 31)]
    for place in (4, 7):
        record = {"type": "record", "name": f"R{place}", "fields": inner}
        fields[place - 1] = {"name": f"f{place}", "type": ["null", "string", record]}
    whole = {
        "type": "record",
        "name": "E",
        "fields": [{"name": "ChangeEventHeader", "type": HEADER}, *fields],
    }
    schema = parse_schema(json.dumps(whole))
    top = ("f5", "f6", "f7", "f10", "f24", "f26", "f29", "f30")
    found = bitmap_fields(schema, ["0x650004E0", "4-0x10", "7-0x06"])
    assert found == (*top, "f4.i4", "f7.i1", "f7.i2")


def test_a_change_of_a_person_says_which_record_to_read_and_no_value() -> None:
    """The record's own id, the commit's time, and nothing to apply."""
    body = b"\x02" + text("Acme") + NULL * 4
    expected = HeardChange("event-1", "Account", (ID,), Hint.READ, datetime(2026, 1, 31, tzinfo=UTC))
    assert read(event("UPDATE", body, changed=("0x22",))) == expected


def test_a_change_in_our_name_says_what_it_wrote_inside_compounds_too() -> None:
    """Number, day, text inside an address, and a field set to null; what every save writes is left out."""
    address = b"\x02" + NULL + b"\x02" + text("Bern") + NULL
    revenue = b"\x02" + b"\x00\x00\x00\x00\x00\x80\x40\x40"  # 33.0 as an IEEE double, lowest byte first
    body = NULL + address + revenue + b"\x02" + MIDNIGHT + b"\x02" + MIDNIGHT
    # Fields 1, 3, 4 and 5: 0011 1010; City is field 1 of the address in field 2: 0010.
    change = event("UPDATE", body, origin=OURS, nulled=("0x02",), changed=("0x3A", "2-0x02"))
    assert read(change).written == {
        "Name": None,
        "AnnualRevenue": "33",
        "SLAExpiration__c": "2026-01-31T00:00:00Z",
        "BillingAddress.City": "Bern",
    }


@pytest.mark.parametrize("kind", ["CREATE", "UPDATE", "GAP_CREATE", "GAP_UPDATE"])
def test_records_that_came_or_changed_are_read(kind: str) -> None:
    """Several in one event are all named; ids of 15 characters become 18."""
    both = read(event(kind, NULL * 5, ids=(ID, "0018d0000000002")))
    assert (both.hint, both.ids) == (Hint.READ, (ID, "0018d0000000002AAA"))


@pytest.mark.parametrize("kind", ["UNDELETE", "GAP_UNDELETE"])
def test_records_out_of_the_recycle_bin_are_read_as_restored(kind: str) -> None:
    """Their own time need not have moved."""
    assert (read(event(kind, NULL * 5)).hint, read(event(kind, NULL * 5)).ids) == (Hint.RESTORED, (ID,))


@pytest.mark.parametrize("kind", ["DELETE", "GAP_DELETE", "GAP_OVERFLOW", "SNAPSHOT"])
def test_what_names_no_record_to_read_has_its_object_polled(kind: str) -> None:
    """A deleted record may have been merged: only a poll of the object tells."""
    assert (read(event(kind, NULL * 5)).hint, read(event(kind, NULL * 5)).ids) == (Hint.POLL, ())


def test_a_wildcard_has_its_object_polled() -> None:
    """001* stands for any account."""
    assert read(event("UPDATE", NULL * 5, ids=("001*",))).hint is Hint.POLL


@pytest.mark.parametrize("origin", [SCREEN, OURS + "-not", OURS.upper(), "client=colonnade", ""])
def test_another_client_is_not_taken_for_us(origin: str) -> None:
    """The client's name is compared whole."""
    assert read(event("UPDATE", NULL * 5, origin=origin, changed=("0x02",))).written is None


@pytest.mark.parametrize("bitmaps", [("0x40",), ("1-0x01",), ("9-0x01",), ("zz",), ()])
def test_a_bitmap_that_cannot_be_read_leaves_nothing_certain(bitmaps: tuple[str, ...]) -> None:
    """The record is read again, also where the change came in our name."""
    change = read(event("UPDATE", NULL * 5, origin=OURS, changed=bitmaps))
    assert (change.hint, change.ids, change.written) == (Hint.READ, (ID,), None)


@pytest.mark.parametrize("payload", [b"", b"\xff" * 40, event("UPDATE", NULL * 5)[:-6]])
def test_bytes_that_are_no_event_are_told(payload: bytes) -> None:
    """They raise nothing but ValueError, which has everything polled."""
    with pytest.raises(ValueError, match="no event"):
        read(payload)


@pytest.mark.parametrize("schema", ["", "[]", '"string"', '{"type":"record","name":"E","fields":[]}'])
def test_a_schema_that_is_none_of_a_change_event_is_told(schema: str) -> None:
    """Also JSON that is no schema, and a schema without a header."""
    with pytest.raises(ValueError, match="no "):
        parse_schema(schema)
