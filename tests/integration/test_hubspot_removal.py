"""Taking back what an install made: ours goes in an order the portal allows, the customer's stays."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from integration.budget import LocalBudget
from integration.hubspot import MemoryTokenStore, ServiceKey, connect
from integration.hubspot.connector import WINDOWS
from integration.install_specs import MakeFields, MakeGroup, MakeObject
from integration.parts import OwnedPart, Part, PartKind
from integration.port import FieldSpec, FieldType, ObjectSpec, WriteRow

VERSION = "2026-09"
KEY = FieldSpec("cs_key", "CS key", FieldType.TEXT, unique=True)
NAME = FieldSpec("cs_name", "CS Name", FieldType.TEXT)
HEALTH = FieldSpec("cs_health", "Health", FieldType.NUMBER)
ARR = FieldSpec("cs_arr", "ARR", FieldType.NUMBER)
FIELDS = (HEALTH, ARR)
PLAN = ObjectSpec("cs_plan", "Plan", "Plans", (KEY, NAME, HEALTH), True, ("companies",), "cs_name")
STEP = ObjectSpec("cs_milestone", "Step", "Steps", (KEY, NAME, HEALTH), True, ("cs_plan",), "cs_name")
GROUP = OwnedPart(Part(PartKind.GROUP, "companies", "customer_success"))
HEALTH_PART = OwnedPart(Part(PartKind.FIELD, "companies", "cs_health"))
ARR_PART = OwnedPart(Part(PartKind.FIELD, "companies", "cs_arr"))


def of_object(spec: ObjectSpec) -> list[OwnedPart]:
    """Return the parts an object of ours is made of."""
    fields = [OwnedPart(Part(PartKind.FIELD, spec.name, field.name)) for field in spec.fields]
    return [OwnedPart(Part(PartKind.OBJECT, spec.name, spec.name)), *fields]


@pytest.fixture
def hubspot_port(hubspot_sandbox, clock):
    """Return a connector to the sandbox, by its service key."""
    key = ServiceKey(hubspot_sandbox.get("/_sandbox/credentials")["service_key"])
    portal = str(hubspot_sandbox.get("/_sandbox/portal")["portal_id"])
    budget = LocalBudget(WINDOWS)
    return connect(key, hubspot_sandbox.url, budget, clock.now, MemoryTokenStore(), portal_id=portal)


@pytest.fixture
def vendor(hubspot_sandbox):
    """Return how to call the portal as an admin's own script would."""
    key = hubspot_sandbox.get("/_sandbox/credentials")["service_key"]

    def call(method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(
            method,
            hubspot_sandbox.url + path,
            json=body,
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
        )

    return call


def on_companies(port) -> None:
    """Install two properties on companies."""
    for step in (
        MakeGroup("companies", "customer_success"),
        MakeFields("companies", "customer_success", FIELDS),
    ):
        assert port.make(step).done


def make_list(vendor, name: str, field: str) -> str:
    """Make a dynamic list over a property, and return its id."""
    operation = {"operationType": "NUMBER", "operator": "IS_LESS_THAN", "value": 50}
    condition = {"filterType": "PROPERTY", "property": field, "operation": operation}
    inner = {"filterBranchType": "AND", "filterBranches": [], "filters": [condition]}
    branch = {"filterBranchType": "OR", "filterBranches": [inner], "filters": []}
    body = {"name": name, "objectTypeId": "0-2", "processingType": "DYNAMIC", "filterBranch": branch}
    answer = vendor("POST", f"/crm/lists/{VERSION}", body)
    assert answer.ok, answer.text
    return str(answer.json()["list"]["listId"])


def properties(vendor, object_name: str = "companies") -> set[str]:
    """Return the names of an object's live properties."""
    found = vendor("GET", f"/crm/properties/{VERSION}/{object_name}").json()["results"]
    return {one["name"] for one in found}


def test_lists_go_before_the_properties_they_use(hubspot_port, vendor) -> None:
    """Given in any order: a property in use could not be archived, a group with properties neither."""
    on_companies(hubspot_port)
    list_id = make_list(vendor, "At risk", "cs_health")
    at_risk = OwnedPart(Part(PartKind.LIST, "companies", "At risk"), list_id)
    removals = hubspot_port.remove_parts([GROUP, HEALTH_PART, ARR_PART, at_risk])
    assert [(one.part, one.gone) for one in removals] == [
        (at_risk.part, True),
        (HEALTH_PART.part, True),
        (ARR_PART.part, True),
        (GROUP.part, True),
    ]
    assert {"cs_health", "cs_arr"} & properties(vendor) == set()
    groups = vendor("GET", f"/crm/properties/{VERSION}/companies/groups").json()["results"]
    assert "customer_success" not in {one["name"] for one in groups}
    assert vendor("GET", f"/crm/lists/{VERSION}/{list_id}").status_code == 404


def test_a_property_the_customer_uses_is_kept_and_told(hubspot_port, vendor) -> None:
    """Their own list stands on cs_health: it and its group stay, the other property goes."""
    on_companies(hubspot_port)
    make_list(vendor, "Theirs", "cs_health")
    removals = {one.part.name: one for one in hubspot_port.remove_parts([HEALTH_PART, ARR_PART, GROUP])}
    assert [name for name, one in removals.items() if one.gone] == ["cs_arr"]
    assert "used in 1 places" in removals["cs_health"].message
    assert "active properties" in removals["customer_success"].message
    assert {"cs_health", "cs_arr"} & properties(vendor) == {"cs_health"}


def test_what_is_gone_already_counts_as_gone(hubspot_port, vendor) -> None:
    """Running again after a crash, or after the admin was quicker, is no error."""
    on_companies(hubspot_port)
    list_id = make_list(vendor, "At risk", "cs_health")
    parts = [
        OwnedPart(Part(PartKind.LIST, "companies", "At risk"), list_id),
        OwnedPart(Part(PartKind.LIST, "companies", "Never made")),
        HEALTH_PART,
        ARR_PART,
        GROUP,
        *of_object(PLAN),
    ]
    for _ in range(2):
        removals = hubspot_port.remove_parts(parts)
        assert {one.part for one in removals} == {one.part for one in parts}
        assert [str(one.part) for one in removals if not one.gone] == []


def test_a_list_whose_id_a_crash_kept_from_us_is_found_by_name(hubspot_port, vendor) -> None:
    """The list was made, and we died before its id was ours; names of lists are unique."""
    on_companies(hubspot_port)
    list_id = make_list(vendor, "CS: At risk / 50 %", "cs_health")
    (removal,) = hubspot_port.remove_parts(
        [OwnedPart(Part(PartKind.LIST, "companies", "CS: At risk / 50 %"))]
    )
    assert removal.gone
    assert vendor("GET", f"/crm/lists/{VERSION}/{list_id}").status_code == 404


def made_objects(port) -> list[OwnedPart]:
    """Install a plan and its milestone, and return their parts as they were made."""
    assert all(port.make(MakeObject(spec)).done for spec in (PLAN, STEP))
    return [*of_object(PLAN), *of_object(STEP)]


def test_our_objects_go_for_good_children_first(hubspot_port, vendor, hubspot_sandbox) -> None:
    """Their names are free afterwards: an install could make them again."""
    parts = made_objects(hubspot_port)
    removals = hubspot_port.remove_parts(parts)
    assert [str(one.part) for one in removals if not one.gone] == []
    objects = [one.part.name for one in removals if one.part.kind is PartKind.OBJECT]
    assert objects == ["cs_milestone", "cs_plan"]
    for archived in ("false", "true"):
        answer = vendor("GET", f"/crm-object-schemas/{VERSION}/schemas?archived={archived}")
        assert answer.json()["results"] == []


def test_an_object_with_records_is_kept_and_told(hubspot_port, vendor) -> None:
    """Somebody's record stands in it: the portal refuses, in its own words, and its definition stays."""
    parts = made_objects(hubspot_port)
    row = WriteRow("a-key", {"cs_name": "Theirs"})
    assert hubspot_port.upsert("cs_plan", "cs_key", [row])[0].error is None
    removals = hubspot_port.remove_parts(parts)
    (kept,) = [one for one in removals if one.part.name == "cs_plan"]
    assert not kept.gone
    assert "until all object records are deleted" in kept.message
    schemas = vendor("GET", f"/crm-object-schemas/{VERSION}/schemas").json()["results"]
    assert [one["name"] for one in schemas] == ["cs_plan"]


def test_a_property_the_customer_added_to_our_object_is_not_lost(hubspot_port, vendor) -> None:
    """Deleting the object would take their property along: the portal names it, and the object stays."""
    parts = made_objects(hubspot_port)
    path = f"/crm/properties/{VERSION}/p{portal_id(vendor)}_cs_plan"
    group = vendor("GET", f"{path}/groups").json()["results"][0]["name"]
    theirs = {"name": "their_note", "label": "Note", "type": "string", "fieldType": "text"}
    assert vendor("POST", path, theirs | {"groupName": group}).status_code == 201
    removals = hubspot_port.remove_parts(parts)
    (kept,) = [one for one in removals if one.part.kind is PartKind.OBJECT and not one.gone]
    assert kept.part.name == "cs_plan"
    assert "their_note" in kept.message


def portal_id(vendor) -> str:
    """Return the portal's id."""
    return str(vendor("GET", f"/account-info/{VERSION}/details").json()["portalId"])


def test_labels_and_pipelines_go_by_their_ids_and_are_found_without(hubspot_port, vendor) -> None:
    """A label and a pipeline of our object: removed by id, or by what they are called."""
    made_objects(hubspot_port)
    plan = f"p{portal_id(vendor)}_cs_plan"
    labels = f"/crm/associations/{VERSION}/{plan}/companies/labels"
    stages = [
        {"label": "Open", "displayOrder": 0, "metadata": {"ticketState": "OPEN"}},
        {"label": "Done", "displayOrder": 1, "metadata": {"ticketState": "CLOSED"}},
    ]
    ids = {}
    for name in ("one", "two"):
        answer = vendor("POST", labels, {"label": f"Label {name}", "name": f"cs_{name}"})
        assert answer.ok, answer.text
        ids[f"label {name}"] = str(answer.json()["results"][0]["typeId"])
        body = {"label": f"Pipeline {name}", "displayOrder": 0, "stages": stages}
        answer = vendor("POST", f"/crm/pipelines/{VERSION}/{plan}", body)
        assert answer.ok, answer.text
        ids[f"pipeline {name}"] = str(answer.json()["id"])
    removals = hubspot_port.remove_parts(
        [
            OwnedPart(Part(PartKind.LABEL, "cs_plan", "Label one", "companies"), ids["label one"]),
            OwnedPart(Part(PartKind.LABEL, "cs_plan", "Label two", "companies")),
            OwnedPart(Part(PartKind.PIPELINE, "cs_plan", "Pipeline one"), ids["pipeline one"]),
            OwnedPart(Part(PartKind.PIPELINE, "cs_plan", "Pipeline two")),
        ]
    )
    assert [(one.gone, one.message) for one in removals] == [(True, "")] * 4
    left = [one["label"] for one in vendor("GET", labels).json()["results"]]
    assert [one for one in left if one and one.startswith("Label")] == []
    pipelines = vendor("GET", f"/crm/pipelines/{VERSION}/{plan}").json()["results"]
    assert [one["label"] for one in pipelines if one["label"].startswith("Pipeline")] == []
