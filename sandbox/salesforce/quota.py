"""How many API calls the org's 24 hours still hold, and how many long ones run at once.

The 24 hours roll: a call counts until 24 hours after it was made, and nothing happens at midnight
("API Request Limits and Allocations"). Salesforce does not say in what steps calls stop counting; here in
steps of five minutes, never too early. Jobs and batches of the Bulk API are counted the same way.
Neighbours: ``edge`` spends, ``rest_limits`` tells, ``control`` moves.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.salesforce.errors import SfError
from sandbox.salesforce.org import Org

WINDOW = timedelta(hours=24)
STEP_S = 300
SAVE_EVERY = 50
LONG_CAP = 25
LONG_CAP_DEVELOPER = 5
BATCH_ROWS = 10_000
QUERY_JOBS = 10_000
BATCHES = 15_000
_BULK = {"query jobs": (QUERY_JOBS, "DailyBulkV2QueryJobs"), "batches": (BATCHES, "DailyBulkApiBatches")}


class Rolling:
    """What was counted in the last 24 hours of the sandbox's clock, in steps of five minutes."""

    def __init__(self, org: Org, name: str) -> None:
        """Take up what the org's file holds under ``name``."""
        self._org, self._name = org, name
        self._steps: dict[int, int] = {int(k): v for k, v in org.store.noted(name, {}).items()}
        self._unsaved = 0

    @property
    def count(self) -> int:
        """Return how many still count."""
        # A step counts until its last instant is 24 hours old.
        oldest = (self._org.now() - WINDOW).timestamp() - STEP_S
        self._steps = {at: n for at, n in self._steps.items() if at > oldest}
        return sum(self._steps.values())

    def add(self, number: int = 1) -> None:
        """Count ``number`` now."""
        at = _step(self._org.now())
        self._steps[at] = self._steps.get(at, 0) + number
        self._unsaved += number
        if self._unsaved >= SAVE_EVERY:
            self.save()

    def put(self, number: int, at: datetime) -> None:
        """Forget what was counted and count ``number`` at an instant."""
        self._steps = {_step(at): number}
        self.save()

    def save(self) -> None:
        """Make the count durable."""
        self._unsaved = 0
        self._org.store.note(self._name, {str(at): n for at, n in self._steps.items()})


class Quota:
    """The org's calls against its maximum; jobs and batches of the Bulk API; long requests under way."""

    def __init__(self, org: Org, maximum: int) -> None:
        """Take up what was counted before; ``maximum`` calls are allowed in any 24 hours."""
        self._org = org
        self.maximum = maximum
        self.limits_hidden = False
        self.bulk_maximum = {name: limit for name, (limit, _) in _BULK.items()}
        self._calls = Rolling(org, "api calls")
        self._bulk = {name: Rolling(org, f"bulk {name}") for name in _BULK}
        self._long, self._long_refusals = 0, 0

    def spend(self) -> None:
        """Count one call. Raises REQUEST_LIMIT_EXCEEDED (403) for the 24 hours and for long requests."""
        if self._calls.count >= self.maximum:
            raise SfError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403)
        self._calls.add()
        self._check_long()

    def spend_bulk(self, name: str, number: int = 1) -> None:
        """Count query jobs or batches. Raises LIMIT_EXCEEDED (400, in words of ours) past their maximum."""
        held = self._bulk[name]
        if held.count + number > self.bulk_maximum[name]:
            raise SfError("LIMIT_EXCEEDED", f"The maximum number of {name} in 24 hours is reached.")
        held.add(number)

    def save(self) -> None:
        """Make the counts durable."""
        for one in (self._calls, *self._bulk.values()):
            one.save()

    def set_used(self, count: int, at: datetime) -> None:
        """Have ``count`` calls made at an instant, as if by other integrations."""
        self._calls.put(count, at)

    def set_bulk_used(self, name: str, count: int) -> None:
        """Have ``count`` query jobs or batches counted now."""
        self._bulk[name].put(count, self._org.now())

    def run_long(self, running: int, refusals: int) -> None:
        """Have ``running`` long requests of others under way; one ends after ``refusals`` refused calls."""
        self._long, self._long_refusals = running, refusals

    @property
    def used(self) -> int:
        """Return the calls of the last 24 hours."""
        return self._calls.count

    @property
    def header(self) -> str:
        """Return the value of ``Sforce-Limit-Info``."""
        return f"api-usage={self.used}/{self.maximum}"

    def told(self) -> dict[str, dict[str, int]]:
        """Return the entries of ``/limits`` that are counted here."""
        found = {"DailyApiRequests": _entry(self.maximum, self.used)}
        for name, (_, key) in _BULK.items():
            found[key] = _entry(self.bulk_maximum[name], self._bulk[name].count)
        return found

    def _check_long(self) -> None:
        edition = next(iter(self._org.store.table("Organization").values()))["OrganizationType"]
        cap = LONG_CAP_DEVELOPER if edition == "Developer Edition" else LONG_CAP
        if self._long < cap:
            return
        self._long_refusals -= 1
        if self._long_refusals <= 0:
            self._long = cap - 1
        words = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
        raise SfError("REQUEST_LIMIT_EXCEEDED", words, 403)


def _entry(maximum: int, used: int) -> dict[str, int]:
    return {"Max": maximum, "Remaining": max(0, maximum - used)}


def _step(at: datetime) -> int:
    return int(at.timestamp()) // STEP_S * STEP_S
