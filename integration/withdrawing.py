"""Taking records of ours back from a CRM, by their ids.

Neighbours: ``port`` has the other protocols (``KeylessPort`` withdraws as well); ``sync/withdraw.py`` asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from integration.port import RowError


@runtime_checkable
class WithdrawingPort(Protocol):
    """A CRM that takes records of ours away again."""

    def withdraw(self, object_name: str, ids: Sequence[str]) -> Mapping[str, RowError]:
        """Take the records back; return those the CRM keeps, each with why. Asking twice changes nothing.

        One that is gone already is as wanted. Raises Unavailable where some are left for now.
        """
        ...
