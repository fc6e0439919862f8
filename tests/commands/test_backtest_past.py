"""A scorecard over a mirror's past, and the charters that ask for its report before they come into force."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integration.port import Link
from sync.clock import move_clock
from sync.commands.installing import DEFAULT_CHARTER
from sync.config import read_settings
from sync.state import installations
from sync.state.engine import open_engine, writing
from sync.state.mirror_rows import MirrorRecord
from sync.state.mirror_store import store
from tests.commands.conftest import PORTAL, Home

TODAY = datetime(2040, 7, 1, 9, 0, tzinfo=UTC)
"""Later than the wall, at which the home had its charter applied."""
WON = {"id": "won", "label": "Won", "closed": True, "won": True, "probability": 1.0, "active": True}
SEATS = """  measures:
    - measure: seats
      group: commercial
      weight: 100
      curve: [[0, 0], [100, 100]]
"""


MODEL = """
models:
  - key: churn
    version: {version}
    horizon_days: 60
    active: true
    features:
      - measure: seats
        direction: {direction}
"""


SMALLER = """
segments:
  version: 1
  rules:
    - {key: tiny, title: Tiny, touch: digital, when: seats < 20}
    - {key: few, title: Few, touch: digital, when: seats < 40}
    - {key: many, title: Many, touch: high}
scorecards:
  - for: {segments: [tiny, few]}
    key: smaller
    version: 1
    bands:
      - {key: red, title: Red, floor: 0}
      - {key: yellow, title: Yellow, floor: 20}
      - {key: green, title: Green, floor: 50}
    measures: [{measure: seats, group: commercial, weight: 100, curve: [[0, 0], [100, 100]]}]
    caps: [{key: tiny, when: segment == "tiny", points: 0, reason: Too small to stay}]
"""


def charter(folder: Path, *, version: int = 2, turned: bool = False, required: bool = True) -> Path:
    """Return our charter with a scorecard of seats alone: the more the better, or turned round."""
    text = DEFAULT_CHARTER.read_text("utf-8")
    begin = text.index("  measures:\n    - measure: seat_utilisation")
    end = text.index("# The success plan of every new customer")
    seats = SEATS.replace("[[0, 0], [100, 100]]", "[[0, 100], [100, 0]]") if turned else SEATS
    text = text[:begin] + seats + text[end:]
    text = text.replace("key: health\n  version: 1", f"key: health\n  version: {version}")
    if required:
        text += "\nbacktest:\n  required: [health]\n  resamples: 100\n"
    path = folder / f"charter-{version}-{turned}.yaml"
    path.write_text(text, "utf-8")
    return path


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _contract(account: int, term: int, start: date, seats: int) -> Iterator[MirrorRecord]:
    key, deal = str(1000 + account), f"{account}{term}"
    values = {"dealname": "A deal", "amount": "1200", "deal_currency_code": "EUR", "pipeline": "p"}
    values |= {"closedate": f"{start}T00:00:00Z", "dealstage": "won", "deal_kind": "new"}
    company = (Link("companies", key),)
    yield MirrorRecord("deals", deal, _at(start), values, company, key, created_at=_at(start))
    line = {"contract_ref": deal, "contract_product": "core", "contract_seats": str(seats)}
    line |= {"contract_start": f"{start}", "contract_end": f"{start + timedelta(days=365)}"}
    line |= {"contract_arr": "1200", "hs_line_item_currency_code": "EUR", "contract_term_months": "12"}
    yield MirrorRecord(
        "line_items", deal, _at(start), line, (Link("deals", deal),), key, created_at=_at(start)
    )


def _records() -> list[MirrorRecord]:
    """Return 130 customers of yearly terms; small ones renew in 3 of 10 cases, large ones in 9 of 10."""
    draw, found = random.Random(4), []
    for account in range(130):
        start = date(2037, 1, 1) + timedelta(days=draw.randrange(900))
        seats = draw.randrange(5, 95)
        values = {"name": f"Customer {account}", "createdate": f"{start}T00:00:00Z"}
        made = _at(start)
        found.append(
            MirrorRecord(
                "companies", str(1000 + account), made, values, (), str(1000 + account), created_at=made
            )
        )
        term = 0
        while start < date(2040, 7, 1):
            found += _contract(account, term, start, seats)
            if draw.random() < (0.7 if seats < 40 else 0.1):
                break
            start, term = start + timedelta(days=365), term + 1
    return found


@pytest.fixture
def lived(home: Home) -> Home:
    """Give the home with three and a half years of customers in its mirror, on 1 July 2040."""
    engine = open_engine(read_settings(home.env).database_url)
    move_clock(engine, TODAY, running=False)
    with writing(engine) as conn:
        settings: dict[str, Any] = {"pipelines": [{"id": "p", "label": "P", "stages": [WON]}]}
        installations.change_settings(conn, PORTAL, settings)
        store(conn, PORTAL, TODAY, _records())
    engine.dispose()
    return home


def test_a_charter_that_asks_for_a_report_waits_for_a_passing_one(lived: Home, colonnade, tmp_path):
    """Refused without a report, taken after one of its content that passed, which explain and metrics say."""
    new = charter(tmp_path)
    colonnade(lived.env, "charter", "apply", PORTAL, str(new)).refused(
        "health@2 has no passing backtest", "--force-unvalidated"
    )
    told = colonnade(lived.env, "backtest", "health", "--charter", str(new), "--json").json()
    assert told["activate"], told["reasons"]
    assert told["blocked_columns"] == []
    assert told["auc"] > 0.6
    assert told["train"]["events"] >= 20
    assert told["test"]["events"] >= 20
    assert told["train"]["last"] < told["test"]["first"]
    assert told["alarms"]["unit"] == "days"
    assert told["arr_weighted"] is not None
    assert "existing_score" in told["baselines"]
    (row,) = lived.rows["backtest_report"]
    assert told["subject_hash"] in row
    assert json.dumps(told["auc"]) in row
    other = str(charter(tmp_path, turned=True))
    colonnade(lived.env, "charter", "apply", PORTAL, other).refused("health@2 has no passing backtest")
    colonnade(lived.env, "charter", "apply", PORTAL, str(new)).well()
    said = colonnade(lived.env, "explain", "Customer 3", "--json").json()["validation"]
    assert [(one["subject"], one["ground"]) for one in said] == [("health@2", "passed")]
    assert "passed its backtest of 2040-07-01" in colonnade(lived.env, "metrics", PORTAL).out


def test_a_report_that_failed_opens_nothing(lived: Home, colonnade, tmp_path):
    """A score turned round ranks the wrong way; its report is kept and the charter stays out."""
    turned = charter(tmp_path, turned=True)
    told = colonnade(lived.env, "backtest", "health", "--charter", str(turned), "--json").json()
    assert not told["activate"]
    assert any("the wrong way round" in reason for reason in told["reasons"])
    colonnade(lived.env, "charter", "apply", PORTAL, str(turned)).refused("health@2 has no passing backtest")


def test_an_admin_may_force_it_with_a_reason_that_is_shown(lived: Home, colonnade, tmp_path):
    """No reason, no force; with one it is in force, and explain, metrics and doctor repeat the reason."""
    new = str(charter(tmp_path))
    colonnade(lived.env, "charter", "apply", PORTAL, new, "--force-unvalidated").refused("needs a --reason")
    words = ("--force-unvalidated", "--reason", "the board wants it by Monday")
    colonnade(lived.env, "charter", "apply", PORTAL, new, *words).well()
    for asked in (("explain", "Customer 3"), ("metrics", PORTAL), ("doctor",)):
        out = " ".join(colonnade(lived.env, *asked, "--json").out.split())
        assert "the board wants it by Monday" in out, asked
    ground = colonnade(lived.env, "metrics", PORTAL, "--json").json()["validation"][0]["ground"]
    assert ground == "forced"


def test_expert_weights_stay_usable_and_are_called_so(lived: Home, colonnade, tmp_path):
    """What no charter requires a report of comes into force as ever, shown as not validated."""
    colonnade(lived.env, "charter", "apply", PORTAL, str(charter(tmp_path, required=False))).well()
    (said,) = colonnade(lived.env, "explain", "Customer 3", "--json").json()["validation"]
    assert (said["ground"], said["required"]) == ("expert", False)
    assert said["told"].startswith("expert weights, not validated")


def go_live(home: Home) -> None:
    """Have the installation work by its charter, as `sync live` does."""
    engine = open_engine(read_settings(home.env).database_url)
    with writing(engine) as conn:
        installations.change_settings(conn, PORTAL, {"live": True})
    engine.dispose()


def test_a_live_installation_takes_no_new_scorecard_its_past_speaks_against(lived: Home, colonnade, tmp_path):
    """Nobody listed it: its past can judge it, so it is asked for; what is in force already is not."""
    go_live(lived)
    new = str(charter(tmp_path, turned=True, required=False))
    refusal = "health@2 has no passing backtest of this content"
    colonnade(lived.env, "charter", "apply", PORTAL, new).refused(refusal)
    colonnade(lived.env, "backtest", "health", "--charter", new, "--bootstrap", "100").well()
    colonnade(lived.env, "charter", "apply", PORTAL, new).refused(refusal)
    words = ("--force-unvalidated", "--reason", "the board wants it by Monday")
    colonnade(lived.env, "charter", "apply", PORTAL, new, *words).well()
    renamed = tmp_path / "renamed.yaml"
    renamed.write_text(Path(new).read_text("utf-8").replace("name: Default", "name: Renamed"), "utf-8")
    colonnade(lived.env, "charter", "apply", PORTAL, str(renamed)).well()


def test_a_past_too_short_is_said(home: Home, colonnade):
    """Nothing mirrored, nothing to judge by: one error, and what to do."""
    colonnade(home.env, "backtest", "health").refused("no account of the past has a score")


def test_a_name_that_is_none_is_told(home: Home, colonnade):
    """The nearest scorecard is named; options of files are refused beside a name."""
    colonnade(home.env, "backtest", "helth").refused("no scorecard or model 'helth'", "'health'")
    colonnade(home.env, "backtest", "health", "--label", "x").refused("--label speak of a file")
    colonnade(home.env, "backtest").refused("name either a scorecard")


def test_a_required_name_that_is_none_is_a_mistake_of_the_charter(tmp_path, colonnade):
    """By file, line and column, with the remedy."""
    path = charter(tmp_path)
    path.write_text(path.read_text("utf-8").replace("required: [health]", "required: [wealth]"), "utf-8")
    done = colonnade({}, "charter", "check", str(path), "--vendor", "hubspot")
    done.refused("backtest.required[0]", "no scorecard or model 'wealth'", "Did you mean 'health'?")


def test_a_model_waits_for_a_report_of_its_own_way_of_learning(lived: Home, colonnade, tmp_path):
    """Refused without; refitted on the earlier part only; let pass by its report, and shown as such.

    One feature ranks as it stands, few seats first: the AUC is that of seats among the rows of the test,
    those beyond what the earlier part had counting as its least and most.
    """
    colonnade(lived.env, "charter", "apply", PORTAL, str(_with_model(tmp_path, 1, "lowers"))).well()
    colonnade(lived.env, "backtest", "churn").refused("no trained model churn")
    content = colonnade(lived.env, "model", "train", "churn", "--json").json()["content_hash"]
    colonnade(lived.env, "model", "activate", "churn@1").refused("churn@1 has no passing", "backtest churn")
    colonnade(lived.env, "backtest", "churn", "--horizon", "90").refused("a horizon of its own")
    told = colonnade(lived.env, "backtest", "churn", "--bootstrap", "100", "--json").json()
    assert told["activate"], told["reasons"]
    assert (told["subject"], told["subject_hash"], told["horizon_days"]) == ("churn@1", content, 60)
    learned, judged = (_windows(told[part]["first"], told[part]["last"]) for part in ("train", "test"))
    assert told["train"]["events"] == len([one for one in learned if one[1]]) >= 20
    assert (told["test"]["events"], told["test"]["rows"]) == (
        len([1 for _, lost in judged if lost]),
        len(judged),
    )
    least, most = min(seats for seats, _ in learned), max(seats for seats, _ in learned)
    held = [(min(max(seats, least), most), lost) for seats, lost in judged]
    assert told["auc"] == pytest.approx(_share_in_order(held))
    assert date.fromisoformat(told["train"]["last"]) + timedelta(60) < date.fromisoformat(
        told["test"]["first"]
    )
    assert told["refitted"]["rung"] == "ridge"
    assert f"refitted on the {len(learned)} rows ({told['train']['events']} churns)" in told["notes"][0]
    made = colonnade(lived.env, "model", "activate", "churn@1", "--json").json()
    assert not made["forced"]
    assert len(made["report"]) == 64
    said = colonnade(lived.env, "explain", "Customer 3", "--json").json()["validation"]
    assert [(one["kind"], one["subject"], one["ground"]) for one in said] == [
        ("scorecard", "health@2", "expert"),
        ("model", "churn@1", "passed"),
    ]


def test_a_model_that_failed_is_forced_with_a_reason_that_is_shown(lived: Home, colonnade, tmp_path):
    """Told the wrong way round it knows nothing; another definition of it cannot be judged by this one.

    It is judged segment by segment too, each row in the one its day tells.
    """
    path = _with_model(tmp_path, 1, "raises")
    path.write_text(path.read_text("utf-8") + SMALLER, "utf-8")
    colonnade(lived.env, "charter", "apply", PORTAL, str(path)).well()
    colonnade(lived.env, "model", "train", "churn").well()
    other = str(_with_model(tmp_path, 2, "lowers"))
    colonnade(lived.env, "backtest", "churn", "--charter", other).refused("another definition of churn")
    told = colonnade(lived.env, "backtest", "churn", "--bootstrap", "100", "--json").json()
    assert (told["activate"], told["auc"]) == (False, 0.5)
    rows = [seats for seats, _ in _windows(told["test"]["first"], told["test"]["last"])]
    assert {name: (one["rows"], one["auc"]) for name, one in told["auc_by_segment"].items()} == {
        "tiny": (len([one for one in rows if one < 20]), 0.5),
        "few": (len([one for one in rows if 20 <= one < 40]), 0.5),
        "many": (len([one for one in rows if one >= 40]), 0.5),
    }
    colonnade(lived.env, "model", "activate", "churn@1").refused("churn@1 has no passing backtest")
    words = ("--force", "--reason", "the board wants it by Monday")
    colonnade(lived.env, "model", "activate", "churn@1", *words).well()
    for asked in (("explain", "Customer 3"), ("metrics", PORTAL), ("doctor",)):
        out = " ".join(colonnade(lived.env, *asked, "--json").out.split())
        assert out.count("the board wants it by Monday") == 1, asked


def test_a_scorecard_is_judged_by_the_accounts_it_is_for(lived: Home, colonnade, tmp_path):
    """Those of under 40 seats only, each with the words its caps read: tiny ones all stand at nothing.

    Among them nothing is ranked, so that their AUC is one half; among the few more seats rank as ever.
    """
    path = charter(tmp_path, required=False)
    path.write_text(path.read_text("utf-8") + SMALLER, "utf-8")
    told = colonnade(
        lived.env, "backtest", "smaller", "--charter", str(path), "--bootstrap", "20", "--json"
    ).json()
    first, last = (date.fromisoformat(told["test"][side]) for side in ("first", "last"))
    firsts = [date(year, month, 1) for year in range(2037, 2041) for month in range(1, 13)]
    open_then = [
        terms[0][2]
        for day in firsts
        if first <= day <= last
        for terms in _terms().values()
        if any(begin <= day < end for begin, end, _ in terms)
    ]
    small = [seats for seats in open_then if seats < 40]
    by_segment = told["auc_by_segment"]
    assert told["test"]["rows"] == len(small) < len(open_then)
    assert {name: one["rows"] for name, one in by_segment.items()} == {
        "tiny": len([seats for seats in small if seats < 20]),
        "few": len([seats for seats in small if seats >= 20]),
    }
    assert by_segment["tiny"]["auc"] == 0.5
    assert by_segment["few"]["auc"] != 0.5
    assert told["rows_of_other_scorecards"] > 0
    assert "each day alone tells" in told["notes"][0]


def _with_model(folder: Path, version: int, direction: str) -> Path:
    """Return the charter with a model of seats."""
    path = charter(folder, required=False)
    path = path.rename(folder / f"model-{version}-{direction}.yaml")
    path.write_text(path.read_text("utf-8") + MODEL.format(version=version, direction=direction), "utf-8")
    return path


def _windows(first: str, last: str) -> list[tuple[int, bool]]:
    """Return seats of every customer on the firsts of odd months in [first, last], and whether it then left.

    By hand of the contracts: the last of a customer's terms ends within 60 days after. A term
    that began on the day itself was not known at its beginning.
    """
    found = []
    for year, month in ((year, month) for year in range(2037, 2041) for month in range(1, 13, 2)):
        day = date(year, month, 1)
        for held in _terms().values() if first <= f"{day}" <= last else ():
            gone = held[-1][1]
            if any(begin < day < end for begin, end, _ in held):
                found.append((held[0][2], day < gone <= day + timedelta(60)))
    return found


def _terms() -> dict[str, list[tuple[date, date, int]]]:
    """Return every customer's terms: beginning, end and seats."""
    found: dict[str, list[tuple[date, date, int]]] = {}
    for one in _records():
        if one.object == "line_items":
            held = {name: str(value) for name, value in one.values.items()}
            begin, end = (date.fromisoformat(held[f"contract_{side}"]) for side in ("start", "end"))
            found.setdefault(str(one.account_id), []).append((begin, end, int(held["contract_seats"])))
    return found


def _share_in_order(rows: list[tuple[int, bool]]) -> float:
    """Return the share of pairs in which who left had fewer seats; as many count half."""
    left, stayed = ([seats for seats, lost in rows if lost is which] for which in (True, False))
    won = sum((one < other) + 0.5 * (one == other) for one in left for other in stayed)
    return won / len(left) / len(stayed)
