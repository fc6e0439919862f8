"""The pooled HTTP session under both vendors' adapters.

It pools connections, gives every request a connect and a read timeout (``requests`` has
none of its own) and never retries: retrying is the transports' decision, because only they
know which request may be made twice. Neighbours: ``hubspot/transport`` and ``salesforce``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter

USER_AGENT = "colonnade"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection, and for each read of the answer."""

    connect_s: float = 5.0
    read_s: float = 100.0


DEFAULT_TIMEOUTS = Timeouts()


def pooled_session(pool_size: int = 10, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> Session:
    """Return a session that keeps up to ``pool_size`` connections per host and never hangs.

    No request is retried and no ``Retry-After`` is slept upon. Callers set their own
    ``Authorization`` header; a ``.netrc`` on the machine cannot replace it.
    """
    session = Session()
    adapter = _TimedAdapter(pool_size, timeouts)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.auth = _leave_headers_alone
    session.headers["User-Agent"] = USER_AGENT
    return session


class _TimedAdapter(HTTPAdapter):
    """An adapter that fills in the timeout a caller left out."""

    def __init__(self, pool_size: int, timeouts: Timeouts) -> None:
        super().__init__(pool_connections=pool_size, pool_maxsize=pool_size, max_retries=0, pool_block=True)
        self._timeout = (timeouts.connect_s, timeouts.read_s)

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Send with the session's timeouts unless the call names its own."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self._timeout
        return super().send(request, *args, **kwargs)


def _leave_headers_alone(request: PreparedRequest) -> PreparedRequest:
    """Keep the request as it is: with an ``auth`` set, ``requests`` never reads ``.netrc``."""
    return request
