"""What a charter promises of freshness: how soon what no push told of is read, per object; pure.

``bindings`` has the block, ``sync/scheduler.py`` plans by ``promises``. HubSpot advises against polling
more often than every five minutes (page "API usage guidelines"). Objects that pushes come for can be
promised less; custom objects get none in marketplace apps, and service keys have none at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from mappings.scalars import Finding, Model, refuse

Minutes = Annotated[int, Field(ge=5, le=10_080)]


class FreshnessEntry(Model):
    """How many minutes may pass until what nobody told of is read: a change, and a deletion.

    Written short as ``deals: 30``, which is about changes.
    """

    changes: Minutes | None = None
    deletions: Minutes | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | dict):
            remedy = "Write minutes, or {changes: 15, deletions: 60}."
            refuse([Finding((), f"{value!r} says nothing of minutes", remedy)])
        return value if isinstance(value, dict) else {"changes": value}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the schema with the short form beside the long one."""
        return {"anyOf": [{"type": "integer", "minimum": 5, "maximum": 10_080}, handler(core)]}


@dataclass(frozen=True, slots=True)
class Promise:
    """How old what we know of one object may be: of its records' values, and of their being there."""

    changes: timedelta
    deletions: timedelta


READ = Promise(timedelta(minutes=15), timedelta(hours=1))
"""What is promised of the customer's objects where the charter says nothing else."""

OWN = Promise(timedelta(hours=1), timedelta(hours=4))
"""What is promised of our own objects: people rarely edit them."""


READ_WITH_THE_BIN = Promise(timedelta(minutes=15), timedelta(days=1))
OWN_WITH_THE_BIN = Promise(timedelta(hours=1), timedelta(days=1))
"""The same of a CRM whose polls read its recycle bin too: only what left the bin waits for a census."""


KEPT_DAILY = Promise(timedelta(days=1), timedelta(days=1))
"""What is promised of records that we write once a day at most: snapshots."""

OWNERS_READ = timedelta(days=1)
"""How often owners are read again where the charter says nothing else: people rarely join or leave."""


def promise(entry: Mapping[str, FreshnessEntry], name: str, usual: Promise) -> Promise:
    """Return what the charter's block promises of ``name``, and ``usual`` where it says nothing."""
    said = entry.get(name, FreshnessEntry())
    return Promise(
        timedelta(minutes=said.changes) if said.changes else usual.changes,
        timedelta(minutes=said.deletions) if said.deletions else usual.deletions,
    )
