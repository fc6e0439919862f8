"""What the rollup of a source says, in our words: names of accounts, users by reference, sums per cell.

Neighbours: ``usage_pull`` reads through here, ``usage_events`` has the same rules for single events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from integration.record_ids import name_of_account
from mappings.usage_identity import registered_domain
from sync.state.usage_names import Names
from sync.state.usage_parts import Cell, Numbers
from sync.usage_events import TEXT_MAX_BYTES, kept_user
from sync.workspace import Workspace


def names_in(ws: Workspace, row: Mapping[str, Any]) -> Names | None:
    """Return what a row names its account by; ``None`` where nothing of it counts under the charter."""
    account = name_of_account(ws.vendor, row.get("account_ref") or "")
    line = row.get("line_ref") or ""
    domain = registered_domain(row.get("email_domain") or "") or ""
    if not account and (ws.charter.usage is None or not (line or domain)):
        return None
    return Names(account, line, domain)


def ref_of(ws: Workspace, names: Names) -> str:
    """Return under which reference usage so named is counted."""
    return names.account if ws.charter.usage is None else names.ref


def user_in(ws: Workspace, row: Mapping[str, Any]) -> str:
    """Return under what a user is kept: an e-mail address as a hash of it."""
    return kept_user(ws.id, row["user_ref"])


def is_storable(row: Mapping[str, Any]) -> bool:
    """Say whether every text of a row can be kept, as for single events."""
    texts = [value for value in row.values() if isinstance(value, str)]
    return all("\0" not in one and len(one.encode("utf-8", "replace")) <= TEXT_MAX_BYTES for one in texts)


def cells_in(ws: Workspace, rows: Iterable[Mapping[str, Any]]) -> tuple[dict[Cell, Numbers], set[Names]]:
    """Return the sums of a day by cell, and every name in them; what cannot be kept is in neither."""
    cells: dict[Cell, Numbers] = {}
    named: set[Names] = set()
    for row in rows:
        names = names_in(ws, row)
        if names is None or not is_storable(row):
            continue
        named.add(names)
        cell = (ref_of(ws, names), names.subscription, row.get("product") or "", row["feature"])
        held = cells.get(cell, (0, 0, 0, 0))
        cells[cell] = (
            held[0] + int(row["row_count"]),
            held[1] + int(row["use_count"]),
            held[2] + int(row["duration_s"]),
            held[3] + int(row["error_count"]),
        )
    return cells, named
