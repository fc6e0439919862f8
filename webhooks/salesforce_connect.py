"""The pages by which an admin connects a Salesforce org: where it signs in, out to its consent, and back.

They only speak HTTP; ``sync/consent_salesforce.py`` does the work. Source: Help, "OAuth 2.0 Web Server
Flow". Neighbour: ``connect_pages`` holds what is the same for a portal.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from integration.salesforce.connector import VENDOR
from integration.salesforce.oauth_consent import PRODUCTION, SANDBOX
from sync.consent import ConsentRefused, take_state
from sync.consent_salesforce import CALLBACK, app_client, begin, finish
from sync.runtime import Runtime
from webhooks.connect_pages import ConnectPages, html

START = "/connect/salesforce"


def salesforce_connect_blueprint(runtime: Runtime) -> Blueprint:
    """Return the blueprint of ``/connect/salesforce`` and the address Salesforce sends the admin back to."""
    blueprint = Blueprint("salesforce_connect", __name__, template_folder="templates")
    pages = ConnectPages(runtime, VENDOR, START, "salesforce_away", "org")
    blueprint.add_url_rule(START, "start", lambda: pages.answered(lambda: _start(pages)))
    blueprint.add_url_rule(CALLBACK, "callback", lambda: pages.answered(lambda: _brought_back(pages)))
    return blueprint


def _start(pages: ConnectPages) -> Response:
    """Ask where the org signs in; with ``host`` given, send the browser there."""
    host = request.args.get("host", "")
    if not host:
        app_client(pages.runtime)  # what is not set up is told before anything is asked
        text = render_template("salesforce_host.html", start=START, production=PRODUCTION, sandbox=SANDBOX)
        return html(text)
    pages.charter()  # one that cannot be read lets nobody in
    return pages.sent_to_consent(begin(pages.runtime, pages.browser(), host))


def _brought_back(pages: ConnectPages) -> Response:
    """Answer an admin's return. Raises ConsentRefused, or CrmError as Salesforce answers."""
    state, browser = request.args.get("state", ""), pages.browser()
    if refusal := request.args.get("error"):
        take_state(pages.runtime, VENDOR, state, browser)  # a refusal not ours is told as such
        raise ConsentRefused(
            "declined", f"Salesforce says {refusal!r}: the consent was not given. Nothing was connected."
        )
    code = request.args.get("code", "")
    if not code:
        raise ConsentRefused("no_code", "Salesforce sent no code along. Start again.")
    granted = finish(pages.runtime, pages.charter(), state, browser, code)
    text = render_template(
        "connected.html", portal=granted.installation, what="org", scopes=(), lacks=(), without=""
    )
    return html(text)
