"""Which account usage belongs to: what it named, held against what accounts are known to have.

Accounts claim their product's name, their contract lines and their e-mail domains. Claims are learned with
the records that make them, in the same transaction, and keep both times of those, so that any moment can be
asked about and a replay finds what was found. A name several accounts claim decides nothing. Without `usage`
in the charter none of this is asked: the account's name alone finds it.
Neighbours: ``keep`` and ``bury`` have claims learned, ``facts`` and ``usage_numbers`` ask for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, select

from integration.record_ids import name_of_account
from mappings.charter import Charter
from mappings.inbound import to_account
from mappings.row import Contradicted, Row
from mappings.usage_identity import EMAIL_DOMAIN, Means, UsageEntry, registered_domains
from success.facts import Account
from sync.state import dirty, installations, usage_names, usage_store
from sync.state.dirty import Scope
from sync.state.engine import writing
from sync.state.mirror_rows import StoredRecord, record_version, stored
from sync.state.schema import chunks, content_hash
from sync.state.usage_names import Claim, Names
from sync.workspace import Workspace

DAY = timedelta(days=1)
USAGE_REF = "customer_ref"
"""The account attribute by which the product names the account in its usage."""
LEARNED = "usage_claims"
"""The setting that says by which bindings claims were learned."""
Claims = Mapping[Means, Mapping[str, Collection[str]]]


class Unmatched(StrEnum):
    """Why usage belongs to no account."""

    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_SUBSCRIPTION = "unknown_subscription"
    UNKNOWN_DOMAIN = "unknown_domain"
    FREE_MAIL = "free_mail"
    AMBIGUOUS = "ambiguous"
    NOTHING_NAMED = "nothing_named"


UNKNOWN = {
    Means.ACCOUNT: Unmatched.UNKNOWN_ACCOUNT,
    Means.SUBSCRIPTION: Unmatched.UNKNOWN_SUBSCRIPTION,
    Means.EMAIL_DOMAIN: Unmatched.UNKNOWN_DOMAIN,
}


def match(names: Names, entry: UsageEntry, claims: Claims) -> str | Unmatched:
    """Return the account, by the first way that names exactly one; else the first reason that speaks."""
    reasons: list[Unmatched] = []
    for means in entry.identity:
        name = names.of(means.value)
        if not name:
            continue
        if means is Means.EMAIL_DOMAIN and entry.is_free_mail(name):
            reasons.append(Unmatched.FREE_MAIL)
            continue
        found = claims.get(means, {}).get(name, ())
        if len(found) == 1:
            return next(iter(found))
        reasons.append(Unmatched.AMBIGUOUS if found else UNKNOWN[means])
    if Unmatched.AMBIGUOUS in reasons:
        return Unmatched.AMBIGUOUS
    return reasons[0] if reasons else Unmatched.NOTHING_NAMED


def matched(
    conn: Connection, ws: Workspace, named: Collection[Names], known_at: datetime | None = None
) -> dict[Names, str | Unmatched]:
    """Return of everything named its account or why it has none, as known at a moment (``None``: now)."""
    entry = ws.charter.usage
    if entry is None:
        raise ValueError("the charter says nothing of how usage finds its account")
    claims: Claims = {
        means: usage_names.claims(
            conn, ws.id, means.value, {one.of(means.value) for one in named} - {""}, known_at
        )
        for means in entry.identity
    }
    return {one: match(one, entry, claims) for one in named}


def refs_of(
    conn: Connection, ws: Workspace, accounts: Iterable[Account], known_at: datetime | None = None
) -> dict[str, tuple[str, ...]]:
    """Return under which references usage of the accounts is counted, each with whose it is.

    Without `usage` in the charter these are the accounts' own names, whatever else usage named, and
    accounts of one name all have it.
    """
    if ws.charter.usage is None:
        own: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
        for one in accounts:
            own[_usage_name(ws.vendor, one)] += (one.account_id,)
        more = usage_names.named(conn, ws.id, Means.ACCOUNT.value, own)
        return {named.ref: own[named.account] for named in more} | own
    ids = {one.account_id for one in accounts}
    theirs = usage_names.claims_of(conn, ws.id, ids, known_at)
    candidates = {Names(name) for name in theirs[Means.ACCOUNT.value]}
    for kind, names in theirs.items():
        candidates |= usage_names.named(conn, ws.id, kind, names)
    found = matched(conn, ws, candidates, known_at)
    return {one.ref: (account,) for one, account in found.items() if account in ids}


def usage_days(
    conn: Connection, ws: Workspace, accounts: Sequence[Account], first: date
) -> Iterator[tuple[str, date]]:
    """Yield (account, grid day) of every day after ``first`` at which more usage of the account is seen.

    What reaches us on a day is first seen at the next day's grid point, and so is another claim to it.
    """
    refs = refs_of(conn, ws, accounts)
    for ref, received_on in usage_store.received_after(conn, ws.id, list(refs), first - DAY):
        for account in refs[ref]:
            yield account, received_on + DAY
    if ws.charter.usage is not None:
        ids = [one.account_id for one in accounts]
        for account, instant in usage_names.claimed_since(conn, ws.id, ids, ws.grid_point(first)):
            yield account, ws.day_of(instant) + DAY


def learn(conn: Connection, ws: Workspace, object_name: str, record_ids: Collection[str]) -> None:
    """Keep what the records named claim and claimed; mark whose usage may be another's by that.

    Called in the transaction that stores their versions; calling it again changes nothing.
    """
    reads = ws.inbound.crm.reads
    if ws.charter.usage is None or object_name not in {reads.account.object, reads.contract_line.object}:
        return
    wanted: set[Claim] = set()
    for chunk in chunks(sorted(set(record_ids))):
        mine = (record_version.c.installation_id == ws.id) & (record_version.c.object == object_name)
        query = select(record_version).where(mine, record_version.c.source_id.in_(chunk))
        ordered = query.order_by(record_version.c.source_id, record_version.c.seq)
        versions = [(stored(row), row["superseded_at"]) for row in conn.execute(ordered).mappings()]
        wanted |= _claims(ws, versions)
    kinds = _kinds(ws, object_name)
    held = {one for one in usage_names.of_records(conn, ws.id, record_ids) if one.kind in kinds}
    usage_names.put_claims(conn, ws.id, held - wanted, wanted - held)
    changed = {(one.kind, one.name) for one in held ^ wanted}
    touched = {one.account_id for one in held ^ wanted}
    for kind in kinds:
        names = {name for other, name in changed if other == kind}
        touched |= {one for found in usage_names.claims(conn, ws.id, kind, names).values() for one in found}
    if changed:
        dirty.mark(conn, ws.id, ws.now(), Scope.ACCOUNT, touched, "usage may be another's")


def learn_all(ws: Workspace) -> None:
    """Learn every claim of the mirror where the charter asks for other ones than were learned last."""
    if ws.charter.usage is None:
        return
    marked = bindings_mark(ws.charter, ws.vendor)
    if ws.installation.settings.get(LEARNED) == marked:
        return
    reads = ws.inbound.crm.reads
    with writing(ws.runtime.engine) as conn:
        usage_names.forget_claims(conn, ws.id)
        for name in sorted({reads.account.object, reads.contract_line.object}):
            mine = (record_version.c.installation_id == ws.id) & (record_version.c.object == name)
            ids = conn.execute(select(record_version.c.source_id).where(mine).distinct()).scalars().all()
            learn(conn, ws, name, ids)
        installations.change_settings(conn, ws.id, {LEARNED: marked})


def bindings_mark(charter: Charter, vendor: str) -> str:
    """Return what tells one way of reading claims from another."""
    reads = charter.crm_for(vendor).reads
    return content_hash(
        {
            "account": reads.account.model_dump(mode="json"),
            "line": reads.contract_line.model_dump(mode="json", by_alias=True),
        }
    )


def _kinds(ws: Workspace, object_name: str) -> set[str]:
    reads = ws.inbound.crm.reads
    kinds = {Means.ACCOUNT.value, Means.EMAIL_DOMAIN.value} if object_name == reads.account.object else set()
    return kinds | ({Means.SUBSCRIPTION.value} if object_name == reads.contract_line.object else set())


def _claims(ws: Workspace, versions: Sequence[tuple[StoredRecord, datetime | None]]) -> set[Claim]:
    """Return the claims of records from all their versions; what went on unchanged is one claim."""
    spans: defaultdict[tuple[str, str, str, str], list[tuple[datetime, datetime | None]]] = defaultdict(list)
    for one, until in versions:
        if until is not None and until <= one.ingested_at:
            continue  # superseded the moment it came: no reader ever met it
        for kind, name, account in _said(ws, one):
            held = spans[kind, name, one.source_id, account]
            if held and held[-1][1] == one.ingested_at:
                held[-1] = (held[-1][0], until)
            else:
                held.append((one.ingested_at, until))
    return {
        Claim(kind, name, record, since, until, account)
        for (kind, name, record, account), held in spans.items()
        for since, until in held
    }


def _said(ws: Workspace, record: StoredRecord) -> set[tuple[str, str, str]]:
    """Return (kind, name, account) of what a version says."""
    reads, said = ws.inbound.crm.reads, set[tuple[str, str, str]]()
    if record.deleted or record.account_id is None:
        return said
    read = record.as_crm()
    if record.object == reads.account.object:
        account = to_account(read, ws.inbound)
        if isinstance(account, Account):
            said.add((Means.ACCOUNT.value, _usage_name(ws.vendor, account), account.account_id))
            domains = registered_domains(account.attributes.get(EMAIL_DOMAIN, ""))
            said |= {(Means.EMAIL_DOMAIN.value, domain, account.account_id) for domain in domains}
    if record.object == reads.contract_line.object:
        try:
            line_id = Row(read, ws.zone).text(reads.contract_line.fields.line_id) or record.source_id
        except Contradicted:
            return said
        said.add((Means.SUBSCRIPTION.value, line_id, record.account_id))
    return said


def _usage_name(vendor: str, account: Account) -> str:
    return name_of_account(vendor, account.attributes.get(USAGE_REF, account.account_id))
