"""An org's consent to our own Salesforce app: asked for, brought back by the admin, kept.

The admin says where the org signs in; only Salesforce's own hosts are taken, for that host is sent the
code and our app's secret. Neighbours: ``consent`` ties the way back to the way out,
``webhooks/salesforce_connect.py`` speaks HTTP, ``connect`` opens ports with what was granted.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from integration.budget import LocalBudget
from integration.http import pooled_session
from integration.port import Misconfigured
from integration.safe_address import SALESFORCE_HOSTS, Reach
from integration.salesforce.auth import AuthorizationCode, Grant
from integration.salesforce.connector import VENDOR, WINDOWS
from integration.salesforce.ids import same_id
from integration.salesforce.oauth_consent import authorize_url, checked_login_host
from integration.salesforce.token_endpoint import TokenEndpoint
from integration.salesforce.transport import Transport
from mappings.charter import Charter
from sync import consent
from sync.connect import APP, Opening, identify
from sync.consent import Asked, Begun, ConsentRefused, Granted, first_charter, take_state
from sync.runtime import Runtime
from sync.state.installations import Installation

CALLBACK: Final = "/connect/salesforce/callback"


@dataclass(frozen=True, slots=True)
class OrgClient:
    """Our app as Salesforce knows it; a public client has no secret."""

    client_id: str
    client_secret: str | None
    redirect_uri: str


def app_client(runtime: Runtime) -> OrgClient:
    """Return our app's client. Raises ConsentRefused naming the variable that is not set."""
    settings = runtime.settings
    given = {"CS_PUBLIC_URL": settings.public_url, "CS_SALESFORCE_CLIENT_ID": settings.salesforce_client_id}
    absent = [name for name, value in given.items() if value is None]
    if settings.public_url is None or settings.salesforce_client_id is None:
        raise ConsentRefused(
            "not_configured", f"This program is not set up to connect orgs: set {', '.join(absent)}."
        )
    secret = settings.salesforce_client_secret
    plain = None if secret is None else secret.get_secret_value()
    return OrgClient(settings.salesforce_client_id, plain, settings.public_url + CALLBACK)


def begin(runtime: Runtime, browser: str | None, host: str) -> Begun:
    """Return the consent page of the org that signs in at ``host``. Raises ConsentRefused for others."""
    client = app_client(runtime)
    try:
        login_url = checked_login_host(host, runtime.settings.salesforce_url)
    except ValueError as error:
        raise ConsentRefused("strange_host", f"{host[:100]!r}: {error}.") from error
    asked = consent.begin(runtime, VENDOR, browser, login_url=login_url)
    page = authorize_url(login_url, client.client_id, client.redirect_uri, asked.state, asked.verifier)
    return Begun(page, asked.browser)


def finish(runtime: Runtime, charter: Charter, state: str, browser: str | None, code: str) -> Granted:
    """Redeem an admin's code and keep the org; an org already known is connected anew.

    Raises ConsentRefused for a state that is not this browser's, unknown, used or expired;
    NeedsConsent, Misconfigured or Unavailable as Salesforce answers. Nothing is stored then.
    """
    client = app_client(runtime)
    asked = take_state(runtime, VENDOR, state, browser)
    grant = _redeem(runtime, client, asked, code)
    stored = _keep(runtime, client, grant)
    first_charter(runtime, stored.id, charter)
    return Granted(stored, (), (), asked.return_url)


def _redeem(runtime: Runtime, client: OrgClient, asked: Asked, code: str) -> Grant:
    """Return what the code brings, from where the admin consented."""
    credentials = AuthorizationCode(
        client.client_id, code, asked.verifier, client.redirect_uri, client.client_secret
    )
    reach = Reach(SALESFORCE_HOSTS, asked.login_url)
    transport = Transport(pooled_session(reach=reach), LocalBudget(WINDOWS))
    grant = TokenEndpoint(credentials, asked.login_url, transport.send_open, runtime.clock.now).sign_in(None)
    reach.check(grant.instance_url)  # it is called from here on as the org's own
    if grant.refresh_token is None:
        raise Misconfigured(
            "Salesforce gave no refresh token: allow the scope `refresh_token` in the app's OAuth settings"
        )
    return grant


def _keep(runtime: Runtime, client: OrgClient, grant: Grant) -> Installation:
    """Store the org under its own id, with its time zone and My Domain, and the tokens sealed."""
    opens = {
        "kind": "refresh_token",
        "client_id": client.client_id,
        "refresh_token": str(grant.refresh_token),
    }
    if client.client_secret is not None:
        opens["client_secret"] = client.client_secret
    # Its own address from here on: login hosts only lead there.
    base_url = grant.instance_url
    who, opened = identify(VENDOR, base_url, opens, runtime.clock)
    if not same_id(who.account_id, grant.organization_id):
        raise Misconfigured(f"the token is of org {grant.organization_id} and opens org {who.account_id}")
    now = runtime.clock.now()
    found = Installation(VENDOR, who.account_id, who.account_name, base_url, who.time_zone, now, now)
    newest = opened.tokens or asdict(grant)
    kept = {"kind": APP, "refresh_token": str(newest["refresh_token"])}
    return consent.keep(runtime, found, Opening(kept, newest), opened.settings)
