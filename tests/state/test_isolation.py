"""Two installations with identical CRM ids never meet, in any table."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, Engine, select

from integration.parts import Part, PartKind
from sync.state import (
    account_looks,
    backtests,
    charters,
    cursors,
    dirty,
    due,
    findings,
    fold,
    identity,
    inbox,
    installations,
    installed_parts,
    leases,
    ledger,
    metadata,
    mirror,
    models,
    persons,
    snapshots,
    token_lease,
    usage_names,
    usage_parts,
    usage_store,
)
from sync.state.dirty import Scope
from sync.state.engine import writing
from sync.state.secrets import SecretBox, new_key
from sync.state.snapshots import KeptSnapshot
from tests.state.moments import NOW, A, B, lease

DAY_1 = date(2026, 3, 1)
DAYS = (DAY_1, date(2026, 3, 2))
BOX = SecretBox([new_key()])


@dataclass(frozen=True)
class Case:
    """How to write a word under an id that is the same everywhere, and how to read it back."""

    tables: tuple[str, ...]
    write: Callable[[Connection, str, str], object]
    read: Callable[[Connection, str], object]


def _installation(conn: Connection, owner: str, word: str) -> None:
    vendor, account = owner.split("-")
    found = installations.Installation(vendor, account, word, "https://x", "UTC", NOW, NOW)
    installations.connect(conn, found)


def _model(conn: Connection, owner: str, word: str) -> None:
    training = models.Training("churn", word, word, 1, 90, "c", NOW, None, None)
    version = models.add(conn, owner, training).version
    models.enter(conn, owner, models.Life("churn", 0, version, "jane", NOW, word, forced=False, report=None))


def _charter(conn: Connection, owner: str, word: str) -> None:
    charters.apply(conn, owner, word, 1, charters.Decision("jane", NOW))


def _charter_word(conn: Connection, owner: str) -> object:
    found = charters.current(conn, owner, NOW)
    return None if found is None else found.body


def _mirror(conn: Connection, owner: str, word: str) -> None:
    mirror.store(conn, owner, NOW, [mirror.MirrorRecord("deals", "1", NOW, {"v": word}, (), "1")])


def _ledger(conn: Connection, owner: str, word: str) -> None:
    ledger.want(conn, owner, NOW, [ledger.WantedRow("deals", "k", "1", "profile", {"v": word})], 1)


def _part(conn: Connection, owner: str, word: str) -> None:
    part = Part(PartKind.LIST, "companies", "CS At risk")
    installed_parts.intend(conn, owner, NOW, [part])
    installed_parts.confirm(conn, owner, NOW, {part: word})


def _usage(conn: Connection, owner: str, word: str) -> None:
    row = usage_store.UsageSum("1", None, "p", "f", DAY_1, DAY_1, 1, len(word), 0, 0)
    usage_store.add_usage(conn, owner, [row])


def _presence(conn: Connection, owner: str, word: str) -> None:
    usage_store.add_presence(conn, owner, [usage_store.Presence("1", "p", DAY_1, word, DAY_1)])


SUBJECT = backtests.Subject("health@1", "h")


def _report(conn: Connection, owner: str, word: str) -> None:
    backtests.keep(conn, owner, SUBJECT, NOW, True, {"v": word})


def _report_word(conn: Connection, owner: str) -> object:
    found = backtests.newest(conn, owner, SUBJECT)
    return found.body["v"] if found and isinstance(found.body, dict) else None


def _waiver(conn: Connection, owner: str, word: str) -> None:
    backtests.waive(conn, owner, SUBJECT, backtests.Waiver("jane", NOW, word))


def _waiver_word(conn: Connection, owner: str) -> object:
    found = backtests.waiver(conn, owner, SUBJECT)
    return None if found is None else found.reason


def _due_word(conn: Connection, owner: str) -> object:
    return due.schedule(conn, owner).get("sweep")


def _forgotten(conn: Connection, owner: str, word: str) -> None:
    persons.bury(conn, BOX, owner, [("email", word)])


def _forgotten_word(conn: Connection, owner: str) -> object:
    known = persons.tombstones(conn, BOX, owner)
    return next((one for one in ("x", "xx") if known.names("email", one)), None)


def _first(words: list[str]) -> str | None:
    return words[0] if words else None


CASES = [
    Case(
        ("installation",),
        _installation,
        lambda conn, owner: _first([one.name for one in installations.every(conn) if one.id == owner]),
    ),
    Case(
        ("credential",),
        lambda conn, owner, word: installations.save_secret(conn, BOX, owner, NOW, "token", secret=word),
        lambda conn, owner: installations.load_secret(conn, BOX, owner, "token"),
    ),
    Case(("charter_version", "charter_life"), _charter, _charter_word),
    Case(
        ("record_version",),
        _mirror,
        lambda conn, owner: _first([one.values["v"] for one in mirror.current(conn, owner, "deals", ["1"])]),
    ),
    Case(
        ("inbox", "fence"),
        lambda conn, owner, word: inbox.put(conn, owner, NOW, [inbox.InboxEvent("e1", "webhook", word)]),
        lambda conn, owner: _first([one.body for one in inbox.take(conn, owner, lease())]),
    ),
    Case(
        ("dirty", "fence"),
        lambda conn, owner, word: dirty.mark(conn, owner, NOW, Scope.ACCOUNT, ["1"], reason=word),
        lambda conn, owner: _first(
            [one.reasons[0] for one in dirty.claim(conn, owner, Scope.ACCOUNT, lease())]
        ),
    ),
    Case(
        ("write_ledger", "fence"),
        _ledger,
        lambda conn, owner: _first(
            [one.desired["v"] for one in ledger.claim_pending(conn, owner, "deals", lease())]
        ),
    ),
    Case(
        ("cursor",),
        lambda conn, owner, word: cursors.put(
            conn, owner, NOW, cursors.Cursor("deals", cursors.Phase.INITIAL, word)
        ),
        lambda conn, owner: _first([one.position for one in cursors.every(conn, owner)]),
    ),
    Case(
        ("installed_part",),
        _part,
        lambda conn, owner: _first([one.crm_id for one in installed_parts.owned(conn, owner)]),
    ),
    Case(("backtest_report",), _report, _report_word),
    Case(("backtest_waiver",), _waiver, _waiver_word),
    Case(
        ("identity",),
        lambda conn, owner, word: identity.mint_many(conn, owner, "group", {"1": word}),
        lambda conn, owner: identity.resolve(conn, owner, "group", ["1"]).get("1"),
    ),
    Case(
        ("usage_day",),
        _usage,
        lambda conn, owner: _first(["x" * one.count for one in usage_store.usage(conn, owner, ["1"], DAYS)]),
    ),
    Case(
        ("presence_day",),
        _presence,
        lambda conn, owner: _first([one.user_ref for one in usage_store.presence(conn, owner, ["1"], DAYS)]),
    ),
    Case(
        ("usage_part",),
        lambda conn, owner, word: usage_parts.put_mark(conn, usage_parts.Part(owner, "s", "p"), word, NOW),
        lambda conn, owner: usage_parts.marks(conn, owner, "s").get("p"),
    ),
    Case(
        ("usage_part_sum",),
        lambda conn, owner, word: usage_parts.put_sums(
            conn, usage_parts.Part(owner, "s", "p"), DAY_1, {("1", "", "p", word): (1, 1, 0, 0)}, ()
        ),
        lambda conn, owner: _first(
            [cell[3] for cell in usage_parts.sums(conn, usage_parts.Part(owner, "s", "p"), DAY_1)]
        ),
    ),
    Case(
        ("usage_name",),
        lambda conn, owner, word: usage_names.keep_names(conn, owner, [usage_names.Names("1", word)]),
        lambda conn, owner: _first(
            [one.subscription for one in usage_names.named(conn, owner, "account", ["1"])]
        ),
    ),
    Case(
        ("usage_claim",),
        lambda conn, owner, word: usage_names.put_claims(
            conn, owner, (), [usage_names.Claim("account", "1", "1", NOW, None, word)]
        ),
        lambda conn, owner: _first(sorted(usage_names.claims(conn, owner, "account", ["1"]).get("1", ()))),
    ),
    Case(
        ("fold_state",),
        lambda conn, owner, word: fold.put(conn, owner, [fold.StoredFold("1", DAY_1, word, "h")]),
        lambda conn, owner: _first([one.state for one in fold.newest(conn, owner, ["1"], DAY_1).values()]),
    ),
    Case(
        ("snapshot",),
        lambda conn, owner, word: snapshots.keep(
            conn, owner, NOW, [KeptSnapshot("portfolio", DAY_1.replace(day=1), 1, False, word, "h")], {}
        ),
        lambda conn, owner: _first([one.body for one in snapshots.every(conn, owner)]),
    ),
    Case(
        ("account_look",),
        lambda conn, owner, word: account_looks.put(
            conn, owner, [account_looks.AccountLook("1", DAY_1, "b", word, None, 0)]
        ),
        lambda conn, owner: _first([one.owner_id for one in account_looks.find(conn, owner, ["1"]).values()]),
    ),
    Case(
        ("finding",),
        lambda conn, owner, word: findings.report(conn, owner, NOW, "contradiction", {"1": word}),
        lambda conn, owner: _first([one.message for one in findings.open_findings(conn, owner)]),
    ),
    Case(("person_tombstone", "person_key"), _forgotten, _forgotten_word),
    Case(
        ("person_forgetting",),
        lambda conn, owner, word: persons.begin(conn, BOX, owner, NOW, word),
        lambda conn, owner: _first([one.person for one in persons.under_way(conn, BOX, owner)]),
    ),
    Case(
        ("model_version", "model_life"),
        _model,
        lambda conn, owner: _first([one.reason for one in models.history(conn, owner)]),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.tables[0])
def test_the_same_ids_under_two_installations_are_read_apart(engine: Engine, case: Case) -> None:
    """Each reads what it wrote; one that wrote nothing reads nothing."""
    with writing(engine) as conn:
        case.write(conn, A, "x")
        assert case.read(conn, B) is None
        case.write(conn, B, "xx")
    with writing(engine) as conn:
        assert case.read(conn, A) == "x"
        assert case.read(conn, B) == "xx"
        for name in case.tables:
            owners = select(metadata.tables[name].c.installation_id).distinct()
            assert set(conn.execute(owners).scalars()) == {A, B}


def test_a_message_seen_by_one_is_new_to_another(engine: Engine) -> None:
    """Idempotence is per installation."""
    with writing(engine) as conn:
        assert usage_store.new_messages(conn, A, NOW, ["m"]) == {"m"}
        assert usage_store.new_messages(conn, B, NOW, ["m"]) == {"m"}
        assert usage_store.new_messages(conn, A, NOW, ["m"]) == frozenset()


def test_tasks_of_the_same_name_run_apart(engine: Engine) -> None:
    """Finishing one installation's task leaves the other's due."""
    with writing(engine) as conn:
        due.plan(conn, A, "sweep", NOW)
        due.plan(conn, B, "sweep", NOW)
        tasks = due.claim(conn, lease(at=NOW))
        assert [task.installation_id for task in tasks] == [A, B]
        due.finish(conn, NOW, tasks[0])
        assert (_due_word(conn, A), _due_word(conn, B)) == (None, NOW)


def test_deleting_in_one_leaves_the_other(engine: Engine) -> None:
    """Expiry, drops and finished claims touch one installation only."""
    with writing(engine) as conn:
        for owner in (A, B):
            dirty.mark(conn, owner, NOW, Scope.ACCOUNT, ["1"], reason="x")
            fold.put(conn, owner, [fold.StoredFold("1", DAY_1, "s", "h")])
            _presence(conn, owner, "u")
        dirty.finish(conn, A, dirty.claim(conn, A, Scope.ACCOUNT, lease()))
        fold.drop(conn, A)
        usage_store.expire_presence(conn, A, date(2027, 1, 1))
        assert (dirty.count(conn, A), dirty.count(conn, B)) == ({}, {"account": 1})
        assert len(fold.newest(conn, B, ["1"], DAY_1)) == 1
        assert len(usage_store.presence(conn, B, ["1"], DAYS)) == 1


def test_one_installations_renewal_does_not_hold_up_anothers(engine: Engine) -> None:
    """Each has its own lease; giving back the one leaves the other."""
    with writing(engine) as conn:
        assert token_lease.claim(conn, A, "me", NOW, timedelta(minutes=1))
        assert token_lease.claim(conn, B, "me", NOW, timedelta(minutes=1))
        token_lease.release(conn, A, "me")
        assert (token_lease.is_free(conn, A, NOW), token_lease.is_free(conn, B, NOW)) == (True, False)


def test_every_table_of_the_state_is_covered_here() -> None:
    """A new table needs its own proof."""
    covered = {name for case in CASES for name in case.tables} | {"usage_message", "due", "token_lease"}
    assert covered == set(metadata.tables) - {"clock", "consent_request", "schema_floor"}


def test_fences_of_two_installations_count_apart(engine: Engine) -> None:
    """One busy installation does not move another's fences."""
    with writing(engine) as conn:
        assert [leases.next_fence(conn, A) for _ in range(3)] == [1, 2, 3]
        assert leases.next_fence(conn, B) == 1
