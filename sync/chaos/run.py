"""A chaos run: once quietly, once disturbed, with the same people; and the judgement.

Neighbours: ``play`` is one of the two, ``commands/chaos.py`` shows this.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sync.chaos.comparing import Difference
from sync.chaos.plan import make_plan
from sync.chaos.play import Play, Played, Say
from sync.chaos.stage import stage

MOST_CALLS = 1.5
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Chaos:
    """What a run found. ``differences`` names the first, ``quiet_differences`` those of the quiet run."""

    seed: int
    accounts: int
    minutes: float
    missing: int
    duplicate: int
    stale: int
    calls_ratio: float
    kills: int
    flushes: int
    faults: int
    edits: int
    calls: dict[str, dict[str, int]]
    killed: dict[str, int]
    redis_restarts: int
    deliveries: dict[str, int]
    differences: dict[str, list[Difference]]
    quiet_differences: dict[str, list[Difference]]
    blocked: dict[str, list[str]]
    not_there: list[str]
    seconds: dict[str, float]

    @property
    def failures(self) -> list[str]:
        """Return in words what is not as it must be; empty where all is."""
        counts = {"missing": self.missing, "duplicate": self.duplicate, "stale": self.stale}
        found = [f"{count} {name}" for name, count in counts.items() if count]
        found += [
            f"{len(ones)} {name} without disturbances"
            for name, ones in self.quiet_differences.items()
            if ones
        ]
        if self.calls_ratio > MOST_CALLS:
            found.append(f"{self.calls_ratio} times the calls of a quiet run")
        return found


def run(home: Path, accounts: int, minutes: float, seed: int, say: Say) -> Chaos:
    """Play quietly and disturbed under ``home``; return what that showed."""
    days = make_plan(seed, accounts, minutes)
    played: list[Played] = []
    for name, drawn in (("quiet", None), ("disturbed", seed)):
        with stage(home / name, accounts, drawn) as found:
            played.append(Play(found, days, drawn, lambda words, name=name: say(f"{name}: {words}")).play())  # type: ignore[misc]
    quiet, disturbed = played
    return judged(quiet, disturbed, seed, accounts, minutes)


def judged(quiet: Played, disturbed: Played, seed: int, accounts: int, minutes: float) -> Chaos:
    """Return what two runs of one plan showed together."""
    differences, quietly = _differences(disturbed), _differences(quiet)
    asked = sum(quiet.calls.values()), sum(disturbed.calls.values())
    return Chaos(
        seed=seed,
        accounts=accounts,
        minutes=minutes,
        missing=len(differences["missing"]),
        duplicate=len(differences["duplicate"]),
        stale=len(differences["stale"]),
        calls_ratio=round(asked[1] / asked[0], 3),
        kills=sum(disturbed.kills.values()),
        flushes=disturbed.flushes + disturbed.restarts,
        faults=disturbed.faults,
        edits=disturbed.edits,
        calls={"quiet": quiet.calls, "disturbed": disturbed.calls},
        killed=disturbed.kills,
        redis_restarts=disturbed.restarts,
        deliveries=disturbed.deliveries,
        differences={name: found[:SHOWN] for name, found in differences.items()},
        quiet_differences={name: found[:SHOWN] for name, found in quietly.items()},
        blocked=disturbed.blocked,
        not_there=disturbed.left,
        seconds={"quiet": quiet.seconds, "disturbed": disturbed.seconds},
    )


def _differences(played: Played) -> dict[str, list[Difference]]:
    """Return what a run's comparisons found in both CRMs, by name."""
    return {
        name: [one for found in played.differences.values() for one in getattr(found, name)]
        for name in ("missing", "duplicate", "stale")
    }
