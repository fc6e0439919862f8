"""What another charter would change, before it is in force; reads only.

Accounts are decided under both charters with the same facts: who would change band, segment
or stage (once the holds are over), and which of our records would appear by tomorrow's grid point,
when renewals and expansions are next opened. Neighbours: ``numbers`` brings the facts,
``commands/chartering`` prints this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from mappings.charter import Charter, rules_of
from mappings.rows import rows_of_account
from success.decide import Decision, advance, decide, standing
from success.desired import DesiredRecord, RecordKind
from success.facts import AccountFacts
from success.fold import FoldState
from success.rules import Rules
from success.standing import Standing
from success.view import AccountView
from sync.numbers import Portfolio
from sync.scorings import with_models
from sync.state.engine import reading
from sync.workspace import Workspace, rules_before

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AccountChange:
    """An account that would stand elsewhere: its band, segment and stage before and after."""

    account: str
    account_id: str
    before: Mapping[str, str]
    after: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RecordChange:
    """A record of ours that would appear, or no longer be wanted, by tomorrow."""

    key: str
    kind: RecordKind
    appears: bool
    reason: str


@dataclass(frozen=True, slots=True)
class CharterPlan:
    """The difference a charter makes; ``rows`` counts vendor rows to write by object."""

    accounts: tuple[AccountChange, ...]
    records: tuple[RecordChange, ...]
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Outcome:
    decision: Decision
    eventual: Standing
    tomorrow: Mapping[str, DesiredRecord]


def plan_charter(ws: Workspace, found: Portfolio, charter: Charter) -> CharterPlan:
    """Return what bringing ``charter`` into force would change."""
    with reading(ws.runtime.engine) as conn:
        rules = with_models(conn, ws.id, ws.now(), charter, rules_of(charter))
    earlier = rules_before(ws, found.states.values())
    accounts: list[AccountChange] = []
    records: list[RecordChange] = []
    rows: Counter[str] = Counter()
    for key, facts in sorted(found.facts.items()):
        before = _outcome(found, facts, found.states[key], ws.rules, earlier)
        after = _outcome(found, facts, found.states[key], rules, earlier)
        accounts.extend(_account_changes(facts, before, after))
        records.extend(_record_changes(before, after))
        rows.update(_changed_rows(ws, charter, facts, before, after))
    accounts.sort(key=lambda one: (one.account, one.account_id))
    return CharterPlan(tuple(accounts), tuple(records), dict(sorted(rows.items())))


def _outcome(
    found: Portfolio, facts: AccountFacts, state: FoldState, rules: Rules, earlier: Mapping[str, Rules]
) -> _Outcome:
    folded = advance(state, facts, rules, found.as_of + DAY)
    tomorrow = decide(folded, facts, rules, found.as_of, earlier)
    return _Outcome(
        decide(state, facts, rules, found.as_of, earlier),
        standing(state, AccountView(facts, rules.without_holds()), found.as_of),
        {record.key: record for record in tomorrow.records},
    )


def _account_changes(facts: AccountFacts, before: _Outcome, after: _Outcome) -> Iterator[AccountChange]:
    old, new = _standing(before), _standing(after)
    if old != new:
        yield AccountChange(facts.account.name, facts.account.account_id, old, new)


def _standing(outcome: _Outcome) -> dict[str, str]:
    return {"band": outcome.decision.health.band, **{k: str(v) for k, v in outcome.eventual.words.items()}}


def _record_changes(before: _Outcome, after: _Outcome) -> Iterator[RecordChange]:
    for key in sorted(after.tomorrow.keys() - before.tomorrow.keys()):
        record = after.tomorrow[key]
        yield RecordChange(key, record.kind, appears=True, reason=record.reason)
    for key in sorted(before.tomorrow.keys() - after.tomorrow.keys()):
        record = before.tomorrow[key]
        yield RecordChange(key, record.kind, appears=False, reason="no longer wanted; it stays in the CRM")


def _changed_rows(
    ws: Workspace, charter: Charter, facts: AccountFacts, before: _Outcome, after: _Outcome
) -> Iterator[str]:
    """Yield the vendor object of every row that would be written anew or differently."""
    owner = facts.account.owner_id
    held = {
        (row.object, row.key): row.ours
        for _, row in rows_of_account(
            list(before.tomorrow.values()), ws.charter, ws.vendor, owner_id=owner, homes=ws.homes
        )
    }
    for _, row in rows_of_account(
        list(after.tomorrow.values()), charter, ws.vendor, owner_id=owner, homes=ws.homes
    ):
        if held.get((row.object, row.key)) != row.ours:
            yield row.object
