"""Secrets at rest: sealed with Fernet, several keys at once so that keys can be changed.

The first key seals, all of them open. What is sealed says whose it is: a ciphertext copied
to another installation's row does not open there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from sync.state.errors import StateError


class SecretBox:
    """Seals and opens secrets; holds the keys and never shows them."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the keys, newest first. Raises StateError when one is none, naming its place only."""
        if not keys:
            message = "no secret key is set; give CS_SECRET_KEYS one (`colonnade keys new` makes one)"
            raise StateError(message)
        self._each = [_fernet(key, place) for place, key in enumerate(keys, start=1)]
        self._fernet = MultiFernet(self._each)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return a box for comma separated keys, newest first."""
        return cls([key.strip() for key in text.split(",") if key.strip()])

    def seal(self, installation_id: str, kind: str, secret: str) -> str:
        """Return the ciphertext of ``secret``."""
        document = json.dumps([installation_id, kind, secret])
        return self._fernet.encrypt(document.encode()).decode()

    def open(self, installation_id: str, kind: str, ciphertext: str) -> str:
        """Return the secret. Raises StateError when no key opens it or it is another's."""
        try:
            owner, name, secret = json.loads(self._fernet.decrypt(ciphertext.encode()))
        except InvalidToken as error:
            message = (
                f"the {kind} of {installation_id} opens with none of CS_SECRET_KEYS;"
                " put the old key back at the end"
            )
            raise StateError(message) from error
        if (owner, name) != (installation_id, kind):
            message = f"the {kind} of {installation_id} was sealed for something else; connect again"
            raise StateError(message)
        return str(secret)

    def rotate(self, ciphertext: str) -> str:
        """Return the same secret sealed with the first key."""
        return self._fernet.rotate(ciphertext.encode()).decode()

    @property
    def keys(self) -> int:
        """Return how many keys there are."""
        return len(self._each)

    def place(self, ciphertext: str) -> int | None:
        """Return which key opens it, counted from 0; ``None`` when none does."""
        for place, one in enumerate(self._each):
            try:
                one.decrypt(ciphertext.encode())
            except InvalidToken:
                continue
            return place
        return None

    def __repr__(self) -> str:
        """Return a text without the keys."""
        return "SecretBox(...)"


def new_key() -> str:
    """Return a fresh random key for CS_SECRET_KEYS."""
    return Fernet.generate_key().decode()


def _fernet(key: str, place: int) -> Fernet:
    try:
        return Fernet(key)
    except ValueError as error:
        message = f"key {place} of CS_SECRET_KEYS is not 32 bytes in URL-safe base64"
        raise StateError(message) from error


if __name__ == "__main__":
    sys.stdout.write(new_key() + "\n")
