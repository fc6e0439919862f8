"""The console: connections, progress, findings and blocked writes on one page. Reads only."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, render_template, request

from sync.commands.syncing import progress_of
from sync.onboard import every_installation
from sync.runtime import Runtime
from sync.state import charters, dirty, findings, ledger
from sync.state.engine import reading
from sync.state.installations import Installation
from webhooks.answers import refused

LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
OWN_NAMES = ("127.0.0.1", "localhost", "::1")
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")
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
        if not _from_here():
            return refused(403, "loopback_only")
        pages = [_page(runtime, one) for one in every_installation(runtime)]
        text = render_template("console.html", installations=pages, now=runtime.clock.now(), shown=SHOWN)
        return Response(text, headers=HEADERS, content_type="text/html; charset=utf-8")

    return blueprint


def _from_here() -> bool:
    """Say whether a browser on this machine asked, and asked for this machine.

    A proxy or tunnel beside us also calls from the loopback address, but says for whom; a
    page of another site that had its name point here says its own name.
    """
    forwarded = any(name in request.headers for name in FORWARDED)
    name = urlsplit(f"//{request.host}").hostname
    return request.remote_addr in LOOPBACK and not forwarded and name in OWN_NAMES


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
