"""What the pages share by which an admin connects a portal or org: the browser's cookie, the answers.

The cookie is what ties an admin's return to their leaving, so a link with somebody else's code opens
nothing. Neighbours: ``hubspot_connect`` and ``salesforce_connect`` are the pages.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Response, render_template, request

from integration.port import CrmError, Misconfigured, NeedsConsent
from mappings.charter import Charter
from mappings.load import load_charter
from mappings.problems import CharterError
from sync.commands.installing import DEFAULT_CHARTER
from sync.consent import STATE_LIVES, Begun, ConsentRefused
from sync.runtime import Runtime
from sync.state.errors import StateError

COOKIE: Final = "colonnade_connect"
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
log = logging.getLogger("webhooks")


@dataclass(frozen=True, slots=True)
class ConnectPages:
    """The answers of one CRM's pages.

    ``start`` is the address of the first, ``away`` the reason told when the CRM does not answer, ``what`` is
    what is connected: a portal, an org.
    """

    runtime: Runtime
    vendor: str
    start: str
    away: str
    what: str

    def charter(self) -> Charter:
        """Return the charter that is brought along. Raises ConsentRefused where CS_CHARTER cannot be read."""
        try:
            return load_charter(self.runtime.settings.charter or DEFAULT_CHARTER, self.vendor)
        except CharterError as error:
            raise ConsentRefused("charter_unreadable", f"CS_CHARTER: {error}") from error

    def answered(self, answer: Callable[[], Response]) -> Response:
        """Return what ``answer`` gives, or the page that says why nothing was connected."""
        try:
            return answer()
        except ConsentRefused as error:
            return self.refused(error.reason, str(error), _status(error))
        except NeedsConsent as error:
            return self.refused("code_refused", f"{error}. Nothing was connected; start again.")
        except Misconfigured as error:
            log.exception("a %s cannot connect", self.what)
            return self.refused("misconfigured", f"{error}. Nothing was connected.", 500)
        except CrmError as error:
            return self.refused(self.away, f"{error}. Nothing was connected; try again in a minute.", 503)

    def sent_to_consent(self, begun: Begun) -> Response:
        """Send the browser out, with its secret in its cookie."""
        answer = sent_to(begun.url)
        self._set_cookie(answer, begun.browser)
        return answer

    def browser(self) -> str | None:
        """Return the browser's secret from its cookie; a cookie we did not seal counts as none."""
        try:
            return self.runtime.box.open(COOKIE, "browser", request.cookies.get(COOKIE, ""))
        except StateError:
            return None

    def refused(self, reason: str, words: str, status: int = 400) -> Response:
        """Return the page that says why nothing was connected."""
        log.warning("a %s was not connected: %s", self.what, reason)
        text = render_template(
            "not_connected.html", reason=reason, words=words, start=self.start, what=self.what
        )
        return html(text, status)

    def _set_cookie(self, answer: Response, browser: str) -> None:
        """Give the browser its secret, sealed: out of scripts' reach, over TLS where we are called by it."""
        answer.set_cookie(
            COOKIE,
            self.runtime.box.seal(COOKIE, "browser", browser),
            max_age=STATE_LIVES,
            path=self.start,
            secure=str(self.runtime.settings.public_url).startswith("https://"),
            httponly=True,
            samesite="Lax",
        )


def html(text: str, status: int = 200) -> Response:
    """Return a page, kept by nobody and framed by nobody."""
    return Response(text, status, headers=HEADERS, content_type="text/html; charset=utf-8")


def sent_to(url: str) -> Response:
    """Return a redirect."""
    return Response(status=302, headers={**HEADERS, "Location": url})


def _status(error: ConsentRefused) -> int:
    """Return 503 for what is ours to set up, 400 for what came with the browser."""
    return 503 if error.reason in {"not_configured", "charter_unreadable"} else 400
