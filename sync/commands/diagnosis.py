"""What the doctor says of a connection: whether it stands, what it lacks, and what will end.

Neighbours: ``showing`` is the command and adds what is wrong with the records.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from integration.hubspot.connector import DEFAULT_VERSION, PATHS
from integration.hubspot.scopes import FALLBACKS
from integration.hubspot.versions import life_of
from integration.package_step import PACKAGE
from integration.port import CrmError
from sync.commands.installing import SERVICE_KEY_LACKS
from sync.connect import APP, kind_of
from sync.install import InstallPlan
from sync.install_steps import Outcome
from sync.listen import DEAF, PLACE, SILENT_AFTER
from sync.onboard import plan_install
from sync.runtime import Runtime
from sync.scopes import GRANTED, app_scopes
from sync.state import cursors, due, findings
from sync.state.engine import reading
from sync.state.errors import StateError
from sync.state.installations import Installation, Status
from sync.usage_numbers import intake
from sync.workspace import Workspace

HUBSPOT, SALESFORCE = "hubspot", "salesforce"
SERVICE_KEY = "service_key"
START = {"hubspot": "/connect/hubspot", "salesforce": "/connect/salesforce"}
LISTENING_REMEDY = (
    "`colonnade install salesforce` brings the channel of change events where the edition has them; have "
    "View All given on its objects; it is tried again by itself"
)


NAMED = 5
"""How many parts the doctor names."""


class Severity(StrEnum):
    """Whether somebody must act (and the doctor's exit code is 1), or should only know."""

    WRONG = "wrong"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One matter of one installation, and what to do about it."""

    installation: str
    matter: str
    remedy: str
    severity: Severity = Severity.WRONG


def of_connection(runtime: Runtime, one: Installation) -> list[Diagnosis]:
    """Return what is the matter with the credentials: refused, none there, or no key opens them."""
    try:
        kind = kind_of(runtime, one.id)
    except StateError as error:
        remedy = "put the key that sealed them back into CS_SECRET_KEYS"
        return [Diagnosis(one.id, str(error), remedy)]
    way_back = _way_back(runtime, one, kind)
    if one.status is Status.NEEDS_CONSENT:
        return [Diagnosis(one.id, "the CRM withdrew our access; nothing calls it until then", way_back)]
    if not kind:
        return [Diagnosis(one.id, "it has no credentials", way_back)]
    if kind == APP and (remedy := _client_missing(runtime, one.vendor)):
        return [
            Diagnosis(one.id, "the client of our own app is not set, so its consent opens nothing", remedy)
        ]
    if kind == SERVICE_KEY and one.vendor == HUBSPOT:
        remedy = f"nothing, or connect by consent instead: {_page(runtime, one.vendor)}"
        return [
            Diagnosis(one.id, f"a service key has {what}", remedy, Severity.NOTE)
            for what in SERVICE_KEY_LACKS
        ]
    return []


def of_scopes(runtime: Runtime, ws: Workspace) -> list[Diagnosis]:
    """Return what the portal's admin did not grant, and what goes without it."""
    granted = ws.installation.settings.get(GRANTED)
    if ws.vendor != HUBSPOT or not isinstance(granted, list) or kind_of(runtime, ws.id) != APP:
        return []
    missing = app_scopes(ws.charter).missing(str(one) for one in granted)
    remedy = f"have an admin of the portal consent again: {_page(runtime, ws.vendor)}"
    return [
        Diagnosis(ws.id, f"the scope {one} was not granted: what needs it is refused by HubSpot", remedy)
        for one in missing.required
    ] + [
        Diagnosis(ws.id, f"the scope {one} was not granted: {FALLBACKS[one]}", remedy, Severity.NOTE)
        for one in missing.optional
    ]


def of_org(ws: Workspace) -> list[Diagnosis]:
    """Return what an org will not have as the charter wants it, asked of the org now (two calls or a few).

    Fields hidden from our user, required ones nobody fills, stages that are gone: what an install would ask.
    Where it would ask nothing, what is not there or was changed of what one made.
    """
    if ws.vendor != SALESFORCE or ws.installation.status is not Status.ACTIVE:
        return []
    try:
        plan = plan_install(ws)
    except CrmError as error:
        remedy = "see whether the org can be reached, then run this again"
        return [Diagnosis(ws.id, f"the org could not be looked at: {error}", remedy)]
    remedy = "mend it in the org or the charter, then `colonnade sync retry`"
    return [Diagnosis(ws.id, one, remedy) for one in plan.questions] or _not_as_installed(ws, plan)


def _not_as_installed(ws: Workspace, plan: InstallPlan) -> list[Diagnosis]:
    """Return that the org lacks what an install makes; a package that is only older is good to know."""
    if plan.is_empty:
        return []
    command = f"colonnade install {ws.vendor} --portal {ws.installation.account_id}"
    remedy = f"see `{command} --plan`, then --apply"
    if all(one.part != PACKAGE for one in plan.owned):
        return [Diagnosis(ws.id, "our objects and fields are not installed in the org", remedy)]
    parts = [one.part for one in plan.parts if one.outcome not in (Outcome.RIGHT, Outcome.CANNOT)]
    named = ", ".join(str(one) for one in parts[:NAMED])
    more = f" and {len(parts) - NAMED} more" if len(parts) > NAMED else ""
    severity = Severity.NOTE if parts == [PACKAGE] else Severity.WRONG
    return [Diagnosis(ws.id, f"not as an install makes it: {named}{more}", remedy, severity)]


def of_reading(ws: Workspace) -> list[Diagnosis]:
    """Return what the CRM refused when it was read last; it is asked again when the object is due."""
    with reading(ws.runtime.engine) as conn:
        failed = due.failing(conn, ws.id)
    remedy = "none while the CRM only could not answer; else mend it there"
    return [Diagnosis(ws.id, f"{task}: {words}", remedy, Severity.NOTE) for task, words in failed.items()]


def of_usage(ws: Workspace) -> list[Diagnosis]:
    """Return how much usage belongs to no account, by reason, and that of which there is most."""
    found = intake(ws, ws.day_of(ws.now()))
    remedy = "make the account in the CRM or give it that name; it is matched again by itself"
    return [
        Diagnosis(
            ws.id,
            f"{rows} rows of usage belong to no account, {reason.value.replace('_', ' ')}: "
            + "; ".join(f"{one.named} ({one.rows})" for one in found.names if one.reason is reason),
            remedy,
            Severity.NOTE,
        )
        for reason, rows in found.unmatched.items()
    ]


def of_api_version(installation: str, today: date) -> list[Diagnosis]:
    """Return a note once the version of HubSpot's API we build on ends within 90 days; wrong once it has."""
    life = life_of(PATHS[DEFAULT_VERSION], today)
    severity = Severity.NOTE if life.days_left > 0 else Severity.WRONG
    remedy = "install a newer version of this program"
    return [Diagnosis(installation, life.warning, remedy, severity)] if life.warning else []


def of_listening(ws: Workspace) -> list[Diagnosis]:
    """Return whether an org's changes are heard as they happen, when last, and why not where they are not."""
    with reading(ws.runtime.engine) as conn:
        held = cursors.get(conn, ws.id, PLACE)
        deaf = findings.open_findings(conn, ws.id, DEAF)
    if deaf:
        words = f"its changes are found by polling, they cannot be heard: {deaf[0].message}"
        return [Diagnosis(ws.id, words, LISTENING_REMEDY, Severity.NOTE)]
    if held is None or held.updated_at is None:
        return []
    seconds = int((ws.now() - held.updated_at).total_seconds())
    if ws.now() - held.updated_at > SILENT_AFTER:
        words = f"its changes were last heard {seconds} seconds ago, they are found by polling since"
        return [Diagnosis(ws.id, words, "see that `colonnade listen` runs", Severity.NOTE)]
    words = f"its changes are heard as they happen, last {seconds} seconds ago"
    return [Diagnosis(ws.id, words, "none is needed", Severity.NOTE)]


def _client_missing(runtime: Runtime, vendor: str) -> str:
    """Return what to set where our own app's client is not, else nothing."""
    settings = runtime.settings
    if vendor != HUBSPOT:
        wanted = "set CS_SALESFORCE_CLIENT_ID, and CS_SALESFORCE_CLIENT_SECRET where the app requires it"
        return wanted if settings.salesforce_client_id is None else ""
    if settings.hubspot_client_id is None or settings.hubspot_client_secret is None:
        return "set CS_HUBSPOT_CLIENT_ID and CS_HUBSPOT_CLIENT_SECRET from the app's Auth page in HubSpot"
    return ""


def _page(runtime: Runtime, vendor: str) -> str:
    public, start = runtime.settings.public_url, START[vendor]
    return f"open {public}{start}" if public else f"set CS_PUBLIC_URL and open {start} there"


def _way_back(runtime: Runtime, one: Installation, kind: str) -> str:
    """Return how an admin lets us in again: by our page where that was the way in, else by a file."""
    by_file = f"connect again with `colonnade install {one.vendor} --credentials FILE`"
    if kind not in {APP, ""}:
        return by_file
    what = "portal" if one.vendor == HUBSPOT else "org"
    by_page = f"have an admin of the {what} {_page(runtime, one.vendor)}"
    return by_page + ("" if kind else f", or {by_file}")
