"""An installation without a CRM behind it, whose charter names one source of usage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from mappings.charter import Charter
from mappings.load import load_charter
from mappings.usage_sources import UsageSource
from sync.onboard import apply_charter
from sync.state import due, findings, installations, usage_store
from sync.state.engine import reading, writing
from sync.state.installations import Installation
from sync.usage_pull import FINDING, Pulled, plan_usage, pull_due
from sync.workspace import Workspace, open_workspace
from tests.sync.harness import CHARTER, HUBSPOT, START, Deployment
from tests.sync.usage_sources import COLUMNS

DAYS = (date(2024, 1, 1), date(2027, 1, 1))
NAMED = ["birch", "cedar", ""]


@cache
def default() -> Charter:
    """Return the default charter, read once."""
    return load_charter(CHARTER, HUBSPOT)


@dataclass
class Shop:
    """An installation without a CRM behind it; its charter names one source, `made`."""

    deployment: Deployment
    id: str

    @property
    def ws(self) -> Workspace:
        """Return the workspace, opened anew as a job would."""
        return open_workspace(self.deployment.runtime, self.id)

    def read(self, **source: Any) -> Shop:
        """Bring a charter into force that reads one source."""
        found = UsageSource.model_validate({"name": "made", "columns": COLUMNS, **source})
        charter = default().model_copy(update={"usage_sources": (found,), "time_zone": "Europe/Berlin"})
        apply_charter(self.deployment.runtime, self.id, charter, author="test")
        return self

    def pull(self) -> list[Pulled]:
        """Have the source read now, by as many turns as it takes."""
        with writing(self.deployment.runtime.engine) as conn:
            plan_usage(conn, self.ws)
            due.hasten(conn, self.id, self.ws.now(), "usage")
        turns = []
        while (done := pull_due(self.ws, "test")) is not None:
            turns.append(done)
        return turns

    def sums(self, received_by: date | None = None) -> dict[tuple[str, str, str, date], tuple[int, int]]:
        """Return what is counted, by account, product, feature and day."""
        with reading(self.deployment.runtime.engine) as conn:
            found = usage_store.usage(conn, self.id, NAMED, DAYS, received_by)
        counted: dict[tuple[str, str, str, date], tuple[int, int]] = {}
        for one in found:
            key = (one.account_ref, one.product, one.feature, one.day)
            rows, times = counted.get(key, (0, 0))
            counted[key] = (rows + one.rows, times + one.count)
        return counted

    def users(self) -> set[tuple[str, str, date, str]]:
        """Return who was seen."""
        with reading(self.deployment.runtime.engine) as conn:
            found = usage_store.presence(conn, self.id, NAMED, DAYS)
        return {(one.account_ref, one.product, one.day, one.user_ref) for one in found}

    def matters(self) -> dict[str, str]:
        """Return what is the matter with sources."""
        with reading(self.deployment.runtime.engine) as conn:
            return {one.subject: one.message for one in findings.open_findings(conn, self.id, FINDING)}


def shop_on(found: Deployment) -> Shop:
    """Enter an installation."""
    one = Installation(HUBSPOT, "7", "A portal", "http://crm.test", "Europe/Berlin", START, START)
    with writing(found.runtime.engine) as conn:
        return Shop(found, installations.connect(conn, one).id)
