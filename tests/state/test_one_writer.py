"""One writer per account: two claims never hold rows of one account at once, of whatever object."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sqlalchemy import Engine

from sync.state import ledger
from sync.state.engine import reading, writing
from sync.state.ledger import LedgerRow, WantedRow, WriteState
from tests.state.moments import MINUTE, NOW, A, B, lease

ROW = WantedRow(
    object="companies", key="profile:1", account_id="1", kind="profile", desired={"h": "1"}, reason="x"
)
DEAL = replace(ROW, object="deals", key="renewal:1", kind="renewal")
LINE = replace(ROW, object="lines", key="line:1", parent_keys=(("deals", "renewal:1"),), kind="renewal")


def want(engine: Engine, *rows: WantedRow, installation: str = A) -> None:
    """Enter what is wanted."""
    with writing(engine) as conn:
        ledger.want(conn, installation, NOW, rows, fence=1)


def claim(
    engine: Engine, object_name: str, owner: str = "w1", at=NOW, limit: int = 100, installation: str = A
) -> list[LedgerRow]:
    """Claim rows of an object."""
    with writing(engine) as conn:
        return list(ledger.claim_pending(conn, installation, object_name, lease(owner, at, limit)))


def test_who_writes_the_profile_keeps_others_from_the_accounts_deals(engine: Engine) -> None:
    """The deal of another account is free; the held one's comes when its writer has its answer."""
    want(engine, ROW, DEAL, replace(DEAL, key="renewal:2", account_id="2"))
    (profile,) = claim(engine, "companies")
    assert [row.key for row in claim(engine, "deals", "w2")] == ["renewal:2"]
    with writing(engine) as conn:
        ledger.acknowledge(conn, A, NOW, [ledger.Acknowledgement(profile, "501", profile.desired)])
    assert [row.key for row in claim(engine, "deals", "w2")] == ["renewal:1"]


def test_a_part_of_an_accounts_rows_holds_the_rest(engine: Engine) -> None:
    """A claim that was full in the middle of an account lets nobody in beside it."""
    want(engine, ROW, replace(ROW, key="profile:1b"))
    assert len(claim(engine, "companies", limit=1)) == 1
    assert claim(engine, "companies", "w2") == []


def test_a_dead_writers_account_is_free_when_its_lease_has_ended(engine: Engine) -> None:
    """Nobody waits for ever."""
    want(engine, ROW, DEAL)
    claim(engine, "companies", "dead")
    assert claim(engine, "deals", "w2", at=NOW + MINUTE / 2) == []
    assert len(claim(engine, "deals", "w2", at=NOW + MINUTE)) == 1


def test_accounts_of_two_installations_never_meet(engine: Engine) -> None:
    """The same id in another portal is another account."""
    want(engine, ROW)
    want(engine, DEAL, installation=B)
    claim(engine, "companies")
    assert len(claim(engine, "deals", "w2", installation=B)) == 1


def test_the_holder_of_a_deal_takes_its_lines_under_the_same_fence(engine: Engine) -> None:
    """Lines of its other deals stay; nobody else may take them meanwhile either."""
    other = replace(LINE, key="line:other", parent_keys=(("deals", "renewal:9"),))
    want(engine, DEAL, LINE, other)
    deals = claim(engine, "deals")
    with writing(engine) as conn:
        lines = ledger.claim_children(conn, A, "lines", deals, lease("w1"))
    assert [(row.key, row.fence) for row in lines] == [("line:1", deals[0].fence)]
    assert claim(engine, "lines", "w2") == []


def test_four_pushers_at_once_never_share_an_account(engine: Engine) -> None:
    """Each sees, just after its claim, that nobody else holds a row of any of its accounts."""
    accounts = [f"{number:02d}" for number in range(12)]
    want(
        engine,
        *(
            replace(one, key=f"{one.key}/{account}/{n}", account_id=account)
            for account in accounts
            for one in (ROW, DEAL)
            for n in range(2)
        ),
    )

    def drain(worker: int) -> int:
        taken = idle = 0
        while idle < 200 and not settled():
            rows = claim(engine, ("companies", "deals")[worker % 2], f"w{worker}", limit=3)
            idle = 0 if rows else idle + 1
            holders = owners_of({row.account_id for row in rows})
            assert all(owners == {f"w{worker}"} for owners in holders.values()), holders
            with writing(engine) as conn:
                answers = [ledger.Acknowledgement(row, f"id-{row.key}", row.desired) for row in rows]
                taken += ledger.acknowledge(conn, A, NOW, answers)
        return taken

    def owners_of(held: set[str]) -> dict[str, set[str]]:
        table = ledger.write_ledger
        with reading(engine) as conn:
            found = conn.execute(table.select().where(table.c.lease_owner.is_not(None))).mappings().all()
        return {one: {row["lease_owner"] for row in found if row["account_id"] == one} for one in held}

    def settled() -> bool:
        with reading(engine) as conn:
            return all(state is WriteState.ACKNOWLEDGED for _, state in ledger.counts(conn, A))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(drain, range(4))) == 48
