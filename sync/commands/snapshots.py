"""``colonnade snapshots``: the months kept of a portfolio, and restating one of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import click
from rich.console import Console

from success.days import month_of
from success.ledger import minor_per_unit
from success.snapshots import Snapshot
from sync.commands.output import answer, json_option, table
from sync.config import read_settings
from sync.restate import restate
from sync.runtime import open_runtime
from sync.state import snapshots as kept_snapshots
from sync.state.engine import reading
from sync.state.snapshots import KeptSnapshot
from sync.workspace import open_workspace

MONTH = click.DateTime(formats=["%Y-%m"])


@click.command()
@click.argument("installation")
@click.option("--restate", "month", type=MONTH, help="Count an ended month once more, as another version.")
@click.option("--reason", help="Why it is restated; kept with the version.")
@json_option
def snapshots(installation: str, month: datetime | None, reason: str | None, as_json: bool) -> None:
    """Print the months kept of the portfolio and its segments, or restate one by what is known now.

    Example: colonnade snapshots hubspot-24680135 --restate 2024-11 --reason "a contract came late"
    """
    if (month is None) != (reason is None):
        raise click.UsageError("a restatement takes both --restate and --reason")
    ws = open_workspace(open_runtime(read_settings()), installation)
    if month is not None and reason is not None:
        restate(ws, month_of(month.date()), reason)
    with reading(ws.runtime.engine) as conn:
        held = kept_snapshots.every(conn, ws.id)
    told = [_told(one) for one in held]
    answer({"installation": installation, "snapshots": told}, as_json, lambda out: _show(out, held))


def _told(one: KeptSnapshot) -> dict[str, object]:
    found = Snapshot.from_json(one.body)
    return {
        "scope": one.scope,
        "version": one.version,
        "final": one.final,
        "restated_on": one.restated_on,
        "reason": one.reason,
        "charter_hash": one.charter_hash,
        "snapshot": found,
    }


def _show(out: Console, held: Sequence[KeptSnapshot]) -> None:
    out.print(
        table(
            f"{len(held)} snapshots",
            ("month", "of", "version", "ARR", "NRR", "GRR", "logos", "accounts", "health"),
            [_row(one) for one in held],
        )
    )


def _row(one: KeptSnapshot) -> tuple[str, ...]:
    found = Snapshot.from_json(one.body)
    points = None if found.health is None else found.health.points
    return (
        f"{one.month:%Y-%m}" + ("" if one.final else " (runs)"),
        one.scope,
        str(one.version) + _restated(one.restated_on),
        f"{found.closing / minor_per_unit(found.currency):,.2f} {found.currency}",
        *(_percent(share) for share in (found.nrr, found.grr, found.logos)),
        str(found.accounts),
        "" if points is None else f"{points / 1000:.1f}",
    )


def _restated(day: date | None) -> str:
    return "" if day is None else f" ({day})"


def _percent(thousandths: int | None) -> str:
    return "" if thousandths is None else f"{thousandths / 10:.1f} %"
