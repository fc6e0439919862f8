"""Faults to inject: into the next matching vendor requests, in the order they were given, or by chance.

Kinds: ``status`` answers with the given status, body and headers without doing the work;
``html`` answers an HTML page (default status 502); ``timeout`` holds the request
``seconds`` (default 60) and then closes; ``reset`` resets the connection before the work;
``drop_response`` does the work and closes the connection without an answer; ``work`` lets the vendor's own
code do the work and refuse what its named fault tells it to. A vendor may have named
faults of its own (``Presets``), which stand for one of these with its own status, body and headers.

By chance, a share of all requests meets one of the faults given: drawn by a seed, those meant for few
requests first, and each of them once before any comes again.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = ("status", "reset", "timeout", "html", "drop_response", "work")


@dataclass(slots=True)
class Fault:
    """One injected fault and how often it still applies; ``name`` is what it was asked for as."""

    kind: str
    name: str = ""
    method: str | None = None
    path_contains: str = ""
    times: int = 1
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 60.0

    def meets(self, method: str, path: str) -> bool:
        """Return whether the fault is meant for this request."""
        return self.method in (None, method) and self.path_contains in path


Presets = Mapping[str, dict[str, Any]]
"""A vendor's named faults, each as the body of ``POST /_sandbox/faults`` would spell it out."""


def parse_fault(raw: dict[str, Any], presets: Presets | None = None) -> Fault:
    """Read one fault of ``POST /_sandbox/faults``. Raises ValueError on an unknown kind or key."""
    name = str(raw.get("kind"))
    named = (presets or {}).get(name)
    if named is not None:
        raw = {**named, **{key: value for key, value in raw.items() if key != "kind"}}
    known = {"kind", "match", "times", "status", "body", "headers", "seconds"}
    if unknown := set(raw) - known:
        raise ValueError(f"unknown keys in a fault: {sorted(unknown)}")
    if raw.get("kind") not in KINDS:
        raise ValueError(f"unknown kind {raw.get('kind')!r}, not one of {(*KINDS, *(presets or {}))}")
    match = raw.get("match") or {}
    return Fault(
        kind=raw["kind"],
        name=name,
        method=match.get("method"),
        path_contains=match.get("path_contains", ""),
        times=int(raw.get("times", 1)),
        status=raw.get("status"),
        body=raw.get("body"),
        headers=dict(raw.get("headers") or {}),
        seconds=float(raw.get("seconds", 60.0)),
    )


class Chance:
    """Faults that a share of all requests meets, by a seed."""

    def __init__(self, faults: list[Fault], share: float, seed: int) -> None:
        """Draw from ``faults`` for ``share`` (0 to 1) of the requests."""
        if not faults or not 0 < share <= 1:
            raise ValueError("by chance need faults, and a share above 0 and at most 1")
        self._faults, self._share = faults, share
        self._random = random.Random(seed)
        self._bag: list[Fault] = []

    def draw(self, method: str, path: str) -> Fault | None:
        """Return the fault this request meets, if any."""
        if self._random.random() >= self._share:
            return None
        fault = self._next(method, path)
        if fault is None:  # what is left in the bag is meant for others
            self._bag += self._random.sample(self._faults, len(self._faults))
            fault = self._next(method, path)
        if fault is not None:
            self._bag.remove(fault)
        return fault

    def _next(self, method: str, path: str) -> Fault | None:
        """Return the first that meets, the most particular before others: its requests are few."""
        fitting = [one for one in self._bag if one.meets(method, path)]
        return min(fitting, key=lambda one: (one.method is None, one.path_contains == ""), default=None)


class FaultPlan:
    """Faults still to come; the first that matches a request is spent on it."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._chance: Chance | None = None

    def add(self, faults: list[Fault]) -> None:
        """Queue ``faults`` behind those that are left."""
        with self._lock:
            self._faults.extend(faults)

    def scatter(self, chance: Chance) -> None:
        """Have ``chance`` decide about requests that meet no queued fault, in place of an earlier one."""
        with self._lock:
            self._chance = chance

    def clear(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._faults.clear()
            self._chance = None

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault for this request (``path`` with query), spending one of its times."""
        with self._lock:
            for fault in self._faults:
                if fault.meets(method, path):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                    return fault
            return self._chance.draw(method, path) if self._chance else None
