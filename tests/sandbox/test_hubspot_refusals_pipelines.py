"""What HubSpot refuses of pipelines, owners and lists (reference 1.7)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.refusals import Case, custom_schema, refuses

OBJECTS = "/crm/objects/2026-09"
PIPELINES = "/crm/pipelines/2026-09"
DEALS = f"{PIPELINES}/deals"
LISTS = "/crm/lists/2026-09"
OWNERS = "/crm/owners/2026-09"
SCHEMA = custom_schema("staged_object")


def stage(label: str = "One", **metadata: Any) -> dict[str, Any]:
    """Return a stage."""
    return {"label": label, "displayOrder": 0, "metadata": metadata}


def pipeline(*stages: dict[str, Any], label: str = "Refused") -> dict[str, Any]:
    """Return a pipeline."""
    given = [{**one, "displayOrder": number} for number, one in enumerate(stages)]
    return {"label": label, "displayOrder": 1, "stages": given}


def stages(count: int, **metadata: Any) -> dict[str, Any]:
    """Return a pipeline of so many stages."""
    return pipeline(*(stage(f"S{number}", **metadata) for number in range(count)), label=f"{count} stages")


def leaf(name: str, kind: str, operator: str, **parts: Any) -> dict[str, Any]:
    """Return a property filter."""
    operation = {"operationType": kind, "operator": operator, "includeObjectsWithNoValueSet": False, **parts}
    return {"filterType": "PROPERTY", "property": name, "operation": operation}


def root(*filters: dict[str, Any]) -> dict[str, Any]:
    """Return a filter branch with one AND below the OR."""
    branch = {"filterBranchType": "AND", "filters": list(filters), "filterBranches": []}
    return {"filterBranchType": "OR", "filters": [], "filterBranches": [branch]}


def listed(name: str, branch: Any = None, kind: str = "DYNAMIC") -> dict[str, Any]:
    """Return a list of companies."""
    body = {"name": name, "objectTypeId": "0-2", "processingType": kind}
    return body if branch is None else {**body, "filterBranch": branch}


NAMED = leaf("name", "ALL_PROPERTY", "IS_KNOWN")
CASES = [
    Case(
        "pipeline-probability", "POST", DEALS, pipeline(stage(probability="1.5")), 400, "between 0.0 and 1.0"
    ),
    Case("pipeline-no-probability", "POST", DEALS, pipeline(stage()), 400, "must specify probability"),
    Case(
        "pipeline-label",
        "POST",
        DEALS,
        pipeline(stage(probability="1"), label="sales pipeline"),
        400,
        "already exists",
    ),
    Case("pipeline-101-stages", "POST", DEALS, stages(101, probability="0.5"), 400, "100"),
    Case("pipeline-31-stages", "POST", f"{PIPELINES}/0-162", stages(31), 400, "30"),
    Case(
        "pipeline-ticket-state",
        "POST",
        f"{PIPELINES}/tickets",
        pipeline(stage(ticketState="closed")),
        400,
        "INVALID_PIPELINE_STAGE_METADATA",
    ),
    Case(
        "stage-label",
        "POST",
        f"{DEALS}/default/stages",
        stage("closed WON ", probability="1"),
        400,
        "PipelineError.STAGE_LABEL_EXISTS",
    ),
    Case("list-root", "POST", LISTS, listed("r", root(NAMED)["filterBranches"][0]), 400, "OR"),
    Case("list-children", "POST", LISTS, listed("c", {"filterBranchType": "OR", "filters": []}), 400, "AND"),
    Case(
        "list-unknown-property",
        "POST",
        LISTS,
        listed("u", root(leaf("nope", "ALL_PROPERTY", "IS_KNOWN"))),
        400,
        '"nope" does not exist',
    ),
    Case(
        "list-operation-type",
        "POST",
        LISTS,
        listed("t", root(leaf("name", "NUMBER", "IS_EQUAL_TO", value=1))),
        400,
        "NUMBER",
    ),
    Case(
        "list-operator",
        "POST",
        LISTS,
        listed("o", root(leaf("numberofemployees", "NUMBER", "IS_ANY_OF", value=1))),
        400,
        "IS_ANY_OF",
    ),
    Case("list-processing-type", "POST", LISTS, listed("p", kind="STATIC"), 400, "STATIC"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_hubspot_refuses(hubspot: Any, case: Case) -> None:
    """One request, refused in HubSpot's way."""
    case.check(hubspot)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (DEALS, stages(100, probability="0.5"), 201),
        (f"{PIPELINES}/0-162", stages(30), 201),
        (f"{PIPELINES}/tickets", pipeline(stage(ticketState="CLOSED")), 201),
        (
            LISTS,
            listed("fine", root(NAMED, leaf("numberofemployees", "NUMBER", "IS_EQUAL_TO", value=1))),
            200,
        ),
        (LISTS, listed("by hand", kind="MANUAL"), 200),
    ],
    ids=["100 stages", "30 stages", "CLOSED", "filters", "manual"],
)
def test_what_is_next_to_the_refused_is_made(
    hubspot: Any, path: str, body: dict[str, Any], status: int
) -> None:
    """So the refusals above are about the part that was changed."""
    answer = hubspot.call("POST", path, body)
    assert answer.status_code == status, answer.text


def used_pipeline(hubspot: Any, label: str) -> tuple[str, str, str, str]:
    """Make a pipeline of two stages with a deal in the first; return its id, the stages' and the deal's."""
    given = pipeline(stage("Open", probability="0.5"), stage("Won", probability="1.0"), label=label)
    made = hubspot.call("POST", DEALS, given).json()
    first, second = (one["id"] for one in made["stages"])
    deal = {"dealname": "D", "pipeline": made["id"], "dealstage": first}
    record = hubspot.call("POST", f"{OBJECTS}/deals", {"properties": deal}).json()["id"]
    return made["id"], first, second, record


@refuses("pipeline-in-use")
def test_a_pipeline_with_records_cannot_be_deleted(hubspot: Any) -> None:
    """2026-09 always looks; v3 looks where it is asked to. Records in the recycle bin do not count."""
    key, first, second, record = used_pipeline(hubspot, "Used")
    answer = hubspot.call("DELETE", f"{DEALS}/{key}")
    assert (answer.status_code, answer.json()["subCategory"]) == (400, "PipelineError.STAGE_ID_IN_USE")
    assert answer.json()["context"] == {"stageIds": [f"[{first}]"], "objectIds": [f"[{record}]"]}
    asked = f"/crm/v3/pipelines/deals/{key}?validateReferencesBeforeDelete=true"
    assert hubspot.call("DELETE", asked).status_code == 400
    hubspot.call("DELETE", f"{OBJECTS}/deals/{record}")
    assert hubspot.call("DELETE", f"{DEALS}/{key}").status_code == 204
    assert hubspot.call("GET", f"{DEALS}/{key}").status_code == 404
    assert second


@refuses("stage-in-use")
def test_a_stage_with_records_cannot_be_deleted(hubspot: Any) -> None:
    """The empty one goes, and so does any that is not there."""
    key, first, second, _record = used_pipeline(hubspot, "Used stage")
    found = [
        hubspot.call("DELETE", f"{DEALS}/{key}/stages/{one}").status_code for one in (first, second, "nope")
    ]
    assert found == [400, 204, 204]


@refuses("pipeline-tier")
def test_free_has_one_pipeline(hubspot_with: Any) -> None:
    """A second one needs Starter."""
    given = pipeline(stage(probability="1"))
    found = [
        hubspot_with("--tier", tier).call("POST", DEALS, given).status_code for tier in ("free", "starter")
    ]
    assert found == [400, 201]


@refuses("pipeline-custom-tier")
def test_pipelines_of_custom_objects_need_enterprise(hubspot_with: Any) -> None:
    """An account that leaves Enterprise keeps the object and can't read its pipelines any more."""
    portal = hubspot_with()
    made = portal.call("POST", "/crm-object-schemas/2026-09/schemas", SCHEMA).json()
    type_id = made["objectTypeId"]
    assert portal.call("POST", f"{PIPELINES}/{type_id}", pipeline(stage())).status_code == 201
    names = {
        one["name"] for one in portal.call("GET", f"/crm/properties/2026-09/{type_id}").json()["results"]
    }
    assert {"hs_pipeline", "hs_pipeline_stage"} <= names
    portal.kill()
    portal.options = ("--tier", "professional")
    portal.start()
    portal.session.headers["Authorization"] = f"Bearer {portal.credentials['service_key']}"
    assert portal.call("GET", f"{PIPELINES}/{type_id}").status_code == 400


@refuses("owners-scope")
def test_owners_need_their_scope(hubspot_with: Any) -> None:
    """The 403 names it."""
    answer = hubspot_with("--scopes", "crm.objects.companies.read").call("GET", OWNERS)
    assert answer.status_code == 403
    required = answer.json()["errors"][0]["context"]["requiredGranularScopes"]
    assert required == ["crm.objects.owners.read"]


@refuses("owner-archived")
def test_an_archived_owner_is_no_more_among_the_active(hubspot: Any) -> None:
    """It is found with archived=true, with no userId."""
    made = hubspot.control("POST", "/portal", {"add_owner": {"email": "left@refused.example"}})["owner"]
    user = hubspot.call("GET", f"{OWNERS}/{made}").json()["userId"]
    hubspot.control("POST", "/portal", {"archive_owner": made})
    assert hubspot.call("GET", f"{OWNERS}/{made}").status_code == 404
    assert hubspot.call("GET", f"{OWNERS}?email=left@refused.example").json()["results"] == []
    (gone,) = hubspot.call("GET", f"{OWNERS}?archived=true&email=left@refused.example").json()["results"]
    assert (gone["userId"], gone["userIdIncludingInactive"]) == (None, user)


def make_list(hubspot: Any, body: dict[str, Any]) -> str:
    """Make a list and return its id."""
    return str(hubspot.call("POST", LISTS, body).json()["list"]["listId"])


@refuses("list-name")
def test_a_lists_name_is_unique(hubspot: Any) -> None:
    """Until the list is deleted."""
    made = make_list(hubspot, listed("once", kind="MANUAL"))
    answer = hubspot.call("POST", LISTS, listed("once", kind="MANUAL"))
    assert (answer.status_code, answer.json()["subCategory"]) == (400, "ILS.DUPLICATE_LIST_NAMES")
    assert hubspot.call("DELETE", f"{LISTS}/{made}").status_code == 204
    assert hubspot.call("POST", LISTS, listed("once", kind="MANUAL")).status_code == 200


@refuses("list-dynamic-members")
def test_members_are_added_by_hand_to_manual_and_snapshot_lists(hubspot: Any) -> None:
    """A dynamic list follows its filters."""
    company = hubspot.call("POST", f"{OBJECTS}/companies", {"properties": {"name": "Member"}}).json()["id"]
    named = root(leaf("name", "STRING", "IS_EQUAL_TO", value="nobody"))
    found = []
    for kind, branch in (("DYNAMIC", named), ("SNAPSHOT", named), ("MANUAL", None)):
        made = make_list(hubspot, listed(f"members of {kind}", branch, kind))
        answer = hubspot.call("PUT", f"{LISTS}/{made}/memberships/add", [company, "1"])
        found.append((answer.status_code, answer.json().get("recordsIdsAdded")))
    assert found == [(400, None), (200, [company]), (200, [company])]


@refuses("list-restore-late")
def test_a_deleted_list_comes_back_for_ninety_days(hubspot_with: Any) -> None:
    """On the ninetieth day it does, after it no more."""
    portal = hubspot_with()
    portal.control("POST", "/clock", {"now": "2026-01-01T00:00:00Z", "running": False})
    made = make_list(portal, listed("comes back", kind="MANUAL"))
    for now, status in (("2026-04-01T00:00:00Z", 204), ("2026-06-30T00:00:01Z", 400)):
        portal.call("DELETE", f"{LISTS}/{made}")
        portal.control("POST", "/clock", {"now": now, "running": False})
        assert portal.call("PUT", f"{LISTS}/{made}/restore").status_code == status, now


@refuses("list-scope")
def test_lists_need_their_scope(hubspot_with: Any) -> None:
    """Reading is one scope, making another."""
    portal = hubspot_with("--scopes", "crm.lists.read crm.objects.companies.read")
    answer = portal.call("POST", LISTS, listed("mine", kind="MANUAL"))
    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
    assert portal.call("POST", f"{LISTS}/search", {}).status_code == 200
