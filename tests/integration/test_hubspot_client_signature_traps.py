"""The traps of hubspot-api-client's signature helper: each shown on it, and not met by our own check."""

from datetime import UTC, datetime, timedelta

import pytest
from hubspot.exceptions import InvalidSignatureTimestampError
from hubspot.utils.signature import Signature

from integration.hubspot.signature import Verdict, sign_v3, verify_v3

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET, URL = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "https://www.example.com/webhook_uri"


@pytest.fixture
def client_says(monkeypatch):
    """Return the client's own verdict on a request, its clock standing at ours."""

    class Noon(datetime):
        @classmethod
        def now(cls, tz=None):
            return NOW.astimezone(tz)

    monkeypatch.setattr("hubspot.utils.signature.datetime", Noon)

    def says(timestamp, signature, body=""):
        return Signature.is_valid(signature, SECRET, body, URL, "POST", "v3", timestamp)

    return says


def signed_at(instant: datetime, body: bytes = b"") -> tuple[str, str]:
    """Return timestamp and signature of a POST signed at an instant."""
    timestamp = str(int(instant.timestamp() * 1000))
    return timestamp, sign_v3(SECRET, "POST", URL, body, timestamp)


def we_say(timestamp, signature):
    """Return our verdict on an empty body."""
    return verify_v3(SECRET, "POST", URL, b"", timestamp, signature, NOW)


def test_a_signature_of_next_year(client_says):
    """The client takes a request signed a year ahead, good for a year of replays; we take none."""
    signed = signed_at(NOW + timedelta(days=365))
    assert client_says(*signed) is True
    assert we_say(*signed) is Verdict.STALE


def test_an_old_signature(client_says):
    """The client raises where it should say no, which would answer 500 and be sent again; we say so."""
    signed = signed_at(NOW - timedelta(minutes=6))
    with pytest.raises(InvalidSignatureTimestampError):
        client_says(*signed)
    assert we_say(*signed) is Verdict.STALE


@pytest.mark.parametrize(("signature", "expected"), [(None, Verdict.MISSING), ("é" * 44, Verdict.MISMATCH)])
def test_a_signature_that_is_none_or_not_ascii(client_says, signature, expected):
    """The client dies of either; to us they are refusals like any other."""
    timestamp, _ = signed_at(NOW)
    with pytest.raises(TypeError):
        client_says(timestamp, signature)
    assert we_say(timestamp, signature) is expected


def test_an_empty_body(client_says):
    """The client signs the word None in place of no body; we sign nothing."""
    empty, word = signed_at(NOW), signed_at(NOW, b"None")
    assert client_says(*word, body=None) is True
    assert (we_say(*empty), we_say(*word)) == (Verdict.GENUINE, Verdict.MISMATCH)


def test_a_signed_query_with_escapes():
    """The client signs the address as it came; HubSpot decodes twelve escapes first, and so do we."""
    timestamp = str(int(NOW.timestamp() * 1000))
    escaped, decoded = f"{URL}?to=a%40b.example%2Fc", f"{URL}?to=a@b.example/c"
    signature = sign_v3(SECRET, "POST", decoded, b"", timestamp)
    assert Signature.get_signature(SECRET, "", "v3", escaped, "POST", timestamp) != signature
    assert verify_v3(SECRET, "POST", escaped, b"", timestamp, signature, NOW) is Verdict.GENUINE
