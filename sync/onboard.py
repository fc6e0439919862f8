"""Onboarding an installation: connect, bring a charter into force, install, go live.

Each step may be repeated. Neighbours: ``connect`` keeps credentials, ``install`` makes the
plan, ``commands`` and the demo call these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mappings.charter import Charter, canonical_bytes, content_hash, from_canonical_bytes
from mappings.portal_parts import plan_stages_of
from sync.backtest_gate import demand
from sync.connect import NAMESPACE, Check, identify, keep_client, keep_settings, namespace_setting
from sync.homes import pin_homes, pinned_homes
from sync.install import InstallPlan, make_plan
from sync.install_apply import StepResult, apply_plan, label_ids, owned_parts
from sync.reclaim import give_keys_back
from sync.runtime import Runtime
from sync.scheduler import look_at_all, plan_tasks
from sync.scopes import missing_scopes
from sync.state import charters, installations
from sync.state.charters import CharterLife, Decision
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.state.installations import Installation, Status
from sync.workspace import CONNECTIONS, Workspace, keep_description, open_workspace


def connect_installation(
    runtime: Runtime,
    vendor: str,
    base_url: str,
    client: Mapping[str, str],
    time_zone: str,
    check: Check | None = None,
) -> Installation:
    """Keep a portal or org and its credentials; return it as stored.

    Raises NeedsConsent or Misconfigured when the credentials open nothing, and what ``check`` raises;
    nothing is kept then.
    """
    who, opening = identify(vendor, base_url, client, runtime.clock, check)
    now = runtime.clock.now()
    found = Installation(vendor, who.account_id, who.account_name, base_url, time_zone, now, now)
    with writing(runtime.engine) as conn:
        stored = installations.connect(conn, found)
        keep_client(conn, runtime.box, stored.id, now, opening)
        keep_settings(conn, stored, opening.settings)
    CONNECTIONS.forget(stored.id)
    return stored


def pin_namespace(runtime: Runtime, installation_id: str) -> None:
    """Ask an org under which namespace it shows our objects, where that was not seen yet.

    A package may be installed by hand after the org was connected. Raises the port's errors.
    """
    with reading(runtime.engine) as conn:
        found = installations.get(conn, installation_id)
    if NAMESPACE in found.settings:
        return
    port, _ = CONNECTIONS.port(runtime, found)
    learned = namespace_setting(port)
    with writing(runtime.engine) as conn:
        keep_settings(conn, found, learned)


def apply_charter(
    runtime: Runtime,
    installation_id: str,
    charter: Charter,
    author: str,
    reason: str = "",
    forced: bool = False,
) -> CharterLife:
    """Bring a charter into force from now on; the same content again adds nothing.

    Raises StateError where it asks for a passing backtest there is none of; ``forced`` lets it pass, and
    the reason is kept.
    """
    demand(runtime, installation_id, charter, author, reason if forced else None)
    body = canonical_bytes(charter).decode()
    with writing(runtime.engine) as conn:
        decision = Decision(author, runtime.clock.now(), reason)
        life = charters.apply(conn, installation_id, body, charter.schema_version, decision)
    if life.content_hash != content_hash(charter):
        raise AssertionError("the charter was stored under another hash than its own")
    _look_again(runtime, installation_id, "a new charter")
    return life


def rollback_charter(
    runtime: Runtime, installation_id: str, author: str, reason: str, forced: bool = False
) -> CharterLife:
    """Bring back the charter before the one in force.

    Raises StateError when there is none, and where its scorecards have no passing backtest, as an apply does:
    they may be older than the past that could judge them, or than going live.
    """
    with reading(runtime.engine) as conn:
        back = charters.earlier(conn, installation_id)
    before = from_canonical_bytes(back.encode())
    demand(runtime, installation_id, before, author, reason if forced else None)
    with writing(runtime.engine) as conn:
        if charters.earlier(conn, installation_id) != back:
            raise StateError("another charter came into force meanwhile; look at the history and try again")
        life = charters.rollback(conn, installation_id, Decision(author, runtime.clock.now(), reason))
    _look_again(runtime, installation_id, "a charter brought back")
    return life


def plan_install(ws: Workspace, charter: Charter | None = None) -> InstallPlan:
    """Return what installing would do, for the charter in force or another one; writes nothing."""
    pinned = pinned_homes(ws.installation.settings)
    wanted = charter or ws.charter
    missing = missing_scopes(wanted, ws.vendor, ws.installation.settings)
    return make_plan(ws.port, wanted, pinned, owned_parts(ws), missing)


def apply_install(ws: Workspace, plan: InstallPlan) -> list[StepResult]:
    """Do what the plan says and remember pipelines and labels. Raises ValueError with questions open.

    Where our records stand is settled once all they need is done; until then it is chosen anew. An
    installation that was uninstalled works again from here on.
    """
    applied = apply_plan(ws, plan)
    if applied.complete:
        pipelines = list(applied.pipelines.values())
        stages = plan_stages_of(pipelines[0]) if pipelines else None
        pin_homes(ws.runtime, ws.id, replace(plan.homes, plan_stages=stages))
        _come_back(ws)
    keep_description(ws.runtime, ws.id, plan.description, label_ids(applied))
    CONNECTIONS.forget(ws.id)
    return applied.results


def _come_back(ws: Workspace) -> None:
    """Work again after an uninstall, with the deals we opened before known as ours."""
    if ws.installation.status is Status.UNINSTALLED:
        give_keys_back(ws)
        with writing(ws.runtime.engine) as conn:
            installations.set_status(conn, ws.id, Status.ACTIVE)


def go_live(ws: Workspace) -> Workspace:
    """Fix the first point of the daily grid at now and have every account looked at.

    Called after the first load and, where there is one, the usage backfill: what was known
    then is where the memory of the rules begins. Going live twice keeps the first point, and
    makes up for a first time that was cut short.
    """
    if not ws.live:
        with writing(ws.runtime.engine) as conn:
            installations.set_epoch(conn, ws.id, ws.now())
            installations.change_settings(conn, ws.id, {"live": True})
        ws = open_workspace(ws.runtime, ws.id)
    look_at_all(ws, "going live")
    plan_tasks(ws)
    return ws


def _look_again(runtime: Runtime, installation_id: str, reason: str) -> None:
    ws = open_workspace(runtime, installation_id)
    if ws.live:
        look_at_all(ws, reason)
        plan_tasks(ws)


def every_installation(runtime: Runtime) -> list[Installation]:
    """Return all installations, by id."""
    with reading(runtime.engine) as conn:
        return installations.every(conn)
