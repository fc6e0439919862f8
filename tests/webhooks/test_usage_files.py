"""Files of usage at /v1/files: checked whole, durable before answered, the same file counted once."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import text

from mappings.charter import canonical_bytes
from mappings.load import load_charter
from sync.state import charters
from sync.state.charters import Decision
from sync.state.engine import writing
from tests.webhooks.conftest import HUBSPOT, NOW, WRITE_SECRET, Web, bells

CHARTER = Path(__file__).resolve().parents[2] / "mappings" / "charters" / "default.yaml"
HEAD = "timestamp,feature,account,user,product,count\n"
ROW = "2026-06-29T10:00:00Z,Report Opened,A-1,u-1,pro,3\n"


@cache
def default() -> str:
    """Return the default charter as it is stored, read once."""
    return canonical_bytes(load_charter(CHARTER, "hubspot")).decode()


def ready(web: Web) -> Web:
    """Bring a charter into force: days and names of accounts are the charter's."""
    with writing(web.runtime.engine) as conn:
        charters.apply(conn, HUBSPOT, default(), 1, Decision("me", NOW, ""))
    return web


def send(web: Web, body: str | bytes, path: str = "csv", key: str = f"{HUBSPOT}.{WRITE_SECRET}"):
    """Post a file with the write key as the basic auth user."""
    return web.client.post(f"/v1/files/{path}", data=body, auth=(key, ""))


def messages(web: Web) -> list[dict[str, object]]:
    """Return the messages the inbox holds."""
    return [one for row in web.rows() for one in json.loads(row["body"])["batch"]]


def test_a_csv_file_becomes_messages_before_it_is_answered(web_on_each):
    """Each row is the message the product would have sent; what is empty is left out; one bell is rung."""
    web = ready(web_on_each)
    answer = send(web, HEAD + ROW + "2026-06-29 11:00:00,Share,A-1,,,\n")
    assert (answer.status_code, answer.get_json()) == (202, {"success": True, "messages": 2})
    first, second = messages(web)
    assert first.pop("messageId") != second.pop("messageId")
    assert first == {
        "type": "track",
        "timestamp": "2026-06-29T10:00:00+00:00",
        "event": "Report Opened",
        "userId": "u-1",
        "properties": {"account": "A-1", "product": "pro", "count": 3},
    }
    assert second == {
        "type": "track",
        "timestamp": "2026-06-29T11:00:00+00:00",
        "event": "Share",
        "properties": {"account": "A-1"},
    }
    assert bells(web) == 1


def test_the_same_file_twice_is_kept_once(web):
    """1,201 rows are three rows of the inbox, however often the file is sent."""
    ready(web)
    file = HEAD + ROW * 1_201
    assert [send(web, file).status_code for _ in range(2)] == [202, 202]
    assert len(web.rows()) == 3
    assert len({one["messageId"] for one in messages(web)}) == 1_201


def test_a_parquet_file_and_columns_of_other_names(web, tmp_path):
    """Times without a zone are UTC; a field's column is named in the address."""
    ready(web)
    file = tmp_path / "uses.parquet"
    query = "SELECT TIMESTAMP '2026-06-29 10:00:00' AS at, 'Share' AS what, 'A-1' AS customer, 4::BIGINT AS n"
    duckdb.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)")
    path = "parquet?timestamp=at&feature=what&account=customer&count=n"
    assert send(web, file.read_bytes(), path).status_code == 202
    (found,) = messages(web)
    assert (found["timestamp"], found["event"]) == ("2026-06-29T10:00:00+00:00", "Share")
    assert found["properties"] == {"account": "A-1", "count": 4}


def test_json_lines_are_taken_as_they_are(web):
    """A file of the tracking API's own messages."""
    ready(web)
    message = {"messageId": "m", "event": "Share", "timestamp": "2026-06-29T10:00:00Z"}
    message |= {"properties": {"account": "A-1"}}
    assert send(web, json.dumps(message) + "\n", "jsonl").status_code == 202
    assert messages(web) == [message]


@pytest.mark.parametrize(
    ("body", "line", "column", "reason"),
    [
        (HEAD + ROW + ROW.replace("2026-06-29T10:00:00Z", "soon"), 3, "timestamp", "'soon' is no time"),
        (HEAD + ROW.replace(",3\n", ",many\n"), 2, "count", "'many' is no whole number"),
        (HEAD + ROW.replace(",3\n", ",-3\n"), 2, "count", "greater than or equal to 0"),
        (HEAD + ROW.replace("A-1", ""), 2, "", "no account is named"),
        (HEAD + ROW.replace("Report Opened", ""), 2, "feature", "Field required"),
        (HEAD + ROW.replace("2026", "2036"), 2, "", "more than a year ahead"),
        (HEAD + ROW + "2026-06-29T10:00:00Z,Share\n", 3, "", "it has 2 values, the head has 6"),
        (HEAD + '"2026', 2, "", "unexpected end of data"),
        ("feature,account\nShare,A-1\n", 1, "timestamp", "there is no such column"),
        ("", 1, "timestamp", "there is no such column"),
        (HEAD.encode() + b"\xff", 2, "", "it is not UTF-8"),
    ],
)
def test_a_file_with_a_row_that_cannot_count_is_refused_whole(web, body, line, column, reason):
    """400 names the line, the column and the reason; nothing is kept."""
    answer = send(ready(web), body)
    told = answer.get_json()
    assert (answer.status_code, told["error"]) == (400, "not_a_usage_file")
    assert (told["line"], told["column"]) == (line, column), told
    assert reason in told["reason"]
    assert web.rows() == []


@pytest.mark.parametrize("body", [b"", b"PAR1", b"no parquet at all"])
def test_what_is_no_parquet_file_is_refused(web, body):
    """400, never an error of ours."""
    answer = send(ready(web), body, "parquet")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "not_a_usage_file")


def test_a_file_that_is_too_large_is_refused(web, monkeypatch):
    """413 by the length it says, and by what comes where it says none."""
    monkeypatch.setattr("webhooks.usage_files.FILE_MAX", 1_000)
    ready(web)
    file = (HEAD + ROW * 100).encode()
    assert send(web, file).status_code == 413
    streamed = {"wsgi.input_terminated": True}
    answer = web.client.post(
        "/v1/files/csv",
        input_stream=io.BytesIO(file),
        auth=(f"{HUBSPOT}.{WRITE_SECRET}", ""),
        environ_overrides=streamed,
    )
    assert (answer.status_code, answer.get_json()) == (413, {"error": "too_large"})
    assert web.rows() == []


def test_files_need_the_write_key_and_a_kind_there_is(web):
    """401 without the key, 404 for a spreadsheet."""
    ready(web)
    assert send(web, HEAD + ROW, key=f"{HUBSPOT}.wrong").status_code == 401
    assert send(web, HEAD + ROW, "xlsx").get_json() == {"error": "no_such_kind"}


def test_files_are_put_off_as_usage_is(web):
    """Behind, the sender keeps the file and comes back."""
    behind = web.over(settings=ready(web).runtime.settings.model_copy(update={"disk_floor_mb": 10**9}))
    answer = send(behind, HEAD + ROW)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert web.rows() == []


def test_a_line_nested_too_deep_is_named_and_nothing_is_kept(web):
    """Fifty levels are taken and can be worked in; sixty could be a row that nobody can read again."""
    ready(web)
    message = {"messageId": "m", "event": "Share", "timestamp": "2026-06-29T10:00:00Z"}

    def nested(levels):
        properties = '{"account": "A-1", "more": ' + "[" * (levels - 2) + "]" * (levels - 2) + "}"
        return json.dumps(message)[:-1] + f', "properties": {properties}}}\n'

    answer = send(web, nested(50) + nested(60), "jsonl")
    told = answer.get_json()
    assert (answer.status_code, told["error"], told["line"]) == (400, "not_a_usage_file", 2)
    assert "50 levels" in told["reason"]
    assert web.rows() == []
    assert send(web, nested(50), "jsonl").status_code == 202


def parquet(file: Path, rows: int) -> bytes:
    """Return a Parquet file of so many equal rows."""
    row = f"TIMESTAMP '{NOW:%F %T}' AS timestamp, 'Share' AS feature, 'A-1' AS account"
    query = f"SELECT {row} FROM range({rows})"
    duckdb.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet, ROW_GROUP_SIZE 10_000_000)")
    return file.read_bytes()


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_file_has_so_many_rows_at_most(web, monkeypatch, tmp_path, kind):
    """A few kilobytes of Parquet can hold a thousand million; the row over the limit is named."""
    monkeypatch.setattr("sync.usage_files.ROWS_MAX", 3)
    ready(web)

    message = {"event": "Share", "timestamp": NOW.isoformat(), "properties": {"account": "A-1"}}

    def file(rows):
        if kind == "csv":
            return HEAD + ROW * rows
        if kind == "jsonl":
            return "".join(json.dumps(message | {"messageId": f"m{row}"}) + "\n" for row in range(rows))
        return parquet(tmp_path / "uses.parquet", rows)

    answer = send(web, file(4), kind)
    assert answer.status_code == 400
    assert answer.get_json()["reason"] == "a file may have 3 rows; hand it over in parts"
    assert answer.get_json()["line"] == (5 if kind == "csv" else 4)
    assert web.rows() == []
    assert send(web, file(3), kind).status_code == 202


def test_a_parquet_file_is_asked_how_many_rows_it_has_before_any_is_read(web, monkeypatch, tmp_path):
    """Two million rows and one in a few kilobytes are refused by what the file says of itself."""
    ready(web)
    body = parquet(tmp_path / "uses.parquet", 2_000_001)
    assert len(body) < 100_000
    read = []
    monkeypatch.setattr("sync.usage_files.read_message", lambda message, *_, **__: read.append(message))
    answer = send(web, body, "parquet")
    assert (answer.status_code, answer.get_json()["line"], read) == (400, 2_000_001, [])


def test_a_file_that_puts_us_behind_is_cut_short_and_goes_on_when_sent_again(web, monkeypatch):
    """Two batches may wait: the third is put off with 429 and a bell; sent again, nothing is kept twice."""
    monkeypatch.setattr("sync.usage_files.BATCH_MESSAGES", 2)
    monkeypatch.setattr("sync.usage_files.BATCHES_BETWEEN", 1)
    ready(web)
    web = web.over(settings=web.runtime.settings.model_copy(update={"intake_backlog": 2}))
    file = HEAD + ROW * 7
    answer = send(web, file)
    assert (answer.status_code, answer.get_json()) == (429, {"error": "work_waits"})
    assert answer.headers["Retry-After"] == "30"
    assert (len(web.rows()), bells(web)) == (2, 1)
    with writing(web.runtime.engine) as conn:
        conn.execute(text("UPDATE inbox SET state = 'done'"))
    answer = send(web, file)
    assert (answer.status_code, answer.get_json()) == (202, {"success": True, "messages": 7})
    assert len(web.rows()) == 4
    assert len({one["messageId"] for one in messages(web)}) == 7
