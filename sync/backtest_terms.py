"""On what terms a backtest over the mirror was made, and whether the gate counts its report.

Whoever chooses the horizon, the stretch of the past or the columns until a score passes has shown nothing.
The gate counts reports made as the charter to come says: by its policies, segments and journey, with its
horizon and seed, over the whole past, with nothing kept that looks like a leak, and within a year.
Neighbours: ``backtest_past`` and ``backtest_model`` note the terms, ``backtest_gate`` asks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

from mappings.charter import Charter
from success.backtest.run import Options
from sync.state.backtests import StoredReport
from sync.state.schema import JsonValue

COUNTS_FOR = timedelta(days=366)
"""How long a report speaks for what is not in force yet: the customers it judged are others by then."""
FEWEST_RESAMPLES = 100
_JUDGED_BY = ("policies", "time_zone", "segments", "journey")


def terms(
    charter: Charter, options: Options, since: date | None, horizon: int | None = None
) -> dict[str, JsonValue]:
    """Return the terms of a report as they are kept with it; ``horizon`` None is one that nobody chose."""
    told = list(_departures(charter, options, since, horizon))
    return {"judged_by": judged_by(charter), "departures": list[JsonValue](told)}


def judged_by(charter: Charter) -> str:
    """Return the SHA-256 of what a charter says of who is judged, by what outcome, and how."""
    content = charter.model_dump(mode="json", by_alias=True, include={*_JUDGED_BY})
    content["horizon_days"], content["seed"] = charter.backtest.horizon_days, charter.backtest.seed
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def against(report: StoredReport | None, charter: Charter, now: datetime) -> str | None:
    """Return why a report lets nothing into force under a charter, None where it does; ``now`` is UTC."""
    if report is None:
        return "there is none"
    if not report.passed:
        return "it did not pass"
    body: Mapping[str, JsonValue] = report.body if isinstance(report.body, dict) else {}
    departures = body.get("departures")
    if isinstance(departures, list) and departures:
        return f"it was made with {', '.join(map(str, departures))}"
    if body.get("judged_by") != judged_by(charter):
        return "it was made by other policies, segments, journey, horizon or seed than this charter's"
    if now - report.made_at > COUNTS_FOR:
        return "it is older than a year"
    return None


def note_of(departures: JsonValue) -> str | None:
    """Return what a report that the gate does not count says of it."""
    if not isinstance(departures, list) or not departures:
        return None
    return f"it lets nothing into force, because it was made with {', '.join(map(str, departures))}"


def _departures(charter: Charter, options: Options, since: date | None, horizon: int | None) -> Iterator[str]:
    said = charter.backtest
    for column in sorted(options.kept):
        yield f"--keep {column}"
    if since is not None:
        yield f"--since {since}"
    if horizon is not None and horizon != said.horizon_days:
        yield f"--horizon {horizon}"
    if options.seed != said.seed:
        yield f"--seed {options.seed}"
    if options.resamples < min(said.resamples, FEWEST_RESAMPLES):
        yield f"--bootstrap {options.resamples}"
