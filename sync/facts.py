"""Facts: the mirror and the usage of some accounts, assembled as the rules take them.

``look`` asks for now or for a point of the daily grid; ``metrics`` and ``explain`` for any
moment. What contradicts the charter is returned beside the facts, never guessed.
Neighbours: ``mappings.inbound`` translates each record, ``success`` takes the result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection

from integration.port import CrmRecord
from mappings.further_facts import product_names, to_answer
from mappings.human_fields import holder
from mappings.inbound import Contradiction, to_account, to_deal, to_line, to_own_line, to_ticket
from success.facts import (
    Account,
    AccountFacts,
    ContractLine,
    Deal,
    PresenceDay,
    SurveyAnswer,
    Ticket,
    UsageDay,
)
from success.human_inputs import HumanInputs
from success.renewal_terms import group_sources
from sync.human_inputs import what_people_said
from sync.keep import crm_record
from sync.seen import support_seen
from sync.state import identity, mirror, usage_store
from sync.state.mirror import ReadAgainst, StoredRecord
from sync.state.usage_store import Presence, UsageSum
from sync.tidy import presence_from
from sync.usage_identity import refs_of
from sync.workspace import Workspace

GROUP_KEY = "line_group"
BEGINNING = date(1970, 1, 1)
PRESENCE_DAYS = 120
T = TypeVar("T")
Fact = TypeVar("Fact", Ticket, SurveyAnswer, ContractLine)


@dataclass(frozen=True, slots=True)
class Moment:
    """What is asked: facts known at ``known_at`` (UTC, ``None`` is now), use up to ``as_of``.

    ``read_against`` ``source`` takes what the CRM held then, also where it reached us later (backtests).
    ``received_by`` leaves out usage received after that day; ``None`` takes all.
    """

    as_of: date
    known_at: datetime | None = None
    received_by: date | None = None
    read_against: ReadAgainst = "ours"


@dataclass(slots=True)
class Assembled:
    """Facts by account id, and the records that could not be facts."""

    facts: dict[str, AccountFacts] = field(default_factory=dict)
    contradictions: list[tuple[str, Contradiction]] = field(default_factory=list)

    def sort(self, account_id: str | None, outcome: T | Contradiction | None) -> T | None:
        """Return the fact; keep a contradiction, with its account, for the report."""
        if isinstance(outcome, Contradiction):
            self.contradictions.append((account_id or "", outcome))
            return None
        return outcome


def assemble(
    conn: Connection, ws: Workspace, account_ids: Collection[str] | None, moment: Moment
) -> Assembled:
    """Return the facts of the accounts (all when ``None``) as known at the moment."""
    found = Assembled()
    reads = ws.inbound.crm.reads
    held = _records(conn, ws, reads.account.object, account_ids, moment)
    accounts = [
        account
        for one in held
        if (account := found.sort(one.account_id, to_account(crm_record(one), ws.inbound)))
    ]
    ids = None if account_ids is None else [account.account_id for account in accounts]
    deals, lines = _deals_and_lines(conn, ws, ids, moment, found)
    tickets = _tickets(conn, ws, ids, moment, found)
    answers, names = _answers(conn, ws, ids, moment, found), _product_names(conn, ws, moment)
    usage = _Usage.read(conn, ws, accounts, moment)
    human = _human(conn, ws, accounts, held, moment, found)
    supported = support_seen(conn, ws, moment.known_at, moment.read_against)
    for account in accounts:
        key = account.account_id
        found.facts[key] = AccountFacts(
            account=account,
            account_key=key.lower(),
            lines=tuple(lines[key]),
            deals=tuple(deals[key]),
            tickets=tuple(tickets[key]),
            answers=tuple(answers[key]),
            product_names=names,
            usage=usage.days(account),
            presence=usage.presence(account),
            usage_seen=usage.seen,
            support_seen=supported,
            human=human.get(key, HumanInputs()),
            presence_from=presence_from(ws),
        )
    return found


def with_identities(
    facts: Mapping[str, AccountFacts], account_keys: Mapping[str, str], groups: Mapping[str, str]
) -> dict[str, AccountFacts]:
    """Return the facts with their minted account keys and renewal groups (line id to group)."""
    return {
        key: replace(
            one,
            account_key=account_keys.get(key, one.account_key),
            group_keys={line.line_id: groups[line.line_id] for line in one.lines if line.line_id in groups},
        )
        for key, one in facts.items()
    }


def mint(conn: Connection, ws: Workspace, facts: Mapping[str, AccountFacts]) -> dict[str, AccountFacts]:
    """Return the facts with identities, minting those met for the first time.

    An id once minted outlives merges and renames. Called with the facts of a grid point only,
    in the order of days: minted by looks, a group would depend on when somebody looked.
    """
    accounts, groups = _identities(conn, ws, facts)
    for kind, ids in ((identity.ACCOUNT_KEY, accounts), (GROUP_KEY, groups)):
        identity.mint_many(conn, ws.id, kind, ids)
    return with_identities(facts, accounts, groups)


def identified(conn: Connection, ws: Workspace, facts: Mapping[str, AccountFacts]) -> dict[str, AccountFacts]:
    """Return the facts with their identities, those not minted yet as they would be minted now."""
    return with_identities(facts, *_identities(conn, ws, facts))


def _identities(
    conn: Connection, ws: Workspace, facts: Mapping[str, AccountFacts]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return account keys and renewal groups; a new line joins the group its fellows have."""
    accounts = {key: key.lower() for key in facts}
    accounts |= identity.resolve(conn, ws.id, identity.ACCOUNT_KEY, sorted(facts))
    sources = {
        line_id: source for one in facts.values() for line_id, source in group_sources(one.lines).items()
    }
    minted = identity.resolve(conn, ws.id, GROUP_KEY, sorted(sources))
    held: dict[str, str] = {}
    for line in sorted((line for one in facts.values() for line in one.lines), key=_by_age):
        if line.line_id in minted and line.line_id in sources:
            held.setdefault(sources[line.line_id], minted[line.line_id])
    groups = {line_id: held.get(source, source.lower()) for line_id, source in sources.items()}
    return accounts, groups | minted


def _by_age(line: ContractLine) -> tuple[date, str]:
    return line.start, line.line_id


def known(conn: Connection, ws: Workspace, facts: Mapping[str, AccountFacts]) -> dict[str, AccountFacts]:
    """Return the facts with the identities minted so far, minting none (for reading only)."""
    lines = [line.line_id for one in facts.values() for line in one.lines]
    accounts = identity.resolve(conn, ws.id, identity.ACCOUNT_KEY, sorted(facts))
    return with_identities(facts, accounts, identity.resolve(conn, ws.id, GROUP_KEY, sorted(lines)))


def _records(
    conn: Connection, ws: Workspace, object_name: str, account_ids: Collection[str] | None, moment: Moment
) -> list[StoredRecord]:
    if moment.known_at is None:
        return mirror.current(conn, ws.id, object_name, account_ids)
    return mirror.known_at(conn, ws.id, object_name, moment.known_at, moment.read_against, account_ids)


def _deals_and_lines(
    conn: Connection, ws: Workspace, ids: Collection[str] | None, moment: Moment, found: Assembled
) -> tuple[dict[str, list[Deal]], dict[str, list[ContractLine]]]:
    reads = ws.inbound.crm.reads
    deals: dict[str, Deal] = {}
    lines: defaultdict[str, list[ContractLine]] = defaultdict(list)
    for record in _records(conn, ws, reads.deal.object, ids, moment):
        deal = found.sort(record.account_id, to_deal(crm_record(record), ws.inbound))
        if deal is None:
            continue
        deals[record.source_id] = deal
        if reads.contract_line.source == "deal" and deal.cs_key is None:
            _add_line(ws, record, deal, lines, found)
    if reads.contract_line.source == "line_item":
        for record in _records(conn, ws, reads.contract_line.object, ids, moment):
            parent = _parent_deal(record, reads.contract_line.parent, deals)
            if parent is not None:
                _add_line(ws, record, parent, lines, found)
    elif reads.contract_line.on_account:
        held = _records(conn, ws, reads.contract_line.object, ids, moment)
        lines.update(_under_accounts(held, lambda record: to_own_line(record, ws.inbound), found))
    return _by_account(deals.values()), lines


def _add_line(
    ws: Workspace, record: StoredRecord, deal: Deal, lines: dict[str, list[ContractLine]], found: Assembled
) -> None:
    line = found.sort(record.account_id, to_line(crm_record(record), deal, ws.inbound))
    if line is not None:
        lines[line.account_id].append(line)


def _parent_deal(record: StoredRecord, deal_object: str | None, deals: Mapping[str, Deal]) -> Deal | None:
    return next(
        (deals[link.id] for link in record.links if link.object == deal_object and link.id in deals), None
    )


def _by_account(deals: Iterable[Deal]) -> dict[str, list[Deal]]:
    grouped: defaultdict[str, list[Deal]] = defaultdict(list)
    for deal in deals:
        grouped[deal.account_id].append(deal)
    return grouped


def _under_accounts(
    records: Iterable[StoredRecord],
    read: Callable[[CrmRecord], Fact | Contradiction | None],
    found: Assembled,
) -> dict[str, list[Fact]]:
    """Return the facts in ``records`` by account; one of nobody's account is left out."""
    grouped = defaultdict[str, list[Fact]](list)
    for record in records:
        fact = found.sort(record.account_id, read(crm_record(record))) if record.account_id else None
        if fact is not None:
            grouped[fact.account_id].append(fact)
    return grouped


def _tickets(
    conn: Connection, ws: Workspace, ids: Collection[str] | None, moment: Moment, found: Assembled
) -> dict[str, list[Ticket]]:
    reads = ws.inbound.crm.reads.ticket
    held = [] if reads is None else _records(conn, ws, reads.object, ids, moment)
    return _under_accounts(held, lambda record: to_ticket(record, ws.inbound), found)


def _answers(
    conn: Connection, ws: Workspace, ids: Collection[str] | None, moment: Moment, found: Assembled
) -> dict[str, list[SurveyAnswer]]:
    reads = ws.inbound.crm.reads.survey
    held = [] if reads is None else _records(conn, ws, reads.object, ids, moment)
    return _under_accounts(held, lambda record: to_answer(record, ws.inbound), found)


def _human(
    conn: Connection,
    ws: Workspace,
    accounts: Sequence[Account],
    held: list[StoredRecord],
    moment: Moment,
    found: Assembled,
) -> dict[str, HumanInputs]:
    """Return what people said, by account; ``held`` are the accounts' own records."""
    name = holder(ws.inbound.crm, ws.vendor)
    if name != ws.inbound.crm.reads.account.object:
        held = _records(conn, ws, name, [one.account_id for one in accounts], moment)
    said = what_people_said(conn, ws, accounts, held, moment.known_at, moment.read_against)
    found.contradictions += [(key, wrong) for key, one in said.items() for wrong in one.contradictions]
    return {key: one.inputs for key, one in said.items()}


def _product_names(conn: Connection, ws: Workspace, moment: Moment) -> dict[str, str]:
    reads = ws.inbound.crm.reads.product
    if reads is None:
        return {}
    held = _records(conn, ws, reads.object, None, moment)
    return product_names((crm_record(one) for one in held), ws.inbound)


@dataclass(slots=True)
class _Usage:
    """The usage of some accounts, by account."""

    seen: bool
    sums: dict[str, list[UsageSum]]
    users: dict[str, list[Presence]]

    @classmethod
    def read(cls, conn: Connection, ws: Workspace, accounts: Iterable[Account], moment: Moment) -> _Usage:
        refs = refs_of(conn, ws, accounts, moment.known_at)
        until = moment.as_of + timedelta(days=1)
        recent = (moment.as_of - timedelta(days=PRESENCE_DAYS), until)
        sums: defaultdict[str, list[UsageSum]] = defaultdict(list)
        users: defaultdict[str, list[Presence]] = defaultdict(list)
        for one in usage_store.usage(conn, ws.id, refs, (BEGINNING, until), moment.received_by):
            for account_id in refs[one.account_ref]:
                sums[account_id].append(one)
        for seen in usage_store.presence(conn, ws.id, refs, recent, moment.received_by):
            for account_id in refs[seen.account_ref]:
                users[account_id].append(seen)
        return cls(usage_store.seen_any(conn, ws.id, moment.received_by), sums, users)

    def days(self, account: Account) -> tuple[UsageDay, ...]:
        """Return the account's daily use; sums of one day received on several days are kept apart."""
        return tuple(
            UsageDay(
                account.account_id,
                one.line_ref,
                one.product,
                one.feature,
                one.day,
                one.rows,
                one.count,
                one.duration_s,
                one.errors,
            )
            for one in self.sums[account.account_id]
        )

    def presence(self, account: Account) -> tuple[PresenceDay, ...]:
        """Return who of the account was there, by product and day."""
        users: defaultdict[tuple[str, date], set[str]] = defaultdict(set)
        for one in self.users[account.account_id]:
            users[one.product, one.day].add(one.user_ref)
        return tuple(
            PresenceDay(account.account_id, product, day, frozenset(who))
            for (product, day), who in sorted(users.items())
        )
