"""The client certificate a proxy in front of us saw, as a header tells it; optional.

Salesforce sends its outbound messages with a client certificate where the receiver asks for one. We do
not end TLS, so the proxy verifies it and passes its fingerprint (or subject) on; the proxy must take the
header away from what others send. Source: Help, "API Client Certificate" (its use in
outbound messages). Neighbour: ``salesforce`` asks.
"""

from __future__ import annotations

import hmac

from werkzeug.datastructures import Headers


def shows_certificate(wanted: str | None, headers: Headers) -> bool:
    """Say whether a request carries the header with one of the values of ``NAME: VALUE, VALUE``.

    ``None`` wants nothing. Case, and the colons some proxies put between the bytes of a fingerprint, do not
    count. The header given twice never passes: one of the two was not the proxy's.
    """
    if wanted is None:
        return True
    name, _, values = wanted.partition(":")
    given = headers.getlist(name)
    if len(given) != 1:
        return False
    shown = _plain(given[0])
    return any(hmac.compare_digest(shown, _plain(one)) for one in values.split(",") if one.strip())


def _plain(text: str) -> bytes:
    return text.strip().lower().replace(":", "").encode("utf-8", "surrogatepass")
