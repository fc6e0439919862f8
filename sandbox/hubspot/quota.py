"""HubSpot's rate limits, kept as the vendor keeps them: short windows in real time, days by the clock.

Source: HubSpot's usage guidelines. Marketplace apps: 110 per 10 s per account and no daily cap.
Private distribution and service keys: 100 (Free, Starter) or 190 (Professional, Enterprise) per
10 s (250 with an API limit increase), and a daily limit that all apps of the account share. Search:
5 per second per account. Associations: their own. The day's count is kept in the sandbox's file.

Without short windows, which no account of HubSpot's is, clients can be measured that would all wait alike.
"""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.hubspot.errors import rate_limited
from sandbox.server.clock import SandboxClock
from sandbox.server.storage import Settings

PAID = ("professional", "enterprise")
_DAILY = {"free": 250_000, "starter": 250_000, "professional": 625_000, "enterprise": 1_000_000}
_ASSOCIATIONS_DAILY = 500_000
_PER_INCREASE = 1_000_000
_NEVER_FULL = 1_000_000
MAX_INCREASES = 2
SEARCHES_PER_SECOND = 5


class Window:
    """At most ``cap`` requests in any ``seconds`` of real time; refused requests do not count."""

    def __init__(self, cap: int, seconds: float) -> None:
        """Allow ``cap`` in ``seconds``."""
        self.cap, self.seconds = cap, seconds
        self._taken: deque[float] = deque()

    def take(self) -> bool:
        """Count a request; False when the window is full."""
        now = time.monotonic()
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        if len(self._taken) >= self.cap:
            return False
        self._taken.append(now)
        return True

    def left(self) -> int:
        """Return how many requests the window still takes."""
        return self.cap - len(self._taken)


class Quota:
    """The limits of one installing account."""

    def __init__(
        self,
        clock: SandboxClock,
        settings: Settings,
        app: str,
        tier: str,
        zone: str,
        increases: int,
        *,
        windows: bool = True,
    ) -> None:
        """Keep the limits of this distribution, tier and account time zone; ``increases`` are add-ons.

        Without ``windows`` none of the short ones is ever full.
        """
        self._clock, self._settings, self._zone = clock, settings, ZoneInfo(zone)
        paid = tier in PAID
        private = 250 if increases else (190 if paid else 100)
        associations = 200 if increases else (150 if paid else 100)
        self._windows = {
            "oauth": Window(110 if app == "marketplace" else private, 10.0),
            "key": Window(private, 10.0),
            "search": Window(SEARCHES_PER_SECOND, 1.0),
            "associations": Window(associations, 10.0),
        }
        if not windows:
            self._windows = {name: Window(_NEVER_FULL, one.seconds) for name, one in self._windows.items()}
        self.daily_cap = _DAILY[tier] + _PER_INCREASE * min(increases, MAX_INCREASES)
        self._associations_daily = _PER_INCREASE if increases else _ASSOCIATIONS_DAILY
        self._marketplace = app == "marketplace"
        kept: dict[str, Any] = settings.get("quota") or {}
        self._day: str = kept.get("day", "")
        self._used: dict[str, int] = kept.get("used") or {"general": 0, "associations": 0}

    def _keep(self) -> None:
        self._settings.put("quota", {"day": self._day, "used": self._used})

    def take(self, kind: str, by_key: bool) -> None:
        """Count a request of ``kind``: general, search or associations. Raises 429."""
        self._turn_day()
        pool = "associations" if kind == "associations" else "general"
        cap = self._associations_daily if pool == "associations" else self.daily_cap
        unlimited = self._marketplace and not by_key
        if not unlimited and self._used[pool] >= cap:
            raise rate_limited("DAILY")
        name = kind if kind != "general" else ("key" if by_key else "oauth")
        if not self._windows[name].take():
            raise rate_limited("SECONDLY" if kind == "search" else "TEN_SECONDLY_ROLLING")
        self._used[pool] += 1
        self._keep()

    def _turn_day(self) -> None:
        today = self._clock.now().astimezone(self._zone).date().isoformat()
        if today != self._day:
            self._day, self._used = today, {"general": 0, "associations": 0}

    def headers(self, kind: str, by_key: bool) -> dict[str, str]:
        """Return the rate-limit headers of an answer: none on search, daily ones for service keys only."""
        if kind == "search":
            return {}
        window = self._windows[kind if kind != "general" else ("key" if by_key else "oauth")]
        shown = {
            "X-HubSpot-RateLimit-Max": str(window.cap),
            "X-HubSpot-RateLimit-Remaining": str(window.left()),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(window.seconds * 1000)),
        }
        if by_key:
            pool = "associations" if kind == "associations" else "general"
            cap = self._associations_daily if pool == "associations" else self.daily_cap
            # Deprecated, still sent, and never enforced: a tenth of the ten-second limit.
            shown["X-HubSpot-RateLimit-Secondly"] = str(window.cap // 10)
            shown["X-HubSpot-RateLimit-Secondly-Remaining"] = str(max(0, window.cap // 10 - 1))
            shown["X-HubSpot-RateLimit-Daily"] = str(cap)
            shown["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(0, cap - self._used[pool]))
        return shown

    def usage(self) -> tuple[int, int, datetime]:
        """Return (used today, daily cap, now in the account's zone)."""
        self._turn_day()
        return self._used["general"], self.daily_cap, self._clock.now().astimezone(self._zone)

    def spend(self, requests: int) -> None:
        """Count ``requests`` as made by other apps of the account today (a control of the sandbox)."""
        self._turn_day()
        self._used["general"] += requests
        self._keep()
