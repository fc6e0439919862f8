"""The charter's ``snapshots``: whose months are kept beside those of the portfolio and its segments.

``sync.owner_book`` takes what is asked for here; ``success.snapshots`` counts.
"""

from __future__ import annotations

from pydantic import Field

from mappings.scalars import Model


class SnapshotsEntry(Model):
    """Whose months are kept. Without this part: the portfolio's, and those of its segments."""

    by_owner: bool = Field(
        default=False, description="Keep each account owner's book as well: accounts, ARR, retention, bands."
    )
