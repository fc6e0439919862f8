"""Checking that HubSpot signed a request (page "Validating requests", version 3).

Versions 1 and 2 carry no time and could be replayed, so only version 3 counts. Nothing
here raises: HubSpot would take the 500 for a failed delivery and send it again.
Neighbours: ``webhooks/`` calls it with its configured public address, never with the URL
a proxy rewrote.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

MAX_AGE: Final = timedelta(minutes=5)
"""Requests signed longer ago are refused; so are those from as far in the future."""

_DECODED: Final = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$",
    "%27": "'", "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
"""The only escapes HubSpot decodes in a URL before signing."""

_MILLISECONDS: Final = re.compile("[0-9]{1,15}")

_ESCAPE: Final = re.compile("|".join(_DECODED), re.IGNORECASE)


class Verdict(StrEnum):
    """Whether a request is HubSpot's, or why not."""

    GENUINE = "genuine"
    MISSING = "missing_header"
    MALFORMED = "malformed_timestamp"
    STALE = "stale_timestamp"
    MISMATCH = "signature_mismatch"


def verify_v3(
    secret: str,
    method: str,
    url: str,
    body: bytes,
    timestamp: str | None,
    signature: str | None,
    now: datetime,
) -> Verdict:
    """Return the verdict on a request; ``url`` is the full https URL as HubSpot called it.

    ``timestamp`` and ``signature`` are the headers ``X-HubSpot-Request-Timestamp``
    (milliseconds) and ``X-HubSpot-Signature-v3``; ``now`` is UTC.
    """
    if not timestamp or not signature:
        return Verdict.MISSING
    if not _MILLISECONDS.fullmatch(timestamp):
        return Verdict.MALFORMED
    if abs(int(now.timestamp() * 1000) - int(timestamp)) > MAX_AGE / timedelta(milliseconds=1):
        return Verdict.STALE
    expected = sign_v3(secret, method, url, body, timestamp)
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogatepass")):
        return Verdict.MISMATCH
    return Verdict.GENUINE


def sign_v3(secret: str, method: str, url: str, body: bytes, timestamp: str) -> str:
    """Return the base64 signature of a request, as HubSpot would send it."""
    signed = (method + decode_url(url)).encode("utf-8", "surrogatepass") + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def decode_url(url: str) -> str:
    """Return ``url`` with HubSpot's twelve escapes decoded and all others left."""
    return _ESCAPE.sub(lambda match: _DECODED[match.group().upper()], url)
