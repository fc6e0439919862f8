"""The console: connections, progress, findings and blocked writes on one page. Reads only."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from sync.commands.syncing import progress_of
from sync.onboard import every_installation
from sync.runtime import Runtime
from sync.state import findings, ledger
from sync.state.engine import reading
from sync.workspace import open_workspace
from webhooks.answers import refused

LOOPBACK = ("127.0.0.1", "::1")
SHOWN = 50


def console_blueprint(runtime: Runtime) -> Blueprint:
    """Return ``/console``, answered to this machine only: it has no sign-in of its own."""
    blueprint = Blueprint("console", __name__, template_folder="templates")

    @blueprint.get("/console")
    def console() -> Response | str:
        if request.remote_addr not in LOOPBACK:
            return refused(403, "loopback_only")
        pages = [_page(runtime, one.id) for one in every_installation(runtime)]
        return render_template("console.html", installations=pages, now=runtime.clock.now())

    return blueprint


def _page(runtime: Runtime, installation: str) -> dict[str, object]:
    ws = open_workspace(runtime, installation)
    with reading(runtime.engine) as conn:
        blocked = ledger.blocked(conn, installation, SHOWN)
        found = findings.open_findings(conn, installation)[:SHOWN]
    return {
        "name": ws.installation.name,
        "vendor": ws.vendor,
        "charter": ws.rules.charter_hash[:12],
        "progress": progress_of(runtime, ws),
        "blocked": blocked,
        "findings": found,
    }
