"""What a hostile reader tried: kills between transactions, poisoned accounts, races, a database away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from integration.port import Signal, SignalKind
from sync import onboard, scheduler
from sync.drift import is_echo
from sync.state import dirty, due, identity, ledger, mirror
from sync.state.dirty import Scope
from sync.state.engine import reading, writing
from sync.state.leases import Lease
from sync.state.ledger import LedgerRow, WriteState
from sync.state.mirror import MirrorRecord
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers

A = "hubspot-1"
OPEN = Callable[..., Office]
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def row(sent: datetime, taken: datetime) -> LedgerRow:
    """Return a deal of ours whose stage began as qualified."""
    return LedgerRow(
        object="deals", key="renewal:g:1", account_id="1", kind="renewal", state=WriteState.ACKNOWLEDGED,
        record_id="9", desired={"cs_key": "k"}, seed={"dealstage": "qualified"}, parents=(), parent_keys=(),
        acknowledged={"cs_key": "k", "dealstage": "qualified"}, desired_hash="", fence=1, attempts=0,
        uncertain=False, sent_at=sent, acknowledged_at=taken, error_code=None, error_message=None, reason="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("after", "value", "is_ours"),
    [
        (timedelta(seconds=1), "qualified", True),
        (timedelta(seconds=1), "closedwon", False),
        (timedelta(minutes=5), "qualified", False),
    ],
)
def test_only_what_our_own_write_caused_is_an_echo(after: timedelta, value: str, is_ours: bool) -> None:
    """A person who brings the first stage back five minutes later has changed something."""
    taken = NOW + timedelta(seconds=1)
    signal = Signal("deals", "9", SignalKind.CHANGED, taken + after, field="dealstage", value=value)
    assert is_echo(row(NOW, taken), signal) is is_ours


def test_two_workers_that_meet_a_new_record_keep_it_once(engine: Engine) -> None:
    """Both store it at the same moment: one version, no collision."""
    failures: list[Exception] = []
    together = threading.Barrier(2)

    def keep(source_id: str) -> None:
        together.wait()
        try:
            with writing(engine) as conn:
                mirror.store(
                    conn, A, NOW, [MirrorRecord("deals", source_id, NOW, {"x": "1"}, created_at=NOW)]
                )
        except DBAPIError as error:
            failures.append(error)

    for number in range(10):
        threads = [threading.Thread(target=keep, args=(str(number),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with reading(engine) as conn:
        assert (failures, mirror.counts(conn, A)) == ([], {"deals": 10})


def test_an_account_in_back_off_keeps_nobody_waiting(engine: Engine) -> None:
    """Looks go on while a row is held or ready; one put off after a failure does not count."""
    with writing(engine) as conn:
        dirty.mark(conn, A, NOW, Scope.ACCOUNT, ["1"], "new")
        assert dirty.under_way(conn, A, NOW)
        (claim,) = dirty.claim(conn, A, Scope.ACCOUNT, Lease("me", NOW, 60, 10))
        assert dirty.under_way(conn, A, NOW)
        dirty.fail(conn, A, claim, "poison", NOW + timedelta(hours=1))
        assert not dirty.under_way(conn, A, NOW)


def test_a_name_that_is_corrected_leads_to_the_other_account(engine: Engine) -> None:
    """The product's name of an account follows the CRM; minted keys never change."""
    with writing(engine) as conn:
        identity.bind(conn, A, "usage_ref", {"acme": "1"})
        identity.bind(conn, A, "usage_ref", {"acme": "2"})
        assert identity.resolve(conn, A, "usage_ref", ["acme"]) == {"acme": "2"}


def test_the_scheduler_waits_for_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that cannot reach the database is followed by another."""
    turns: list[int] = []

    def away(_runtime: object) -> int:
        turns.append(1)
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(scheduler, "turn", away)
    scheduler.run_scheduler(None, lambda _seconds: None, lambda: len(turns) >= 3)  # type: ignore[arg-type]
    assert len(turns) == 3


def test_going_live_cut_short_is_made_up_for(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between its transactions: the next time plans the polls and the days all the same."""
    there = office(lite, HUBSPOT, three_customers()).install()
    there.load()
    with monkeypatch.context() as cut:
        cut.setattr(onboard, "look_at_all", _killed)
        with pytest.raises(KeyboardInterrupt):
            there.go_live()
    there.go_live()
    with reading(there.engine) as conn:
        assert {"poll companies", "census deals", "new-day"} <= set(due.schedule(conn, there.id))


def test_one_account_that_cannot_be_folded_stops_only_itself(lite: Deployment, office: OPEN) -> None:
    """A term of ten thousand years is beyond any calendar: that account is put off, the others decided."""
    there = office(lite, HUBSPOT, three_customers()).install()
    there.sandbox.edit(
        "line_items",
        there.sandbox.lookup("line:l-b1"),
        {"contract_term_months": "120000", "contract_end": ""},
    )
    there.load()
    there.go_live()
    there.look()
    with reading(there.engine) as conn:
        profiles = [row for row, _ in ledger.counts(conn, there.id).items() if row[0] == "cs_profile"]
        assert (len(profiles), ledger.counts(conn, there.id)[profiles[0]]) == (1, 2)
        assert dirty.count(conn, there.id) == {"account": 1}


def _killed(*_arguments: object) -> int:
    raise KeyboardInterrupt
