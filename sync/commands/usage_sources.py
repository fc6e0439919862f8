"""``colonnade usage``: the sources usage is pulled from, opened, pulled and looked at."""

from __future__ import annotations

from datetime import datetime

import click
from rich.console import Console

from sync.commands.output import answer, json_option, table
from sync.config import read_settings
from sync.holding import holding
from sync.runtime import open_runtime
from sync.state import due, findings, usage_parts
from sync.state.engine import reading, writing
from sync.usage_pull import FINDING, USAGE, Pulled, connect_source, plan_usage, pull_due
from sync.workspace import Workspace, open_workspace

ASKED = "Address (postgresql://…, duckdb://…, s3://…, file://…)"


@click.group()
def usage() -> None:
    """Pull usage from warehouses, folders and object stores the charter names."""


@usage.command()
@click.argument("installation")
@click.argument("source")
@click.option("--address", help="What opens it; asked for where it is not given, and not shown then.")
@click.option("--link-local", is_flag=True, help="Allow an address of this machine's own network (169.254…).")
@json_option
def connect(installation: str, source: str, address: str | None, link_local: bool, as_json: bool) -> None:
    """Keep the address of a source, sealed, and have it pulled at once.

    Example: colonnade usage connect hubspot-24680135 warehouse
    """
    ws = _workspace(installation)
    opens = address or click.prompt(ASKED, hide_input=True, err=True)
    connect_source(ws, source, opens, link_local=link_local)
    data = {"installation": installation, "source": source, "connected": True}
    answer(data, as_json, lambda out: out.print(f"{source} of {installation} is pulled from now on."))


@usage.command()
@click.argument("installation")
@click.argument("source", required=False, default="")
@json_option
def pull(installation: str, source: str, as_json: bool) -> None:
    """Pull one source, or all of an installation, here and now, without workers.

    Example: colonnade usage pull hubspot-24680135 warehouse
    """
    ws = _workspace(installation)
    known = [one.name for one in ws.charter.usage_sources]
    if source and source not in known:
        raise ValueError(f"the charter in force has no usage source {source!r}; it has {', '.join(known)}")
    with writing(ws.runtime.engine) as conn:
        plan_usage(conn, ws)
        due.hasten(conn, ws.id, ws.now(), USAGE, f"{USAGE} {source}" if source else "")
    done: list[Pulled] = []
    with holding(ws.runtime) as owner:
        while (turn := pull_due(ws, owner)) is not None:
            done.append(turn)
    data = {"installation": installation, "turns": done, "findings": _findings(ws)}
    answer(data, as_json, lambda out: _show_pulled(out, done, _findings(ws)))


@usage.command()
@click.argument("installation")
@json_option
def sources(installation: str, as_json: bool) -> None:
    """Show the sources of an installation: when each was read and is read next, and what is the matter.

    Example: colonnade usage sources hubspot-24680135 --json
    """
    rows = _sources(_workspace(installation))
    columns = ("source", "reads", "parts", "read_at", "next_at", "matter")
    answer(
        rows,
        as_json,
        lambda out: out.print(
            table("Usage sources", columns, [[row[name] for name in columns] for row in rows])
        ),
    )


def _workspace(installation: str) -> Workspace:
    return open_workspace(open_runtime(read_settings()), installation)


def _findings(ws: Workspace) -> dict[str, str]:
    with reading(ws.runtime.engine) as conn:
        return {one.subject: one.message for one in findings.open_findings(conn, ws.id, FINDING)}


def _sources(ws: Workspace) -> list[dict[str, object]]:
    with reading(ws.runtime.engine) as conn:
        read, planned = usage_parts.last_read(conn, ws.id), due.schedule(conn, ws.id)
    matters, rows = _findings(ws), list[dict[str, object]]()
    for one in ws.charter.usage_sources:
        parts, read_at = read.get(one.name, (0, None))
        rows.append(
            {
                "source": one.name,
                "reads": one.table or one.files,
                "parts": parts,
                "read_at": _shown(read_at),
                "next_at": _shown(planned.get(f"{USAGE} {one.name}")),
                "matter": matters.get(one.name),
            }
        )
    return rows


def _shown(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat(timespec="seconds")


def _show_pulled(out: Console, done: list[Pulled], matters: dict[str, str]) -> None:
    for one in done:
        rest = "" if one.finished else "; more is left"
        out.print(f"{one.source}: {one.rows} rows of {one.days} days, {one.left_out} left out{rest}.")
    for name, matter in matters.items():
        out.print(f"{name}: {matter}")
