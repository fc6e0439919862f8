"""RavenStack, a public synthetic SaaS data set (River @ Rivalytics), as canonical facts.

Read straight from its CSV files with the conventions stated in domain section E.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from success.facts import Account, AccountFacts, ContractLine, LineKind, Money, Ticket, UsageDay
from success.renewals import group_sources

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "ravenstack"


@dataclass(frozen=True)
class Ravenstack:
    """The whole data set."""

    accounts: tuple[AccountFacts, ...]
    lines: tuple[ContractLine, ...]
    usage: tuple[UsageDay, ...]


def available() -> bool:
    """Say whether the data set is on this machine."""
    return (FOLDER / "ravenstack_subscriptions.csv").exists()


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"ravenstack_{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _line(row: dict[str, str]) -> ContractLine:
    return ContractLine(
        line_id=row["subscription_id"],
        account_id=row["account_id"],
        product_id=row["plan_tier"],
        quantity=int(row["seats"]),
        kind=LineKind.TRIAL if row["is_trial"] == "True" else LineKind.RECURRING,
        start=date.fromisoformat(row["start_date"]),
        end=date.fromisoformat(row["end_date"]) if row["end_date"] else None,
        arr=Money(int(row["arr_amount"]) * 100, "USD"),
        term_months=12 if row["billing_frequency"] == "annual" else 1,
        auto_renew=row["auto_renew_flag"] == "True",
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _ticket(row: dict[str, str]) -> Ticket:
    return Ticket(
        row["ticket_id"],
        row["account_id"],
        row["priority"],
        _instant(row["submitted_at"]),
        _instant(row["closed_at"]) if row["closed_at"] else None,
        escalated=row["escalation_flag"] == "True",
        csat=int(float(row["satisfaction_score"])) if row["satisfaction_score"] else None,
    )


def _usage(row: dict[str, str], owners: dict[str, ContractLine]) -> UsageDay:
    line = owners[row["subscription_id"]]
    return UsageDay(
        line.account_id,
        line.line_id,
        line.product_id,
        row["feature_name"],
        date.fromisoformat(row["usage_date"]),
        1,
        int(row["usage_count"]),
        int(row["usage_duration_secs"]),
        int(row["error_count"]),
    )


def load() -> Ravenstack:
    """Read the five files."""
    lines = tuple(_line(row) for row in _rows("subscriptions"))
    owners = {line.line_id: line for line in lines}
    usage = tuple(_usage(row, owners) for row in _rows("feature_usage"))
    lines_of, usage_of, tickets_of = defaultdict(list), defaultdict(list), defaultdict(list)
    for line in lines:
        lines_of[line.account_id].append(line)
    for row in usage:
        usage_of[row.account_id].append(row)
    for found in map(_ticket, _rows("support_tickets")):
        tickets_of[found.account_id].append(found)
    groups = group_sources(lines)
    accounts = tuple(
        AccountFacts(
            Account(
                row["account_id"],
                row["account_name"],
                date.fromisoformat(row["signup_date"]),
                attributes={"churn_flag": row["churn_flag"]},
            ),
            row["account_id"].lower(),
            lines=tuple(lines_of[row["account_id"]]),
            tickets=tuple(tickets_of[row["account_id"]]),
            usage=tuple(usage_of[row["account_id"]]),
            group_keys={
                line.line_id: groups[line.line_id].lower()
                for line in lines_of[row["account_id"]]
                if line.line_id in groups
            },
            usage_seen=True,
            support_seen=True,
        )
        for row in _rows("accounts")
    )
    return Ravenstack(accounts, lines, usage)
