"""The pooled HTTP session under both vendors' adapters.

It pools connections, gives every request a connect and a read timeout (``requests`` has
none of its own), never retries and never follows a redirect: retrying is the transports' decision, because
only they know which request may be made twice, and no CRM's API redirects. Neighbours: ``hubspot/transport``
and ``salesforce``; ``safe_address`` says where a session may go.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from integration.safe_address import Reach

USER_AGENT = "colonnade"
PLAIN_OPTIONS = frozenset({"headers", "json"})
PLAIN_ADDRESS = re.compile(
    r"https?://[a-z0-9-]+(\.[a-z0-9-]+)*(:\d+)?/(?!\.)([A-Za-z0-9_~:?@!$&'()*+,;=.-]|/(?!\.))*"
)
"""An address that ``requests`` would leave as it is: nothing quoted or to be quoted, no dots as a step."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection, and for each read of the answer."""

    connect_s: float = 5.0
    read_s: float = 100.0


DEFAULT_TIMEOUTS = Timeouts()


def pooled_session(
    pool_size: int = 10, timeouts: Timeouts = DEFAULT_TIMEOUTS, reach: Reach | None = None
) -> Session:
    """Return a session that keeps up to ``pool_size`` connections per host and never hangs.

    No request is retried, no redirect followed, no cookie kept and no ``Retry-After`` slept upon. Callers
    set their own ``Authorization`` header; a ``.netrc`` on the machine cannot replace it. With ``reach`` a
    request elsewhere raises Misconfigured before anything is sent.
    """
    session = _Session()
    adapter = _TimedAdapter(pool_size, timeouts, reach)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.auth = _leave_headers_alone
    session.headers["User-Agent"] = USER_AGENT
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


class _Session(Session):
    """A session for which a redirect is an answer like any other: what it names is not called."""

    def __init__(self) -> None:
        super().__init__()
        self._environment: dict[tuple[object, ...], Mapping[str, Any]] = {}

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        """Send a request; one of a plain address, with headers and JSON at most, with little preparation.

        ``requests`` takes a quarter of a call's processor time to merge what such a one has not: parameters,
        cookies, an address to be quoted. Where the session has hooks or parameters of its own, it does so.
        """
        plain = not args and kwargs.keys() <= PLAIN_OPTIONS and PLAIN_ADDRESS.fullmatch(url) is not None
        if not plain or self.hooks["response"] or self.params:
            return super().request(method, url, *args, **kwargs)
        prepared = PreparedRequest()
        prepared.method, prepared.url = method.upper(), url
        prepared.prepare_headers({**self.headers, **(kwargs.get("headers") or {})})
        prepared.prepare_body(None, None, kwargs.get("json"))
        found = self.merge_environment_settings(url, {}, None, None, None)
        return self.send(prepared, allow_redirects=False, **found)

    def merge_environment_settings(  # the types are those of ``requests``
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """Return the proxies and certificates the environment names; it is read once for each host.

        ``requests`` goes through all of its variables twice for every call.
        """
        if proxies:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        given = (*urlsplit(url)[:2], stream, verify, cert)
        if given not in self._environment:
            found = super().merge_environment_settings(url, proxies, stream, verify, cert)
            self._environment[given] = found
        return dict(self._environment[given])

    def get_redirect_target(self, resp: Response) -> str | None:  # noqa: ARG002
        """Return no target."""
        return None


class _TimedAdapter(HTTPAdapter):
    """An adapter that fills in the timeout a caller left out, and calls no address outside ``reach``."""

    def __init__(self, pool_size: int, timeouts: Timeouts, reach: Reach | None) -> None:
        super().__init__(pool_connections=pool_size, pool_maxsize=pool_size, max_retries=0, pool_block=True)
        self._timeout = (timeouts.connect_s, timeouts.read_s)
        self._reach = reach
        if reach is not None:
            classes = {**self.poolmanager.pool_classes_by_scheme, "https": _checking_pool(reach)}
            self.poolmanager.pool_classes_by_scheme = classes

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Send with the session's timeouts unless the call names its own. Raises Misconfigured."""
        if self._reach is not None:
            self._reach.check(str(request.url))
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self._timeout
        return super().send(request, *args, **kwargs)


def _checking_pool(reach: Reach) -> type[HTTPSConnectionPool]:
    """Return a pool whose connections look at whom they reached; behind a proxy that is the proxy."""

    class Checking(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            made = super()._new_conn()
            if self.proxy is None:
                try:
                    reach.check_peer(str(made.getpeername()[0]))
                except BaseException:
                    made.close()
                    raise
            return made

    class Pool(HTTPSConnectionPool):
        ConnectionCls = Checking

    return Pool


def _leave_headers_alone(request: PreparedRequest) -> PreparedRequest:
    """Keep the request as it is: with an ``auth`` set, ``requests`` never reads ``.netrc``."""
    return request
