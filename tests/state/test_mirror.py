"""The mirror: versions in two times, never backwards, no version without a difference."""

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Engine

from integration.port import CrmRecord, Link
from sync.state import mirror
from sync.state.engine import writing
from sync.state.mirror import MirrorChange, MirrorRecord
from tests.state.moments import DAY, HOUR, NOW, A

DEAL = MirrorRecord("deals", "11", NOW - DAY, {"amount": "5"}, (Link("companies", "1"),), "1")


def _store(engine: Engine, *records: MirrorRecord, at: datetime = NOW) -> MirrorChange:
    with writing(engine) as conn:
        return mirror.store(conn, A, at, records)


def _amounts(engine: Engine, moment: datetime, against: str, accounts=None) -> list[str | None]:
    with writing(engine) as conn:
        found = mirror.known_at(conn, A, "deals", moment, read_against=against, account_ids=accounts)
    return [one.values["amount"] for one in found]


def test_the_same_record_again_is_no_new_version(engine: Engine) -> None:
    """Reading a page twice changes nothing and wakes nobody."""
    first = _store(engine, DEAL)
    assert first == MirrorChange((("deals", "11"),), 0, 0, frozenset({"1"}))
    again = _store(engine, replace(DEAL, source_at=NOW), at=NOW + HOUR)
    assert again == MirrorChange((), 1, 0, frozenset())
    with writing(engine) as conn:
        assert [one.seq for one in mirror.versions(conn, A, "deals", "11")] == [1]


def test_a_record_keeps_both_its_times(engine: Engine) -> None:
    """When the CRM knew, and when we knew."""
    _store(engine, DEAL)
    with writing(engine) as conn:
        (held,) = mirror.current(conn, A, "deals")
    assert (held.source_at, held.ingested_at) == (NOW - DAY, NOW)
    assert held.links == (Link("companies", "1"),)
    assert held.values == {"amount": "5"}


def test_whole_pages_and_what_is_left_over_are_kept_alike(engine: Engine) -> None:
    """SQLite is given rows by the hundred: none is lost, doubled or another's."""
    wanted = {str(number): str(number * 3) for number in range(10, 260)}
    _store(engine, *(replace(DEAL, source_id=one, values={"amount": of}) for one, of in wanted.items()))
    with writing(engine) as conn:
        assert {one.source_id: one.values["amount"] for one in mirror.current(conn, A, "deals")} == wanted


def test_the_order_of_links_is_no_difference(engine: Engine) -> None:
    """CRMs list associations in any order."""
    links = (Link("companies", "2"), Link("companies", "1"))
    _store(engine, replace(DEAL, links=links))
    assert _store(engine, replace(DEAL, links=links[::-1])).unchanged == 1


def test_an_older_copy_never_wins(engine: Engine) -> None:
    """A late page or a delayed webhook cannot take the mirror back."""
    _store(engine, replace(DEAL, source_at=NOW, values={"amount": "9"}))
    assert _store(engine, DEAL, at=NOW + HOUR).stale == 1
    with writing(engine) as conn:
        assert mirror.current(conn, A, "deals")[0].values == {"amount": "9"}


def test_a_confirmed_version_is_not_undone_by_a_copy_from_in_between(engine: Engine) -> None:
    """Seen at 1 and again unchanged at 3: a different copy of 2 is stale."""
    _store(engine, replace(DEAL, source_at=NOW))
    _store(engine, replace(DEAL, source_at=NOW + 2 * HOUR), at=NOW + 2 * HOUR)
    between = replace(DEAL, source_at=NOW + HOUR, values={"amount": "0"})
    assert _store(engine, between, at=NOW + 3 * HOUR).stale == 1


def test_at_the_same_instant_a_different_body_wins(engine: Engine) -> None:
    """Associations change without moving the record's own time."""
    _store(engine, DEAL)
    relinked = replace(DEAL, links=(Link("companies", "2"),), account_id="2")
    assert _store(engine, relinked, at=NOW + HOUR).changed == (("deals", "11"),)


def test_a_moved_record_touches_both_accounts(engine: Engine) -> None:
    """The account it left has to be looked at as well."""
    _store(engine, DEAL)
    moved = replace(DEAL, account_id="2", source_at=NOW)
    assert _store(engine, moved, at=NOW + HOUR).touched_accounts == {"1", "2"}
    with writing(engine) as conn:
        assert mirror.current(conn, A, "deals", ["1"]) == []
        assert len(mirror.current(conn, A, "deals", ["2"])) == 1


def test_known_at_ours_is_what_we_held(engine: Engine) -> None:
    """An audit sees the version that had reached us, to the instant."""
    _store(engine, DEAL, at=NOW)
    _store(engine, replace(DEAL, source_at=NOW - HOUR, values={"amount": "9"}), at=NOW + HOUR)
    assert _amounts(engine, NOW - HOUR, "ours") == []
    assert _amounts(engine, NOW, "ours") == ["5"]
    assert _amounts(engine, NOW + HOUR, "ours") == ["9"]


def test_known_at_source_is_what_the_crm_held(engine: Engine) -> None:
    """A backtest sees the version the CRM had then, though it reached us later."""
    _store(engine, DEAL, at=NOW)
    _store(engine, replace(DEAL, source_at=NOW - HOUR, values={"amount": "9"}), at=NOW + HOUR)
    assert _amounts(engine, NOW - 2 * DAY, "source") == []
    assert _amounts(engine, NOW - DAY, "source") == ["5"]
    assert _amounts(engine, NOW - HOUR, "source") == ["9"]


def test_a_record_that_moved_belongs_to_where_it_was_then(engine: Engine) -> None:
    """Read against either time, it hangs under one account only."""
    _store(engine, DEAL)
    _store(engine, replace(DEAL, account_id="2", source_at=NOW), at=NOW + HOUR)
    for against, before, after in (("ours", NOW, NOW + HOUR), ("source", NOW - HOUR, NOW)):
        assert _amounts(engine, before, against, ["1"]) == ["5"]
        assert _amounts(engine, before, against, ["2"]) == []
        assert _amounts(engine, after, against, ["1"]) == []
        assert _amounts(engine, after, against, ["2"]) == ["5"]


def test_a_deleted_record_is_gone_but_was_there(engine: Engine) -> None:
    """Deletion is a version: its account is touched, its past stays readable."""
    _store(engine, DEAL)
    with writing(engine) as conn:
        change = mirror.mark_deleted(conn, A, NOW + HOUR, "deals", [("11", NOW + HOUR), ("99", NOW)])
        assert change.changed == (("deals", "11"),)
        assert change.touched_accounts == {"1"}
        assert mirror.current(conn, A, "deals") == []
        assert mirror.counts(conn, A) == {}
        assert mirror.find(conn, A, "deals", ["11"])["11"].deleted
    assert _amounts(engine, NOW, "ours") == ["5"]
    assert _amounts(engine, NOW, "source") == ["5"]
    assert _amounts(engine, NOW + HOUR, "source") == []


def test_a_restored_record_is_back(engine: Engine) -> None:
    """What the CRM brings back from the bin is current again."""
    _store(engine, DEAL)
    _store(engine, replace(DEAL, deleted=True, source_at=NOW), at=NOW)
    _store(engine, replace(DEAL, source_at=NOW + HOUR), at=NOW + HOUR)
    with writing(engine) as conn:
        assert mirror.counts(conn, A) == {"deals": 1}


def test_several_versions_in_one_batch_chain_up(engine: Engine) -> None:
    """Versions handed in together, in any order, end as one current version."""
    later = replace(DEAL, source_at=NOW, values={"amount": "9"})
    change = _store(engine, later, DEAL)
    assert change.changed == (("deals", "11"),)
    with writing(engine) as conn:
        assert [one.seq for one in mirror.versions(conn, A, "deals", "11")] == [1, 2]
        assert [one.values["amount"] for one in mirror.current(conn, A, "deals")] == ["9"]


def test_an_orphan_is_rehung_when_its_account_becomes_known(engine: Engine) -> None:
    """A child read before its parent finds its account later, with its values untouched."""
    _store(engine, replace(DEAL, account_id=None))
    _store(engine, replace(DEAL, account_id=None, source_at=NOW))
    with writing(engine) as conn:
        change = mirror.rehang(conn, A, NOW + HOUR, "deals", {"11": "1"})
        assert change.touched_accounts == {"1"}
        assert mirror.current(conn, A, "deals", ["1"])[0].values == {"amount": "5"}


def test_an_archived_crm_record_counts_as_deleted() -> None:
    """The port's archived flag is the mirror's deletion."""
    made = datetime(2025, 1, 1, tzinfo=UTC)
    record = CrmRecord("deals", "11", {}, made, NOW, archived=True)
    expected = MirrorRecord("deals", "11", NOW, {}, (), "1", deleted=True, created_at=made)
    assert MirrorRecord.of(record, "1") == expected


def test_a_record_keeps_when_the_crm_made_it(engine: Engine) -> None:
    """Also through a deletion; where the CRM did not say, it is the version's own time."""
    made = datetime(2025, 1, 1, tzinfo=UTC)
    _store(engine, replace(DEAL, created_at=made), replace(DEAL, source_id="12"))
    with writing(engine) as conn:
        mirror.mark_deleted(conn, A, NOW + HOUR, "deals", [("11", NOW + HOUR)])
        found = mirror.find(conn, A, "deals", ["11", "12"])
    assert (found["11"].deleted, found["11"].created_at) == (True, made)
    assert found["12"].created_at == DEAL.source_at


def test_thousands_of_records_are_stored_whole(engine: Engine) -> None:
    """A first load larger than any chunk arrives completely, and again changes nothing."""
    records = [replace(DEAL, source_id=str(number), account_id=str(number % 50)) for number in range(5000)]
    assert len(_store(engine, *records).changed) == 5000
    assert _store(engine, *records).unchanged == 5000
    with writing(engine) as conn:
        assert mirror.counts(conn, A) == {"deals": 5000}
        assert len(mirror.current(conn, A, "deals", [str(number) for number in range(25)])) == 2500
