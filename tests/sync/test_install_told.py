"""What stands in an install's way is handled and told: the thing, its place, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.install_specs import MakeGroup, MakeObject
from integration.parts import Part, PartKind
from mappings.load import load_charter
from sync.install import InstallPlan
from sync.install_apply import owned_parts
from sync.onboard import apply_charter, apply_install, plan_install
from sync.scopes import GRANTED, app_scopes
from sync.state import installations
from sync.state.engine import writing
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import Book, three_customers
from tests.sync.test_install import charter_with, reasons_not_to_apply

OPEN = Callable[..., Office]
COMPANIES = "/crm/properties/2026-09/companies"
SCHEMAS = "/crm-object-schemas/2026-09/schemas"


def one_customer() -> Book:
    """Return the smallest book there is."""
    return Book().account("one", "One").owner("ann", "ann@customer.example")


def ask(office: Office, method: str, path: str, body: Any = None) -> Any:
    """Return HubSpot's answer to a call of a person's."""
    port: Any = office.ws.port
    return port._portal.transport.call("test", method, path, body).body


def make_property(office: Office, name: str, kind: str = "string", field: str = "text", **more: Any) -> None:
    """Make a property of the customer's own on companies."""
    body = {"name": name, "label": name, "type": kind, "fieldType": field, "groupName": "companyinformation"}
    ask(office, "POST", COMPANIES, {**body, **more})


def own(office: Office, name: str) -> str:
    """Return how paths call an object of ours."""
    return f"p{office.ws.installation.account_id}_{name}"


def ours(office: Office) -> set[Part]:
    """Return the parts an uninstall would take back."""
    return {one.part for one in owned_parts(office.ws)}


def make_objects(office: Office) -> InstallPlan:
    """Make our objects, as an apply that broke off would have; return the plan that goes on."""
    port: Any = office.ws.port
    for step in plan_install(office.ws).todo:
        if isinstance(step, MakeObject):
            assert port.make(step).done
    return plan_install(office.ws)


def test_properties_made_by_somebody_after_the_plan_are_taken_and_stay_theirs(
    lite: Deployment, office: OPEN
) -> None:
    """One of the right kind will do, one of another kind is told; an uninstall touches neither."""
    there = office(lite, HUBSPOT, one_customer())
    plan = plan_install(there.ws)
    make_property(there, "cs_explanation", field="textarea")
    make_property(there, "cs_arr")
    (refused,) = [one for one in apply_install(there.ws, plan) if not one.done]
    assert refused.object == "companies"
    assert "cs_arr exists as text" in refused.message
    assert Part(PartKind.FIELD, "companies", "cs_explanation") not in ours(there)
    assert Part(PartKind.FIELD, "companies", "cs_arr") not in ours(there)
    assert Part(PartKind.FIELD, "companies", "cs_health") in ours(there)
    (question,) = plan_install(there.ws).questions
    assert question.startswith("companies.cs_arr exists as text, we need money")


def test_an_object_of_the_customers_under_our_name_without_a_unique_key_is_a_question(
    lite: Deployment, office: OPEN
) -> None:
    """A property cannot be made unique later: the admin is told to remove it."""
    there = office(lite, HUBSPOT, one_customer())
    names = [{"name": name, "label": name, "type": "string", "fieldType": "text"} for name in ("cs_key", "x")]
    keys = ("requiredProperties", "searchableProperties", "secondaryDisplayProperties")
    body = {"name": "cs_profile", "labels": {"singular": "P", "plural": "Ps"}, "properties": names}
    more = {"primaryDisplayProperty": "x", "associatedObjects": ["0-2"], "allowsSensitiveProperties": False}
    ask(there, "POST", SCHEMAS, {**body, **more, **{key: [] for key in keys}})
    (question,) = reasons_not_to_apply(there)
    assert question == ("cs_profile.cs_key exists but is not unique, and cannot be made so later: remove it")


def test_a_property_group_of_the_customers_is_used_and_stays_theirs(lite: Deployment, office: OPEN) -> None:
    """Its name is ours: no second is made, and it is not among what an uninstall takes back."""
    there = office(lite, HUBSPOT, one_customer())
    ask(there, "POST", f"{COMPANIES}/groups", {"name": "customer_success", "label": "Kundenerfolg"})
    plan = plan_install(there.ws)
    assert [one.object for one in plan.todo if isinstance(one, MakeGroup)] == ["deals"]
    there.install()
    assert Part(PartKind.GROUP, "companies", "customer_success") not in ours(there)


def test_an_archived_object_of_our_name_is_a_question(lite: Deployment, office: OPEN) -> None:
    """HubSpot keeps the name until a second delete: the admin restores it or deletes it for good."""
    there = office(lite, HUBSPOT, one_customer())
    make_objects(there)
    path = f"/crm/properties/2026-09/{own(there, 'cs_milestone')}"
    names = [one["name"] for one in ask(there, "GET", path)["results"] if not one["hubspotDefined"]]
    gone = [{"name": name} for name in names if name != "cs_name"]
    ask(there, "POST", f"{path}/batch/archive", {"inputs": gone})
    ask(there, "DELETE", f"{SCHEMAS}/{own(there, 'cs_milestone')}")
    (question,) = reasons_not_to_apply(there)
    assert question == (
        "the name cs_milestone still belongs to a deleted object: restore that one, or delete it for good "
        "(a second delete, with archived=true), and run again"
    )


def test_bands_of_another_charter_are_added_and_the_customers_options_stay(
    lite: Deployment, office: OPEN, tmp_path: Path
) -> None:
    """HubSpot replaces a whole list of options: all that stand are sent with the new one."""
    there = office(lite, HUBSPOT, one_customer()).install()
    held = ask(there, "GET", f"{COMPANIES}/cs_band")["options"]
    theirs = {"value": "vip", "label": "VIP", "displayOrder": 9, "hidden": True}
    ask(there, "PATCH", f"{COMPANIES}/cs_band", {"options": [*held, theirs]})
    charter = load_charter(charter_with(tmp_path, "key: yellow", "key: amber"), HUBSPOT)
    apply_charter(lite.runtime, there.id, charter, author="test")
    plan = plan_install(there.ws)
    changes = {str(one.part): one.why for one in plan.parts if one.outcome == "change"}
    words = "choices are added: amber; all others stay"
    assert changes == {f"field {name}.cs_band": words for name in ("cs_profile", "cs_snapshot", "companies")}
    mark = there.sandbox.mark()
    assert all(one.done for one in apply_install(there.ws, plan))
    assert (plan.calls, len(there.sandbox.requests(mark))) == (6, 6)
    options = ask(there, "GET", f"{COMPANIES}/cs_band")["options"]
    assert [one["value"] for one in options] == ["red", "yellow", "green", "unknown", "vip", "amber"]
    assert [one["hidden"] for one in options] == [False, False, False, False, True, False]
    assert plan_install(there.ws).is_empty


def test_where_no_label_is_left_links_are_made_without(lite: Deployment, office: OPEN) -> None:
    """Ten labels between profiles and companies are the customer's: told, and everything else is made."""
    there = office(lite, HUBSPOT, three_customers())
    make_objects(there)
    path = f"/crm/associations/2026-09/{own(there, 'cs_profile')}/companies/labels"
    for number in range(10):
        ask(there, "POST", path, {"label": f"Theirs {number}", "name": f"theirs_{number}"})
    plan = plan_install(there.ws)
    (note,) = [one for one in plan.notes if one.startswith("label CS Account of cs_profile")]
    assert "cs_profile and companies have as many labels as HubSpot allows: remove one" in note
    assert all(one.done for one in apply_install(there.ws, plan))
    assert plan_install(there.ws).is_empty
    there.load()
    there.go_live().settle()
    assert there.blocked() == []
    assert len(there.written(own(there, "cs_profile"))) == 3


def grant_all_but(office: Office, *lacking: str) -> None:
    """Keep what an admin granted: what we ask for, but for some scopes."""
    scopes = app_scopes(office.ws.charter)
    granted = [one for one in (*scopes.required, *scopes.optional) if one not in lacking]
    with writing(office.engine) as conn:
        installations.change_settings(conn, office.id, {GRANTED: granted})


def test_scopes_that_nothing_can_be_done_without_are_a_question(lite: Deployment, office: OPEN) -> None:
    """Both are named, with what to do; nothing is written."""
    there = office(lite, HUBSPOT, one_customer())
    grant_all_but(there, "crm.schemas.deals.write", "crm.objects.deals.write")
    (question,) = reasons_not_to_apply(there)
    assert question == (
        "the portal's admin has not granted crm.objects.deals.write, crm.schemas.deals.write: "
        "have them consent again"
    )


@pytest.mark.parametrize("scope", ["crm.lists.write", "crm.schemas.custom.write"])
def test_scopes_there_is_a_way_without_are_told(lite: Deployment, office: OPEN, scope: str) -> None:
    """The plan names the scope and what goes without it, and asks nothing."""
    there = office(lite, HUBSPOT, one_customer())
    grant_all_but(there, scope)
    plan = plan_install(there.ws)
    assert plan.questions == ()
    assert plan.inspection.missing_scopes.keys() == {scope}
    assert [one for one in plan.notes if one.startswith(f"the scope {scope} was not granted: ")]


def test_the_plan_shows_the_portal_it_is_for(lite: Deployment, office: OPEN) -> None:
    """Its kind, its owners with those who left, and how much of its limits is used."""
    there = office(lite, HUBSPOT, one_customer())
    gone = there.sandbox.post("portal", {"add_owner": {"email": "bob@customer.example"}})["owner"]
    there.sandbox.post("portal", {"archive_owner": gone})
    found = plan_install(there.ws).inspection
    assert (found.account_type, found.custom_objects) == ("STANDARD", True)
    assert (found.owners, found.archived_owners) == (1, 1)
    limits = [str(one) for one in found.limits]
    assert limits[0] == "custom objects: 0 of 10"
    assert "unique properties of deals: 0 of 10" in limits
    assert {"pipelines of deals: 1 of 100", "pipelines of custom objects: 0 of 100"} <= set(limits)
    assert any(one.startswith("custom properties of companies: ") for one in limits)
    there.install()
    later = [str(one) for one in plan_install(there.ws).inspection.limits]
    assert {"custom objects: 4 of 10", "labels of cs_profile to companies: 1 of 10"} <= set(later)


def test_a_list_the_customer_made_in_place_of_ours_is_theirs(lite: Deployment, office: OPEN) -> None:
    """Somebody deleted our list and made one of its name: it is told by its id, and keeps its filters."""
    there = office(lite, HUBSPOT, one_customer(), "--tier", "starter").install()
    lists = "/crm/lists/2026-09"
    held = {
        one["name"]: one["listId"] for one in ask(there, "POST", f"{lists}/search", {"query": ""})["lists"]
    }
    ask(there, "DELETE", f"{lists}/{held['CS At risk']}")
    ask(there, "POST", lists, {"name": "CS At risk", "objectTypeId": "0-2", "processingType": "MANUAL"})
    plan = plan_install(there.ws)
    (told,) = [one for one in plan.parts if one.outcome != "right"]
    assert (str(told.part), told.outcome.value) == ("list CS At risk", "cannot")
    assert "not ours" in told.why
    assert plan.is_empty


def test_a_field_that_stood_before_us_is_told_before_it_is_written_over(
    lite: Deployment, office: OPEN
) -> None:
    """The customer's own number cs_health fits: the plan says what becomes of its values, and only there."""
    there = office(lite, HUBSPOT, one_customer(), "--tier", "starter")
    make_property(there, "cs_health", "number", "number")
    told = "cs_health of companies stood there before us: our values take the place of what is in them"
    assert [one for one in plan_install(there.ws).notes if one.startswith(told)]
    there.install()
    assert [one for one in plan_install(there.ws).notes if "before us" in one] == [
        f"{told}, and an uninstall leaves the fields"
    ]
