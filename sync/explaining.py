"""What ``colonnade explain`` finds out: which account is meant, and why its health is another than on a day.

A day stands for its end in the installation's time zone: what the mirror held then, usage received by
then, the charter in force then, and where the fold says the account stood. Neighbours: ``success.change``
takes the two sides, ``commands/showing.py`` prints the result. Reads only.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection

from integration.record_ids import name_of_account
from success.change import Change, Side, change
from success.facts import AccountFacts
from success.fold import FoldState
from success.holding import Held
from success.past import stood_on
from sync.facts import Moment, assemble, known
from sync.numbers import Portfolio, decisions
from sync.state import charters, identity, mirror
from sync.state.engine import reading
from sync.state.errors import StateError
from sync.workspace import INSTANT_STEP, Workspace, under_charter_of

DAY = timedelta(days=1)
PROFILE = "profile:"


def account_meant(ws: Workspace, account: str) -> str:
    """Return the account's CRM id, given it, the account's key (or its profile's) or its exact name.

    Raises StateError for a name of none, or of several.
    """
    reads = ws.inbound.crm.reads.account
    account = name_of_account(ws.vendor, account)
    with reading(ws.runtime.engine) as conn:
        keyed = identity.sources_of(conn, ws.id, identity.ACCOUNT_KEY, account.lower().removeprefix(PROFILE))
        found = mirror.find(conn, ws.id, reads.object, [account, *keyed])
        if account in found:
            return account
        live = [one for one in keyed if one in found and not found[one].deleted]
        if len(live) == 1:
            return live[0]
        held = mirror.current(conn, ws.id, reads.object)
    field = reads.fields.name.field or ""
    named = [one.source_id for one in held if one.values.get(field) == account]
    if len(named) != 1:
        raise StateError(f"{len(named)} accounts of {ws.id} are called {account!r}; give the CRM's id")
    return named[0]


def change_since(ws: Workspace, found: Portfolio, account_id: str, since: date) -> Change:
    """Return why an account's health, in ``found`` as of today, is not what it was at the end of ``since``.

    Raises StateError for a day to come, one before the account or the first charter was known, and
    one on which there was nothing of the account to score.
    """
    if since > found.as_of:
        raise StateError(f"{since} is still to come; give --since {found.as_of} or an earlier day")
    end = datetime.combine(since + DAY, time(), ws.zone) - INSTANT_STEP
    moment = Moment(since, end, since)
    with reading(ws.runtime.engine) as conn:
        first = _first_day(conn, ws, account_id)
        if since < first:
            raise StateError(
                f"nothing of {account_id} is known before {first}; give --since {first} or later"
            )
        before = under_charter_of(conn, ws, end)
        facts = _facts(conn, before, account_id, moment)
        heard = _facts(conn, before, account_id, Moment(found.as_of))
    if facts is None:
        raise StateError(
            f"on {since} {account_id} was deleted, or its record contradicted the charter; give another day"
        )
    state = found.states[account_id]
    decided = decisions(ws, found)[account_id]
    now = Side(
        found.facts[account_id],
        ws.rules,
        found.as_of,
        segment=_last(decided.standing.segment),
        stage=_last(decided.standing.stage),
        band=decided.health.band,
        words=decided.words,
    )
    return change(_side(before, facts, state, since), now, heard=heard)


def _first_day(conn: Connection, ws: Workspace, account_id: str) -> date:
    """Return the first day at whose end an account and a charter to judge it by were known."""
    versions = mirror.versions(conn, ws.id, ws.inbound.crm.reads.account.object, account_id)
    read = min(one.ingested_at for one in versions)
    applied = min(one.effective_at for one in charters.history(conn, ws.id))
    return ws.day_of(max(read, applied))


def _facts(conn: Connection, ws: Workspace, account_id: str, moment: Moment) -> AccountFacts | None:
    found = assemble(conn, ws, [account_id], moment)
    return known(conn, ws, found.facts).get(account_id)


def _side(ws: Workspace, facts: AccountFacts, state: FoldState, day: date) -> Side:
    """Return a past moment; where the account stood, and its plan, are what the fold remembers of the day."""
    stood = stood_on(state, facts, ws.rules, day)
    return Side(facts, ws.rules, day, stood.segment, stood.stage, stood.band, stood.words)


def _last(held: Held | None) -> str | None:
    return None if held is None else held.value
