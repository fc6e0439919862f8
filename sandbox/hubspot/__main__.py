"""``python -m sandbox.hubspot --port P --db FILE``: serve one portal."""

from __future__ import annotations

import argparse

from flask import Flask

from sandbox.hubspot import (
    api_account,
    api_batch,
    api_definitions,
    api_labels,
    api_limits,
    api_links,
    api_lists,
    api_oauth,
    api_objects,
    api_pipelines,
    api_schemas,
    api_search,
)
from sandbox.hubspot.admin import portal_blueprint
from sandbox.hubspot.faults import named_faults
from sandbox.hubspot.hooks import Hooks
from sandbox.hubspot.portal import Options, Portal
from sandbox.hubspot.web import Web
from sandbox.hubspot.writes import Writer
from sandbox.server.app import build_app, open_services
from sandbox.server.control import control_blueprint
from sandbox.server.serve import serve

AREAS = (
    api_search,
    api_batch,
    api_objects,
    api_links,
    api_labels,
    api_definitions,
    api_pipelines,
    api_schemas,
    api_account,
    api_limits,
    api_lists,
)


def build(path: str, options: Options) -> Flask:
    """Return the app of the portal kept in the file at ``path``."""
    services = open_services(path)
    app = build_app("hubspot", services)
    portal = Portal(services, options)
    writer = Writer(portal)
    app.register_blueprint(control_blueprint(services, Hooks(portal, writer), named_faults()))
    app.register_blueprint(portal_blueprint(portal))
    web = Web(app, portal, writer)
    for area in AREAS:
        area.register(web)
    api_oauth.register(web, app, portal)
    return app


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.hubspot", description="A stand-in for a HubSpot portal."
    )
    defaults = Options()
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--db", required=True, help="SQLite file; made when missing")
    parser.add_argument("--portal-id", type=int, default=defaults.portal_id)
    parser.add_argument("--app-id", type=int, default=defaults.app_id)
    parser.add_argument(
        "--app", choices=("private", "marketplace"), default=defaults.app, help="distribution"
    )
    parser.add_argument(
        "--tier", choices=("free", "starter", "professional", "enterprise"), default=defaults.tier
    )
    parser.add_argument(
        "--custom-objects", type=int, default=defaults.custom_objects, help="definitions allowed"
    )
    parser.add_argument(
        "--index-lag-seconds", type=float, default=defaults.index_lag_seconds, help="search lag"
    )
    parser.add_argument(
        "--retry-base-seconds", type=float, default=defaults.retry_base_seconds, help="webhooks"
    )
    parser.add_argument(
        "--api-limit-increases", type=int, choices=(0, 1, 2), default=0, help="API limit add-ons bought"
    )
    parser.add_argument(
        "--no-short-limits", action="store_true", help="no limits by the second: to measure clients"
    )
    parser.add_argument("--time-zone", default=defaults.time_zone)
    parser.add_argument("--scopes", default="", help="granted scopes, by space; default: all the tier allows")
    return parser.parse_args()


def main() -> None:
    """Serve until the process ends."""
    args = _arguments()
    options = Options(
        portal_id=args.portal_id,
        app_id=args.app_id,
        app=args.app,
        tier=args.tier,
        custom_objects=args.custom_objects,
        index_lag_seconds=args.index_lag_seconds,
        retry_base_seconds=args.retry_base_seconds,
        api_limit_increases=args.api_limit_increases,
        short_limits=not args.no_short_limits,
        time_zone=args.time_zone,
        scopes=tuple(args.scopes.split()),
    )
    serve(build(args.db, options), args.port)


if __name__ == "__main__":
    main()
