"""The Pub/Sub API's messages against bytes written by hand, after protobuf's page "Encoding".

A field begins with its number times eight, plus 2 for text and bytes (then their length) or 0 for a number
below 128 (one byte). Numbers of fields: the vendor's ``pubsub_api.proto``.
"""

from __future__ import annotations

import pytest

from integration.salesforce import pubsub_wire
from integration.salesforce.pubsub_wire import Fetched, RawEvent

TOPIC = b"\x0a\x03/d/"  # field 1, three letters


def test_a_first_request_says_where_to_begin() -> None:
    """From the tip, which is the preset 0 and so not written; or after a replay id, the preset 2."""
    assert pubsub_wire.fetch_request("/d/", 100, None) == TOPIC + b"\x20\x64"
    assert pubsub_wire.fetch_request("/d/", 100, b"\x00\x07") == TOPIC + b"\x10\x02\x1a\x02\x00\x07\x20\x64"
    assert pubsub_wire.further_request(3) == b"\x20\x03"
    assert pubsub_wire.schema_request("abc") == b"\x0a\x03abc"


def test_a_response_is_gone_on_from_after_its_last_event_and_no_further() -> None:
    """Two events with ids 5 and 6 while the stream says 9: whoever breaks off here begins after 6."""
    first = b"\x0a\x0a" + b"\x0a\x01a" + b"\x12\x01s" + b"\x1a\x02\x00\x01" + b"\x12\x01\x05"
    second = b"\x0a\x06" + b"\x0a\x01b" + b"\x12\x01s" + b"\x12\x01\x06"
    message = b"\x0a\x0f" + first + b"\x0a\x0b" + second + b"\x12\x01\x09" + b"\x1a\x01r" + b"\x20\x62"
    events = (RawEvent("a", "s", b"\x00\x01", b"\x05"), RawEvent("b", "s", b"", b"\x06"))
    found = pubsub_wire.read_fetched(message)
    assert found == Fetched(events, b"\x09", 98)
    assert found.replay_id == b"\x06"


def test_a_keep_alive_is_gone_on_from_where_it_says() -> None:
    """It has no event, only the latest replay id."""
    assert pubsub_wire.read_fetched(b"\x12\x01\x09").replay_id == b"\x09"


@pytest.mark.parametrize("read", [pubsub_wire.read_fetched, pubsub_wire.read_schema])
def test_bytes_that_are_no_message_are_told(read) -> None:
    """A length that goes beyond the end."""
    with pytest.raises(ValueError, match="no "):
        read(b"\x0a\x7f")
