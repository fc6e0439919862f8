"""Where HTTP meets the org: the token check, the quota, size limits, versions and common headers."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Request, Response, redirect, request

from sandbox.salesforce.errors import SfError, resource_missing
from sandbox.salesforce.oauth import OAuthError, Tokens
from sandbox.salesforce.org import SCREEN, Org
from sandbox.salesforce.outbound import OutboundMessages
from sandbox.salesforce.rest_limits import Quota
from sandbox.salesforce.web import NOTHING, Answer, Call, Router
from sandbox.server.app import json_response, note

OLDEST, NEWEST = 31, 68
_HEAD_LIMIT = 16_384
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
_SEASONS = ("Winter", "Spring", "Summer")


def version_list() -> list[dict[str, str]]:
    """Return what ``GET /services/data`` lists; Winter '27 is v68.0."""
    found = []
    for version in range(OLDEST, NEWEST + 1):
        years, season = divmod(version - NEWEST, len(_SEASONS))
        label = f"{_SEASONS[season]} '{27 + years}"
        found.append({"label": label, "url": f"/services/data/v{version}.0", "version": f"{version}.0"})
    return found


class Edge:
    """The vendor's own addresses of one org."""

    def __init__(
        self, org: Org, router: Router, tokens: Tokens, quota: Quota, outbound: OutboundMessages
    ) -> None:
        """Serve ``router`` under ``/services/data/vNN.0``."""
        self.org, self.router, self.tokens, self.quota, self.outbound = org, router, tokens, quota, outbound

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        page = Blueprint("salesforce", __name__)
        page.add_url_rule("/services/data", "versions", self.versions)
        page.add_url_rule("/services/oauth2/token", "token", self.token, methods=["POST"])
        page.add_url_rule("/services/oauth2/authorize", "authorize", self.authorize)
        page.add_url_rule("/services/oauth2/revoke", "revoke", self.revoke, methods=["GET", "POST"])
        page.add_url_rule("/services/oauth2/userinfo", "userinfo", self.userinfo)
        page.add_url_rule("/services/data/<path:rest>", "data", self.data, methods=_METHODS)
        page.add_url_rule("/<path:rest>", "other", self.missing, methods=_METHODS)
        return page

    def versions(self) -> Response:
        """List the versions, without a token."""
        return json_response(version_list())

    def token(self) -> Response:
        """Answer at the token endpoint."""
        note().object = "oauth"
        basic = request.authorization
        pair = (basic.username or "", basic.password or "") if basic and basic.type == "basic" else None
        with self.org.lock:
            try:
                return json_response(self.tokens.grant(request.form, pair, _base()))
            except OAuthError as error:
                return json_response({"error": error.error, "error_description": error.description}, 400)

    def authorize(self) -> Response:
        """Consent at once, as a user at the consent screen would."""
        note().object = "oauth"
        with self.org.lock:
            try:
                target = self.tokens.authorize(request.args)
            except OAuthError as error:
                return json_response({"error": error.error, "error_description": error.description}, 400)
        answer = redirect(target, 302)
        return Response(answer.get_data(), 302, {"Location": target})

    def revoke(self) -> Response:
        """Kill one token."""
        note().object = "oauth"
        with self.org.lock:
            lived = self.tokens.revoke(request.values.get("token", ""))
        if lived:
            return Response(status=200)
        return json_response({"error": "unsupported_token_type",
            "error_description": "this token type is not supported"},
                             400)  # fmt: skip

    def userinfo(self) -> Response:
        """Who the token's user is."""
        with self.org.lock:
            user_id = self.tokens.user_of(_bearer(request))
            if user_id is None:
                return Response("Bad_OAuth_Token", 403)
            user = self.org.store.table("User")[user_id]
        return json_response({"sub": f"https://login.salesforce.com/id/{self.org.org_id}/{user_id}",
            "user_id": user_id,
                              "organization_id": self.org.org_id, "preferred_username": user["Username"],
                              "email": user["Email"], "name": user["Name"]})  # fmt: skip

    def missing(self, rest: str) -> Response:
        """Any other address."""
        del rest
        return _response(Answer(404, [resource_missing().rest()]))

    def data(self, rest: str) -> Response:
        """Every REST resource of a version."""
        del rest
        with self.org.lock:
            self.org.origin = _origin(request)
            answer = self._guarded()
            self._settle()
            self.org.origin = SCREEN
        answer.headers.setdefault("Sforce-Limit-Info", self.quota.header)
        return _response(answer)

    def _settle(self) -> None:
        changed = self.org.store.pending()
        self.org.commit()
        self.outbound.api_changed(changed)

    def _guarded(self) -> Answer:
        try:
            return self._answer()
        except SfError as error:
            return Answer(error.status, [error.rest()])

    def _answer(self) -> Answer:
        path, _, _query = request.environ.get("RAW_URI", request.full_path).partition("?")
        version, resource = _versioned(path)
        refused = _too_large(request)
        if refused:
            return refused
        user_id = self.tokens.user_of(_bearer(request))
        if user_id is None:
            raise SfError("INVALID_SESSION_ID", "Session expired or invalid", 401)
        self.quota.spend()
        headers = {k.lower(): v for k, v in request.headers.items()}
        call = Call(request.method, resource, request.args, headers, request.get_data(cache=False), version,
            user_id,
                    _base(), note())  # fmt: skip
        if not resource.strip("/"):
            return Answer(body=_resources(version))
        return self.router.serve(self.org, call)


def _origin(req: Request) -> str:
    """Return what change events say of a call: the API, its version, and the client it names itself."""
    version, options = re.search(r"/v(\d+\.0)", req.path), req.headers.get("Sforce-Call-Options", "")
    client = re.search(r"(?:^|,)\s*client=([^,]*)", options)
    return f"com/salesforce/api/rest/{version[1] if version else ''};client={client[1] if client else ''}"


def _versioned(path: str) -> tuple[int, str]:
    match = re.match(r"^/services/data/v(\d+)\.0(/.*)?$", path)
    version = int(match[1]) if match else 0
    if match is None or version > NEWEST or version < 1:
        raise resource_missing()
    if version < OLDEST:
        words = f"This Rest API Version is not supported. Please use v{OLDEST}.0 or later."
        raise SfError("UNSUPPORTED_API_VERSION", words, 410)
    return version, match[2] or ""


def _too_large(req: Request) -> Answer | None:
    uri = len(req.environ.get("RAW_URI", req.full_path))
    head = uri + sum(len(k) + len(v) + 4 for k, v in req.headers.items())
    if head <= _HEAD_LIMIT:
        return None
    status, words = (
        (414, "URI Too Long") if uri > _HEAD_LIMIT // 2 else (431, "Request Header Fields Too Large")
    )
    return Answer(status, text=f"<h1>{words}</h1>", content_type="text/html")


def _bearer(req: Request) -> str:
    kind, _, token = req.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() in ("bearer", "oauth") else ""


def _base() -> str:
    return request.host_url.rstrip("/")


def _resources(version: int) -> dict[str, str]:
    names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs", "metadata")
    return {n: f"/services/data/v{version}.0/{n}" for n in names}


def _response(answer: Answer) -> Response:
    if answer.text is not None:
        return Response(answer.text, answer.status, answer.headers, content_type=answer.content_type)
    if answer.body is NOTHING:
        return Response(status=answer.status, headers=answer.headers)
    body: Any = answer.body
    return json_response(body, answer.status, answer.headers)
