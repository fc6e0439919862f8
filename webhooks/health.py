"""Liveness and readiness, for whatever watches the web process."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from sync.runtime import Runtime
from sync.state.engine import reading


def health_blueprint(runtime: Runtime) -> Blueprint:
    """Return ``/healthz`` (the process answers) and ``/readyz`` (the database does too).

    A Redis that is away does not make the process unready: webhooks are kept in the
    database, and the scheduler rings for them later.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify(ok=True)

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        database, redis = _answers_database(runtime), _answers_redis(runtime)
        return jsonify(database=database, redis=redis), 200 if database else 503

    return blueprint


def _answers_database(runtime: Runtime) -> bool:
    try:
        with reading(runtime.engine) as conn:
            conn.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def _answers_redis(runtime: Runtime) -> bool:
    try:
        return bool(runtime.redis.ping())
    except RedisError:
        return False
