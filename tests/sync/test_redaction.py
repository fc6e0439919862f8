"""Logs hold no credential, no e-mail address, and nothing that a CRM quotes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.redaction import LONGEST, REMOVED, clean, clean_error

SECRETS = {
    "a HubSpot service key": "pat-eu1-4b2f6c1e-77aa-4b3c-9f6e-0a1b2c3d4e5f",
    "a Salesforce session": "00D5g00000AbCdE!AQEAQJx.9zQw_Zr8",
    "a signed assertion": "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIzTVZHIn0.c2lnbmF0dXJl",
    "a sealed secret": "gAAAAABmZ1x2y3z4a5b6c7d8e9f0gAAAAABmZ1==",
    "an address": "jane.doe+crm@sub.example.co.uk",
    "an escaped address": "jane%40example.com",
}
PLACES = ("{}", "sent {} to it", '{{"value": "{}"}}', "a,{},b", "({})", "x={} y")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_is_removed_wherever_it_stands(secret: str, place: str) -> None:
    """Told plainly, in JSON, in a list or in brackets."""
    told = clean(place.format(secret))
    assert secret not in told
    assert REMOVED in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("postgresql://user:hush@db.example/cs", f"postgresql://{REMOVED}@db.example/cs"),
        ("Authorization: Bearer abc123", f"Authorization: Bearer {REMOVED}"),
        ("POST /oauth/v1/token?refresh_token=abc&x=1", f"POST /oauth/v1/token?refresh_token={REMOVED}&x=1"),
        ('{"client_secret": "abc", "n": 1}', f'{{"client_secret": "{REMOVED}", "n": 1}}'),
        ("/webhooks/salesforce/salesforce-00D1/hush?x", f"/webhooks/salesforce/salesforce-00D1/{REMOVED}?x"),
    ],
)
def test_what_stands_beside_a_secret_is_kept(text: str, told: str) -> None:
    """Who reads the log still learns which call it was."""
    assert clean(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "companies of hubspot-24680135 is put off: 502",
        "poll deals of salesforce-00D5g00000AbCdEEAV cannot be done",
        "refused with 401: signature_mismatch",
    ],
)
def test_plain_words_are_left_alone(text: str) -> None:
    """Names of installations, objects and reasons are what a log is read for."""
    assert clean(text) == text


names = st.text(st.characters(codec="utf-8", exclude_characters="\"'"), min_size=3, max_size=40).filter(
    str.strip
)


@given(names)
def test_what_a_crm_quotes_is_not_told(name: str) -> None:
    """A refused value may be anybody's name; the type of the error and the rest of its words stay."""
    told = clean_error(ValueError(f'the value "{name}" of owner is not active'))
    assert told == f"ValueError: the value {REMOVED} of owner is not active"


def test_a_long_text_is_cut() -> None:
    """An HTML page in an error does not fill the log."""
    assert len(clean("a" * 100_000)) < LONGEST + 50
