"""The two pages by which an admin connects a HubSpot portal: out to HubSpot's consent, and back.

Both only speak HTTP; ``sync/consent.py`` does the work. The browser's cookie is what ties its
return to its leaving, so a link with somebody else's code opens nothing. Source: HubSpot page
"Working with OAuth".
"""

from __future__ import annotations

import logging

from flask import Blueprint, Response, render_template, request

from integration.hubspot.scopes import ENTERPRISE, FALLBACKS, WITHOUT_CUSTOM_OBJECTS
from integration.port import CrmError, Misconfigured, NeedsConsent
from mappings.charter import Charter
from mappings.problems import CharterError
from sync.commands.hubspot_app import app_charter
from sync.consent import (
    CALLBACK,
    STATE_LIVES,
    ConsentRefused,
    Granted,
    begin,
    checked_return_url,
    finish,
    take_state,
)
from sync.runtime import Runtime
from sync.state.errors import StateError

START = "/connect/hubspot"
COOKIE = "colonnade_connect"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
log = logging.getLogger("webhooks")


def hubspot_connect_blueprint(runtime: Runtime) -> Blueprint:
    """Return the blueprint of ``/connect/hubspot`` and the address HubSpot sends the admin back to."""
    blueprint = Blueprint("hubspot_connect", __name__, template_folder="templates")

    @blueprint.get(START)
    def start() -> Response:
        try:
            begun = begin(runtime, _charter(runtime), _browser(runtime), request.args.get("returnUrl", ""))
        except ConsentRefused as error:
            return _refused(error.reason, str(error), _status(error))
        answer = _sent_to(begun.url)
        _set_cookie(runtime, answer, begun.browser)
        return answer

    @blueprint.get(CALLBACK)
    def callback() -> Response:
        try:
            return _brought_back(runtime)
        except ConsentRefused as error:
            return _refused(error.reason, str(error), _status(error))
        except NeedsConsent as error:
            return _refused("code_refused", f"{error}. Nothing was connected; start again.")
        except Misconfigured as error:
            log.exception("a portal cannot connect")
            return _refused("misconfigured", f"{error}. Nothing was connected.", 500)
        except CrmError as error:
            return _refused("hubspot_away", f"{error}. Nothing was connected; try again in a minute.", 503)

    return blueprint


def _status(error: ConsentRefused) -> int:
    """Return 503 for what is ours to set up, 400 for what came with the browser."""
    return 503 if error.reason in {"not_configured", "charter_unreadable"} else 400


def _charter(runtime: Runtime) -> Charter:
    """Return the charter of our app. Raises ConsentRefused where CS_CHARTER names none that can be read."""
    try:
        return app_charter(runtime.settings)
    except CharterError as error:
        raise ConsentRefused("charter_unreadable", f"CS_CHARTER: {error}") from error


def _brought_back(runtime: Runtime) -> Response:
    """Answer an admin's return. Raises ConsentRefused, or CrmError as HubSpot answers."""
    state, browser = request.args.get("state", ""), _browser(runtime)
    if refusal := request.args.get("error"):
        take_state(runtime, state, browser)  # a refusal not ours is told as such
        raise ConsentRefused(
            "declined", f"HubSpot says {refusal!r}: the consent was not given. Nothing was connected."
        )
    code = request.args.get("code", "")
    if not code:
        raise ConsentRefused("no_code", "HubSpot sent no code along. Start again.")
    return_url = checked_return_url(request.args.get("returnUrl", ""))
    granted = finish(runtime, _charter(runtime), state, browser, code)
    if onward := granted.return_url or return_url:
        return _sent_to(onward)
    return _connected(granted)


def _sent_to(url: str) -> Response:
    return Response(status=302, headers={**HEADERS, "Location": url})


def _connected(granted: Granted) -> Response:
    lacks = [(one, FALLBACKS.get(one, "what needs it is refused by HubSpot")) for one in granted.missing]
    text = render_template(
        "connected.html",
        portal=granted.installation,
        scopes=granted.scopes,
        lacks=lacks,
        without=WITHOUT_CUSTOM_OBJECTS if set(ENTERPRISE) & set(granted.missing) else "",
    )
    return Response(text, headers=HEADERS, content_type="text/html; charset=utf-8")


def _refused(reason: str, words: str, status: int = 400) -> Response:
    log.warning("a portal was not connected: %s", reason)
    text = render_template("not_connected.html", reason=reason, words=words, start=START)
    return Response(text, status, headers=HEADERS, content_type="text/html; charset=utf-8")


def _browser(runtime: Runtime) -> str | None:
    """Return the browser's secret from its cookie; a cookie we did not seal counts as none."""
    try:
        return runtime.box.open(COOKIE, "browser", request.cookies.get(COOKIE, ""))
    except StateError:
        return None


def _set_cookie(runtime: Runtime, answer: Response, browser: str) -> None:
    """Give the browser its secret, sealed: out of scripts' reach, over TLS wherever we are called by it."""
    answer.set_cookie(
        COOKIE,
        runtime.box.seal(COOKIE, "browser", browser),
        max_age=STATE_LIVES,
        path=START,
        secure=str(runtime.settings.public_url).startswith("https://"),
        httponly=True,
        samesite="Lax",
    )
