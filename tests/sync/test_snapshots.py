"""Snapshots in both CRMs: each month once it has ended, under a lease of its own, and never again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mappings.catalogue import Home
from mappings.charter import Charter
from mappings.scorecards import FurtherScorecardEntry
from mappings.segments import SegmentsEntry
from success.desired import RecordKind
from success.fold import FoldState
from success.holding import Change, Held
from success.snapshot_records import ACROSS
from sync import portfolio_facts, portfolio_look
from sync.allocation import Allocated, allocate
from sync.keep import own_objects
from sync.onboard import apply_charter
from sync.pull import poll_object
from sync.restate import restate
from sync.state import dirty, findings, fold, snapshots
from sync.state.dirty import Scope
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.state.fold import StoredFold
from tests.sync.harness import HUBSPOT, SALESFORCE, Deployment, Office
from tests.sync.portfolios import Book, three_customers

OPEN = Callable[..., Office]
VENDORS = pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])
FEBRUARY = datetime(2025, 2, 1, 0, 5, tzinfo=UTC)
MARCH = datetime(2025, 3, 1, 0, 5, tzinfo=UTC)
APRIL = datetime(2025, 4, 1, 0, 5, tzinfo=UTC)
PORTFOLIO = "snapshot:portfolio:"


def live(lite: Deployment, office: OPEN, vendor: str, book: Book | None = None, *options: str) -> Office:
    """Return an installation after its first run on 15 January 2025."""
    there = office(lite, vendor, book or three_customers(), *options).install()
    there.load()
    there.go_live().settle()
    return there


def new_day(there: Office, at: datetime) -> None:
    """Look and write as the scheduler has it when a day begins."""
    there.deployment.at(at)
    there.look_at_all()
    there.settle()


def written(there: Office) -> dict[str, dict[str, Any]]:
    """Return the snapshots in the CRM by key, under HubSpot's names of fields."""
    found = there.written(there.own("snapshot"))
    empty: Callable[[], None] = lambda: None  # noqa: E731 - HubSpot leaves out what is empty
    return {
        key: defaultdict(
            empty,
            {
                name.lower().removesuffix("__c"): value
                for name, value in one.items()
                if name.lower()[:3] == "cs_"
            },
        )
        for key, one in found.items()
    }


def wholes(there: Office) -> dict[str, dict[str, Any]]:
    """Return the portfolio's months by month, without the parts by band."""
    return {
        key.removeprefix(PORTFOLIO): one
        for key, one in written(there).items()
        if key.startswith(PORTFOLIO) and not one["cs_band"]
    }


def number(value: object) -> float | None:
    """Return a figure however the CRM shows it."""
    return float(str(value)) if value not in (None, "") else None


@VENDORS
def test_the_year_before_and_the_month_that_runs_are_there_after_the_first_run(
    lite: Deployment, office: OPEN, vendor: str
) -> None:
    """Acorn pays 15,000 from March, Birch 2,400 more from December; before March nobody pays."""
    there = live(lite, office, vendor)
    found = wholes(there)
    assert sorted(found) == [*(f"2024-{month:02}" for month in range(3, 13)), "2025-01"]
    assert [number(found[f"2024-{month:02}"]["cs_arr"]) for month in (3, 11, 12)] == [15_000, 15_000, 17_400]
    assert [number(found["2024-12"][name]) for name in ("cs_arr_opening", "cs_accounts")] == [15_000, 2]
    assert {one["cs_status"] for key, one in found.items() if key != "2025-01"} == {"final"}
    assert [found["2024-12"][name] for name in ("cs_health", "cs_coverage", "cs_nrr")] == [None] * 3
    running = found["2025-01"]
    assert (running["cs_status"], number(running["cs_arr"]), number(running["cs_coverage"])) == (
        "running",
        17_400,
        0,
    )
    parts = {key: one for key, one in written(there).items() if one["cs_band"]}
    assert {key.rpartition(":")[2]: number(one["cs_accounts"]) for key, one in parts.items()} == {
        "red": 0,
        "yellow": 0,
        "green": 0,
        "unknown": 2,
    }


def test_a_day_on_which_nothing_changed_makes_no_call_and_a_month_that_ends_makes_one(
    lite: Deployment, office: OPEN
) -> None:
    """January becomes final and February begins: five rows of January are settled, five of February made.

    Each is the whole and four bands of the portfolio; a segment all accounts are in has no rows of its own.
    """
    there = live(lite, office, SALESFORCE)
    mark = there.sandbox.mark()
    new_day(there, datetime(2025, 1, 16, 0, 5, tzinfo=UTC))
    held = [one for one in there.sandbox.requests(mark) if there.own("snapshot") in str(one["object"])]
    assert held == []
    mark = there.sandbox.mark()
    new_day(there, FEBRUARY)
    calls = [one for one in there.sandbox.requests(mark) if len(one["written"])]
    about = [one for one in calls if there.own("snapshot") in str(one["object"])]
    # those of January are known by id, those of February are new and go by key
    assert [len(one["written"]) for one in about] == [5, 5]
    found = wholes(there)
    assert (found["2025-01"]["cs_status"], found["2025-02"]["cs_status"]) == ("final", "running")


def test_an_ended_month_is_never_written_again(lite: Deployment, office: OPEN) -> None:
    """A contract that comes late changes the month that runs only; a restatement stands beside."""
    there = live(lite, office, HUBSPOT)
    new_day(there, FEBRUARY)
    before = {key: one for key, one in written(there).items() if ":2025-02" not in key}
    late = {"contract_arr": "3600.00", "contract_start": "2024-11-01"}
    (line,) = [
        one for one in there.sandbox.records("line_items") if one["properties"]["contract_ref"] == "l-b1"
    ]
    there.deployment.later(hours=1)
    there.sandbox.edit("line_items", line["id"], late)
    there.poll()
    new_day(there, datetime(2025, 2, 2, 0, 5, tzinfo=UTC))
    after = written(there)
    assert {key: after[key] for key in before} == before
    assert number(wholes(there)["2025-02"]["cs_arr"]) == 18_600  # 15,000 + 3,600

    restate(there.ws, date(2025, 1, 1), "the price was wrong")
    there.settle()
    found = written(there)
    first, second = found[f"{PORTFOLIO}2025-01"], found[f"{PORTFOLIO}2025-01:version:2"]
    assert {**first, "cs_status": "final"} == before[f"{PORTFOLIO}2025-01"]
    assert (first["cs_status"], second["cs_status"]) == ("superseded", "final")
    assert (second["cs_version"], second["cs_restated_on"]) == ("2", "2025-02-02")
    assert number(second["cs_arr"]) == 18_600


def test_only_a_month_that_has_ended_is_restated(lite: Deployment, office: OPEN) -> None:
    """The month that runs is taken anew every day anyway."""
    there = live(lite, office, HUBSPOT)
    with pytest.raises(StateError, match="2025-01 has not been taken for good"):
        restate(there.ws, date(2025, 1, 1), "why not")


def test_a_look_that_lost_its_lease_changes_nothing(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one worker counts, its lease ends, and another takes the month: the first enters nothing."""
    there = live(lite, office, HUBSPOT)
    there.deployment.at(FEBRUARY)
    there.look_at_all()
    looked: list[object] = []
    take_due = portfolio_look.take_due

    def slowly(*arguments: Any) -> Any:
        monkeypatch.setattr(portfolio_look, "take_due", take_due)
        counted = take_due(*arguments)
        there.deployment.later(seconds=portfolio_look.LEASE_S + 1)
        looked.append(allocate(there.ws, "the other", Scope.PORTFOLIO))
        there.deployment.at(FEBRUARY)  # the slow one's clock says nothing of it
        return counted

    monkeypatch.setattr(portfolio_look, "take_due", slowly)
    there.look()
    assert isinstance(looked[0], Allocated)
    assert looked[0].settled == (ACROSS,)
    with reading(there.engine) as conn:
        assert dirty.count(conn, there.id) == {}
        held = snapshots.every(conn, there.id)
    kept = [(one.month, one.final) for one in held if one.scope == ACROSS][-2:]
    assert kept == [(date(2025, 1, 1), True), (date(2025, 2, 1), False)]


def test_accounts_come_first(lite: Deployment, office: OPEN) -> None:
    """Bands and segments are the accounts': while one waits to be looked at the portfolio does too."""
    there = live(lite, office, HUBSPOT)
    there.look_at_all()
    assert allocate(there.ws, "test", Scope.PORTFOLIO) is None
    there.look()
    with reading(there.engine) as conn:
        assert dirty.count(conn, there.id) == {}


def test_a_portfolio_that_cannot_be_counted_is_tried_again_and_stops_no_account(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure is kept with the row; the accounts are looked at as ever."""
    there = live(lite, office, HUBSPOT)

    def fails(*_: Any) -> None:
        raise ArithmeticError("no")

    there.deployment.at(FEBRUARY)
    there.look_at_all()
    with monkeypatch.context() as patched:
        patched.setattr(portfolio_look, "take_due", fails)
        assert [one.failed for one in there.look()] == [0]
    assert allocate(there.ws, "test", Scope.PORTFOLIO) is None  # not before its time
    there.deployment.later(seconds=11)
    assert allocate(there.ws, "test", Scope.PORTFOLIO) == Allocated(Scope.PORTFOLIO, (ACROSS,), changed=10)


def test_an_account_that_cannot_be_decided_is_counted_unknown_and_told_until_it_can(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The month is taken without it, a finding says of whom and why, and the next month's look closes it."""
    there = live(lite, office, HUBSPOT)
    acorn, judged = there.sandbox.lookup("account:acorn"), portfolio_facts.stood_on

    def poisoned(state: Any, facts: Any, *rest: Any) -> Any:
        if facts.account.account_id == acorn:
            raise ArithmeticError("no")
        return judged(state, facts, *rest)

    told: list[list[tuple[str, bool]]] = [[], [(acorn, True)], []]
    for at, expected in zip((FEBRUARY, MARCH, APRIL), told, strict=True):
        with monkeypatch.context() as patched:
            if expected:
                patched.setattr(portfolio_facts, "stood_on", poisoned)
            new_day(there, at)
        with reading(there.engine) as conn:
            found = findings.open_findings(conn, there.id, portfolio_look.UNDECIDED)
        assert [(one.subject, one.message.endswith("ArithmeticError: no")) for one in found] == expected
    assert number(wholes(there)["2025-02"]["cs_accounts"]) == 2


def test_without_room_for_an_object_snapshots_are_kept_here_and_cost_no_call(
    lite: Deployment, office: OPEN
) -> None:
    """Three objects are left for profile, plan and milestone: snapshots are the last in the order."""
    there = live(lite, office, HUBSPOT, None, "--custom-objects", "3")
    assert there.ws.homes.of[RecordKind.SNAPSHOT] is Home.MIRROR
    assert [one for one in there.sandbox.requests() if "snapshot" in str(one["object"])] == []
    with reading(there.engine) as conn:
        held = snapshots.every(conn, there.id)
    assert [one.scope for one in held] == [ACROSS] * 13


def in_segments(there: Office, segments: dict[str, Held], bands: dict[str, Held]) -> None:
    """Give accounts segments and bands of so many days that the rules here never give, up to today whole."""
    today = there.ws.day_of(there.deployment.now)
    with writing(there.engine) as conn:
        states = fold.newest(conn, there.id, list(segments), today)
        made = []
        for account, one in states.items():
            state = FoldState.from_json(one.state)
            body = FoldState(
                **{name: getattr(state, name) for name in ("plans", "renewals", "expansions", "adopted")},
                day=today + timedelta(days=1),
                segment=segments[account],
                band=bands[account],
            )
            made.append(StoredFold(account, today + timedelta(days=1), body.to_json(), one.charter_hash))
        fold.put(conn, there.id, made)
        dirty.mark(conn, there.id, there.deployment.now, Scope.PORTFOLIO, [ACROSS], "the test")


def test_segments_and_bands_of_the_fold_become_rows(lite: Deployment, office: OPEN) -> None:
    """Acorn is large and red since the 20th, Birch small and green: what stood on the last day counts."""
    there = live(lite, office, HUBSPOT)
    new_day(there, datetime(2025, 1, 31, 0, 5, tzinfo=UTC))
    acorn, birch = (there.sandbox.lookup(f"account:{key}") for key in ("acorn", "birch"))
    since = date(2025, 1, 15)
    in_segments(
        there,
        {acorn: Held((Change(since, "large"),)), birch: Held((Change(since, "small"),))},
        {
            acorn: Held((Change(since, "green"), Change(date(2025, 1, 20), "red"))),
            birch: Held((Change(since, "green"), Change(date(2025, 2, 1), "yellow"))),
        },
    )
    there.deployment.at(FEBRUARY)
    there.look()
    there.push()
    found = written(there)
    january = {key: one for key, one in found.items() if ":2025-01" in key}
    rows = {
        key.removeprefix("snapshot:"): number(one["cs_arr"])
        for key, one in january.items()
        if number(one["cs_arr"])
    }
    assert rows == {
        "portfolio:2025-01": 17_400,
        "portfolio:2025-01:red": 15_000,
        "portfolio:2025-01:green": 2_400,
        "segment:large:2025-01": 15_000,
        "segment:large:2025-01:red": 15_000,
        "segment:small:2025-01": 2_400,
        "segment:small:2025-01:green": 2_400,
    }
    assert found["snapshot:segment:small:2025-02:yellow"]["cs_segment"] == "small"
    assert number(found["snapshot:portfolio:2025-01"]["cs_coverage"]) == 100
    assert found["snapshot:segment:large:2025-01"]["cs_status"] == "final"


def test_the_mean_of_a_month_is_by_the_segment_that_stood_then(lite: Deployment, office: OPEN) -> None:
    """Acorn is large at 80 points until February; seen in March only, January's mean is (80 + 30) / 2."""
    there = office(lite, HUBSPOT, three_customers())
    apply_charter(lite.runtime, there.id, two_cards(there.ws.charter), author="test")
    there.install().load()
    there.go_live().settle()
    lite.at(FEBRUARY + timedelta(days=9))
    for line in there.sandbox.records("line_items"):
        if line["properties"]["contract_ref"] == "l-a1":
            there.sandbox.edit("line_items", line["id"], {"contract_arr": "100.00"})
    there.poll()
    new_day(there, MARCH)
    found = wholes(there)
    assert [number(found[f"2025-{month:02}"]["cs_health"]) for month in (1, 2)] == [55, 30]


def two_cards(charter: Charter) -> Charter:
    """Return the charter with 30 points for whoever has a contract, and 80 for who pays 10,000 or more."""
    bands = [{"key": one.key, "title": one.title, "floor": one.floor} for one in charter.scorecard.bands]

    def card(key: str, points: int) -> dict[str, Any]:
        curve = [[0, points], [1, points]]
        flat = {"measure": "days_since_start", "group": "all", "weight": 100, "curve": curve}
        return {"key": key, "version": 1, "bands": bands, "measures": [flat]}

    rules = [{"key": "large", "touch": "high", "when": "arr >= 10000.0"}, {"key": "rest", "touch": "digital"}]
    parts = {
        "segments": SegmentsEntry.model_validate({"version": 1, "hold_days": 2, "rules": rules}),
        "scorecard": type(charter.scorecard).model_validate(card("h", 30)),
        "scorecards": (
            FurtherScorecardEntry.model_validate({**card("big", 80), "for": {"segments": ["large"]}}),
        ),
    }
    return charter.model_copy(update=parts)


def test_what_no_month_has_any_more_is_taken_back(lite: Deployment, office: OPEN) -> None:
    """A segment seen while the month ran, of an account whose past was then told otherwise, leaves no row."""
    there = live(lite, office, HUBSPOT)
    birch = there.sandbox.lookup("account:birch")
    new_day(there, datetime(2025, 1, 20, 0, 5, tzinfo=UTC))
    since = date(2025, 1, 15)
    in_segments(there, {birch: Held((Change(since, "passing"),))}, {birch: Held((Change(since, "red"),))})
    there.deployment.at(datetime(2025, 1, 21, 0, 5, tzinfo=UTC))
    there.look()
    there.push()
    assert any(":passing:" in key for key in written(there))
    in_segments(there, {birch: Held((Change(since, "other"),))}, {birch: Held((Change(since, "red"),))})
    there.deployment.at(datetime(2025, 1, 22, 0, 5, tzinfo=UTC))
    there.look()
    there.push()
    assert not any(":passing:" in key for key in written(there))
    assert any(":other:" in key for key in written(there))


def test_a_persons_edit_of_a_snapshot_is_put_right(lite: Deployment, office: OPEN) -> None:
    """It is read once a day; what was taken is written over the edit once."""
    there = live(lite, office, HUBSPOT)
    name = there.own("snapshot")
    record = there.written(name)[f"{PORTFOLIO}2024-12"]["_record"]["id"]
    there.deployment.later(hours=2)
    there.sandbox.edit(name, record, {"cs_arr": "1"})
    there.deployment.later(hours=2)
    poll_object(there.ws, own_objects(there.ws)["cs_snapshot"])
    there.push()
    assert number(wholes(there)["2024-12"]["cs_arr"]) == 17_400
