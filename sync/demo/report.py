"""What a demo run showed, as data and as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console

from sync.commands.output import table


@dataclass(slots=True)
class Explained:
    """One account's health in words."""

    account: str
    band: str
    text: str


@dataclass(slots=True)
class CrmReport:
    """One CRM's share of the run."""

    installation: str = ""
    accounts: int = 0
    contract_lines: int = 0
    arr: dict[str, float] = field(default_factory=dict)
    usage_quarantined: dict[str, int] = field(default_factory=dict)
    profiles_written: int = 0
    records_read: int = 0
    records_written: int = 0
    installed_again_changes: int = 0
    second_run_writes: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    bands: dict[str, int] = field(default_factory=dict)
    explained: list[Explained] = field(default_factory=list)
    milestones: dict[str, int] = field(default_factory=dict)
    renewals_created: int = 0
    expansions_created: int = 0
    deals: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    webhook_to_crm_seconds: dict[str, float] = field(default_factory=dict)
    blocked: int = 0
    where: str = ""


@dataclass(slots=True)
class DemoReport:
    """The whole run. ``seconds`` is wall time from the first process to the last record."""

    portfolio: dict[str, int] = field(default_factory=dict)
    as_of: str = ""
    hubspot: CrmReport = field(default_factory=CrmReport)
    salesforce: CrmReport = field(default_factory=CrmReport)
    seconds: float = 0.0
    worker_restarts: int = 0
    home: str = ""


def show(out: Console, report: DemoReport) -> None:
    """Print the run: one table for both CRMs, then the accounts explained and the deals."""
    reports = (report.hubspot, report.salesforce)
    rows = [(name, *(cell(one) for one in reports)) for name, cell in _ROWS]
    out.print(table(f"Portfolio as of {report.as_of}", ("", "HubSpot", "Salesforce"), rows))
    for vendor, one in (("HubSpot", report.hubspot), ("Salesforce", report.salesforce)):
        out.print(f"\n[bold]{vendor}[/bold]: what happened")
        for event in one.events:
            out.print(f"  {event}")
        out.print(f"[bold]{vendor}[/bold]: deals made, with their reasons (first five)")
        for deal in one.deals[:5]:
            out.print(f"  {deal}")
    out.print("\n[bold]Three accounts explained[/bold] (the same text stands on their records)")
    for told in report.hubspot.explained:
        out.print(f"  [bold]{told.account}[/bold] {told.text}")
    out.print(
        f"\n{report.seconds:.1f} s. Where to look: {report.hubspot.where}, {report.salesforce.where}; "
        f"state and logs in {report.home}"
    )


_ROWS = (
    ("accounts, contract lines", lambda one: f"{one.accounts}, {one.contract_lines}"),
    (
        "ARR stacked / superseding",
        lambda one: " / ".join(f"{one.arr.get(k, 0):,.0f}" for k in ("stack", "supersede")),
    ),
    (
        "usage rows quarantined (before start, after end)",
        lambda one: (
            f"{one.usage_quarantined.get('before_start', 0)}, {one.usage_quarantined.get('after_end', 0)}"
        ),
    ),
    ("records read, written", lambda one: f"{one.records_read}, {one.records_written}"),
    (
        "API calls made, least possible",
        lambda one: f"{one.calls.get('made', 0)}, {one.calls.get('least', 0)}",
    ),
    ("API calls to install", lambda one: one.calls.get("install", 0)),
    (
        "changes of a second install, writes of a second run",
        lambda one: f"{one.installed_again_changes}, {one.second_run_writes}",
    ),
    ("accounts by band", lambda one: _pairs(one.bands)),
    (
        "milestones done, late",
        lambda one: f"{one.milestones.get('done', 0)}, {one.milestones.get('late', 0)}",
    ),
    ("renewals, expansions created", lambda one: f"{one.renewals_created}, {one.expansions_created}"),
    ("blocked writes", lambda one: one.blocked),
    (
        "webhook to CRM, p50 / p95 s",
        lambda one: " / ".join(f"{one.webhook_to_crm_seconds.get(k, 0):.2f}" for k in ("p50", "p95")),
    ),
)


def _pairs(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
