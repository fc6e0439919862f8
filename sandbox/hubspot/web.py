"""Paths, tokens and limits around every handler.

One handler serves all versions of its path: ``AREAS`` has HubSpot's renamed prefixes (API
overview: versioning) and each route is made once per prefix. Handlers get a ``Call``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from sandbox.hubspot.access import Caller
from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.errors import VendorError, bad_json, error, invalid
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.writes import STRICT_VERSION, Draft, Writer
from sandbox.server.app import CONTROL, json_response, note

MAX_URI: Final = 16_384
"""Bytes of path and query; HubSpot's page names the status only, clients keep below 16 KB."""

AREAS: Final[dict[str, tuple[str, ...]]] = {
    "objects": ("/crm/v3/objects", "/crm/objects/<dated:version>"),
    "record_links": ("/crm/v4/objects", "/crm/objects/<dated:version>"),
    "links": ("/crm/v4/associations", "/crm/associations/<dated:version>"),
    "links_v3": ("/crm/v3/associations",),
    "schemas": (
        "/crm-object-schemas/v3/schemas",
        "/crm/v3/schemas",
        "/crm-object-schemas/<dated:version>/schemas",
    ),
    "properties": ("/crm/v3/properties", "/crm/properties/<dated:version>"),
    "pipelines": ("/crm/v3/pipelines", "/crm/pipelines/<dated:version>"),
    "owners": ("/crm/v3/owners", "/crm/owners/<dated:version>"),
    "lists": ("/crm/v3/lists", "/crm/lists/<dated:version>"),
    "limits": ("/crm/v3/limits", "/crm/limits/<dated:version>"),
    "account": ("/account-info/v3", "/account-info/<dated:version>"),
    "oauth": ("/oauth/v1", "/oauth/<dated:version>"),
    "appinstalls": ("/appinstalls/v3", "/appinstalls/<dated:version>"),
}


class _Dated(BaseConverter):
    regex = r"2026-03|2026-09"


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request, as a handler sees it."""

    portal: Portal
    writer: Writer
    caller: Caller
    version: str

    def json(self) -> dict[str, Any]:
        """Return the JSON object in the body. Raises 400."""
        body = self.any_json()
        if not isinstance(body, dict):
            raise bad_json("expected an object")
        return body

    def any_json(self) -> Any:
        """Return the JSON in the body. Raises 400."""
        try:
            return json.loads(request.get_data() or b"null")
        except ValueError:
            raise bad_json("unexpected character") from None

    def draft(self) -> Draft:
        """Return a draft for this request's writes, made by the app."""
        return Draft(self.portal.app_actor, self.version)

    def read_type(self, name: str) -> ObjectType:
        """Return the type of a path segment, for reading records. Raises 400 or 403."""
        kind = self.portal.type_of(name)
        self.caller.need(kind.scopes("read"))
        note().object = kind.plural
        return kind

    def write_type(self, name: str) -> ObjectType:
        """Return the type of a path segment, for writing records. Raises 400 or 403."""
        kind = self.portal.type_of(name)
        if kind.readonly:
            raise invalid(f"{kind.label} records are read-only and can't be written through the API")
        self.caller.need(kind.scopes("write"))
        note().object = kind.plural
        return kind


Handler = Callable[..., Response]


def check_permission(call: Call) -> None:
    """Raise 400 on 2026-09 where a user-level token's user may not edit associations."""
    allowed = call.portal.services.settings.get("edit_associations", True)
    if call.version == STRICT_VERSION and not allowed and not call.caller.by_key:
        raise invalid("Missing 'Edit Associations' permission.")


def limit_of(cap: int, default: int) -> int:
    """Return the ``limit`` query parameter. Raises 400 outside 1..cap."""
    text = request.args.get("limit", str(default))
    if not text.isdigit() or not 1 <= int(text) <= cap:
        raise invalid(f"Invalid limit {text}: it must be between 1 and {cap}")
    return int(text)


def number_of(text: str, name: str) -> int:
    """Return the whole number ``text``. Raises 400 naming the field ``name``."""
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise invalid(f"Invalid {name} {text}: it must be an integer")
    return int(text)


def after_of() -> int:
    """Return the ``after`` query parameter of an id-paged list. Raises 400."""
    return number_of(request.args.get("after") or "0", "after")


def flag(name: str, default: str = "false") -> bool:
    """Return a boolean query parameter."""
    return request.args.get(name, default).lower() == "true"


def listed(name: str) -> tuple[str, ...]:
    """Return a query parameter that may be repeated or comma-separated."""
    return tuple(part for text in request.args.getlist(name) for part in text.split(",") if part)


def next_page(after: str) -> dict[str, Any]:
    """Return ``paging`` to the page that starts at ``after``; the link names this sandbox's own host."""
    others = [(key, value) for key, value in request.args.items(multi=True) if key != "after"]
    query = "&".join(f"{key}={value}" for key, value in [*others, ("after", after)])
    return {"next": {"after": after, "link": f"{request.base_url}?{query}"}}


class Web:
    """Registers handlers on the Flask app."""

    def __init__(self, app: Flask, portal: Portal, writer: Writer) -> None:
        """Register on ``app`` for ``portal``; writes go through ``writer``."""
        self._app, self._portal, self._writer = app, portal, writer
        app.url_map.converters["dated"] = _Dated
        app.register_error_handler(VendorError, _refusal)
        app.register_error_handler(HTTPException, _http_error)
        app.before_request(_check_length)
        app.after_request(self._add_headers)

    def route(self, method: str, area: str, tail: str, handler: Handler, limit: str = "general") -> None:
        """Serve ``method`` on every prefix of ``area`` + ``tail``, checking token and ``limit``."""

        def view(version: str = "v3", **parts: str) -> Response:
            caller = self._portal.access.caller(request.headers.get("Authorization", ""))
            with self._portal.services.lock:
                g.limit = (limit, caller.by_key)
                self._portal.quota.take(limit, caller.by_key)
                return handler(Call(self._portal, self._writer, caller, version), **parts)

        self._add(method, area, tail, view)

    def open_route(self, method: str, area: str, tail: str, handler: Handler) -> None:
        """Serve a path that needs no token (the OAuth endpoints)."""

        def view(version: str = "v1") -> Response:
            del version
            with self._portal.services.lock:
                return handler(self._portal)

        self._add(method, area, tail, view)

    def _add(self, method: str, area: str, tail: str, view: Callable[..., Response]) -> None:
        for number, prefix in enumerate(AREAS[area]):
            name = f"{method} {area}{tail} {number}"
            self._app.add_url_rule(
                prefix + tail, name, view, methods=[method], provide_automatic_options=False
            )

    def _add_headers(self, response: Response) -> Response:
        if not request.path.startswith(CONTROL) and (kind := g.get("limit")):
            response.headers.update(self._portal.quota.headers(*kind))
        if correlation := g.get("correlation"):
            response.headers["x-hubspot-correlation-id"] = correlation
        return response


def _check_length() -> None:
    if len(request.full_path.encode()) > MAX_URI and not request.path.startswith(CONTROL):
        raise error(414, "VALIDATION_ERROR", "URI Too Long")


def _refusal(refused: VendorError) -> Response:
    g.correlation = refused.body.get("correlationId")
    return json_response(refused.body, refused.status)


def _http_error(refused: HTTPException) -> Response:
    status = refused.code or 500
    if status == 405:
        return json_response(error(405, "METHOD_NOT_ALLOWED", "HTTP 405 Method Not Allowed").body, 405)
    if status == 404:
        return json_response(error(404, "OBJECT_NOT_FOUND", "Unable to find the requested path").body, 404)
    return json_response(error(status, "VALIDATION_ERROR", str(refused)).body, status)
