"""Usage intake at /v1/batch: kept before answered, the write key names the installation."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from sqlalchemy import text

from sync.state.engine import writing
from sync.state.secrets import SecretBox, new_key
from tests.webhooks.conftest import HUBSPOT, NOW, SALESFORCE, WRITE_SECRET, bells

TRACK = {
    "type": "track",
    "messageId": "m-1",
    "event": "Report Opened",
    "userId": "u-1",
    "timestamp": "2026-06-29T10:00:00Z",
    "properties": {"product": "pro", "account": "A-1"},
}
BATCH = {"batch": [TRACK, {**TRACK, "messageId": "m-2"}], "sentAt": "2026-06-29T10:00:01Z"}


def send(web, body, key=f"{HUBSPOT}.{WRITE_SECRET}", path="/v1/batch", **headers):
    """Post a body with the write key as the basic auth user, as Segment's libraries do."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return web.client.post(path, data=raw, auth=None if key is None else (key, ""), headers=headers)


def test_a_batch_is_one_row_before_it_is_answered(web_on_each):
    """202 means durable; the messages stand in the row as they came, and one bell is rung."""
    answer = send(web_on_each, BATCH)
    assert (answer.status_code, answer.get_json()) == (202, {"success": True})
    (row,) = web_on_each.rows()
    assert (row["installation_id"], row["source"]) == (HUBSPOT, "usage")
    assert json.loads(row["body"]) == {"batch": BATCH["batch"]}
    assert bells(web_on_each) == 1


def test_the_same_body_twice_is_one_row(web_on_each):
    """A sender that heard no answer sends again; both are answered 202."""
    assert [send(web_on_each, BATCH).status_code for _ in range(2)] == [202, 202]
    assert len(web_on_each.rows()) == 1


def test_another_body_is_another_row(web):
    """Only the same bytes are the same batch."""
    send(web, BATCH)
    send(web, {"batch": [TRACK]})
    assert len(web.rows()) == 2


def test_a_gzipped_batch_is_the_batch(web):
    """Packed and plain are one and the same delivery."""
    packed = gzip.compress(json.dumps(BATCH).encode())
    assert send(web, packed, **{"Content-Encoding": "gzip"}).status_code == 202
    assert send(web, BATCH).status_code == 202
    assert [json.loads(row["body"]) for row in web.rows()] == [{"batch": BATCH["batch"]}]


@pytest.mark.parametrize(
    "key",
    [
        None,
        "",
        WRITE_SECRET,
        f"{HUBSPOT}.",
        f"{HUBSPOT}.{WRITE_SECRET}x",
        f"{SALESFORCE}.{WRITE_SECRET}",
        f"hubspot-99.{WRITE_SECRET}",
        f".{WRITE_SECRET}",
        f"{HUBSPOT}\0.{WRITE_SECRET}",
        f"{HUBSPOT}.schlüssel",
    ],
    ids=["none", "empty", "no name", "no key", "longer", "other's", "unknown", "nobody", "NUL", "not ascii"],
)
def test_without_the_right_write_key_nothing_is_kept(web_on_each, key):
    """401; an installation's key opens that installation only."""
    answer = send(web_on_each, BATCH, key)
    assert (answer.status_code, answer.get_json()) == (401, {"error": "unknown_write_key"})
    assert web_on_each.rows() == []


def test_a_bearer_token_is_no_write_key(web):
    """Another kind of sign-in is refused, not an error of ours."""
    headers = {"Authorization": f"Bearer {HUBSPOT}.{WRITE_SECRET}"}
    assert web.client.post("/v1/batch", data=b"{}", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"batch": {}}', b'{"batch": [1]}', b'{"batch": null}', b"\xff", b"[" * 100_000],
    ids=["empty", "list", "no batch", "object", "numbers", "null", "no utf-8", "deep"],
)
def test_a_body_that_is_no_batch_is_refused(web, body):
    """400, never an error of ours."""
    answer = send(web, body)
    assert (answer.status_code, answer.get_json()) == (400, {"error": "not_a_batch_of_messages"})
    assert web.rows() == []


PACKED = gzip.compress(json.dumps(BATCH).encode())


@pytest.mark.parametrize(
    "body",
    [b"", b"no gzip", PACKED[:-9], zlib.compress(b"{}"), PACKED + gzip.compress(b"more")],
    ids=["empty", "not packed", "cut short", "zlib", "two members"],
)
def test_what_cannot_be_unpacked_whole_is_refused(web, body):
    """Half a batch, or one with something behind it, would lose messages silently."""
    answer = send(web, body, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.get_json()) == (400, {"error": "not_a_batch_of_messages"})


def test_a_gzip_bomb_is_refused_unopened(web):
    """60 KB that would unpack to 60 MB: no more than five megabytes of it are ever unpacked."""
    pack = zlib.compressobj(wbits=31)
    bomb = b"".join(pack.compress(b" " * 1_000_000) for _ in range(60)) + pack.flush()
    answer = send(web, bomb, **{"Content-Encoding": "gzip"})
    assert len(bomb) < 100_000
    assert (answer.status_code, answer.get_json()) == (413, {"error": "too_large"})
    assert web.rows() == []


@pytest.mark.parametrize("size", [5_000_001, 8_000_001], ids=["our limit", "the server's limit"])
def test_a_body_of_more_than_five_megabytes_is_refused(web, size):
    """413, before it is parsed."""
    answer = send(web, json.dumps(BATCH).encode().ljust(size))
    assert (answer.status_code, answer.get_json()) == (413, {"error": "too_large"})


def test_without_redis_usage_is_kept_all_the_same(web, without_redis):
    """Redis carries wake-ups only."""
    assert send(without_redis(web), BATCH).status_code == 202
    assert len(web.rows()) == 1


def test_without_the_database_the_sender_is_asked_to_try_again(web, without_database):
    """Never 202 for what is not durable."""
    answer = send(without_database(web), BATCH)
    assert (answer.status_code, answer.get_json()) == (503, {"error": "database_away"})


def test_secret_keys_that_open_nothing_lose_no_usage(web):
    """Our mistake, not the sender's: 503, and the batch comes again."""
    answer = send(web.over(box=SecretBox([new_key()])), BATCH)
    assert (answer.status_code, answer.get_json()) == (503, {"error": "state_unreadable"})


@pytest.mark.parametrize("call", ["track", "identify", "group", "page", "screen", "alias"])
def test_a_single_call_is_a_batch_of_one(web, call):
    """Segment has a path for each type of message; the path says the type."""
    message = {name: value for name, value in TRACK.items() if name != "type"}
    assert send(web, message, path=f"/v1/{call}").status_code == 202
    assert [json.loads(row["body"]) for row in web.rows()] == [{"batch": [message | {"type": call}]}]


@pytest.mark.parametrize(
    "body", [[TRACK], {**TRACK, "type": "page"}, b"{"], ids=["list", "other type", "cut"]
)
def test_a_body_that_is_no_such_call_is_refused(web, body):
    """400, and nothing is kept."""
    answer = send(web, body, path="/v1/track")
    assert (answer.status_code, answer.get_json(), web.rows()) == (400, {"error": "not_a_message"}, [])


def test_a_call_of_no_type_there_is_is_refused(web):
    """404, as Segment answers."""
    answer = send(web, TRACK, path="/v1/purchase")
    assert (answer.status_code, answer.get_json()) == (404, {"error": "no_such_call"})


def test_a_message_without_id_or_time_is_given_both_on_arrival(web):
    """Delivered again it is the same message: the id comes from the body, and the row is there already."""
    bare = {"event": "Report Opened", "userId": "u-1", "properties": {"account": "A-1"}}
    for _ in range(2):
        assert send(web, {"batch": [bare, bare]}).status_code == 202
    (row,) = web.rows()
    first, second = json.loads(row["body"])["batch"]
    assert first["timestamp"] == second["timestamp"] == NOW.isoformat()
    assert first["messageId"] != second["messageId"]


def test_usage_is_put_off_while_too_much_waits(web_on_each):
    """The sender keeps what it has and comes back; once the work is done it is taken again."""
    web = web_on_each.over(settings=web_on_each.runtime.settings.model_copy(update={"intake_backlog": 2}))
    kept = [send(web, {"batch": [{**TRACK, "messageId": name}]}).status_code for name in "abc"]
    assert kept == [202, 202, 429]
    answer = send(web, BATCH)
    assert (answer.get_json(), answer.headers["Retry-After"]) == ({"error": "work_waits"}, "30")
    with writing(web.runtime.engine) as conn:
        conn.execute(text("UPDATE inbox SET state = 'done'"))
    assert send(web, BATCH).status_code == 202


def test_usage_is_put_off_while_the_disk_is_nearly_full(web):
    """Refused before the database fills the last of it; webhooks are still kept."""
    full = web.over(settings=web.runtime.settings.model_copy(update={"disk_floor_mb": 10**9}))
    answer = send(full, BATCH)
    assert (answer.status_code, answer.get_json()) == (429, {"error": "disk_nearly_full"})
    assert full.rows() == []


def test_a_batch_of_more_than_ten_thousand_messages_is_refused(web):
    """A few kilobytes of gzip can hold a million of them; Segment's libraries send a hundred."""
    for number, expected in ((10_000, 202), (10_001, 413)):
        packed = gzip.compress(b'{"batch": [' + b", ".join([b"{}"] * number) + b"]}")
        answer = send(web, packed, **{"Content-Encoding": "gzip"})
        assert answer.status_code == expected
    assert answer.get_json() == {"error": "too_large"}
    (row,) = web.rows()
    assert len(json.loads(row["body"])["batch"]) == 10_000
