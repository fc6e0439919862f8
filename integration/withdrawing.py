"""Taking records of ours back from a CRM, by their ids.

Neighbours: ``port`` has the other protocols (``KeylessPort`` withdraws as well); ``sync/withdraw.py`` asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class WithdrawingPort(Protocol):
    """A CRM that takes records of ours away again."""

    def withdraw(self, object_name: str, ids: Sequence[str]) -> None:
        """Take the records back; asking twice for the same changes nothing.

        Raises Unavailable where some are left, Refused where the CRM does not let us.
        """
        ...
