"""Snapshots: a month of a portfolio and of its segments, by hand and by property."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from success.days import month_of
from success.facts import ContractLine, Money
from success.holding import Change, Held
from success.policies import Policies
from success.positions import Context
from success.snapshot_records import ACROSS, TakenSnapshot, snapshot_records
from success.snapshots import (
    BandPart,
    Over,
    Snapshot,
    SnapshotHealth,
    Watched,
    last_day,
    stood_in,
    take,
    year_before,
)
from tests.success.builders import EXAMPLES, line, usd
from tests.success.drawn_ledgers import CONTEXTS, POLICIES, ledgers

BANDS = ("red", "yellow", "green")
DECEMBER = date(2024, 12, 31)
LINES = (
    line("L1", account_id="A", start=date(2023, 1, 1), arr=usd(1200)),
    line("L2", account_id="A", start=date(2024, 12, 1), arr=usd(240)),  # grew on its first day
    line("L3", account_id="B", start=date(2023, 6, 1), end=DECEMBER, arr=usd(600)),  # left on its last day
    line("L4", account_id="C", start=date(2024, 11, 15), arr=usd(300)),  # new within the twelve months
    line("L5", account_id="D", start=date(2024, 1, 1), arr=usd(0)),  # pays nothing, so is no customer
)
WATCHED = {
    "A": Watched("large", frozenset({"large"}), "green", 80_000),
    "B": Watched("small", frozenset({"small"}), "red", 20_000),
    "C": Watched("small", frozenset({"large", "small"}), "unknown", None),
}


def taken(as_of: date = DECEMBER, watched: dict[str, Watched] | None = None) -> dict[str | None, Snapshot]:
    """Return the snapshots of three customers by segment, the portfolio's under None."""
    return {one.segment: one for one in take(LINES, watched, as_of, Policies(), BANDS)}


def test_a_month_of_the_portfolio_is_counted_by_hand() -> None:
    """1,200 + 600 + 300 before it; 1,440 + 300 after; of the 1,800 a year ago 1,440 is there, 1,200 kept."""
    one = taken(watched=WATCHED)[None]
    assert (one.over, one.month, one.as_of) == (Over.PORTFOLIO, date(2024, 12, 1), DECEMBER)
    assert (one.opening, one.closing, one.accounts) == (210_000, 174_000, 2)
    assert (one.nrr, one.grr, one.logos) == (800, 667, 500)
    assert one.health == SnapshotHealth(
        bands=(
            BandPart("red", 0, 0),  # who no longer pays is in no band
            BandPart("yellow", 0, 0),
            BandPart("green", 1, 144_000),
            BandPart("unknown", 1, 30_000),
        ),
        points=80_000,
        coverage=828,  # 1,440 of 1,740
    )
    assert "overlap=stack" in one.policies


def test_each_segment_is_counted_by_who_stands_in_it_on_the_last_day() -> None:
    """C came from the large to the small ones; a year ago the large one paid 1,200, the small one 600."""
    found = taken(watched=WATCHED)
    assert set(found) == {None, "large", "small"}
    large, small = found["large"], found["small"]
    assert (large.opening, large.closing, large.nrr, large.grr, large.logos) == (
        120_000,
        144_000,
        1200,
        1000,
        1000,
    )
    assert (small.opening, small.closing, small.nrr, small.accounts) == (90_000, 30_000, 0, 1)
    assert small.health is not None
    assert (small.health.points, small.health.coverage) == (None, 0)


def test_a_segment_its_last_account_left_within_the_month_still_has_its_row() -> None:
    """Otherwise what stands would depend on how often somebody looked."""
    moved = {"A": Watched("large", frozenset({"large", "gone"}), "green", 80_000)}
    gone = taken(watched=moved)["gone"]
    assert (gone.closing, gone.accounts, gone.nrr, gone.health and gone.health.coverage) == (0, 0, None, None)


def test_nobody_watched_before_going_live() -> None:
    """Contracts are known of the past; health and segments are left out, not guessed."""
    (one,) = taken(watched=None).values()
    assert one.health is None
    assert (one.closing, one.nrr) == (174_000, 800)


def test_the_twelve_months_to_a_months_end_begin_at_a_months_end() -> None:
    """28 February 2025 is compared with 29 February 2024; a day within a month with the same day."""
    assert year_before(date(2025, 2, 28)) == date(2024, 2, 29)
    assert year_before(date(2024, 2, 29)) == date(2023, 2, 28)
    assert year_before(date(2025, 3, 30)) == date(2024, 3, 30)
    assert year_before(date(2025, 3, 31)) == date(2024, 3, 31)


def test_all_values_of_a_month_are_remembered() -> None:
    """What stood on its first day and what came until the last; not what came later or was over before."""
    held = Held(
        tuple(
            Change(date(2025, month, day), value)
            for month, day, value in ((1, 1, "a"), (1, 31, "b"), (2, 10, "c"), (2, 28, "d"), (3, 1, "e"))
        )
    )
    assert stood_in(held, date(2025, 2, 1), date(2025, 2, 28)) == {"b", "c", "d"}
    assert stood_in(held, date(2024, 12, 1), date(2024, 12, 31)) == frozenset()
    assert stood_in(None, date(2025, 2, 1), date(2025, 2, 28)) == frozenset()


def test_a_month_becomes_a_record_and_one_for_each_band() -> None:
    """Keys are structural and lower case; a part says its accounts and ARR, the whole the rest."""
    found = {
        one.key: one
        for one in snapshot_records(
            TakenSnapshot(one, 1, final=True) for one in taken(watched=WATCHED).values()
        )
    }
    assert len(found) == 3 * 5
    whole = found["snapshot:portfolio:2024-12"]
    assert (whole.account_id, whole.fields["name"]) == (ACROSS, "Portfolio 2024-12")
    assert whole.fields["arr_opening"] == Money(210_000, "USD")
    assert whole.fields["nrr"] == Decimal("80.0")
    assert whole.fields["health"] == Decimal("80.0")
    assert whole.fields["coverage"] == Decimal("82.8")
    assert (whole.fields["status"], whole.fields["band"]) == ("final", None)
    part = found["snapshot:segment:small:2024-12:unknown"]
    assert part.fields["name"] == "Segment small 2024-12, unknown"
    assert (part.fields["accounts"], part.fields["arr"]) == (1, Money(30_000, "USD"))
    assert part.fields["nrr"] is part.fields["arr_opening"] is part.fields["policies"] is None


def test_a_restatement_stands_beside_what_it_restates() -> None:
    """The first version keeps its figures and is called superseded; the second has a key of its own."""
    first, later = taken()[None], taken(watched=WATCHED)[None]
    made = snapshot_records(
        [TakenSnapshot(first, 1, True), TakenSnapshot(later, 2, True, restated_on=date(2025, 2, 3))]
    )
    wholes = [one for one in made if one.fields["band"] is None]
    assert [(one.key, one.fields["status"], one.fields["restated_on"]) for one in wholes] == [
        ("snapshot:portfolio:2024-12", "superseded", None),
        ("snapshot:portfolio:2024-12:version:2", "final", date(2025, 2, 3)),
    ]
    assert len({one.key for one in made}) == len(made)


def test_a_month_of_which_nothing_is_known_has_no_record() -> None:
    """Before the first contract there was nothing to count, and nobody watched."""
    before = taken(date(2022, 5, 31))[None]
    assert (before.opening, before.closing, before.nrr) == (0, 0, None)
    assert snapshot_records([TakenSnapshot(before, 1, final=True)]) == ()


def test_a_month_that_runs_says_so() -> None:
    """Its figures still move."""
    (one,) = snapshot_records([TakenSnapshot(taken()[None], 1, final=False)])
    assert one.fields["status"] == "running"


@settings(EXAMPLES, max_examples=25)
@given(ledgers(), POLICIES, CONTEXTS, st.data())
def test_months_join_and_parts_add_up(
    lines: list[ContractLine], policies: Policies, context: Context, data: st.DataObject
) -> None:
    """Under any policies segments and bands add up to the portfolio, and months meet."""
    named = st.builds(
        lambda segment, band, points: Watched(segment, frozenset({segment}), band, points),
        st.sampled_from(["s", "t"]),
        st.sampled_from([*BANDS, "unknown", "once"]),
        st.none() | st.integers(0, 100_000),
    )
    watched = {account: data.draw(named) for account in "ABCD"}
    as_of = last_day(month_of(data.draw(st.dates(date(2023, 2, 1), date(2025, 12, 31)))))
    whole, *segments = take(lines, watched, as_of, policies, BANDS, context)
    assert sum(one.closing for one in segments) == whole.closing
    assert sum(one.opening for one in segments) == whole.opening
    for one in (whole, *segments):
        assert one.health is not None
        assert sum(part.arr for part in one.health.bands) == one.closing
        assert sum(part.accounts for part in one.health.bands) == one.accounts
        assert one.grr is None or one.grr <= 1000
        assert Snapshot.from_json(one.to_json()) == one
    (before, *_) = take(lines, None, month_of(as_of) - timedelta(days=1), policies, BANDS, context)
    assert before.closing == whole.opening


@EXAMPLES
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=6))
def test_mean_health_is_that_of_the_scored_accounts(points: list[int]) -> None:
    """Each account counts once, whatever it pays; the mean is rounded half up to a thousandth."""
    lines = [line(f"L{n}", account_id=f"A{n}", arr=usd(100 + n)) for n in range(len(points) + 1)]
    watched = {f"A{n}": Watched(None, frozenset(), "red", one) for n, one in enumerate(points)}
    (one,) = take(lines, watched, DECEMBER, Policies(), BANDS)
    assert one.health is not None
    assert one.health.points == int(Fraction(sum(points), len(points)) + Fraction(1, 2))
