"""Usage by the file: CSV, Parquet or JSON lines, streamed to the disk, checked whole, durable before 202.

The write key opens it, as the tracking API. Nothing of a file is kept unless every row of it can be counted;
the answer then names line, column and reason. Where we fall behind, the rest waits until it is sent again.
Neighbours: ``usage`` knows the key, ``sync/usage_files.py`` reads files, ``sync/back_pressure.py`` says when
no more is taken.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, jsonify, request

from sync.back_pressure import why_behind
from sync.bell import Lane, Work, ring
from sync.runtime import Runtime
from sync.usage_files import FIELDS, KINDS, FileMistake, PutOff, check_file, take_file
from sync.work_folder import work_folder
from sync.workspace import open_workspace
from webhooks.answers import TOO_LARGE, refused
from webhooks.usage import RETRY_AFTER_S, installation_of

FILE_MAX: Final = 100_000_000
CHUNK: Final = 1 << 16


def usage_files_blueprint(runtime: Runtime) -> Blueprint:
    """Return the blueprint that takes in files of usage at ``/v1/files/<kind>``."""
    blueprint = Blueprint("usage_files", __name__)

    @blueprint.post("/v1/files/<kind>")
    def take(kind: str) -> Response:
        request.max_content_length = FILE_MAX
        installation = installation_of(runtime)
        if installation is None:
            return refused(401, "unknown_write_key")
        if kind not in KINDS:
            return refused(404, "no_such_kind")
        why = why_behind(runtime, installation)
        if why is not None:
            return refused(429, why, retry_after_s=RETRY_AFTER_S)
        within = work_folder(runtime.settings)
        with tempfile.TemporaryDirectory(prefix="colonnade-upload-", dir=within) as folder:
            return _take(runtime, installation, kind, Path(folder) / f"usage.{kind}")

    return blueprint


def _take(runtime: Runtime, installation: str, kind: str, file: Path) -> Response:
    if not _streamed(file):
        return refused(413, TOO_LARGE)
    ws = open_workspace(runtime, installation)
    columns = {field: column for field, column in request.args.items() if field in FIELDS}
    try:
        check_file(ws, file, kind, columns)
    except FileMistake as mistake:
        answer = refused(400, "not_a_usage_file")
        told = {"line": mistake.line, "column": mistake.column, "reason": mistake.reason}
        answer.set_data(jsonify(error="not_a_usage_file", **told).get_data())
        return answer
    try:
        messages = take_file(ws, file, kind, columns, lambda: why_behind(runtime, installation))
    except PutOff as put_off:
        return refused(429, put_off.why, retry_after_s=RETRY_AFTER_S)
    finally:
        ring(runtime.redis, Lane.FAST, Work.DRAIN, installation)
    answer = jsonify(success=True, messages=messages)
    answer.status_code = 202
    return answer


def _streamed(file: Path) -> bool:
    """Write the body to a file; return whether it was within the limit, however long it said it was."""
    size = 0
    with file.open("wb") as out:
        while chunk := request.stream.read(CHUNK):
            size += len(chunk)
            if size > FILE_MAX:
                return False
            out.write(chunk)
    return True
