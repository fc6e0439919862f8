"""Reading everything in HubSpot by the list endpoint, links in the answer; on a scripted server."""

import json

import pytest

from integration.port import Link, ReadQuery, Unavailable

DEALS = ReadQuery("deals", ("dealname", "amount"), link_to=("companies",))
PATH = (
    "GET /crm/objects/2026-09/deals?limit=100&properties=dealname,amount,hs_merged_object_ids"
    "&associations=companies"
)


def row(record_id, **associations):
    """Return a record as the list gives it; ``associations`` by key, (id, type) pairs."""
    parts = {
        name.replace("__", " "): {"results": [{"id": to, "type": kind} for to, kind in ties]}
        for name, ties in associations.items()
    }
    return {
        "id": str(record_id),
        "properties": {"hs_object_id": str(record_id), "amount": "5"},
        "createdAt": "2024-01-01T00:00:00Z",
        "updatedAt": "2024-12-31T09:00:00.250Z",
        "archived": False,
        **({"associations": parts} if parts else {}),
    }


def page(*rows, after=None):
    """Return a list answer; ``after`` is HubSpot's cursor to the next page."""
    paging = {"paging": {"next": {"after": after, "link": "?"}}} if after else {}
    return {"results": list(rows), **paging}


def read_all(port, query):
    """Return the pages of a query."""
    return list(port.iter_pages(query))


def test_a_page_of_records_and_their_links_is_one_call(scripted_hubspot, script):
    """A hundred a page, links inline; the cursor goes back as HubSpot gave it."""
    script.answer(200, page(row(7, companies=[("70", "deal_to_company")]), row(9), after="NA"))
    script.answer(200, page(row(12)))
    first, second = read_all(scripted_hubspot, DEALS)
    assert [(one.id, one.links) for one in first.records] == [("7", (Link("companies", "70"),)), ("9", ())]
    assert ([one.id for one in second.records], second.resume) == (["12"], None)
    assert script.paths() == [PATH, f"{PATH}&after=NA"]


def test_a_read_that_stopped_goes_on_at_its_cursor(scripted_hubspot, script):
    """What an interrupted load has kept is not read again."""
    script.answer(200, page(row(7), after="NA")).answer(200, page(row(12)))
    resume = next(scripted_hubspot.iter_pages(DEALS)).resume
    rest = read_all(scripted_hubspot, ReadQuery("deals", DEALS.fields, DEALS.link_to, resume=resume))
    assert [record.id for one in rest for record in one.records] == ["12"]
    assert script.paths()[1] == f"{PATH}&after=NA"


@pytest.mark.parametrize(
    "resume", ["", "nonsense", "[]", '{"v": 99, "list_after": "5"}', '{"after_id": "5"}']
)
def test_a_cursor_not_understood_reads_from_the_start(scripted_hubspot, script, resume):
    """Reading twice is safe where skipping is not."""
    script.answer(200, page(row(1)))
    read_all(scripted_hubspot, ReadQuery("deals", DEALS.fields, DEALS.link_to, resume=resume))
    assert script.paths() == [PATH]


def test_a_list_that_does_not_move_is_an_outage_not_a_loop(scripted_hubspot, script):
    """If HubSpot names the same page for ever, the read ends with an error."""
    script.answer(200, page(row(7), after="7")).answer(200, page(row(7), after="7"))
    with pytest.raises(Unavailable, match="forward"):
        read_all(scripted_hubspot, DEALS)


def test_the_primary_company_comes_first(scripted_hubspot, script):
    """A deal of three companies belongs to its primary one, whatever a label of the customer's says."""
    ties = [
        ("70", "deal_to_company_unlabeled"),
        ("60", "reseller_company"),
        ("80", "deal_to_company_unlabeled"),
        ("80", "deal_to_company"),
    ]
    script.answer(200, page(row(7, companies=ties)))
    (only,) = read_all(scripted_hubspot, DEALS)
    assert [link.id for link in only.records[0].links] == ["80", "70", "60"]


def test_a_company_links_to_its_parent_and_not_its_children(scripted_hubspot, script):
    """HubSpot gives both directions between companies; only child to parent is a link."""
    ties = [("50", "child_to_parent_company"), ("51", "parent_to_child_company")]
    script.answer(200, page(row(5, companies=ties)))
    (only,) = read_all(scripted_hubspot, ReadQuery("companies", ("name",), ("companies",)))
    assert only.records[0].links == (Link("companies", "50"),)


def test_line_items_are_keyed_with_a_space_and_asked_by_number(scripted_hubspot, script):
    """HubSpot's key is ``line items``; in the address only some objects have names."""
    script.answer(200, page(row(7, line__items=[("3", "deal_to_line_item")])))
    (only,) = read_all(scripted_hubspot, ReadQuery("deals", ("amount",), ("line_items",)))
    assert only.records[0].links == (Link("line_items", "3"),)
    assert script.paths()[0].endswith("associations=0-8")


def test_links_that_did_not_fit_are_read_whole(scripted_hubspot, script):
    """Of a page the records with more links than the answer holds share one association call."""
    cut = row(7, companies=[("1", "deal_to_company_unlabeled")])
    cut["associations"]["companies"]["paging"] = {"next": {"after": "Mg==", "link": "?"}}
    ties = [{"toObjectId": to, "associationTypes": [{"typeId": kind}]} for to, kind in ((1, 341), (2, 5))]
    script.answer(200, page(cut, row(9, companies=[("3", "deal_to_company")])))
    script.answer(200, {"results": [{"from": {"id": "7"}, "to": ties}]})
    (only,) = read_all(scripted_hubspot, DEALS)
    assert [[link.id for link in one.links] for one in only.records] == [["2", "1"], ["3"]]
    assert script.bodies()[0]["inputs"] == [{"id": "7"}]


def test_more_fields_than_an_address_holds_are_read_by_id(scripted_hubspot, script):
    """HubSpot answers 414 to long addresses, so many fields come by batch read instead."""
    fields = tuple(f"a_property_with_a_long_name_{number}" for number in range(300))
    whole = row(2)
    whole["properties"][fields[299]] = "x"
    script.answer(200, page(row(2, companies=[("3", "deal_to_company")])))
    script.answer(200, {"results": [whole]})
    (only,) = read_all(scripted_hubspot, ReadQuery("deals", fields, ("companies",)))
    assert only.records[0].values[fields[299]] == "x"
    assert only.records[0].links == (Link("companies", "3"),)
    assert all(len(request.path_url) < 8_000 for request in script.asked)
    assert json.loads(script.asked[1].body)["properties"] == [*fields, "hs_merged_object_ids"]


def test_an_empty_portal_is_one_call(scripted_hubspot, script):
    """Nothing there is a page without records."""
    script.answer(200, page())
    pages = read_all(scripted_hubspot, DEALS)
    assert [(one.records, one.resume) for one in pages] == [((), None)]
    assert scripted_hubspot.calls.total == 1


def test_ids_beyond_32_bits_stay_as_they_are(scripted_hubspot, script):
    """Ids are text, whatever their size."""
    script.answer(200, page(row(98765432109876, companies=[("4294967297", "deal_to_company")])))
    (only,) = read_all(scripted_hubspot, DEALS)
    assert (only.records[0].id, only.records[0].links[0].id) == ("98765432109876", "4294967297")
