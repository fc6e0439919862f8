"""Rows on their way into Bulk API files: what a cell says, how files are cut, in what order rows stand."""

from __future__ import annotations

import csv
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.salesforce import csv_rows
from integration.salesforce.csv_rows import BulkRow, carries_in_csv, iter_csv_files

KEY = "CS_Key__c"
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)


def files_of(rows, most_bytes=1_000_000):
    """Return the bytes of each file."""
    return [file.data.read() for file in iter_csv_files(rows, KEY, most_bytes)]


def lines_of(data):
    """Return the rows of a file as a strict reader sees them."""
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))


def test_an_empty_cell_leaves_alone_and_a_mark_clears():
    """A row that lacks a field leaves it as it is; parents by key are columns of their own."""
    rows = [
        BulkRow("a", {"Name": "q", "Note__c": None, "CS_Plan__r": {KEY: "plan:1"}}),
        BulkRow("b", {"Name": "r", "Done__c": True}),
    ]
    assert files_of(rows) == [
        b"CS_Key__c,Name,Note__c,CS_Plan__r.CS_Key__c,Done__c\na,q,#N/A,plan:1,\nb,r,,,true\n"
    ]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("plain", b"plain"),
        ('say "no"', b'"say ""no"""'),
        ("a,b", b'"a,b"'),
        ("one\r\ntwo", b'"one\r\ntwo"'),
        ("one\rtwo", b'"one\rtwo"'),
        (" edge ", b'" edge "'),
        ("Ærø", "Ærø".encode()),
    ],
)
def test_a_cell_is_quoted_where_a_csv_would_not_carry_it(value, cell):
    """Quotes are doubled, line breaks of either kind and spaces at the edge stand inside quotes."""
    assert files_of([BulkRow("k", {"Name": value})]) == [b"CS_Key__c,Name\nk," + cell + b"\n"]


@pytest.mark.parametrize(
    ("fields", "carried"),
    [
        ({"Name": "N/A"}, True),
        ({"Name": "#N/A"}, False),
        ({"Note__c": "x" * 32_000}, True),
        ({"Note__c": "x" * 32_001}, False),
        ({f"Note_{n}__c": "x" * 31_000 for n in range(13)}, False),
        ({"Done__c": None, "Plan__r": {KEY: "plan:1"}, "Amount__c": 5}, True),
    ],
)
def test_what_a_job_would_change_or_refuse_goes_another_way(fields, carried):
    """The mark for null as a text, a field above 32,000 characters, a row above 400,000."""
    assert carries_in_csv(fields) is carried


@given(values=st.lists(st.tuples(texts, texts), max_size=20))
def test_any_text_comes_back_as_it_was(values):
    """A strict reader finds every key and value again, whatever characters they hold."""
    rows = [BulkRow(key, {"Name": value}) for key, value in values]
    found = [(line[KEY], line["Name"]) for data in files_of(rows) for line in lines_of(data)]
    assert found == values


def test_no_file_passes_the_limit_and_no_row_is_lost():
    """Each file repeats the header: of 100 bytes it takes 15, and a row of 14 or 15 fits five times."""
    files = files_of([BulkRow(f"k{n}", {"Name": "x" * 10}) for n in range(50)], 100)
    assert all(len(one) <= 100 and one.startswith(b"CS_Key__c,Name\n") for one in files)
    assert [line[KEY] for one in files for line in lines_of(one)] == [f"k{n}" for n in range(50)]


def test_rows_of_one_parent_stand_together_however_many_batches_they_came_in(monkeypatch):
    """Seven rows gathered two at a time are sorted by parent as if they had been gathered at once."""
    monkeypatch.setattr(csv_rows, "BULK_BATCH_ROWS", 2)
    rows = [BulkRow(f"k{n}", {"Name": "x"}, (f"001{n % 3}",)) for n in range(7)]
    (data,) = files_of(rows)
    assert [line[KEY] for line in lines_of(data)] == ["k0", "k3", "k6", "k1", "k4", "k2", "k5"]


def peak_bytes(count):
    """Return the most memory held while so many rows are gathered, sorted and read off."""
    rows = (BulkRow(f"key:{n}", {"Amount__c": n, "Note__c": "x" * 40}, (f"{n % 97}",)) for n in range(count))
    tracemalloc.start()
    for file in iter_csv_files(rows, KEY, 100_000_000):
        while file.data.read(65_536):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_more_rows_take_no_more_memory(monkeypatch):
    """Twelve batches of rows take what two take, for only one is in memory at a time."""
    monkeypatch.setattr(csv_rows, "BULK_BATCH_ROWS", 1_000)
    assert peak_bytes(12_000) <= 1.3 * peak_bytes(2_000)
