"""The console: connections, progress, findings and blocked writes on one page. Reads only."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from sync.commands.syncing import progress_of
from sync.onboard import every_installation
from sync.runtime import Runtime
from sync.state import charters, dirty, findings, ledger
from sync.state.engine import reading
from sync.state.installations import Installation
from webhooks.answers import refused
from webhooks.here import from_here

SHOWN = 50
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


def console_blueprint(runtime: Runtime) -> Blueprint:
    """Return ``/console``, answered to this machine only: it has no sign-in of its own."""
    blueprint = Blueprint("console", __name__, template_folder="templates")

    @blueprint.get("/console")
    def console() -> Response:
        if not from_here():
            return refused(403, "loopback_only")
        pages = [_page(runtime, one) for one in every_installation(runtime)]
        text = render_template("console.html", installations=pages, now=runtime.clock.now(), shown=SHOWN)
        return Response(text, headers=HEADERS, content_type="text/html; charset=utf-8")

    return blueprint


def _page(runtime: Runtime, one: Installation) -> dict[str, object]:
    with reading(runtime.engine) as conn:
        blocked = ledger.blocked(conn, one.id, SHOWN)
        found = findings.open_findings(conn, one.id)
        failing = dirty.failing(conn, one.id)
        stored = charters.current(conn, one.id, runtime.clock.now())
    return {
        "name": one.name or one.id,
        "vendor": one.vendor,
        "charter": "" if stored is None else stored.life.content_hash[:12],
        "progress": progress_of(runtime, one),
        "blocked": blocked,
        "failing": failing[:SHOWN],
        "failing_more": max(0, len(failing) - SHOWN),
        "findings": found[:SHOWN],
        "findings_more": max(0, len(found) - SHOWN),
    }
