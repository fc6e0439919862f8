"""Reading other people's CSV files: every mistake is told with its place and its remedy."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.portfolio import cells, read
from sandbox.portfolio.cells import CellError, text_of
from sandbox.portfolio.convert import convert
from sandbox.portfolio.csvfile import DataError
from sandbox.portfolio.mapping import FieldRule, MappingError, load

MAPPING = """\
name: Example
contract_home: line_item
products:
  - {key: p1, name: One, unit_price: "10.00"}
owners:
  - {key: o1, email: a@b.example, first_name: A, last_name: B}
accounts:
  file: accounts.csv
  when: {live: "yes"}
  fields:
    key: id
    name: {first_of: [trading_name, name]}
    domain: {template: "{id}.Example"}
    created_on: {column: since, date: "%d.%m.%Y"}
    employees: {column: staff, default: 5}
    owner_key: {const: o1}
    attributes: {region: region}
deals:
  file: deals.csv
  fields:
    key: id
    account_key: account
    name: id
    stage: {column: state, map: {W: won, O: open}}
    kind: {const: new}
    amount: amount
    created_on: {const: 2024-01-01}
    close_on: {const: 2024-01-02}
lines:
  file: deals.csv
  when: {state: W}
  fields:
    key: {template: "L-{id}"}
    deal_key: id
    product_key: {const: p1}
    seats: seats
    start_on: {const: 2024-01-02}
    arr: amount
"""
ACCOUNTS = (
    "id,name,trading_name,since,staff,region,live\n"
    "A1,Alpha,,01.02.2023,,north,yes\n"
    'A2,"Beta, Ltd",Bee,31.12.2023,40,south,yes\n'
    "A3,Gamma,,nonsense,1,south,no\n"
)
DEALS = "id,account,state,amount,seats\nD1,A1,W,100,2.0\nD2,A2,O,99.995,3\n"


@pytest.fixture
def place(tmp_path):
    """Return a folder with good CSV files and a good mapping."""
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    (tmp_path / "deals.csv").write_text(DEALS)
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    return tmp_path


def _convert(place: Path) -> dict[str, int]:
    return convert(place, load(place / "mapping.yaml"), place / "out", date(2024, 6, 30))


def _refused(place: Path) -> str:
    """Return the one error of a conversion that must fail and must leave nothing behind."""
    before = sorted(place.iterdir())
    with pytest.raises(DataError) as caught:
        _convert(place)
    assert sorted(place.iterdir()) == before
    return str(caught.value)


def test_good_files_become_a_portfolio(place):
    """Every kind of rule gives the value it describes."""
    counts = _convert(place)
    assert (counts["accounts"], counts["deals"], counts["lines"], counts["usage"]) == (2, 2, 1, 0)
    alpha, beta = read.accounts(place / "out")
    assert (alpha.name, alpha.domain, alpha.created_on) == ("Alpha", "a1.example", "2023-02-01")
    assert (alpha.employees, alpha.currency, alpha.owner_key) == (5, "USD", "o1")
    assert (beta.name, beta.employees, beta.attributes) == ("Bee", 40, {"region": "south"})
    first, second = read.deals(place / "out")
    assert (first.stage, first.amount, second.stage, second.amount) == ("won", "100.00", "open", "100.00")
    (line,) = read.lines(place / "out")
    assert (line.key, line.account_key, line.seats, line.end_on, line.notice_days) == (
        "L-D1",
        "A1",
        2,
        None,
        60,
    )
    described = read.read_portfolio(place / "out")
    assert (described.contract_home, described.as_of, described.seed) == ("line_item", "2024-06-30", None)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("accounts.csv", "01.02.2023", "2023-02-01", "accounts.csv, row 2, column 'since': created_on"),
        (
            "accounts.csv",
            ",40,",
            ",many,",
            "accounts.csv, row 3, column 'staff': employees 'many' is not a number",
        ),
        ("accounts.csv", ",40,", ",-1,", "row 3, column 'staff': employees '-1' is below 0"),
        ("accounts.csv", "Bee,31", "Bee,,31", "accounts.csv, row 3: has 8 cells where the header has 7"),
        ("accounts.csv", "A2,", "A1,", "accounts.csv, row 3, column 'id': key 'A1' is in row 2 already"),
        ("accounts.csv", "staff", "people", "accounts.csv, row 1, column 'staff': is not in the header"),
        ("accounts.csv", "region", "id", "accounts.csv, row 1, column 'id': is in the header twice"),
        ("accounts.csv", '"Beta, Ltd"', '"Beta" x', "accounts.csv, row 3: is not CSV"),
        (
            "deals.csv",
            "A2,O",
            "A9,O",
            "deals.csv, row 3, column 'account': account_key 'A9' refers to nothing",
        ),
        (
            "deals.csv",
            ",O,",
            ",X,",
            "deals.csv, row 3, column 'state': stage 'X' is not among those mapped (W, O)",
        ),
        (
            "deals.csv",
            "100,",
            '"1,000",',
            "deals.csv, row 2, column 'amount': amount '1,000' is not a number",
        ),
        ("deals.csv", "100,", "NaN,", "deals.csv, row 2, column 'amount': amount 'NaN' is not a number"),
        ("deals.csv", ",2.0", ",2.5", "deals.csv, row 2, column 'seats': seats '2.5' is not a whole number"),
        ("deals.csv", ",2.0", ",", "deals.csv, row 2, column 'seats': seats is empty"),
    ],
)
def test_the_first_wrong_value_is_told_with_its_place(place, file, old, new, message):
    """One error names file, row and column; it ends with what to do; no folder appears."""
    path = place / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    told = _refused(place)
    assert message in told
    assert ". " in told.split(message)[1] or "region" in old or "Quote" in told or "Save" in told


def test_a_missing_file_is_named(place):
    """A file that is not there is named with the folder it was looked for in."""
    (place / "deals.csv").unlink()
    assert _refused(place).startswith(f"deals.csv: not found in {place}")


def test_an_empty_file_has_no_columns(place):
    """A file without even a header lacks its first column."""
    (place / "deals.csv").write_text("")
    assert "deals.csv, row 1, column 'id': is not in the header. The columns are: none" in _refused(place)


def test_another_encoding_is_refused_with_its_row(place):
    """Latin-1 text is refused, naming the row that holds it."""
    (place / "accounts.csv").write_bytes(ACCOUNTS.replace("Gamma", "Gärtner").encode("latin-1"))
    assert _refused(place).startswith("accounts.csv, row 4: is not UTF-8")


def test_a_byte_order_mark_is_no_part_of_the_first_column(place):
    """Files saved by spreadsheets with a byte order mark read like others."""
    (place / "accounts.csv").write_bytes(b"\xef\xbb\xbf" + ACCOUNTS.encode())
    assert _convert(place)["accounts"] == 2


def test_contract_data_on_deals_needs_one_line_each(place):
    """With contract_home deal, a deal without a line is refused."""
    path = place / "mapping.yaml"
    path.write_text(path.read_text().replace("line_item", "deal"))
    assert _refused(place).startswith("deals.csv, row 3, column 'id': key 'D2' has no line")


def test_an_old_portfolio_survives_a_failed_conversion(place):
    """When the data got worse, the portfolio made from the good data stays."""
    _convert(place)
    (place / "deals.csv").write_text(DEALS.replace("99.995", "?"))
    assert "row 3, column 'amount'" in _refused(place)
    assert len(list(read.deals(place / "out"))) == 2


def test_every_mistake_of_a_mapping_is_told_at_once(place):
    """Unknown keys, missing keys, wrong types and impossible rules: all with line and column."""
    path = place / "mapping.yaml"
    text = MAPPING.replace("    key: id\n    name: {first_of", "    kee: id\n    name: {first_of", 1)
    text = text.replace("{column: staff, default: 5}", "{column: staff, const: 5}")
    text = text.replace('unit_price: "10.00"', "unit_price: lots")
    path.write_text(text)
    with pytest.raises(MappingError) as caught:
        load(path)
    told = [(one.line, one.column, one.message.split(":")[0]) for one in caught.value.mistakes]
    assert told == [
        (4, 26, "products.0.unit_price"),
        (10, 3, "accounts.fields.key"),
        (11, 5, "accounts.fields.kee"),
        (15, 5, "accounts.fields.employees"),
    ]
    assert str(caught.value).splitlines()[0].startswith(f"{path}:4:26: ")


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("name: [", 1, 8), ("- a", 1, 1), ("", 1, 1), ("name: a\nname: b\n", 2, 1)],
)
def test_what_is_no_mapping_is_told_with_its_place(tmp_path, text, line, column):
    """Broken YAML, a list, nothing and a key given twice are told by line and column."""
    path = tmp_path / "mapping.yaml"
    path.write_text(text)
    with pytest.raises(MappingError) as caught:
        load(path)
    (mistake,) = caught.value.mistakes
    assert (mistake.line, mistake.column) == (line, column)


@pytest.mark.parametrize("template", ["{}", "{a!r}", "{a:>9}", "plain", "{a"])
def test_templates_hold_column_names_only(template):
    """Positions, conversions and formats are refused, and so is a template without a column."""
    with pytest.raises(ValueError, match=r"template|expected"):
        FieldRule(template=template)


def test_first_of_takes_the_first_value_there_is():
    """Empty cells are passed over; with none left the default stands in."""
    rule = FieldRule.model_validate({"first_of": ["a", {"column": "b"}], "default": "none"})
    assert text_of(rule, {"a": "", "b": "2"}) == "2"
    assert text_of(rule, {"a": "1", "b": "2"}) == "1"
    assert text_of(rule, {"a": " ", "b": ""}) == "none"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-03-01", "2024-03-01T00:00:00Z"),
        ("2024-03-01 03:00:00", "2024-03-01T03:00:00Z"),
        ("2024-03-01T03:00:00+02:00", "2024-03-01T01:00:00Z"),
    ],
)
def test_instants_are_utc(written, meant):
    """Without a zone an instant is UTC; with one it is converted; a bare date is its midnight."""
    assert cells.instant(written) == meant


@given(st.integers(-(10**12), 10**12))
def test_amounts_keep_their_cents(minor):
    """Any amount in whole cents comes back as it was written, with two places."""
    sign = "-" if minor < 0 else ""
    written = f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"
    assert cells.money(written) == written


def _outcome(parse, text: str) -> str:
    """Return the value as JSON, or what is wrong, which must say what to do."""
    try:
        return json.dumps(parse(text))
    except CellError as error:
        told = str(error)
    assert ". " in told
    return told


@given(st.text(max_size=12))
def test_no_text_breaks_a_parser(text):
    """Whatever stands in a cell, a parser gives a value or says what is wrong."""
    for parse in (cells.whole, cells.money, cells.day, cells.instant, cells.truth):
        assert _outcome(parse, text)
