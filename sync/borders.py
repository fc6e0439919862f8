"""Borders: which accounts a new day is looked at for, and until when each may be left alone.

A look that was asked for by a new day works out when time alone may next change anything; one that was
asked for by an event leaves that to tomorrow, so that a burst costs nothing more. With each new day those
are marked whose border has come, and everybody where what all rules rest on is another: the charter and
its time zone, a model, the program, who is known to the CRM, or whether support and usage are heard at all.
Neighbours: ``success.borders`` is the rule, ``look`` keeps what it finds, ``scheduler`` begins the day.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection, func, select

import mappings
import success
from integration.owners import OWNERS
from success.borders import next_border
from success.facts import AccountFacts
from success.fold import FoldState
from sync.facts import PRESENCE_DAYS
from sync.seen import support_seen
from sync.state import account_looks, dirty, mirror, usage_store
from sync.state.dirty import Claim, Scope
from sync.state.engine import reading
from sync.state.mirror_rows import record_version
from sync.state.schema import content_hash
from sync.usage_identity import refs_of
from sync.workspace import Workspace

NEW_DAY_REASON = "a new day"
LOOKED_AT_EVERY = timedelta(days=28)
"""Everybody is looked at so often whatever the borders say: for what nobody thought of."""

STANDING_SETTINGS = ("pipelines", "field_types", "homes", "live")
DAY = timedelta(days=1)
log = logging.getLogger(__name__)


def mark_come(conn: Connection, ws: Workspace) -> int:
    """Mark the accounts whose border has come today or that no border is known of; return how many."""
    today, account = ws.day_of(ws.now()), ws.inbound.crm.reads.account.object
    left = account_looks.at_peace(conn, ws.id, today, basis(conn, ws))
    ids = [one for one in mirror.live_ids(conn, ws.id, account) if one not in left]
    return dirty.mark(conn, ws.id, ws.now(), Scope.ACCOUNT, ids, NEW_DAY_REASON)


def basis(conn: Connection, ws: Workspace) -> str:
    """Return what tells one state of all that every account's rules rest on from another."""
    product = ws.inbound.crm.reads.product
    objects = [OWNERS, *([product.object] if product else [])]
    table, models = record_version.c, ws.rules.models
    versions = [
        conn.execute(
            select(func.count()).where(table.installation_id == ws.id, table.object == name)
        ).scalar_one()
        for name in objects
    ]
    return content_hash(
        {
            "charter": ws.rules.charter_hash,
            "models": None
            if models is None
            else [[one.key, one.version, one.content_hash] for one in models],
            "program": program_mark(),
            "settings": {name: ws.installation.settings.get(name) for name in STANDING_SETTINGS},
            "versions": versions,
            "heard": [support_seen(conn, ws, None), usage_store.seen_any(conn, ws.id, None)],
        }
    )


@lru_cache(maxsize=1)
def program_mark() -> str:
    """Return what tells one version of the rules' own code and words from another."""
    mark = hashlib.sha256()
    for package in (success, mappings):
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            mark.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return mark.hexdigest()


def border_days(
    ws: Workspace,
    claims: Sequence[Claim],
    facts: Mapping[str, AccountFacts],
    states: Mapping[str, FoldState],
    today: date,
) -> dict[str, date | None]:
    """Return the next border of each account of ``facts``: tomorrow where anything but a new day asked.

    ``states`` are the folds after today's grid point. Later than in four weeks none is.
    """
    asked = {one.id for one in claims if set(one.reasons) == {NEW_DAY_REASON}} & facts.keys()
    found: dict[str, date | None] = dict.fromkeys(facts, today + DAY)
    if not asked:
        return found
    with reading(ws.runtime.engine) as conn:
        coming = _use_to_come(conn, ws, {key: facts[key] for key in asked}, today)
    for key in asked:
        try:
            border = next_border(facts[key], ws.rules, states[key], today)
        except Exception:  # it is looked at tomorrow: what can be decided today must not wait for that
            log.exception("the next border of account %s of %s cannot be told", key, ws.id)
            continue
        days = [border, coming.get(key), *_presence_ends(facts[key], ws, today), today + LOOKED_AT_EVERY]
        found[key] = min(day for day in days if day is not None)
    return found


def _use_to_come(
    conn: Connection, ws: Workspace, facts: Mapping[str, AccountFacts], today: date
) -> dict[str, date]:
    """Return the first day after today for which use of an account is kept already."""
    refs = refs_of(conn, ws, [one.account for one in facts.values()])
    found: dict[str, date] = {}
    for ref, day in usage_store.first_use_after(conn, ws.id, sorted(refs), today).items():
        for account in refs[ref]:
            found[account] = min(day, found.get(account, day))
    return found


def _presence_ends(facts: AccountFacts, ws: Workspace, today: date) -> list[date]:
    """Return the days on which the last known user of a product is forgotten, or what expansion asks is."""
    last: dict[str, date] = {}
    for seen in facts.presence:
        last[seen.product_id] = max(seen.day, last.get(seen.product_id, seen.day))
    trigger = ws.rules.expansion
    if last and trigger.window_days + trigger.days > PRESENCE_DAYS:
        return [today + DAY]
    ends = [day + timedelta(days=PRESENCE_DAYS + 1) for day in last.values()]
    return [day for day in ends if day > today]
