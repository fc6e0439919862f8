"""The one way to HubSpot: governed, authorised, counted, retried within bounds.

It stands under the SDK's vocabulary in place of the SDK's own client, which opens a pool
per accessor, has no timeout, sleeps on any ``Retry-After`` and cannot refresh a token.
Retrying is safe because almost every call the verbs make may be made twice: upserts by key,
updates by id, default associations, reads. A call that may not (a create without a key) says so.
Neighbours: all verbs call it, nobody else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from pydantic_core import from_json
from requests import RequestException, Response, Session
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter

from integration.budget import Budget, Lane, lane_now
from integration.call_count import Count
from integration.hubspot.auth import Auth
from integration.hubspot.connector import GENERAL, LOCKED_WAIT_S
from integration.hubspot.errors import MIGRATING_STATUS, Problem, RefusedCall, problem_of
from integration.port import Misconfigured, NeedsConsent, RateLimited, Unavailable

MAX_ATTEMPTS: Final = 6
MAX_SLEEP_S: Final = 60.0
"""All sleeps of one call together; HubSpot may ask for 24 hours (status 477)."""

POLICY_WAIT_S: Final[Mapping[str, float]] = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0}
"""Waits of HubSpot's own Node client after a 429, by ``policyName``."""

_BACKOFF = wait_exponential_jitter(multiplier=0.5, max=20, jitter=0.5)


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer; ``body`` is empty where HubSpot sent none."""

    status: int
    body: dict[str, Any]


class _AgainError(Exception):
    """This try failed in a way that may pass; ``error`` is raised when tries run out.

    ``may_be_done``: HubSpot may have done what was asked, and only its answer is missing.
    """

    def __init__(self, error: Unavailable, wait_s: float = 0.0, *, may_be_done: bool = True) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait_s = wait_s
        self.may_be_done = may_be_done


@dataclass(slots=True)
class _Call:
    """One call, how often it was tried, and whether it has had a second token."""

    reason: str
    method: str
    path: str
    body: Mapping[str, Any] | None
    kind: str
    repeatable: bool = True
    token_replaced: bool = False
    tries: int = 0


@dataclass(slots=True)
class Transport:
    """Makes calls for one installation; thread-safe. ``count`` is told of every try."""

    base_url: str
    session: Session
    auth: Auth
    budget: Budget
    count: Count
    lane: Lane = Lane.SYNC
    sleep: Callable[[float], None] = time.sleep

    def call(
        self,
        reason: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        kind: str = GENERAL,
        *,
        repeatable: bool = True,
    ) -> Answer:
        """Return HubSpot's answer; ``kind`` is the limit bucket, ``reason`` what it counts as.

        A call that is not ``repeatable`` is made again only where HubSpot said that it was not
        done (401, 423, 429, 477); without a clear answer it is ``Unavailable`` at once.

        Raises ``RefusedCall`` (4xx), ``NeedsConsent`` (401 that a new token does not cure),
        ``RateLimited`` or ``Unavailable`` when trying again within a minute did not help.
        """
        call = _Call(reason, method, path, body, kind, repeatable)
        retrying = Retrying(
            retry=retry_if_exception_type(_AgainError),
            wait=_wait_s,
            stop=_is_enough,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retrying(self._try, call)
        except _AgainError as again:
            raise again.error from again

    def _try(self, call: _Call) -> Answer:
        try:
            return _read(self._send(call))
        except _AgainError as again:
            if again.may_be_done and not call.repeatable:
                raise again.error from again
            raise

    def _send(self, call: _Call) -> Response:
        token = self.auth.access_token()
        lane = lane_now(self.lane)
        self.budget.take(lane, call.kind)
        self.count(call.reason, lane, again=call.tries > 0)
        call.tries += 1
        response = self._request(call, token)
        self._learn(call.kind, response)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            return self._with_new_token(call, token, response)
        return response

    def _request(self, call: _Call, token: str) -> Response:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        try:
            return self.session.request(
                call.method, self.base_url + call.path, json=call.body, headers=headers
            )
        except (InvalidURL, InvalidSchema, MissingSchema) as error:
            raise Misconfigured(f"{self.base_url} is not an address") from error
        except RequestException as error:
            lost = Unavailable(f"the connection to HubSpot was lost: {type(error).__name__}")
            raise _AgainError(lost) from error

    def _with_new_token(self, call: _Call, token: str, response: Response) -> Response:
        if call.token_replaced or not self.auth.replace(token):
            raise NeedsConsent(problem_of(response.status_code, _json(response)).message)
        call.token_replaced = True
        return self._send(call)

    def _learn(self, kind: str, response: Response) -> None:
        """Hand the limit headers to the governor; search answers carry none."""
        window = _header_pair(response, "X-HubSpot-RateLimit-Max", "X-HubSpot-RateLimit-Remaining")
        if window is not None:
            self.budget.learn_window(kind, *window)
        day = _header_pair(response, "X-HubSpot-RateLimit-Daily", "X-HubSpot-RateLimit-Daily-Remaining")
        if day is not None:
            self.budget.learn_day(*day)


def _read(response: Response) -> Answer:
    status, body = response.status_code, _json(response)
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        if body is None and response.content:
            raise _AgainError(Unavailable(f"answer {status} is not JSON"))
        return Answer(status, body or {})
    problem = problem_of(status, body)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise _limit_error(problem, response)
    wait_s = _retry_after_s(response)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == MIGRATING_STATUS:
        unclear = status != MIGRATING_STATUS
        error = Unavailable(f"{status}: {problem.message}", wait_s)
        raise _AgainError(error, wait_s or 0.0, may_be_done=unclear)
    if status == HTTPStatus.LOCKED:
        wait = max(wait_s or 0.0, LOCKED_WAIT_S)
        raise _AgainError(Unavailable(problem.message, wait_s), wait, may_be_done=False)
    raise RefusedCall(problem)


def _limit_error(problem: Problem, response: Response) -> Exception:
    """Return what to raise after a 429; the day's limit is not worth waiting for."""
    wait_s = _retry_after_s(response)
    if problem.policy == "DAILY":
        return RateLimited(problem.message, problem.policy, wait_s)
    wait_s = wait_s or POLICY_WAIT_S.get(problem.policy, 1.0)
    limited = RateLimited(problem.message, problem.policy or "UNNAMED", wait_s)
    return _AgainError(limited, wait_s, may_be_done=False)


def _wait_s(state: RetryCallState) -> float:
    again = state.outcome.exception() if state.outcome is not None else None
    floor = again.wait_s if isinstance(again, _AgainError) else 0.0
    return max(floor, 0.0) + _BACKOFF(state)


def _is_enough(state: RetryCallState) -> bool:
    return state.attempt_number >= MAX_ATTEMPTS or state.idle_for + state.upcoming_sleep > MAX_SLEEP_S


def _json(response: Response) -> dict[str, Any] | None:
    """Return the body when it is a JSON object; bytes of any encoding are survived.

    pydantic's parser takes two thirds of the time, and refuses what ``json`` lets pass (half a character of
    UTF-16 in a value somebody's integration cut): then ``json`` has the word.
    """
    try:
        body = from_json(response.content, cache_strings="keys")
    except ValueError:
        body = _json_of_any(response.content)
    return body if isinstance(body, dict) else None


def _json_of_any(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _retry_after_s(response: Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None


def _header_pair(response: Response, limit: str, remaining: str) -> tuple[int, int] | None:
    values = (response.headers.get(limit, ""), response.headers.get(remaining, ""))
    return (int(values[0]), int(values[1])) if all(value.isdigit() for value in values) else None
