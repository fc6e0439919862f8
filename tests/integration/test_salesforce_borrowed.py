"""The connector against an org: a sandbox in ``make test``, the real one of ``make test-live``.

One body of tests for both, so it takes nothing for granted but what Salesforce documents, and shares the
org with its owner's records.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from integration.port import (
    CrmError,
    FieldType,
    Link,
    Misconfigured,
    NeedsConsent,
    ReadQuery,
    Refusal,
    WriteRow,
)
from integration.salesforce.auth import ClientCredentials
from integration.salesforce.connector import SalesforcePort
from tests.integration.borrowed_org import CHOICES, CLIENT_ID, KEY, OBJECT, URL, BorrowedOrg, borrowed, given
from tests.sync.harness import SALESFORCE, Sandbox

WHERE = ["sandbox", pytest.param("live", marks=pytest.mark.live)]
FIELDS = ("CS_Test_Text__c", "CS_Test_Amount__c", "CS_Test_Day__c", "CS_Test_Choice__c")
APP = {"consumer_key": "cs_test", "client_secret": "cs_test"}


@pytest.fixture(scope="module", params=WHERE)
def org(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BorrowedOrg]:
    """Lend the sandbox's org, or the real one where its variables are set."""
    if request.param == "live":
        place = given()
        if place is None:
            pytest.skip(f"{URL} and {CLIENT_ID} are not set")
        with borrowed(*place) as lent:
            yield lent
        return
    sandbox = Sandbox(SALESFORCE, tmp_path_factory.mktemp("org") / "sandbox.db").start()
    try:
        sandbox.post("app", APP)
        secret = ClientCredentials(APP["consumer_key"], APP["client_secret"])
        with borrowed(sandbox.url, secret) as lent:
            yield lent
    finally:
        sandbox.stop()


@pytest.fixture
def port(org: BorrowedOrg) -> SalesforcePort:
    """Give a port to the org."""
    return org.open()


@pytest.fixture
def made(org: BorrowedOrg, port: SalesforcePort, request: pytest.FixtureRequest) -> tuple[WriteRow, str]:
    """Give a record of the test's own: its row and its id."""
    row = org.row(request.node.name.partition("[")[0][:60], CS_Test_Text__c="first")
    (result,) = port.upsert(OBJECT, KEY, [row])
    assert result.record_id is not None, result.error
    return row, result.record_id


def test_a_deployed_object_is_described_as_it_was_asked_for(port: SalesforcePort) -> None:
    """Type, uniqueness and choices are those deployed."""
    held = {one.name: one for one in port.describe([OBJECT]).objects[OBJECT].fields}
    assert {name: held[name].type for name in (KEY, *FIELDS)} == {
        KEY: FieldType.TEXT,
        "CS_Test_Text__c": FieldType.LONG_TEXT,
        "CS_Test_Amount__c": FieldType.NUMBER,
        "CS_Test_Day__c": FieldType.DATE,
        "CS_Test_Choice__c": FieldType.CHOICE,
    }
    assert held[KEY].unique
    assert [value for value, _ in held["CS_Test_Choice__c"].choices] == list(CHOICES)


def test_a_row_is_created_once_and_then_updated(port: SalesforcePort, made: tuple[WriteRow, str]) -> None:
    """The same key again is the same record, and every type of value stands as it was sent."""
    row, record_id = made
    values = {"CS_Test_Amount__c": "12.5", "CS_Test_Day__c": "2025-03-01", "CS_Test_Choice__c": "green"}
    (again,) = port.upsert(OBJECT, KEY, [WriteRow(row.key, values)])
    assert (again.record_id, again.created, again.error) == (record_id, False, None)
    (record,) = port.read(OBJECT, [record_id], [KEY, *FIELDS])
    assert record.values == {**values, KEY: row.key, "CS_Test_Text__c": "first"}
    assert record.source_at >= record.created_at


def test_nothing_clears_a_value(port: SalesforcePort, made: tuple[WriteRow, str]) -> None:
    """``None`` goes as null and comes back as nothing."""
    row, record_id = made
    (result,) = port.update(OBJECT, [WriteRow(row.key, {"CS_Test_Text__c": None}, record_id=record_id)])
    assert result.error is None
    (record,) = port.read(OBJECT, [record_id], ["CS_Test_Text__c"])
    assert not record.values.get("CS_Test_Text__c")


def test_many_rows_keep_their_own_ids(org: BorrowedOrg, port: SalesforcePort) -> None:
    """Twelve rows in one call, each found under its own key afterwards; a quote in a key is only a quote."""
    rows = [org.row(f"many {number} o'clock") for number in range(12)]
    results = port.upsert(OBJECT, KEY, rows)
    found = port.find(OBJECT, KEY, [row.key for row in rows], [])
    assert {one.key: one.record_id for one in results} == {key: one.id for key, one in found.items()}
    assert len({one.record_id for one in results}) == 12
    assert port.calls.by_reason[f"write {OBJECT}"] == 1


def test_bad_rows_among_good_ones_are_told_one_by_one(org: BorrowedOrg, port: SalesforcePort) -> None:
    """A choice that is none and a name too long are refused by the org's codes; the good row stands."""
    long = replace(org.row("long"), values={"Name": "n" * 81})
    rows = [org.row("bad choice", CS_Test_Choice__c="mauve"), org.row("good", CS_Test_Choice__c="red"), long]
    choice, good, name = port.upsert(OBJECT, KEY, rows)
    assert good.record_id is not None
    for bad, code in ((choice, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"), (name, "STRING_TOO_LONG")):
        assert bad.error is not None
        assert (bad.record_id, bad.error.refusal, bad.error.code) == (None, Refusal.FIXABLE, code)


def test_a_record_hangs_under_its_account(org: BorrowedOrg, port: SalesforcePort) -> None:
    """Linked when it is made; made again it is the same record with the same one link."""
    parent = Link("Account", org.account("parent"))
    row = replace(org.row("linked"), parents=(parent,))
    first, again = (port.upsert(OBJECT, KEY, [row])[0] for _ in range(2))
    assert (first.created, again.created, first.record_id) == (True, False, again.record_id)
    (record,) = port.read(OBJECT, [str(first.record_id)], ["Name"], ["Account"])
    assert record.links == (parent,)


def test_a_page_brings_records_in_order(port: SalesforcePort, made: tuple[WriteRow, str]) -> None:
    """By ascending id, with the fields asked for."""
    page = next(port.iter_pages(ReadQuery(OBJECT, ("Name", KEY))))
    ids = [one.id for one in page.records]
    assert made[1] in ids
    assert ids == sorted(ids)
    assert all(set(one.values) == {"Name", KEY} for one in page.records)


def test_a_poll_finds_what_changed_and_what_went(
    org: BorrowedOrg, port: SalesforcePort, made: tuple[WriteRow, str]
) -> None:
    """By the stamp of its last change, with the value written; deleted, it comes as archived."""
    row, record_id = made
    (before,) = port.read(OBJECT, [record_id], [KEY])
    port.update(OBJECT, [WriteRow(row.key, {"CS_Test_Text__c": "changed"}, record_id=record_id)])
    query = ReadQuery(OBJECT, ("CS_Test_Text__c",), changed_since=before.source_at - timedelta(seconds=1))

    def found() -> dict[str, tuple[str | None, bool]]:
        records = [one for page in port.iter_pages(query) for one in page.records]
        return {one.id: (one.values.get("CS_Test_Text__c"), one.archived) for one in records}

    assert found()[record_id] == ("changed", False)
    org.call("DELETE", f"sobjects/{OBJECT}/{record_id}")
    assert found()[record_id] == ("changed", True)


def test_a_bulk_query_brings_the_same_record(port: SalesforcePort, made: tuple[WriteRow, str]) -> None:
    """A job of its own, read to its end."""
    row, record_id = made
    found = {one.id: one for one in port.record_stream(ReadQuery(OBJECT, (KEY, "CS_Test_Text__c")))}
    assert found[record_id].values == {KEY: row.key, "CS_Test_Text__c": "first"}


def test_a_field_that_is_not_there_is_refused(port: SalesforcePort, made: tuple[WriteRow, str]) -> None:
    """By its name."""
    row, record_id = made
    with pytest.raises(CrmError, match="CS_Test_None__c"):
        port.read(OBJECT, [record_id], ["CS_Test_None__c"])
    assert port.find(OBJECT, KEY, [row.key], [])[row.key].id == record_id


def test_a_record_that_is_gone_is_said_to_be_gone(
    org: BorrowedOrg, port: SalesforcePort, made: tuple[WriteRow, str]
) -> None:
    """Deleted by somebody, it is neither read nor written."""
    row, record_id = made
    org.call("DELETE", f"sobjects/{OBJECT}/{record_id}")
    assert port.read(OBJECT, [record_id], [KEY]) == []
    (result,) = port.update(OBJECT, [WriteRow(row.key, {"CS_Test_Text__c": "x"}, record_id=record_id)])
    assert result.error is not None
    assert result.error.refusal is Refusal.GONE


def test_an_app_that_is_none_opens_nothing(org: BorrowedOrg) -> None:
    """One refusal of the token endpoint, and nothing is tried again."""
    stranger = org.open(ClientCredentials("cs_test_no_such_app", "none"))
    with pytest.raises((NeedsConsent, Misconfigured)):
        stranger.describe([])
    assert stranger.calls.total == 1
