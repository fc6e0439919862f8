"""Salesforce's record ids: 15 characters whose case counts, or 18 whose case does not matter.

Both forms name one record; what is stored is always the longer. Source: Salesforce Help,
"What's the difference between 15-character and 18-character record IDs": each group of five
characters gives one checksum character, counting which of them are capital letters.
Neighbours: ``outbound`` and ``token_endpoint`` read ids that may come in the short form;
``integration/record_ids`` is the border for all the others.
"""

from __future__ import annotations

from typing import Final

SHORT: Final = 15
LONG: Final = 18
_GROUP: Final = 5
_CHECKSUM: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def long_id(value: str) -> str:
    """Return the 18-character form of an id; one that has it already is returned as it is.

    Raises ValueError for anything but 15 or 18 ASCII letters and digits, and for 18 of which the last three
    are not what the others give: letters were changed, or their case was lost on the way.
    """
    if len(value) not in (SHORT, LONG) or not (value.isascii() and value.isalnum()):
        raise ValueError(f"{value!r} is no record id: 15 or 18 letters and digits")
    whole = value[:SHORT] + checksum(value[:SHORT])
    if len(value) == LONG and value != whole:
        raise ValueError(f"{value!r} is no record id: its last three characters do not fit the others")
    return whole


def same_id(one: str, other: str) -> bool:
    """Return whether two ids, of 15 or 18 characters, name one record; False where one is no id."""
    try:
        return long_id(one)[:SHORT] == long_id(other)[:SHORT]
    except ValueError:
        return False


def is_long_id(value: str) -> bool:
    """Return whether a text is an 18-character id: its last three characters follow from the others."""
    well_formed = len(value) == LONG and value.isascii() and value.isalnum()
    return well_formed and checksum(value[:SHORT]) == value[SHORT:]


def checksum(short: str) -> str:
    """Return the three characters that follow the 15 of ``short`` in the longer form."""
    groups = [short[start : start + _GROUP] for start in range(0, SHORT, _GROUP)]
    return "".join(_CHECKSUM[_capitals(group)] for group in groups)


def _capitals(group: str) -> int:
    """Return the places of capital letters as bits, the first character's bit the lowest."""
    return sum(1 << place for place, character in enumerate(group) if "A" <= character <= "Z")
