"""Reading what changed in HubSpot, and records by id and by key; on a scripted server.

Reading everything stands in ``test_hubspot_listing.py``.
"""

import json
from datetime import UTC, datetime

import pytest

from integration.port import Link, ReadQuery, Refused, Unavailable

SINCE = datetime(2024, 12, 31, 8, 0, 0, 123456, tzinfo=UTC)


def row(record_id, **properties):
    """Return a record as HubSpot gives it."""
    return {
        "id": str(record_id),
        "properties": {"hs_object_id": str(record_id), **properties},
        "createdAt": "2024-01-01T00:00:00Z",
        "updatedAt": "2024-12-31T09:00:00.250Z",
        "archived": False,
    }


def page(ids, more=False):
    """Return a search answer; ``more`` adds HubSpot's paging block."""
    paging = {"paging": {"next": {"after": "200"}}} if more else {}
    return {"total": 9999, "results": [row(record_id, amount="5") for record_id in ids], **paging}


def ties(source, *targets, label=None, type_id=341, after=None):
    """Return one record's links in an association answer."""
    kinds = [{"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": label}]
    paging = {"paging": {"next": {"after": after}}} if after else {}
    return {
        "from": {"id": str(source)},
        "to": [{"toObjectId": target, "associationTypes": kinds} for target in targets],
        **paging,
    }


def read_all(port, query):
    """Return the pages of a query."""
    return list(port.iter_pages(query))


def test_pages_go_on_by_id_and_never_by_offset(scripted_hubspot, script):
    """The second page asks for ids past the last one; no offset meets the 10,000-row window."""
    script.answer(200, page([7, 9], more=True)).answer(200, page([12]))
    pages = read_all(scripted_hubspot, ReadQuery("deals", ("amount",), changed_since=SINCE))
    assert [[record.id for record in each.records] for each in pages] == [["7", "9"], ["12"]]
    first, second = script.bodies()
    changed = {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "1735632000123"}
    assert first["filterGroups"] == [{"filters": [changed]}]
    assert first["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    assert first["limit"] == 200
    assert second["filterGroups"] == [
        {"filters": [{"propertyName": "hs_object_id", "operator": "GT", "value": "9"}, changed]}
    ]
    assert "after" not in second


@pytest.mark.parametrize(
    ("object_name", "modified"), [("deals", "hs_lastmodifieddate"), ("contacts", "lastmodifieddate")]
)
def test_a_sweep_asks_for_changes_since_an_instant(scripted_hubspot, script, object_name, modified):
    """Changes at or after the instant, in milliseconds rounded down; contacts have their own property."""
    script.answer(200, page([]))
    read_all(scripted_hubspot, ReadQuery(object_name, ("amount",), changed_since=SINCE))
    filters = script.bodies()[0]["filterGroups"][0]["filters"]
    assert filters == [{"propertyName": modified, "operator": "GTE", "value": "1735632000123"}]


def test_a_search_that_does_not_move_is_an_outage_not_a_loop(scripted_hubspot, script):
    """If HubSpot repeats a page for ever, the read ends with an error."""
    script.answer(200, page([7], more=True)).answer(200, page([7], more=True))
    with pytest.raises(Unavailable, match="forward"):
        read_all(scripted_hubspot, ReadQuery("deals", ("amount",), changed_since=SINCE))


def test_a_thousand_records_share_one_call_for_links(scripted_hubspot, script):
    """Five pages of 200 and one association call make one page of 1,000 linked records."""
    for start in range(0, 1000, 200):
        script.answer(200, page(range(start + 1, start + 201), more=start < 800))
    script.answer(200, {"results": [ties(1, 77), ties(1000, 78)]})
    pages = read_all(scripted_hubspot, ReadQuery("deals", ("amount",), ("companies",), SINCE))
    assert len(pages) == 1
    assert pages[0].records[0].links == (Link("companies", "77"),)
    assert pages[0].records[1].links == ()
    assert pages[0].records[999].links == (Link("companies", "78"),)
    assert script.paths()[-1] == "POST /crm/associations/2026-09/deals/companies/batch/read"
    assert len(script.bodies()[-1]["inputs"]) == 1000
    assert scripted_hubspot.calls.by_reason == {"read deals": 6}


def test_an_empty_page_costs_no_call_for_links(scripted_hubspot, script):
    """A sweep that finds nothing is one call."""
    script.answer(200, page([]))
    pages = read_all(scripted_hubspot, ReadQuery("deals", ("amount",), ("companies",), SINCE))
    assert [(each.records, each.resume) for each in pages] == [((), None)]
    assert scripted_hubspot.calls.total == 1


def test_the_links_of_one_record_may_come_in_pages(scripted_hubspot, script):
    """A company with more deals than fit is asked for the rest with its own cursor."""
    script.answer(200, {"results": [row(5)]})
    none = {"category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}
    script.answer(207, {"results": [ties(5, 1, 2, after="Mg==")], "errors": [none]})
    script.answer(200, {"results": [ties(5, 3)]})
    (record,) = scripted_hubspot.read("companies", ["5"], ["name"], ["deals"])
    assert [link.id for link in record.links] == ["1", "2", "3"]
    assert script.bodies()[2]["inputs"] == [{"id": "5", "after": "Mg=="}]


def test_the_primary_company_comes_first(scripted_hubspot, script):
    """A deal of two companies belongs to its primary one."""
    primary = {"toObjectId": 88, "associationTypes": [{"typeId": 5, "label": "Primary"}, {"typeId": 341}]}
    links = ties(5, 77)
    links["to"].append(primary)
    script.answer(200, {"results": [row(5)]}).answer(200, {"results": [links]})
    (record,) = scripted_hubspot.read("deals", ["5"], [], ["companies"])
    assert [link.id for link in record.links] == ["88", "77"]


def test_a_company_links_to_its_parent_and_not_its_children(scripted_hubspot, script):
    """HubSpot gives both directions between companies; only child to parent is a link."""
    links = ties(5, 50, type_id=14)
    links["to"] += ties(5, 51, 52, type_id=13)["to"]
    script.answer(200, {"results": [row(5)]}).answer(200, {"results": [links]})
    (record,) = scripted_hubspot.read("companies", ["5"], [], ["companies"])
    assert record.links == (Link("companies", "50"),)


def test_reads_by_id_in_hundreds_and_leaves_out_the_missing(scripted_hubspot, script):
    """101 ids are two calls; a 207 with errors is an answer, in the order asked, each id once."""
    script.answer(207, {"results": [row(3), row(1)], "errors": [{"category": "OBJECT_NOT_FOUND"}]})
    script.answer(200, {"results": []})
    ids = [str(number) for number in range(1, 102)]
    records = scripted_hubspot.read("deals", [*ids, "1"], ["amount"])
    assert [record.id for record in records] == ["1", "3"]
    assert [len(body["inputs"]) for body in script.bodies()] == [100, 1]


def test_finds_by_key_from_the_store_and_not_from_search(scripted_hubspot, script):
    """A key just written is found at once: batch read by the unique property, not lagging search."""
    script.answer(200, {"results": [row(3, cs_key="renewal:b"), row(1, cs_key="renewal:a")]})
    found = scripted_hubspot.find("deals", "cs_key", ["renewal:a", "renewal:b", "renewal:c"], ["amount"])
    assert {key: record.id for key, record in found.items()} == {"renewal:a": "1", "renewal:b": "3"}
    assert script.paths() == ["POST /crm/objects/2026-09/deals/batch/read"]
    assert script.bodies()[0]["idProperty"] == "cs_key"


def test_values_cross_as_text_or_none(scripted_hubspot, script):
    """Nulls, absent properties and empty text are all ``None``; instants are UTC."""
    script.answer(200, {"results": [row(3, amount="12.50", closedate=None, note="", extra="x")]})
    (record,) = scripted_hubspot.read("deals", ["3"], ["amount", "closedate", "note", "absent"])
    assert record.values == {"amount": "12.50", "closedate": None, "note": None, "absent": None}
    assert record.source_at == datetime(2024, 12, 31, 9, 0, 0, 250000, tzinfo=UTC)


def test_more_fields_than_a_search_body_holds_are_read_by_id(scripted_hubspot, script):
    """HubSpot refuses bodies over 3,000 characters, so many fields come by batch read instead."""
    fields = tuple(f"a_property_with_a_long_name_{number}" for number in range(100))
    script.answer(200, page([1, 2])).answer(200, {"results": [row(2), row(1, **{fields[99]: "x"})]})
    (only,) = read_all(scripted_hubspot, ReadQuery("deals", fields, changed_since=SINCE))
    assert [record.id for record in only.records] == ["1", "2"]
    assert only.records[0].values[fields[99]] == "x"
    assert len(json.dumps(script.bodies()[0])) <= 3000
    assert script.bodies()[1]["properties"] == [*fields, "hs_merged_object_ids"]


def test_a_custom_object_is_looked_up_once(scripted_hubspot, script):
    """Our plain name becomes the portal's type id by one call for the life of the port."""
    schema = {"id": "1", "objectTypeId": "2-345", "name": "cs_profile", "fullyQualifiedName": "p1_cs_profile"}
    script.answer(200, {"results": [schema]}).answer(200, page([])).answer(200, page([]))
    for _ in range(2):
        read_all(scripted_hubspot, ReadQuery("cs_profile", ("cs_key",), changed_since=SINCE))
    assert script.paths() == [
        "GET /crm-object-schemas/2026-09/schemas",
        "POST /crm/objects/2026-09/2-345/search",
        "POST /crm/objects/2026-09/2-345/search",
    ]


def test_an_unknown_object_is_refused_in_words(scripted_hubspot, script):
    """Asking for an object the portal has not is the admin's to mend."""
    script.answer(200, {"results": []})
    with pytest.raises(Refused, match="no object named cs_plan"):
        read_all(scripted_hubspot, ReadQuery("cs_plan", ("cs_key",)))


def test_line_items_stand_in_paths_by_their_type_id(scripted_hubspot, script):
    """Only five objects may be named in a path; line items are ``0-8``."""
    script.answer(200, page([]))
    read_all(scripted_hubspot, ReadQuery("line_items", ("price",), changed_since=SINCE))
    assert script.paths() == ["POST /crm/objects/2026-09/0-8/search"]
