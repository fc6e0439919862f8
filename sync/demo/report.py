"""What a demo run showed, as data and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from sync.commands.output import table

VENDORS = ("HubSpot", "Salesforce")
DEALS_SHOWN = 3


@dataclass(slots=True)
class Explained:
    """One account's health in words."""

    account: str
    band: str
    text: str


@dataclass(slots=True)
class DealMade:
    """A deal the run made, and why."""

    key: str
    name: str
    reason: str


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
    deals: list[DealMade] = field(default_factory=list)
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
    """Print the run: one table for both CRMs, what happened, the deals made, three accounts explained."""
    crms = (report.hubspot, report.salesforce)
    rows = [(name, *(cell(one) for one in crms)) for name, cell in _ROWS]
    out.print(table(f"Portfolio as of {report.as_of}", ("", *VENDORS), rows))
    out.print(_second_run(crms))
    _section(out, "What happened", [one.events for one in crms])
    _section(out, "Deals made, and why", [_deals(one) for one in crms])
    out.print("\n[bold]Three accounts explained[/bold] (the same text stands on their records)")
    for told in report.hubspot.explained:
        _item(out, f"{told.account}. {told.text}")
    restarts = (
        f"; workers were started again {report.worker_restarts} times" if report.worker_restarts else ""
    )
    out.print(f"\n{report.seconds:.1f} s{restarts}. Where it was, and what is left:")
    for vendor, one in zip(VENDORS, crms, strict=True):
        _item(out, f"{vendor}: {one.where}")
    _item(out, f"state, logs, requests-*.json, counts-*.json, dump-*.json: {report.home}")


def _section(out: Console, title: str, told: Sequence[Sequence[str]]) -> None:
    """Print what both CRMs have to tell: once where they say the same."""
    same = all(one == told[0] for one in told)
    for vendor, lines in zip(("both CRMs",) if same else VENDORS, told, strict=False):
        out.print(f"\n[bold]{title}[/bold] ({vendor})")
        for line in lines or ["nothing"]:
            _item(out, line)


def _item(out: Console, text: str) -> None:
    """Print a paragraph set in, every line of it; its text is not markup."""
    for place, line in enumerate(text.splitlines()):
        mark = "- " if not place else "  "
        for part, piece in enumerate(Text(line).wrap(out, max(20, out.width - 4))):
            out.print(Text("  " + ("  " if part else mark)) + piece, soft_wrap=True)


def _second_run(crms: Sequence[CrmReport]) -> str:
    wrote = [
        f"{one.second_run_writes or 'nothing'} to {name}" for name, one in zip(VENDORS, crms, strict=True)
    ]
    return f"The second run looked at every account again and wrote {' and '.join(wrote)}."


def _deals(one: CrmReport) -> list[str]:
    """Return some deals of each kind in words, and how many more there are."""
    shown = [
        deal
        for kind in ("renewal:", "expansion:")
        for deal in [each for each in one.deals if each.key.startswith(kind)][:DEALS_SHOWN]
    ]
    more = len(one.deals) - len(shown)
    return [f"{deal.name}: {deal.reason}" for deal in shown] + ([f"and {more} more"] if more else [])


def _words(count: int) -> str:
    return str(count) if count else "nothing"


_ROWS = (
    ("accounts / contract lines", lambda one: f"{one.accounts} / {one.contract_lines}"),
    (
        "ARR stacked / superseding",
        lambda one: " / ".join(f"{one.arr.get(k, 0):,.0f}" for k in ("stack", "supersede")),
    ),
    (
        "usage rows before start / after end",
        lambda one: " / ".join(str(one.usage_quarantined.get(k, 0)) for k in ("before_start", "after_end")),
    ),
    ("records read / written", lambda one: f"{one.records_read} / {one.records_written}"),
    (
        "API calls made / least possible",
        lambda one: f"{one.calls.get('made', 0)} / {one.calls.get('least', 0)}",
    ),
    ("API calls to install", lambda one: one.calls.get("install", 0)),
    ("a second install changed", lambda one: _words(one.installed_again_changes)),
    ("a second run wrote", lambda one: _words(one.second_run_writes)),
    ("accounts by band", lambda one: _pairs(one.bands)),
    (
        "milestones done / late",
        lambda one: f"{one.milestones.get('done', 0)} / {one.milestones.get('late', 0)}",
    ),
    ("renewals / expansions created", lambda one: f"{one.renewals_created} / {one.expansions_created}"),
    ("blocked writes", lambda one: _words(one.blocked)),
    (
        "webhook to CRM, p50 / p95 seconds",
        lambda one: " / ".join(f"{one.webhook_to_crm_seconds.get(k, 0):.2f}" for k in ("p50", "p95")),
    ),
)


def _pairs(counts: Mapping[str, int]) -> str:
    return "\n".join(f"{name} {count}" for name, count in counts.items())
