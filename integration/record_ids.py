"""The forms in which one record's id may be written: the border through which every id comes in.

Salesforce ids have 15 or 18 characters; kept are always 18. Neighbours: ``salesforce/ids`` knows their
checksums, ``mappings.org_checks`` asks of charters, ``sync`` of usage and commands. What a CRM answers
needs no border: it always has the longer form.
"""

from __future__ import annotations

from typing import Final

from integration.salesforce.ids import long_id
from integration.salesforce.names import KEY_PREFIXES

SALESFORCE: Final = "salesforce"
ACCOUNT_PREFIX: Final = KEY_PREFIXES["Account"]


def stored_id(vendor: str, text: str) -> str:
    """Return an id as it is kept; raise ValueError for a text that is no id of the vendor's records."""
    if vendor == SALESFORCE:
        return long_id(text)
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is no record id: digits")
    return text


def name_of_account(vendor: str, text: str) -> str:
    """Return the name by which a product speaks of an account, in one form where it is the account's id.

    Any other name stays as it is: also one that only looks like an id, its last characters not fitting.
    """
    if vendor != SALESFORCE or not text.startswith(ACCOUNT_PREFIX):
        return text
    try:
        return long_id(text)
    except ValueError:
        return text
