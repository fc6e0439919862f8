"""``/limits`` and ``/limits/recordCount``; the daily request quota that ``edge.py`` enforces."""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.errors import SfError
from sandbox.salesforce.org import Org
from sandbox.salesforce.storage import data_storage
from sandbox.salesforce.web import Answer, Call, Router, acting

_STATIC = {
    "AnalyticsExternalDataSizeMB": 40960, "ConcurrentAsyncGetReportInstances": 200,
    "DailyAsyncApexExecutions": 250000,
    "DailyBulkApiBatches": 15000, "DailyBulkV2QueryFileStorageMB": 976562, "DailyBulkV2QueryJobs": 10000,
    "DailyDeliveredPlatformEvents": 25000, "DailyGenericStreamingApiEvents": 10000,
    "DailyWorkflowEmails": 1000,
    "FileStorageMB": 10240, "HourlyAsyncReportRuns": 1200,
    "HourlyDashboardRefreshes": 200,
    "HourlyPublishedPlatformEvents": 250000, "MassEmail": 5000, "PermissionSets": 1500, "SingleEmail": 5000,
    "StreamingApiConcurrentClients": 1000,
}  # fmt: skip


class Quota:
    """API requests of the sandbox's day against the daily maximum."""

    def __init__(self, org: Org, maximum: int) -> None:
        """Take up the count kept for the current day."""
        self._org = org
        self.maximum = maximum
        kept = org.store.noted("api usage", {"day": "", "count": 0})
        self._day, self._count = kept["day"], kept["count"]

    def spend(self) -> None:
        """Count one request. Raises REQUEST_LIMIT_EXCEEDED (403) past the maximum."""
        self._roll()
        if self._count >= self.maximum:
            raise SfError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403)
        self._count += 1
        if self._count % 50 == 0:
            self.save()

    def save(self) -> None:
        """Make the count durable."""
        self._org.store.note("api usage", {"day": self._day, "count": self._count})

    def set_used(self, count: int) -> None:
        """Set the day's count, as if the customer's other integrations had spent it."""
        self._roll()
        self._count = count
        self.save()

    @property
    def used(self) -> int:
        """Return the requests of the day so far."""
        self._roll()
        return int(self._count)

    @property
    def header(self) -> str:
        """Return the value of ``Sforce-Limit-Info``."""
        return f"api-usage={self.used}/{self.maximum}"

    def _roll(self) -> None:
        today = self._org.now().date().isoformat()
        if today != self._day:
            self._day, self._count = today, 0


def register(router: Router, quota: Quota) -> None:
    """Add the limits routes."""
    router.add("GET", "limits", lambda org, _call: Answer(body=limits(org, quota)))
    router.add("GET", "limits/recordCount", record_count)


def limits(org: Org, quota: Quota) -> dict[str, Any]:
    """Return the body of ``/limits``; data storage is charged 2 KB a row, as Salesforce does."""
    body: dict[str, Any] = {n: {"Max": m, "Remaining": m} for n, m in sorted(_STATIC.items())}
    body["DailyApiRequests"] = {"Max": quota.maximum, "Remaining": max(0, quota.maximum - quota.used)}
    body["DataStorageMB"] = data_storage(org)
    made = len(org.store.table("PermissionSet"))
    body["PermissionSets"] |= {
        "Remaining": 1500 - made,
        "CreateCustom": {"Max": 1000, "Remaining": 1000 - made},
    }
    return dict(sorted(body.items()))


def record_count(org: Org, call: Call) -> Answer:
    """Return row counts of the objects asked for (all where none are)."""
    access = acting(org, call).access
    asked = call.args.get("sObjects")
    names = asked.split(",") if asked else [o.name for o in org.schema]
    found = [o for n in names if (o := access.object(n.strip()))]
    counts = [{"count": sum(1 for _ in org.store.live(o.name)), "name": o.name} for o in found]
    return Answer(body={"sObjects": counts})
