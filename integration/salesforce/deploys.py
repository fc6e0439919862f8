"""Sending an archive to the Metadata API over REST, and waiting for what becomes of it.

A deploy is all-or-nothing (``rollbackOnError``); checked only, it changes nothing at all and tells what
it would have done. Warnings are taken where something to delete is not there any more. Source: Metadata
API guide, "Deploying and Retrieving Metadata with REST", "DeployOptions", "DeployMessage".
Neighbours: ``installer`` and ``schema`` install by it, ``removal`` deletes by it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from urllib3.filepost import encode_multipart_formdata

from integration.port import Unavailable
from integration.salesforce.limits import DEPLOY_POLL_MAX_S, DEPLOY_WAIT_S
from integration.salesforce.transport import Transport
from integration.salesforce.values import to_json

ZIP_DATE = (1980, 1, 1, 0, 0, 0)
# Our own patience: how long after sending a deploy is first looked at; each further look waits twice as long.
FIRST_LOOK_S = 0.25
ENDED = frozenset({"Succeeded", "SucceededPartial", "Failed", "Canceled"})
WORKED = "Succeeded"


@dataclass(frozen=True, slots=True)
class Failure:
    """What a deploy says of one component it does not take; ``problem`` is in the org's words."""

    kind: str
    name: str
    problem: str

    def __str__(self) -> str:
        """Return it as an admin reads it."""
        return f"{self.kind or 'Package'} {self.name}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Deployed:
    """How a deploy ended: its state, and what it says of each component.

    ``created`` holds the (type, full name) of the components that were not there before, ``met`` of those
    that were. ``failures`` may be empty though it failed; ``message`` then says why.
    """

    worked: bool
    message: str
    created: frozenset[tuple[str, str]]
    met: frozenset[tuple[str, str]]
    failures: tuple[Failure, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Return why it failed, a line for each component."""
        return tuple(dict.fromkeys(map(str, self.failures))) or (self.message,)


def deploy(
    transport: Transport,
    reason: str,
    archive: bytes,
    *,
    check_only: bool = False,
    ignore_warnings: bool = False,
) -> Deployed:
    """Send an archive and wait until the org has done with it.

    Raises Refused when the user may not deploy at all, Unavailable when the deploy does not end within
    ``DEPLOY_WAIT_S``: it may still be worked in then.
    """
    wanted = {
        "checkOnly": check_only,
        "ignoreWarnings": ignore_warnings,
        "rollbackOnError": True,
        "singlePackage": True,
    }
    return _outcome(_wait(transport, reason, _start(transport, reason, archive, wanted)))


def _start(transport: Transport, reason: str, archive: bytes, options: Mapping[str, bool]) -> str:
    body, content_type = encode_multipart_formdata(
        [
            ("json", ("deploy.json", to_json({"deployOptions": options}), "application/json")),
            ("file", ("deploy.zip", archive, "application/zip")),
        ]
    )
    headers = {"Content-Type": content_type}
    answer = transport.send_bytes(reason, "POST", "metadata/deployRequest", data=body, headers=headers)
    return str(answer.json()["id"])


def _wait(transport: Transport, reason: str, deploy_id: str) -> Mapping[str, Any]:
    path = f"metadata/deployRequest/{deploy_id}"
    waited, step = 0.0, FIRST_LOOK_S
    while waited < DEPLOY_WAIT_S:
        transport.sleep(step)
        waited += step
        answer = transport.request(reason, "GET", path, params={"includeDetails": "true"})
        result: Mapping[str, Any] = answer["deployResult"]
        if result["status"] in ENDED:
            return result
        step = min(step * 2, DEPLOY_POLL_MAX_S)
    raise Unavailable(f"the deploy {deploy_id} has not ended yet")


def _outcome(result: Mapping[str, Any]) -> Deployed:
    details = result.get("details") or {}
    done = [row for row in details.get("componentSuccesses") or [] if row.get("componentType")]
    return Deployed(
        worked=result["status"] == WORKED,
        message=str(result.get("errorMessage") or result["status"]),
        created=frozenset(_name(row) for row in done if row.get("created")),
        met=frozenset(_name(row) for row in done if not row.get("created") and not row.get("warning")),
        failures=tuple(
            Failure(
                str(row.get("componentType") or ""),
                str(row.get("fullName") or row.get("fileName") or ""),
                str(row.get("problem")),
            )
            for row in details.get("componentFailures") or []
        ),
    )


def _name(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row["componentType"]), str(row["fullName"])


def zipped(files: Mapping[str, str]) -> bytes:
    """Return files as an archive to deploy; equal files give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            archive.writestr(zipfile.ZipInfo(path, ZIP_DATE), files[path])
    return buffer.getvalue()
