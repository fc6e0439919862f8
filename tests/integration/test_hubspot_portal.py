"""The connector against a portal: a sandbox in ``make test``, the real one of ``make test-live``.

One body of tests for both, so it takes nothing for granted but what HubSpot documents, and shares the
portal with its owner's records.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.hubspot import HubSpotPort
from integration.hubspot.errors import RefusedCall
from integration.port import FieldType, Link, NeedsConsent, NormalisedValue, ReadQuery, Refusal, WriteRow
from tests.integration.borrowed_portal import (
    CHANGES,
    CHOICES,
    KEY,
    TOKEN,
    Borrowed,
    borrowed,
    found_soon,
    given,
)
from tests.integration.hubspot_steps import install
from tests.sync.harness import HUBSPOT, Sandbox

WHERE = ["sandbox", pytest.param("live", marks=pytest.mark.live)]
FIELDS = (KEY, "cs_test_text", "cs_test_amount", "cs_test_day", "cs_test_choice")


@pytest.fixture(scope="module", params=WHERE)
def portal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Borrowed]:
    """Lend the sandbox's portal, or the real one where a token is given."""
    if request.param == "live":
        place = given()
        if place is None:
            pytest.skip(f"{TOKEN} is not set")
        with borrowed(*place) as lent:
            yield lent
        return
    options = ("--index-lag-seconds", "0")
    sandbox = Sandbox(HUBSPOT, tmp_path_factory.mktemp("portal") / "sandbox.db", options).start()
    try:
        with borrowed(sandbox.url, str(sandbox.get("credentials")["service_key"])) as lent:
            yield lent
    finally:
        sandbox.stop()


@pytest.fixture
def port(portal: Borrowed) -> HubSpotPort:
    """Give a port to the portal."""
    return portal.open()


@pytest.fixture
def company(portal: Borrowed, port: HubSpotPort, request: pytest.FixtureRequest) -> tuple[WriteRow, str]:
    """Give a company of the test's own: its row and its id."""
    row = portal.row("companies", request.node.name.partition("[")[0][:60], cs_test_text="first")
    (result,) = port.upsert("companies", KEY, [row])
    assert result.record_id is not None, result.error
    return row, result.record_id


def test_an_installed_property_is_described_as_it_was_asked_for(port: HubSpotPort) -> None:
    """Type, uniqueness and choices are those of the spec."""
    held = {one.name: one for one in port.describe(["companies"]).objects["companies"].fields}
    assert {name: held[name].type for name in FIELDS} == {
        KEY: FieldType.TEXT,
        "cs_test_text": FieldType.LONG_TEXT,
        "cs_test_amount": FieldType.NUMBER,
        "cs_test_day": FieldType.DATE,
        "cs_test_choice": FieldType.CHOICE,
    }
    assert (held[KEY].unique, held["cs_test_choice"].choices) == (True, CHOICES)


def test_installing_again_changes_nothing(port: HubSpotPort) -> None:
    """What stands is found right."""
    before = port.describe(["companies", "deals"]).objects
    assert [one.done for one in install(port, CHANGES)] == [True, True]
    assert port.describe(["companies", "deals"]).objects == before


def test_a_row_is_created_once_and_then_updated(
    portal: Borrowed, port: HubSpotPort, company: tuple[WriteRow, str]
) -> None:
    """The same key again is the same record, and every type of value stands as it was sent."""
    row, record_id = company
    values = {"cs_test_amount": "12.5", "cs_test_day": "2025-03-01", "cs_test_choice": "green"}
    (again,) = port.upsert("companies", KEY, [WriteRow(row.key, values)])
    assert (again.record_id, again.created, again.normalised) == (record_id, False, ())
    (record,) = port.read("companies", [record_id], FIELDS)
    assert record.values == {**values, KEY: row.key, "cs_test_text": "first"}
    assert record.source_at >= record.created_at


def test_nothing_clears_a_value(port: HubSpotPort, company: tuple[WriteRow, str]) -> None:
    """``None`` goes as empty text and comes back as nothing."""
    row, record_id = company
    (result,) = port.update("companies", [WriteRow(row.key, {"cs_test_text": None}, record_id=record_id)])
    assert result.error is None
    (record,) = port.read("companies", [record_id], ["cs_test_text"])
    assert not record.values.get("cs_test_text")


def test_many_rows_keep_their_own_ids(portal: Borrowed, port: HubSpotPort) -> None:
    """Twelve rows in one call, each found under its own key afterwards."""
    rows = [portal.row("companies", f"many {number}") for number in range(12)]
    results = port.upsert("companies", KEY, rows)
    found = port.find("companies", KEY, [row.key for row in rows], [])
    assert {one.key: one.record_id for one in results} == {key: one.id for key, one in found.items()}
    assert len({one.record_id for one in results}) == 12
    assert port.calls.by_reason["write companies"] == 1


def test_bad_rows_among_good_ones_are_told_one_by_one(portal: Borrowed, port: HubSpotPort) -> None:
    """A choice that is none and a number that is none are refused with their field; the good row stands."""
    choice, good, amount = port.upsert(
        "companies",
        KEY,
        [
            portal.row("companies", "bad choice", cs_test_choice="mauve"),
            portal.row("companies", "good", cs_test_choice="red"),
            portal.row("companies", "bad amount", cs_test_amount="many"),
        ],
    )
    assert good.record_id is not None
    for bad, name in ((choice, "cs_test_choice"), (amount, "cs_test_amount")):
        assert bad.error is not None
        assert (bad.record_id, bad.error.refusal, name in bad.error.words) == (None, Refusal.FIXABLE, True)


def test_a_date_with_an_hour_is_kept_as_its_day_and_said_so(
    port: HubSpotPort, company: tuple[WriteRow, str]
) -> None:
    """2026-09 brings it to its day with a warning, which names what was sent and what is kept."""
    row, record_id = company
    sent = "2025-03-01T10:00:00Z"
    (result,) = port.upsert("companies", KEY, [WriteRow(row.key, {"cs_test_day": sent})])
    (told,) = result.normalised
    assert told == NormalisedValue("cs_test_day", sent, "2025-03-01", told.message)
    (record,) = port.read("companies", [record_id], ["cs_test_day"])
    assert record.values["cs_test_day"] == "2025-03-01"


def test_a_deal_hangs_under_its_company(
    portal: Borrowed, port: HubSpotPort, company: tuple[WriteRow, str]
) -> None:
    """Linked when it is made; made again it is the same deal with the same one link."""
    parent = Link("companies", company[1])
    pipeline = port.describe(["deals"]).deal_pipelines[0]
    stage = next(one for one in pipeline.stages if not one.closed)
    plain = portal.row("deals", "linked", pipeline=pipeline.id, dealstage=stage.id)
    row = WriteRow(plain.key, plain.values, (parent,))
    first, again = (port.upsert("deals", KEY, [row])[0] for _ in range(2))
    assert (first.created, again.created, first.record_id) == (True, False, again.record_id)
    (record,) = port.read("deals", [str(first.record_id)], ["dealname"], ["companies"])
    assert record.links == (parent,)


def test_a_list_page_brings_records_in_order(port: HubSpotPort, company: tuple[WriteRow, str]) -> None:
    """A page of at most a hundred, by ascending id, with the fields asked for."""
    page = next(port.iter_pages(ReadQuery("companies", ("name", KEY))))
    ids = [int(one.id) for one in page.records]
    assert 1 <= len(ids) <= 100
    assert ids == sorted(ids)
    assert all(set(one.values) <= {"name", KEY} for one in page.records)


def test_a_poll_finds_what_changed_since(
    portal: Borrowed, port: HubSpotPort, company: tuple[WriteRow, str]
) -> None:
    """Search sees the change within moments, and brings the value that was written."""
    row, record_id = company
    (before,) = port.read("companies", [record_id], [KEY])
    port.update("companies", [WriteRow(row.key, {"cs_test_text": "changed"}, record_id=record_id)])
    query = ReadQuery("companies", ("cs_test_text",), changed_since=before.source_at)

    def look() -> list[str]:
        records = [one for page in port.iter_pages(query) for one in page.records]
        return [str(one.values["cs_test_text"]) for one in records if one.id == record_id]

    assert found_soon(look, lambda found: found == ["changed"]) == ["changed"]


def test_a_property_that_is_not_there_is_refused(port: HubSpotPort, company: tuple[WriteRow, str]) -> None:
    """The row is told, with the property's name."""
    row, record_id = company
    (result,) = port.update("companies", [WriteRow(row.key, {"cs_test_none": "x"}, record_id=record_id)])
    assert result.error is not None
    assert (result.error.refusal, "cs_test_none" in result.error.words) == (Refusal.FIXABLE, True)


def test_a_key_that_is_not_unique_is_refused(portal: Borrowed, port: HubSpotPort) -> None:
    """HubSpot upserts by unique properties only."""
    (result,) = port.upsert("companies", "name", [portal.row("companies", "by name")])
    assert result.error is not None
    assert (result.record_id, result.error.refusal) == (None, Refusal.FIXABLE)


def test_a_record_that_is_gone_is_said_to_be_gone(port: HubSpotPort, company: tuple[WriteRow, str]) -> None:
    """Withdrawn, it is neither read nor written; withdrawn again it is no error."""
    row, record_id = company
    for _ in range(2):
        port.withdraw("companies", [record_id])
    assert port.read("companies", [record_id], [KEY]) == []
    (result,) = port.update("companies", [WriteRow(row.key, {"cs_test_text": "x"}, record_id=record_id)])
    assert result.error is not None
    assert result.error.refusal is Refusal.GONE


def test_an_object_that_is_none_is_refused(portal: Borrowed) -> None:
    """By HubSpot's own words, as the customer's to mend."""
    paths = portal.open()._portal.paths
    with pytest.raises(RefusedCall):
        portal.call("GET", f"{paths.objects}/cs_test_no_such_object")


def test_a_token_that_is_none_needs_consent_after_one_call(portal: Borrowed) -> None:
    """One 401, and nothing is tried again."""
    stranger = portal.open("pat-na1-00000000-0000-0000-0000-000000000000")
    with pytest.raises(NeedsConsent):
        stranger.describe([])
    assert stranger.calls.total == 1
