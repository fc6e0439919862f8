"""The one road to an org: counts, budgets, retries and re-authenticates every request.

simple-salesforce is used in *direct* mode on our own pooled session (it has no timeouts of its
own), rebuilt for each grant: its own re-login would recurse for ever on a dead grant and lose the
headers of the call it replays. Its ``bulk2`` and ``mdapi`` are never touched: what they do is
sent with ``send_bytes`` and read with ``fetch``. It is imported at the first call: with the SOAP library
it brings it weighs 13 MB, also in a process that never speaks to an org. Every call holds a place in
``integration.in_flight``.
Neighbours: ``auth`` (grants), ``errors`` (what a failure means).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import urlsplit

import requests
import tenacity
from requests import Response, Session
from requests.adapters import BaseAdapter

from integration.budget import Budget, Lane, lane_now
from integration.call_count import CallCount
from integration.in_flight import InFlight, LocalInFlight
from integration.port import CrmError, Misconfigured, NeedsConsent, RateLimited, Unavailable
from integration.salesforce.auth import MOST_REFUSALS, Authenticator, Grant
from integration.salesforce.errors import Failure, call_error, parse_failure
from integration.salesforce.limits import (
    CLIENT_NAME,
    LONG_REQUESTS_DEVELOPER,
    RETRY_STEP_MAX_S,
    RETRY_TOTAL_S,
)
from integration.salesforce.values import to_json

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce
    from simple_salesforce.exceptions import SalesforceError

T = TypeVar("T")
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
PIECE_BYTES = 65_536
# The budget's name for all of them: Salesforce counts by 24 hours, not by short windows.
CALL_KIND = "general"
# What the Bulk API counts beside calls, as the budget names it, and how ``/limits`` calls it.
QUERY_JOBS = "bulk_query_jobs"
BATCHES = "bulk_batches"
TOLD_BY_LIMITS = {QUERY_JOBS: "DailyBulkV2QueryJobs", BATCHES: "DailyBulkApiBatches"}
CALL_OPTIONS = "Sforce-Call-Options"
CALL_HEADERS = {
    CALL_OPTIONS: f"client={CLIENT_NAME}",
    # simple-salesforce asks for indented bodies on every call.
    "X-PrettyPrint": "0",
}


class _SessionExpired(Exception):
    """The access token was refused (INVALID_SESSION_ID)."""


class _Transient(Exception):
    """A failure worth repeating; ``final`` is what the caller gets when patience ends."""

    def __init__(self, final: CrmError) -> None:
        super().__init__(str(final))
        self.final = final


class Transport:
    """Sends requests to one org under one budget. Thread-safe.

    ``sleep`` waits between attempts; ``RETRY_TOTAL_S`` of trying ends in Unavailable or
    RateLimited.
    """

    def __init__(
        self,
        session: Session,
        budget: Budget,
        lane: Lane = Lane.SYNC,
        sleep: Callable[[float], None] = time.sleep,
        in_flight: InFlight | None = None,
    ) -> None:
        """Take every call in ``lane`` from ``budget`` and learn from every answer of ``session``.

        ``in_flight`` holds the calls under way below the org's cap; of this process only where not given.
        """
        self._session = session
        self._in_flight = in_flight or LocalInFlight(LONG_REQUESTS_DEVELOPER, sleep=sleep)
        self._budget = budget
        self._lane = lane
        self.sleep = sleep
        self.calls = CallCount()
        self.authenticator: Authenticator | None = None
        session.hooks["response"].append(self._learn)

    def request(
        self,
        reason: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        again: bool = True,
    ) -> Any:
        """Return the JSON of a versioned REST path, ``None`` for an empty answer.

        Without ``again`` a failure that may pass is told at once, not tried again here.

        ``path`` is relative to ``/services/data/vX/`` and already quoted; numbers with a
        fraction come back as Decimal. Raises the port's errors only.
        """
        data = None if body is None else to_json(body).encode()
        sent = {**CALL_HEADERS, **(headers or {})}
        return self._run(
            reason,
            lambda org, _: org.restful(path, params=params, method=method, data=data, headers=sent),
            again=again,
        )

    def query(self, reason: str, soql: str, *, include_deleted: bool = False) -> Any:
        """Return one page of a SOQL query; ``include_deleted`` asks ``queryAll``."""
        return self._run(
            reason,
            lambda org, _: org.query(soql, include_deleted=include_deleted, headers=dict(CALL_HEADERS)),
        )

    def send_bytes(
        self, reason: str, method: str, path: str, *, data: bytes | BinaryIO, headers: Mapping[str, str]
    ) -> Response:
        """Send what simple-salesforce cannot (CSV, multipart) to a versioned path.

        A file is sent from its beginning, piece by piece, and again so where the call is repeated.
        """

        def send(_: Salesforce, grant: Grant) -> Response:
            if not isinstance(data, bytes):
                data.seek(0)
            return self._plain(method, path, grant, headers, data=data)

        return self._run(reason, send)

    def fetch(
        self, reason: str, path: str, into: BinaryIO, *, params: Mapping[str, str] | None = None
    ) -> Mapping[str, str]:
        """Write the CSV at a versioned path into a file, piece by piece; return the answer's headers.

        The file holds one whole answer and stands at its beginning, however often the call was repeated.
        """

        def get(_: Salesforce, grant: Grant) -> Mapping[str, str]:
            into.seek(0)
            into.truncate()
            with self._plain(
                "GET", path, grant, {"Accept": "text/csv"}, params=params, stream=True
            ) as answer:
                into.writelines(answer.iter_content(PIECE_BYTES))
                headers: Mapping[str, str] = answer.headers
            into.seek(0)
            return headers

        return self._run(reason, get)

    def _plain(
        self, method: str, path: str, grant: Grant, headers: Mapping[str, str], **options: Any
    ) -> Response:
        """Send past simple-salesforce; what the org refuses is raised as it would raise it."""
        sent = {**CALL_HEADERS, "Authorization": f"Bearer {grant.access_token}", **headers}
        url = f"{grant.instance_url}/services/data/v{grant.api_version}/{path}"
        answer = self._session.request(method, url, headers=sent, **options)
        if answer.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            from simple_salesforce.exceptions import SalesforceError

            raise SalesforceError(url, answer.status_code, path, _content(answer))
        return answer

    def send_open(
        self, reason: str, method: str, url: str, form: Mapping[str, str] | None = None
    ) -> Response:
        """Send a request without an access token; only transient failures are raised."""

        def attempt() -> Response:
            answer = self._session.request(method, url, data=form)
            failure = parse_failure(answer.status_code, _content(answer))
            if answer.status_code >= HTTPStatus.MULTIPLE_CHOICES and failure.transient:
                raise _Transient(call_error(failure))
            return answer

        return self._governed(reason, attempt)

    @property
    def grant(self) -> Grant:
        """Return the grant in force, signing in when there is none."""
        if self.authenticator is None:
            raise Misconfigured("no credentials")
        return self.authenticator.current()

    def versioned(self, path: str) -> str:
        """Return the absolute path of a REST path, as composite subrequests name it."""
        return f"/services/data/v{self.grant.api_version}/{path}"

    def _run(self, reason: str, call: Callable[[Salesforce, Grant], T], *, again: bool = True) -> T:
        """Run ``call``; where its token is refused, again with a newer one, up to ``MOST_REFUSALS``."""
        grant, refusals = self.grant, 0
        while True:
            try:
                return self._governed(reason, partial(self._attempt, grant, call), again=again)
            except _SessionExpired as expired:
                refusals += 1
                if refusals == MOST_REFUSALS:
                    raise NeedsConsent("the org refuses a token it has just issued") from expired
                grant = self._renew(grant)

    def _renew(self, refused: Grant) -> Grant:
        if self.authenticator is None:
            raise Misconfigured("no credentials")
        return self.authenticator.renew(refused)

    def _attempt(self, grant: Grant, call: Callable[[Salesforce, Grant], T]) -> T:
        from simple_salesforce.api import Salesforce
        from simple_salesforce.exceptions import SalesforceError

        org = Salesforce(
            instance_url=grant.instance_url,
            session_id=grant.access_token,
            version=grant.api_version,
            session=self._session,
            parse_float=Decimal,
        )
        try:
            return call(org, grant)
        except SalesforceError as error:
            judged = _judge(error)
            if isinstance(judged, RateLimited) and judged.policy == "daily":
                self._budget.learn_day(1, 0)  # also where no header came with it
            raise judged from error

    def _governed(self, reason: str, attempt: Callable[[], T], *, again: bool = True) -> T:
        tries = itertools.count()

        def once() -> T:
            lane = lane_now(self._lane)
            self._budget.take(lane, CALL_KIND)
            try:
                with self._in_flight.place(lane):
                    self.calls.add(reason, lane, again=next(tries) > 0)
                    return attempt()
            except requests.JSONDecodeError as error:
                raise _Transient(Unavailable("an answer that is no JSON")) from error
            except requests.RequestException as error:
                raise _Transient(Unavailable(f"no answer: {type(error).__name__}")) from error

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Transient),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=RETRY_STEP_MAX_S),
            stop=tenacity.stop_before_delay(RETRY_TOTAL_S) if again else tenacity.stop_after_attempt(1),
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retrying(once)
        except _Transient as error:
            raise error.final from error

    def spend(self, kind: str, number: int = 1) -> None:
        """Count jobs or batches of the Bulk API before they are made; waits as a call does.

        Raises RateLimited where the org's 24 hours hold no more of them.
        """
        for _ in range(number):
            self._budget.take(lane_now(self._lane), kind)

    def learn_limits(self, limits: Mapping[str, Any]) -> None:
        """Take what ``/limits`` tells of what everybody may use in 24 hours: calls, bulk jobs and batches."""
        calls = limits["DailyApiRequests"]
        self._budget.learn_day(int(calls["Max"]), int(calls["Remaining"]))
        for kind, name in TOLD_BY_LIMITS.items():
            if told := limits.get(name):
                self._budget.learn_window(kind, int(told["Max"]), int(told["Remaining"]))

    def learn_long_requests(self, cap: int) -> None:
        """Take how many long requests the org's edition lets run at once."""
        self._in_flight.learn_cap(cap)

    def _learn(self, answer: Response, *_: object, **__: object) -> None:
        """Tell the budget what the org says is used of its day (errors say it too)."""
        usage = parse_limit_info(answer.headers.get("Sforce-Limit-Info", ""))
        if usage is not None:
            used, allowed = usage
            self._budget.learn_day(allowed, max(0, allowed - used))


def parse_limit_info(header: str) -> tuple[int, int] | None:
    """Return (used, allowed) calls of the org's 24 hours from ``Sforce-Limit-Info``."""
    for part in header.replace(",", ";").split(";"):
        name, _, value = part.strip().partition("=")
        used, slash, allowed = value.partition("/")
        if name == "api-usage" and slash and used.isdigit() and allowed.isdigit():
            return int(used), int(allowed)
    return None


def allow_plain_loopback(session: Session, base_url: str) -> None:
    """Let ``session`` reach an ``http`` instance on this machine.

    simple-salesforce forces https on every URL; for a loopback ``base_url`` the scheme is put
    back. Raises Misconfigured for plain http to any other host: tokens would travel in clear.
    """
    parts = urlsplit(base_url)
    if parts.scheme == "https":
        return
    if parts.scheme != "http" or parts.hostname not in LOOPBACK_HOSTS:
        raise Misconfigured(f"{base_url} must be https")
    session.mount(f"https://{parts.netloc}/", _PlainLoopback(session.get_adapter(base_url)))


class _PlainLoopback(BaseAdapter):
    """Sends ``https://127.0.0.1:P`` requests as plain http, never through a proxy."""

    def __init__(self, plain: BaseAdapter) -> None:
        super().__init__()
        self._plain = plain

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Response:
        """Send ``request`` with its scheme put back to http."""
        request.url = "http" + str(request.url).removeprefix("https")
        return self._plain.send(request, *args, **{**options, "proxies": None})

    def close(self) -> None:
        """Close the plain adapter's connections."""
        self._plain.close()


def _judge(error: SalesforceError) -> Exception:
    if error.status == HTTPStatus.UNAUTHORIZED:
        return _SessionExpired()
    failure: Failure = parse_failure(error.status, error.content)
    final = call_error(failure)
    return _Transient(final) if failure.transient else final


def _content(answer: Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return answer.text
