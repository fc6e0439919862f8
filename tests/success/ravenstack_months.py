"""RavenStack as account-months with two outcomes: a churn event within 90 days, and the end of all contracts.

Built from the CSV files in plain Python, apart from the product. Every feature is what was known at the
month's end: nothing of a line, ticket, use or event of a later day.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

from tests.success.ravenstack import FOLDER

HORIZON = timedelta(days=90)
LAST = date(2024, 12, 31)
Rows = list[dict[str, str]]


def _rows(name: str) -> Rows:
    with (FOLDER / f"ravenstack_{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def month_ends(first: date, last: date) -> list[date]:
    """Return the last days of the months in [first, last]."""
    found, day = [], first.replace(day=1)
    while day <= last:
        day = (day + timedelta(days=32)).replace(day=1)
        if first <= day - timedelta(days=1) <= last:
            found.append(day - timedelta(days=1))
    return found


def _by_account(rows: Rows, column: str) -> dict[str, list[date]]:
    found: defaultdict[str, list[date]] = defaultdict(list)
    for row in rows:
        found[row["account_id"]].append(date.fromisoformat(row[column][:10]))
    return {key: sorted(days) for key, days in found.items()}


def _within(days: list[date], after: date, until: date) -> int:
    return bisect_right(days, until) - bisect_right(days, after)


def _valid_use(lines: Rows) -> dict[str, list[date]]:
    by_id = {row["subscription_id"]: row for row in lines}
    found: defaultdict[str, list[date]] = defaultdict(list)
    for row in _rows("feature_usage"):
        line = by_id[row["subscription_id"]]
        day = row["usage_date"]
        if line["start_date"] <= day and (not line["end_date"] or day <= line["end_date"]):
            found[line["account_id"]].append(date.fromisoformat(day))
    return {key: sorted(days) for key, days in found.items()}


def _open(lines: Rows, day: date) -> Rows:
    text = day.isoformat()
    return [
        row
        for row in lines
        if row["is_trial"] == "False"
        and row["start_date"] <= text
        and (not row["end_date"] or row["end_date"] > text)
    ]


def _over(lines: Rows, day: date) -> bool:
    """Say whether every paid line has ended by a day, none beginning later: a pause is no end."""
    paid = [row for row in lines if row["is_trial"] == "False"]
    return all(row["end_date"] and row["end_date"] <= day.isoformat() for row in paid)


def write_months(path: Path) -> Path:
    """Write the months of 2023-03 to 2024-12 and return the file's path."""
    lines = _rows("subscriptions")
    held: defaultdict[str, Rows] = defaultdict(list)
    for row in lines:
        held[row["account_id"]].append(row)
    tickets = _by_account(_rows("support_tickets"), "submitted_at")
    events = _by_account(_rows("churn_events"), "churn_date")
    used = _valid_use(lines)
    with path.open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file)
        names = "account,month_end,industry,country,tenure_days,lines,arr,seats,usage_30d,tickets_90d"
        write.writerow([*names.split(","), "events_before", "churn_event_90d", "contract_end_90d"])
        for account in _rows("accounts"):
            key, signed = account["account_id"], date.fromisoformat(account["signup_date"])
            for day in month_ends(max(signed, date(2023, 3, 1)), LAST):
                now = _open(held[key], day)
                happened = events.get(key, [])
                known = day + HORIZON <= LAST
                write.writerow(
                    [
                        key,
                        day,
                        account["industry"],
                        account["country"],
                        (day - signed).days,
                        len(now),
                        sum(int(row["arr_amount"]) for row in now),
                        sum(int(row["seats"]) for row in now),
                        _within(used.get(key, []), day - timedelta(days=30), day),
                        _within(tickets.get(key, []), day - HORIZON, day),
                        bisect_right(happened, day),
                        int(_within(happened, day, day + HORIZON) > 0) if known else "",
                        int(bool(now) and _over(held[key], day + HORIZON)) if known else "",
                    ]
                )
    return path
