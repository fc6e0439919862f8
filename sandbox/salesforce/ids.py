"""Salesforce record ids: 15 case-sensitive characters plus a 3-character checksum.

Used by every module that mints, checks or normalises an id.
"""

from __future__ import annotations

import string

_ALPHABET = string.ascii_uppercase + "012345"
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LONG = 18
_SHORT = 15
_CHUNK = 5


def checksum(short: str) -> str:
    """Return the three characters that make a 15-character id case-insensitive.

    Each group of five characters gives one letter: bit *i* is set where character *i* of
    the group is an upper-case letter.
    """
    suffix = ""
    for start in range(0, _SHORT, _CHUNK):
        bits = sum(1 << i for i, c in enumerate(short[start : start + _CHUNK]) if c in string.ascii_uppercase)
        suffix += _ALPHABET[bits]
    return suffix


def to18(value: str) -> str | None:
    """Return the 18-character form of an id, or None where ``value`` is not an id."""
    if len(value) not in (_SHORT, _LONG) or not (value.isascii() and value.isalnum()):
        return None
    short = value[:_SHORT]
    full = short + checksum(short)
    if len(value) == _LONG and value != full:
        return _repair_case(value)
    return full


def _repair_case(value: str) -> str | None:
    """Return the id whose case the checksum restores, or None where the checksum is no checksum.

    The 18-character form is safe against tools that lose case; Salesforce restores it.
    """
    suffix = value[_SHORT:].upper()
    if any(c not in _ALPHABET for c in suffix):
        return None
    chars = []
    for index in range(_SHORT):
        upper = _ALPHABET.index(suffix[index // _CHUNK]) >> (index % _CHUNK) & 1
        char = value[index]
        if upper and not char.isalpha():
            return None
        chars.append(char.upper() if upper else char.lower())
    return "".join(chars) + suffix


def mint(prefix: str, number: int) -> str:
    """Return the 18-character id number ``number`` under a three-character key prefix."""
    body = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        body = _DIGITS[digit] + body
    short = prefix + "8d" + body.rjust(_SHORT - len(prefix) - 2, "0")
    return short + checksum(short)


def custom_prefix(number: int) -> str:
    """Return the key prefix of the n-th custom object of an org: a00, a01 … a0z, a10 …."""
    digits = string.digits + string.ascii_lowercase
    high, low = divmod(number, len(digits))
    return "a" + digits[high] + digits[low]
