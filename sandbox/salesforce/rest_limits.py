"""``/limits`` and ``/limits/recordCount``; what is counted of them is in ``quota``."""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.errors import SfError
from sandbox.salesforce.org import Org
from sandbox.salesforce.quota import Quota
from sandbox.salesforce.storage import data_storage
from sandbox.salesforce.web import Answer, Call, Router, acting

_STATIC = {
    "AnalyticsExternalDataSizeMB": 40960, "ConcurrentAsyncGetReportInstances": 200,
    "DailyAsyncApexExecutions": 250000,
    "DailyBulkV2QueryFileStorageMB": 976562,
    "DailyDeliveredPlatformEvents": 25000, "DailyGenericStreamingApiEvents": 10000,
    "DailyWorkflowEmails": 1000,
    "FileStorageMB": 10240, "HourlyAsyncReportRuns": 1200,
    "HourlyDashboardRefreshes": 200,
    "HourlyPublishedPlatformEvents": 250000, "MassEmail": 5000, "PermissionSets": 1500, "SingleEmail": 5000,
    "StreamingApiConcurrentClients": 1000,
}  # fmt: skip


def register(router: Router, quota: Quota) -> None:
    """Add the limits routes."""
    router.add("GET", "limits", lambda org, _call: Answer(body=limits(org, quota)))
    router.add("GET", "limits/recordCount", record_count)


def limits(org: Org, quota: Quota) -> dict[str, Any]:
    """Return the body of ``/limits``; data storage is charged 2 KB a row, history none.

    Raises 403 for a user without View Setup and Configuration (in words of ours).
    """
    if quota.limits_hidden:
        raise SfError("INSUFFICIENT_ACCESS", "You need View Setup and Configuration to see the limits.", 403)
    body: dict[str, Any] = {n: {"Max": m, "Remaining": m} for n, m in sorted(_STATIC.items())}
    body |= quota.told()
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
