"""The control endpoints both sandboxes have under ``/_sandbox``; the vendor's part comes in as hooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from flask import Blueprint, Response, request

from sandbox.server.app import CONTROL, Services, json_response
from sandbox.server.clock import parse_instant
from sandbox.server.faults import Chance, Presets, parse_fault


class ControlError(Exception):
    """A control request that cannot be done; answered with ``status`` and ``{"error": message}``."""

    def __init__(self, message: str, status: int = 400) -> None:
        """Carry ``message`` and the HTTP ``status``."""
        super().__init__(message)
        self.status = status


class ControlHooks(Protocol):
    """What a vendor sandbox does for the control endpoints. Any of them may raise ``ControlError``."""

    vendor: str

    def load(self, folder: Path) -> dict[str, int]:
        """Load a portfolio folder; return how many records of each vendor object were made."""

    def edit(self, body: dict[str, Any]) -> str:
        """Edit, create or delete one record as a person would; return its id."""

    def lookup(self, ref: str) -> tuple[str, str] | None:
        """Return (object, id) of the record that portfolio key ``ref`` became."""

    def counts(self) -> dict[str, int]:
        """Return row counts by vendor object."""

    def dump(self, object_name: str) -> list[dict[str, Any]]:
        """Return every record of an object, vendor-shaped, with its links."""

    def configure_webhooks(self, body: dict[str, Any]) -> dict[str, Any]:
        """Set where and how to push changes; return what is now in force."""

    def credentials(self) -> dict[str, Any]:
        """Return what a client needs to sign in."""


def control_blueprint(services: Services, hooks: ControlHooks, presets: Presets | None = None) -> Blueprint:
    """Return the ``/_sandbox`` endpoints over ``services``, the vendor's ``hooks`` and named faults."""
    page = Blueprint("control", __name__, url_prefix=CONTROL)
    _state_routes(page, services, hooks)
    _record_routes(page, hooks)
    _log_routes(page, services, presets or {})

    @page.errorhandler(ControlError)
    def _refused(error: ControlError) -> Response:
        return json_response({"error": str(error)}, error.status)

    @page.errorhandler(ValueError)
    def _malformed(error: ValueError) -> Response:
        return json_response({"error": str(error)}, 400)

    return page


def _body() -> dict[str, Any]:
    body = request.get_json(force=True)
    if not isinstance(body, dict):
        raise ControlError("the body must be a JSON object")
    return body


def _after() -> int:
    return int(request.args.get("after", "0"))


def _state_routes(page: Blueprint, services: Services, hooks: ControlHooks) -> None:
    @page.get("/health")
    def _health() -> Response:
        return json_response({"ok": True, "vendor": hooks.vendor})

    @page.get("/credentials")
    def _credentials() -> Response:
        return json_response(hooks.credentials())

    @page.get("/clock")
    def _clock() -> Response:
        return json_response(services.clock.state())

    @page.post("/clock")
    def _set_clock() -> Response:
        body = _body()
        now = parse_instant(body["now"]) if body.get("now") else None
        services.clock.set(now, body.get("running"))
        return json_response(services.clock.state())

    @page.post("/webhooks")
    def _webhooks() -> Response:
        return json_response(hooks.configure_webhooks(_body()))


def _record_routes(page: Blueprint, hooks: ControlHooks) -> None:
    @page.post("/load")
    def _load() -> Response:
        folder = Path(str(_body()["dir"]))
        if not folder.is_dir():
            raise ControlError(f"no such folder: {folder}")
        return json_response({"loaded": hooks.load(folder)})

    @page.post("/edit")
    def _edit() -> Response:
        return json_response({"id": hooks.edit(_body())})

    @page.get("/lookup")
    def _lookup() -> Response:
        found = hooks.lookup(request.args["ref"])
        if found is None:
            raise ControlError("no record has this ref", 404)
        return json_response({"object": found[0], "id": found[1]})

    @page.get("/dump")
    def _dump() -> Response:
        name = request.args.get("object")
        return json_response({"records": hooks.dump(name)} if name else {"objects": hooks.counts()})


def _log_routes(page: Blueprint, services: Services, presets: Presets) -> None:
    @page.get("/requests")
    def _requests() -> Response:
        return json_response(services.requests.after(_after()))

    @page.get("/deliveries")
    def _deliveries() -> Response:
        return json_response(services.deliveries.after(_after()))

    @page.post("/faults")
    def _faults() -> Response:
        body = _body()
        faults = [parse_fault(raw, presets) for raw in body["faults"]]
        if "share" in body:
            services.faults.scatter(Chance(faults, float(body["share"]), int(body.get("seed", 0))))
        else:
            services.faults.add(faults)
        return json_response({"added": len(faults)})

    @page.delete("/faults")
    def _clear() -> Response:
        services.faults.clear()
        return json_response({"cleared": True})
