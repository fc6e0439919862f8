"""PKCE (RFC 7636): the challenge that travels with a consent, of a verifier that stays with us. Pure.

Neighbours: both vendors' ``oauth_consent``.
"""

from __future__ import annotations

import base64
import hashlib


def code_challenge(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()
