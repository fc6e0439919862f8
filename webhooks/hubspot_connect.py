"""The two pages by which an admin connects a HubSpot portal: out to HubSpot's consent, and back.

Both only speak HTTP; ``sync/consent_hubspot.py`` does the work. Source: HubSpot page "Working with OAuth".
Neighbour: ``connect_pages`` holds what is the same for an org.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from integration.hubspot.scopes import ENTERPRISE, FALLBACKS, WITHOUT_CUSTOM_OBJECTS
from sync.consent import ConsentRefused, Granted, take_state
from sync.consent_hubspot import CALLBACK, begin, checked_return_url, finish
from sync.runtime import Runtime
from sync.scopes import HUBSPOT
from webhooks.connect_pages import ConnectPages, html, sent_to

START = "/connect/hubspot"


def hubspot_connect_blueprint(runtime: Runtime) -> Blueprint:
    """Return the blueprint of ``/connect/hubspot`` and the address HubSpot sends the admin back to."""
    blueprint = Blueprint("hubspot_connect", __name__, template_folder="templates")
    pages = ConnectPages(runtime, HUBSPOT, START, "hubspot_away", "portal")
    blueprint.add_url_rule(START, "start", lambda: pages.answered(lambda: _start(pages)))
    blueprint.add_url_rule(CALLBACK, "callback", lambda: pages.answered(lambda: _brought_back(pages)))
    return blueprint


def _start(pages: ConnectPages) -> Response:
    return_url = request.args.get("returnUrl", "")
    return pages.sent_to_consent(begin(pages.runtime, pages.charter(), pages.browser(), return_url))


def _brought_back(pages: ConnectPages) -> Response:
    """Answer an admin's return. Raises ConsentRefused, or CrmError as HubSpot answers."""
    state, browser = request.args.get("state", ""), pages.browser()
    if refusal := request.args.get("error"):
        take_state(pages.runtime, HUBSPOT, state, browser)  # a refusal not ours is told as such
        raise ConsentRefused(
            "declined", f"HubSpot says {refusal!r}: the consent was not given. Nothing was connected."
        )
    code = request.args.get("code", "")
    if not code:
        raise ConsentRefused("no_code", "HubSpot sent no code along. Start again.")
    return_url = checked_return_url(request.args.get("returnUrl", ""))
    granted = finish(pages.runtime, pages.charter(), state, browser, code)
    if onward := granted.return_url or return_url:
        return sent_to(onward)
    return _connected(granted)


def _connected(granted: Granted) -> Response:
    lacks = [(one, FALLBACKS.get(one, "what needs it is refused by HubSpot")) for one in granted.missing]
    text = render_template(
        "connected.html",
        portal=granted.installation,
        what="portal",
        scopes=granted.scopes,
        lacks=lacks,
        without=WITHOUT_CUSTOM_OBJECTS if set(ENTERPRISE) & set(granted.missing) else "",
    )
    return html(text)
