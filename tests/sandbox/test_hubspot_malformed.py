"""Whatever is sent, the portal answers in HubSpot's way: never with a 500, never without its error body."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.hubspot import quota
from sandbox.hubspot.__main__ import build
from sandbox.hubspot.portal import Options

KEYS = """
inputs properties associations id idProperty objectWriteTraceId to from types associationCategory
associationTypeId typeId maxToObjectIds filterGroups filters propertyName operator value values
highValue sorts query limit after name label labels type fieldType groupName options hasUniqueValue
displayOrder stages metadata probability stageId pipelineId processingType objectTypeId filterBranch
filterBranchType filterBranches filterType property operation operationType timePoint timeType
indexReference referenceType offset days zoneId primaryDisplayProperty requiredProperties
searchableProperties associatedObjects fromObjectTypeId toObjectTypeId primaryObjectId
objectIdToMerge recordIdsToAdd count inverseLabel
""".split()  # noqa: SIM905 -- easier to read
WORDS = (
    "",
    "1",
    "x",
    "name",
    "GT",
    "EQ",
    "OR",
    "AND",
    "PROPERTY",
    "TIME_POINT",
    "INDEXED",
    "TODAY",
    "DYNAMIC",
    "0-2",
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.sampled_from(WORDS)
)
BODIES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)
PARTS = {
    "<dated:version>": "2026-09",
    "<name>": "companies",
    "<a>": "companies",
    "<b>": "deals",
    "<prop>": "name",
    "<group>": "companyinformation",
    "<pipeline_id>": "default",
    "<stage_id>": "closedwon",
}


class Portal:
    """One portal in this process, with what it serves: (method, path)."""

    def __init__(self, folder: Path) -> None:
        """Open a fresh portal and list its writing endpoints."""
        app = build(str(folder / "hubspot.db"), Options(index_lag_seconds=0))
        self.client: FlaskClient = app.test_client()
        key = self.client.get("/_sandbox/credentials").json["service_key"]  # type: ignore[index]
        self.headers = {"Authorization": f"Bearer {key}"}
        made = self.send("POST", "/crm/objects/2026-09/companies", {"properties": {"name": "C"}})
        self.record = str(made.json["id"])
        self.calls = sorted(
            (method, self._path(rule.rule))
            for rule in app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
            if not rule.rule.startswith(("/_sandbox", "/oauth", "/appinstalls"))
        )

    def _path(self, rule: str) -> str:
        for part, value in PARTS.items():
            rule = rule.replace(part, value)
        if "/pipelines/" in rule:
            rule = rule.replace("companies", "deals")
        while "<" in rule:
            rule = rule[: rule.index("<")] + self.record + rule[rule.index(">") + 1 :]
        return rule

    def send(self, method: str, path: str, body: Any) -> Any:
        """Send a JSON body."""
        return self.client.open(
            path, method=method, headers=self.headers, data=json.dumps(body), content_type="application/json"
        )


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Give a portal without rate limits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quota.Window, "take", lambda _window: True)
        yield Portal(tmp_path_factory.mktemp("malformed"))


def is_hubspots(answer: Any) -> bool:
    """Return whether an answer is a success, or an error with HubSpot's body."""
    if answer.status_code < 400:
        return True
    return answer.status_code < 500 and answer.json["status"] == "error" and "correlationId" in answer.json


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), body=BODIES)
def test_no_body_is_an_internal_error(portal: Portal, data: Any, body: Any) -> None:
    """Any JSON to any writing endpoint."""
    method, path = data.draw(
        st.sampled_from([call for call in portal.calls if call[0] not in {"GET", "DELETE"}])
    )
    answer = portal.send(method, path, body)
    assert is_hubspots(answer), (method, path, body, answer.text)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), value=st.text(max_size=8) | st.integers().map(str))
def test_no_query_is_an_internal_error(portal: Portal, data: Any, value: str) -> None:
    """Any value of any query parameter of any reading endpoint."""
    _, path = data.draw(st.sampled_from([call for call in portal.calls if call[0] == "GET"]))
    names = ("after", "limit", "archived", "idProperty", "properties", "associations", "email", "listIds")
    name = data.draw(st.sampled_from(names))
    answer = portal.client.get(path, headers=portal.headers, query_string={name: value})
    assert is_hubspots(answer), (path, name, value, answer.text)
