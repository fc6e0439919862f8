"""Row locks: what a write holds while its request runs, and who else then finds it locked.

A write locks its own row and the records it hangs under (Account, Opportunity, objects of the customer's
own), until the request has been answered; a second request that touches one of them is refused with
UNABLE_TO_LOCK_ROW (Large Data Volumes guide; Bulk API 2.0 guide, "sort rows by parent"). Salesforce waits
ten seconds before it says so; here it is said at once, so that any meeting shows. Requests of the stand-in
take no time unless ``POST /_sandbox/locks`` says how long a write works.
Neighbours: ``edge`` begins and ends a request's locks, ``write`` takes them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from sandbox.salesforce.errors import dml

SOMEBODY = object()
"""Holds what a test locks until it lets go."""


class Locks:
    """Who holds which record; one request works at a time, several may hold."""

    def __init__(self) -> None:
        """Start with nothing locked and writes that take no time."""
        self.hold_s = 0.0
        self.refused = 0
        self._holders: dict[str, object] = {}
        self._current: object = object()
        self._guard = threading.Lock()

    def begin(self) -> object:
        """Begin a request; return the mark its locks carry until ``end``."""
        self._current = object()
        return self._current

    def take(self, ids: Iterable[str]) -> None:
        """Lock records for the request under way. Raises UNABLE_TO_LOCK_ROW where another holds one."""
        with self._guard:
            wanted = sorted(set(ids))
            others = [one for one in wanted if self._holders.get(one, self._current) is not self._current]
            if others:
                self.refused += 1
                words = f"unable to obtain exclusive access to this record or {len(others)} records: "
                raise dml("UNABLE_TO_LOCK_ROW", words + ",".join(others))
            self._holders |= dict.fromkeys(wanted, self._current)

    def end(self, mark: object, *, at_once: bool = False) -> None:
        """Let a request go that has written, after the time a write works."""
        with self._guard:
            mine = [one for one, holder in self._holders.items() if holder is mark]
        if mine and self.hold_s and not at_once:
            time.sleep(self.hold_s)
        with self._guard:
            for one in mine:
                self._holders.pop(one, None)

    def hold(self, ids: Iterable[str]) -> None:
        """Lock records as another transaction would, until ``let_go``."""
        with self._guard:
            self._holders |= dict.fromkeys(ids, SOMEBODY)

    def let_go(self) -> None:
        """Take back what ``hold`` locked, and let writes take no time."""
        with self._guard:
            self.hold_s = 0.0
            self._holders = {one: holder for one, holder in self._holders.items() if holder is not SOMEBODY}
