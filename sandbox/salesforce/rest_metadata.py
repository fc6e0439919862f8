"""``/metadata/deployRequest``: Metadata API over REST (Metadata API guide, "Deploying with REST").

The work is done when the zip arrives; the states are shown one poll after the other.
"""

from __future__ import annotations

import io
import json
from typing import Any

from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from sandbox.salesforce.errors import SfError, resource_missing
from sandbox.salesforce.ids import mint, to18
from sandbox.salesforce.metadata_apply import Outcome, deploy
from sandbox.salesforce.metadata_zip import ZipError, read_zip
from sandbox.salesforce.org import Org
from sandbox.salesforce.web import Answer, Call, Router

Json = dict[str, Any]
_OPTIONS = {
    "allowMissingFiles", "autoUpdatePackage", "checkOnly", "ignoreWarnings", "performRetrieve",
    "purgeOnDelete",
    "rollbackOnError", "runTests", "singlePackage", "testLevel",
}  # fmt: skip
_LEVELS = ("NoTestRun", "RunSpecifiedTests", "RunLocalTests", "RunAllTestsInOrg", "RunRelevantTests")
_POLLS_BEFORE_DONE = 1
_JSON_PARTS = ("json", "entity_content")
"""The options' part as the guide calls it, and as jsforce and Salesforce's CLI do; orgs take both."""


def register(router: Router) -> None:
    """Add the deploy routes."""
    router.add("POST", "metadata/deployRequest", start)
    router.add("GET", "metadata/deployRequest/*", status)


def start(org: Org, call: Call) -> Answer:
    """Take a deploy: a JSON part ``json`` and the zip."""
    options, data = _parts(call)
    call.note.object = "metadata"
    job_id = mint("0Af", org.count("deploy"))
    rollback, check_only = options.get("rollbackOnError", True), options.get("checkOnly", False)
    result = _blank(org, call, job_id, options)
    try:
        outcome = deploy(org, read_zip(data), rollback=rollback, check_only=check_only)
    except ZipError as error:
        outcome = Outcome()
        result |= {"errorMessage": str(error), "errorStatusCode": "INVALID_FILE"}
    _conclude(result, outcome, rollback=rollback)
    org.store.note("deploy:" + job_id, {"options": options, "polls": 0, "result": result})
    pending = {"id": job_id, "status": "Pending", "done": False, "success": False, "checkOnly": check_only}
    return Answer(201, {"id": job_id, "validatedDeployRequestId": None, "deployOptions": options,
                        "deployResult": _blank(org, call, job_id, options) | pending})  # fmt: skip


def _parts(call: Call) -> tuple[Json, bytes]:
    mimetype, options = parse_options_header(call.headers.get("content-type", ""))
    if mimetype != "multipart/form-data":
        raise SfError("UNSUPPORTED_MEDIA_TYPE", f"Content-Type not supported: {mimetype}", 415)
    _, form, files = FormDataParser().parse(io.BytesIO(call.body), mimetype, len(call.body), options)
    texts = {**form, **{name: files[name].read().decode() for name in _JSON_PARTS if name in files}}
    raw = next((texts[name] for name in _JSON_PARTS if texts.get(name)), None)
    if raw is None:
        raise SfError("INVALID_MULTIPART_REQUEST", "The multipart request has no JSON part named 'json'")
    try:
        wanted = json.loads(raw).get("deployOptions", {})
    except (ValueError, AttributeError) as error:
        raise SfError("JSON_PARSER_ERROR", f"The JSON part can not be read: {error}") from error
    zips = [f for name, f in files.items() if name not in _JSON_PARTS]
    if len(zips) != 1:
        raise SfError(
            "INVALID_MULTIPART_REQUEST", "The multipart request must have exactly one zip file part"
        )
    for name in set(wanted) - _OPTIONS:
        raise SfError("JSON_PARSER_ERROR", f'Unrecognized field "{name}" at [line:1, column:1]')
    if wanted.get("testLevel") not in (None, *_LEVELS):
        raise SfError(
            "JSON_PARSER_ERROR", f"Cannot deserialize testLevel from VALUE_STRING {wanted['testLevel']}"
        )
    return wanted, zips[0].read()


def _blank(org: Org, call: Call, job_id: str, options: Json) -> Json:
    user = org.store.table("User")[call.user_id]
    return {
        "id": job_id, "checkOnly": options.get("checkOnly", False), "createdBy": call.user_id,
        "createdByName": user["Name"], "createdDate": org.stamp(), "startDate": org.stamp(),
        "completedDate": None,
        "lastModifiedDate": org.stamp(), "done": False, "success": False, "status": "InProgress",
        "stateDetail": None,
        "errorMessage": None, "errorStatusCode": None, "ignoreWarnings": options.get("ignoreWarnings", False),
        "rollbackOnError": options.get("rollbackOnError", True), "runTestsEnabled": False,
        "numberComponentErrors": 0, "numberComponentsDeployed": 0, "numberComponentsTotal": 0,
        "numberTestErrors": 0, "numberTestsCompleted": 0, "numberTestsTotal": 0,
    }  # fmt: skip


def _conclude(result: Json, outcome: Outcome, *, rollback: bool) -> None:
    errors = len(outcome.failures)
    total = errors + len(outcome.successes)
    failed = bool(errors) or result["errorMessage"] is not None
    state = "Succeeded"
    if failed:
        state = "Failed" if rollback or result["errorMessage"] else "SucceededPartial"
    tests = {"numFailures": 0, "numTestsRun": 0, "totalTime": 0.0, "failures": [], "successes": [],
             "codeCoverage": [], "codeCoverageWarnings": []}  # fmt: skip
    result |= {
        "completedDate": result["startDate"], "done": True, "success": not failed, "status": state,
        "numberComponentErrors": errors, "numberComponentsDeployed": total - errors,
        "numberComponentsTotal": total,
        "details": {"allComponentMessages": [], "componentFailures": outcome.failures,
                    "componentSuccesses": outcome.successes, "retrieveResult": None, "runTestResult": tests},
    }  # fmt: skip


def status(org: Org, call: Call, job_id: str) -> Answer:
    """Show a deploy's state; ``includeDetails=true`` adds the components."""
    key = "deploy:" + (to18(job_id) or "")
    job = org.store.noted(key)
    if job is None:
        raise resource_missing()
    call.note.object = "metadata"
    result = dict(job["result"])
    if job["polls"] < _POLLS_BEFORE_DONE:
        org.store.note(key, dict(job, polls=job["polls"] + 1))
        result |= {
            "status": "InProgress",
            "done": False,
            "success": False,
            "completedDate": None,
            "details": None,
        }
    if not call.flag("includeDetails"):
        result.pop("details", None)
    return Answer(body={"id": to18(job_id), "validatedDeployRequestId": None, "deployOptions": job["options"],
                        "deployResult": result})  # fmt: skip
