"""Whose request it is: HubSpot's own vectors, and every way a forged one can look."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.hubspot.signature import MAX_AGE, Verdict, decode_url, sign_v3, verify_v3

SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
URL = "https://www.example.com/webhook_uri"
BODY = b"{'example_field':'example_value'}"
SIGNED_MS = 1693657560000
SIGNATURE = "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
SIGNED_AT = datetime.fromtimestamp(SIGNED_MS / 1000, UTC)


def verdict(**changed):
    """Return the verdict on the vector of HubSpot's Python client with something changed."""
    request = {
        "secret": SECRET,
        "method": "POST",
        "url": URL,
        "body": BODY,
        "timestamp": str(SIGNED_MS),
        "signature": SIGNATURE,
        "now": SIGNED_AT,
    }
    return verify_v3(**{**request, **changed})


def test_accepts_the_vector_of_hubspots_python_client():
    """The request signed in the official Python client's tests is genuine."""
    assert verdict() is Verdict.GENUINE


def test_accepts_the_vector_of_hubspots_own_backend():
    """The vector in HubSpot's extension dev server, made by its backend, is genuine."""
    assert (
        verdict(
            secret="f6e94c08-85d0-4608-bcc6-e1850176e7b8",
            url="https://www.hubspot.com/webhook",
            body=b"REQUEST_BODY",
            timestamp="1632188626483",
            signature="jf872r5vscVcxCiDRHA4rGrqe/8BPLNVkdJSHdMnGTU=",
            now=datetime.fromtimestamp(1632188626.483, UTC),
        )
        is Verdict.GENUINE
    )


def test_agrees_with_the_vector_of_the_ruby_client():
    """The same request at the Ruby client's timestamp has the signature published there."""
    published = "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw="
    assert sign_v3(SECRET, "POST", URL, BODY, "1700000300000") == published


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        (MAX_AGE, Verdict.GENUINE),
        (-MAX_AGE, Verdict.GENUINE),
        (MAX_AGE + timedelta(milliseconds=1), Verdict.STALE),
        (-MAX_AGE - timedelta(milliseconds=1), Verdict.STALE),
    ],
)
def test_refuses_a_request_five_minutes_off_either_way(late, expected):
    """A signature counts for five minutes, and not from the future (the official client allows that)."""
    assert verdict(now=SIGNED_AT + late) is expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"signature": None}, Verdict.MISSING),
        ({"timestamp": None}, Verdict.MISSING),
        ({"signature": ""}, Verdict.MISSING),
        ({"timestamp": "yesterday"}, Verdict.MALFORMED),
        ({"timestamp": "-1693657560000"}, Verdict.MALFORMED),
        ({"timestamp": "١٦٩٣٦٥٧٥٦٠٠٠٠"}, Verdict.MALFORMED),
        ({"timestamp": "9" * 5000}, Verdict.MALFORMED),
        ({"timestamp": "1"}, Verdict.STALE),
        ({"signature": "é" * 44}, Verdict.MISMATCH),
        ({"signature": "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y"}, Verdict.MISMATCH),
        ({"body": BODY + b" "}, Verdict.MISMATCH),
        ({"method": "PUT"}, Verdict.MISMATCH),
        ({"url": URL + "?x=1"}, Verdict.MISMATCH),
        ({"secret": "another"}, Verdict.MISMATCH),
    ],
)
def test_refuses_with_a_reason(changed, expected):
    """Whatever is missing, malformed or altered is refused by name."""
    assert verdict(**changed) is expected


@given(timestamp=st.none() | st.text(), signature=st.none() | st.text(), url=st.text(), body=st.binary())
def test_never_raises_and_never_accepts_noise(timestamp, signature, url, body):
    """No header, address or body makes the check fail or pass by accident."""
    assert verify_v3(SECRET, "POST", url, body, timestamp, signature, SIGNED_AT) is not Verdict.GENUINE


def test_decodes_twelve_escapes_and_leaves_the_rest():
    """HubSpot signs the URL with twelve escapes decoded; space, ampersand and equals stay."""
    escaped = "%3a%2F%3F%40%21%24%27%28%29%2A%2C%3B%20%26%3D%253A"
    assert decode_url(escaped) == ":/?@!$'()*,;%20%26%3D%253A"
