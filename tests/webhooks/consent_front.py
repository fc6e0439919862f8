"""Our web process and the browser of an admin who connects a portal or org by a vendor's consent page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import requests
from flask.testing import FlaskClient

from sync.runtime import Runtime
from sync.state import installations
from sync.state.engine import reading
from tests.sync.harness import Sandbox
from tests.webhooks.conftest import NOW, PUBLIC_URL


@dataclass
class Moved:
    """A clock the test moves."""

    instant: datetime = NOW

    def now(self) -> datetime:
        """Return the instant set."""
        return self.instant


@dataclass
class ConsentFront:
    """Our web process, a browser of an admin, and a vendor's sandbox."""

    runtime: Runtime
    browser: FlaskClient
    sandbox: Sandbox
    clock: Moved

    def consent(self, page: str) -> str:
        """Click the vendor's button; return path and query that it sends the browser back to."""
        answer = requests.get(page, allow_redirects=False, timeout=30)
        assert answer.status_code == 302, answer.text
        back = urlsplit(answer.headers["Location"])
        assert f"{back.scheme}://{back.netloc}" == PUBLIC_URL
        return f"{back.path}?{back.query}"

    def come_back(self, where: str, browser: FlaskClient | None = None) -> tuple[int, str]:
        """Follow the vendor back; return status and page."""
        answer = (browser or self.browser).get(where, base_url=PUBLIC_URL)
        return answer.status_code, answer.text

    def connected(self) -> list[str]:
        """Return the portals and orgs kept."""
        with reading(self.runtime.engine) as conn:
            return [one.id for one in installations.every(conn)]
