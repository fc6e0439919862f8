"""Bulk jobs as the adapter runs them: every row told once, whatever becomes of the job."""

from __future__ import annotations

import pytest

from integration.port import ReadQuery, Refusal, Refused, Unavailable, WriteRow
from integration.salesforce.bulk import parse_bulk_error
from integration.salesforce.errors import row_error
from integration.salesforce.limits import BULK_WAIT_S
from integration.salesforce.write import pays_as_bulk
from integration.streams import BulkPort
from tests.integration.salesforce_wire import RESET, rig

KEY = "CS_Key__c"
ROWS = 7_001
OPEN = (200, {"id": "750A", "state": "Open"})
TAKEN = (201, None)
CLOSED = (200, {"state": "UploadComplete"})
RUNNING = (200, {"state": "InProgress"})
ABORTED = (200, {"state": "Aborted"})
GOOD = b'"sf__Id","sf__Created","CS_Key__c"\n'
BAD = b'"sf__Id","sf__Error","CS_Key__c"\n'
LEFT = b'"CS_Key__c"\n'
WRONG_STATE = (400, [{"errorCode": "INVALIDJOBSTATE", "message": "Data can be uploaded once"}])


def rows_of(count=ROWS):
    """Return that many rows that need no types."""
    return [WriteRow(f"key:{number}", {"Name": f"n{number}"}) for number in range(count)]


def ended(state, processed=0, failed=0, words=None):
    """Return a job that has ended."""
    counts = {"numberRecordsProcessed": processed, "numberRecordsFailed": failed}
    return 200, {"state": state, **counts, "errorMessage": words}


def good(*numbers):
    """Return a file of rows that were created, in the order given."""
    return 200, GOOD + b"".join(b'"a%d","true","key:%d"\n' % (n, n) for n in numbers)


def left(*numbers):
    """Return a file of rows that were not processed."""
    return 200, LEFT + b"".join(b'"key:%d"\n' % n for n in numbers)


def test_the_cheaper_road_is_taken():
    """Counted both ways: a job costs seven calls, composite calls one for each thousand rows."""
    assert (pays_as_bulk(2_000), pays_as_bulk(7_000), pays_as_bulk(7_001)) == (False, False, True)


def test_the_port_takes_streams():
    """Callers ask for it by the protocol."""
    assert isinstance(rig().port, BulkPort)


def test_a_job_tells_each_row_by_its_key():
    """JobComplete is not success: failed rows are read too, and rows come back in any order."""
    bad = b'"","UNABLE_TO_LOCK_ROW:busy:--","key:0"\n'
    results_done = good(*reversed(range(1, ROWS)))
    setup = rig(OPEN, TAKEN, CLOSED, ended("JobComplete", ROWS, 1), results_done, (200, BAD + bad))
    results = setup.port.upsert("CS_Plan__c", KEY, rows_of())
    assert results[0].error.refusal is Refusal.BUSY
    assert [result.record_id for result in results[1:3]] == ["a1", "a2"]
    assert setup.port.calls.by_reason == {"write CS_Plan__c": 6}
    upload = setup.org.sent[1]
    assert (upload.method, upload.headers["Content-Length"]) == ("PUT", str(len(upload.body)))
    assert upload.body.startswith(b"CS_Key__c,Name\nkey:0,n0\n")


def taken_alone(sent):
    """Answer a collections request of one row."""
    assert [record[KEY] for record in sent.json["records"]] == ["key:0"]
    return 200, [{"id": "a0", "success": True, "errors": [], "created": True}]


def test_a_job_that_failed_on_its_way_keeps_what_it_did_and_the_rest_goes_another_way():
    """Failed does not roll back: done rows are done, the others are sent as any write is."""
    job = ended("Failed", ROWS - 1, words="TooManyLockFailure : too many lock failures")
    setup = rig(OPEN, TAKEN, CLOSED, job, good(*range(1, ROWS)), left(0), taken_alone)
    results = setup.port.upsert("CS_Plan__c", KEY, rows_of())
    assert [result.record_id for result in results[:2]] == ["a0", "a1"]


def test_a_stream_tells_the_rows_a_failed_job_left():
    """There may be any number of them: they are told with the job's words, and may be sent again."""
    job = ended("Failed", ROWS - 1, words="TooManyLockFailure : too many lock failures")
    setup = rig(OPEN, TAKEN, CLOSED, job, good(*range(1, ROWS)), left(0))
    results = {one.key: one for one in setup.port.upsert_stream("CS_Plan__c", KEY, rows_of())}
    error = results["key:0"].error
    assert (error.refusal, error.code) == (Refusal.BUSY, "UNPROCESSED")
    assert "too many lock failures" in error.message
    assert results["key:1"].record_id == "a1"


def test_a_column_the_user_may_not_see_fails_the_file_and_every_row_tells_it():
    """The whole job fails, in words that name the column."""
    job = ended("Failed", words="InvalidBatch : Field name not found : Nope__c")
    setup = rig(OPEN, TAKEN, CLOSED, job, left(*range(ROWS)))
    results = setup.port.upsert("CS_Plan__c", KEY, rows_of())
    assert {result.error.refusal for result in results} == {Refusal.PERMISSION}
    assert "Nope__c" in results[0].error.message


def test_a_job_that_tells_of_no_row_is_refused_in_the_orgs_words():
    """There is nothing to put the refusal on but the load itself."""
    setup = rig(OPEN, TAKEN, CLOSED, ended("Failed", words="InvalidBatch : bad CSV"), left())
    with pytest.raises(Refused, match="bad CSV"):
        setup.port.upsert("CS_Plan__c", KEY, rows_of())


def test_results_that_leave_rows_out_are_not_taken_for_the_whole():
    """A row nobody tells of is neither written nor refused: the load is to be made again."""
    setup = rig(OPEN, TAKEN, CLOSED, ended("JobComplete", ROWS - 1), good(*range(1, ROWS)))
    with pytest.raises(Unavailable, match="1 rows out"):
        setup.port.upsert("CS_Plan__c", KEY, rows_of())


def test_a_job_is_asked_ever_more_rarely_and_aborted_when_it_does_not_end():
    """Two seconds, four, eight … never more than a minute apart; what it did after half an hour counts."""
    looks = [RUNNING] * 34
    done = good(*range(1, ROWS))
    setup = rig(OPEN, TAKEN, CLOSED, *looks, ABORTED, ended("Aborted", ROWS - 1), done, left(0))
    results = list(setup.port.upsert_stream("CS_Plan__c", KEY, rows_of()))
    assert setup.slept[:7] == [2, 4, 8, 16, 32, 60, 60]
    assert BULK_WAIT_S <= sum(setup.slept) < BULK_WAIT_S + 60
    assert setup.org.sent[len(looks) + 3].json == {"state": "Aborted"}
    assert [result.key for result in results if result.error] == ["key:0"]


def test_a_push_does_not_wait_for_a_slow_org():
    """After a minute and a half the job is ended, and what it left goes by collections."""
    done = good(*range(1, ROWS))
    ended_by_us = (ABORTED, ended("Aborted", ROWS - 1), done, left(0), taken_alone)
    setup = rig(OPEN, TAKEN, CLOSED, *[RUNNING] * 6, *ended_by_us)
    results = setup.port.upsert("CS_Plan__c", KEY, rows_of())
    assert sum(setup.slept) == 2 + 4 + 8 + 16 + 32 + 60
    assert all(result.error is None for result in results)


def test_a_job_that_ended_while_it_was_aborted_has_ended():
    """The org refuses to abort it; what it says of itself counts."""
    setup = rig(
        OPEN, TAKEN, CLOSED, *[RUNNING] * 6, WRONG_STATE, ended("JobComplete", ROWS), good(*range(ROWS))
    )
    assert all(result.error is None for result in setup.port.upsert("CS_Plan__c", KEY, rows_of()))


def test_a_job_that_goes_on_though_aborted_is_given_up():
    """Nobody knows what becomes of its rows: they are looked for before they are sent again."""
    setup = rig(OPEN, TAKEN, CLOSED, *[RUNNING] * 6, ABORTED, RUNNING, ABORTED)
    with pytest.raises(Unavailable, match="goes on"):
        setup.port.upsert("CS_Plan__c", KEY, rows_of())


def test_a_refused_upload_leaves_no_job_behind():
    """Whatever ends our part ends the job."""
    refused = (413, [{"errorCode": "EXCEEDEDSIZE", "message": "too large"}])
    setup = rig(OPEN, refused, ABORTED)
    with pytest.raises(Refused, match="too large"):
        setup.port.upsert("CS_Plan__c", KEY, rows_of())
    assert setup.org.sent[-1].json == {"state": "Aborted"}


def test_an_upload_whose_answer_was_lost_is_sent_again_whole_and_counts_once():
    """The second try carries the same bytes; that the job has its data already is what we wanted."""
    setup = rig(OPEN, RESET, WRONG_STATE, RESET, WRONG_STATE, ended("JobComplete", ROWS), good(*range(ROWS)))
    assert all(result.created for result in setup.port.upsert("CS_Plan__c", KEY, rows_of()))
    first, second = setup.org.sent[1:3]
    assert first.body == second.body != b""


def test_a_stream_begins_small():
    """Seven thousand rows or fewer go as any write does, without a job."""

    def take(sent):
        row = {"id": "a00", "success": True, "errors": [], "created": True}
        return 200, [row for _ in sent.json["records"]]

    setup = rig(take)
    assert len(list(setup.port.upsert_stream("CS_Plan__c", KEY, iter(rows_of(150))))) == 150
    assert setup.port.calls.total == 1


def test_text_that_reads_as_the_mark_for_null_does_not_go_through_a_csv():
    """A customer may call a thing #N/A; sent by collection it stays a text."""
    named = WriteRow("key:0", {"Name": "#N/A"})

    def take(sent):
        assert [record["Name"] for record in sent.json["records"]] == ["#N/A"]
        return 200, [{"id": "a0", "success": True, "errors": [], "created": True}]

    job = ended("JobComplete", ROWS - 1)
    setup = rig(OPEN, TAKEN, CLOSED, job, good(*range(1, ROWS)), take)
    results = list(setup.port.upsert_stream("CS_Plan__c", KEY, [named, *rows_of()[1:]]))
    assert len(results) == ROWS
    assert b"#N/A" not in setup.org.sent[1].body


def test_a_bulk_error_is_taken_apart():
    """The cell holds code, words and fields."""
    cell = "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    assert parse_bulk_error(cell, KEY) == row_error(
        "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ["Name"], KEY
    )


def page(*names, locator):
    """Return a page of a bulk query's results."""
    stamps = '"2024-01-02T03:04:05.000Z","2024-06-01T00:00:00.000Z","false"'
    lines = "".join(f'"001{n}",{stamps},"{name}","17.50"\n' for n, name in enumerate(names))
    head = '"Id","CreatedDate","SystemModstamp","IsDeleted","Name","AnnualRevenue"\n'
    return 200, (head + lines).encode(), {"Sforce-Locator": locator, "Sforce-NumberOfRecords": "2"}


def test_a_bulk_query_is_read_to_the_last_locator():
    """Each page names the next, the last one says null; a lost page is asked for again, whole."""
    first = page("a", "x\r\ny", locator="MTAwMDA")
    setup = rig(OPEN, ended("JobComplete"), first, RESET, page("c", locator="null"))
    query = ReadQuery("Account", ("Name", "AnnualRevenue"))
    records = list(setup.port.record_stream(query))
    assert [record.values["Name"] for record in records] == ["a", "x\r\ny", "c"]
    assert records[0].values["AnnualRevenue"] == "17.5"
    assert [sent.query for sent in setup.org.sent[2:]] == [
        {},
        {"locator": ["MTAwMDA"]},
        {"locator": ["MTAwMDA"]},
    ]
    assert "ORDER BY" not in setup.org.sent[0].json["query"]


def test_a_bulk_query_that_fails_says_why():
    """The org's words are kept."""
    setup = rig(OPEN, ended("Failed", words="QueryTimeout : it took too long"))
    with pytest.raises(Refused, match="it took too long"):
        list(setup.port.record_stream(ReadQuery("Account", ("Name",))))
