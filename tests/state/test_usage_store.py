"""Usage: added up exactly once, readable as it was known on any day."""

from datetime import date, timedelta

from sqlalchemy import Engine

from sync.state import usage_store
from sync.state.engine import writing
from sync.state.usage_store import Presence, UsageSum
from tests.state.moments import DAY, NOW, A

D1 = date(2026, 3, 1)
D2 = date(2026, 3, 2)
D3 = date(2026, 3, 3)
SUM = UsageSum("acme", "line-1", "crm", "export", D1, D1, rows=2, count=10, duration_s=60, errors=1)


def test_sums_of_the_same_day_add_up(engine: Engine) -> None:
    """Two batches about one day and feature are one row with their sum."""
    with writing(engine) as conn:
        usage_store.add_usage(conn, A, [SUM, SUM])
        usage_store.add_usage(conn, A, [SUM])
        (held,) = usage_store.usage(conn, A, ["acme"], (D1, D2))
    assert (held.rows, held.count, held.duration_s, held.errors) == (6, 30, 180, 3)


def test_a_line_the_product_did_not_name_is_unknown(engine: Engine) -> None:
    """No line is None and stands beside named ones."""
    nameless = UsageSum("acme", None, "crm", "export", D1, D1, 1, 1, 0, 0)
    with writing(engine) as conn:
        usage_store.add_usage(conn, A, [SUM, nameless])
        assert {one.line_ref for one in usage_store.usage(conn, A, ["acme"], (D1, D2))} == {None, "line-1"}


def test_days_are_half_open_and_late_rows_known_late(engine: Engine) -> None:
    """The end day is out; a row received on the 3rd is unknown to a reader of the 2nd."""
    late = UsageSum("acme", None, "crm", "export", D1, D3, 1, 5, 0, 0)
    with writing(engine) as conn:
        usage_store.add_usage(conn, A, [SUM, late])
        assert usage_store.usage(conn, A, ["acme"], (D2, D3)) == []
        assert usage_store.usage(conn, A, ["acme"], (D1 - timedelta(days=1), D1)) == []
        known = usage_store.usage(conn, A, ["acme"], (D1, D2), received_by=D2)
        assert [one.count for one in known] == [10]
        assert sum(one.count for one in usage_store.usage(conn, A, ["acme"], (D1, D2))) == 15
        assert not usage_store.seen_any(conn, A, received_by=D1 - timedelta(days=1))
        assert usage_store.seen_any(conn, A)


def test_a_user_seen_twice_on_a_day_is_there_once(engine: Engine) -> None:
    """The first receipt stays, so that what was known stays known."""
    with writing(engine) as conn:
        usage_store.add_presence(conn, A, [Presence("acme", "crm", D1, "u1", D1)])
        usage_store.add_presence(conn, A, [Presence("acme", "crm", D1, "u1", D3)])
        held = usage_store.presence(conn, A, ["acme"], (D1, D2), received_by=D1)
    assert held == [Presence("acme", "crm", D1, "u1", D1)]


def test_old_presence_and_hashes_expire(engine: Engine) -> None:
    """The day named is kept, those before it go."""
    with writing(engine) as conn:
        seen = [Presence("acme", "crm", day, "u1", D3) for day in (D1, D2)]
        usage_store.add_presence(conn, A, seen)
        usage_store.new_messages(conn, A, NOW, ["m"])
        assert usage_store.expire_presence(conn, A, D2) == 1
        assert usage_store.expire_messages(conn, A, NOW) == 0
        assert usage_store.expire_messages(conn, A, NOW + DAY) == 1
        assert usage_store.new_messages(conn, A, NOW, ["m"]) == {"m"}


def test_a_large_batch_is_told_apart_from_what_was_seen(engine: Engine) -> None:
    """Of 25,000 messages sent again with 1 more, exactly 1 is new."""
    messages = [f"m{number}" for number in range(25_000)]
    with writing(engine) as conn:
        assert len(usage_store.new_messages(conn, A, NOW, messages)) == 25_000
        assert usage_store.new_messages(conn, A, NOW, [*messages, "one more"]) == {"one more"}
