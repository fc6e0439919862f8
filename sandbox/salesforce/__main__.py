"""``python -m sandbox.salesforce --port P --db FILE``: one org in one process."""

from __future__ import annotations

import argparse

from flask import Flask

from sandbox.salesforce import (
    bulk_ingest,
    bulk_query,
    rest_collections,
    rest_limits,
    rest_metadata,
    rest_query,
    rest_records,
)
from sandbox.salesforce.control import Hooks, extra_blueprint
from sandbox.salesforce.edge import Edge
from sandbox.salesforce.oauth import Tokens
from sandbox.salesforce.org import Org
from sandbox.salesforce.outbound import OutboundMessages
from sandbox.salesforce.rest_composite import Composite
from sandbox.salesforce.rest_limits import Quota
from sandbox.salesforce.web import Router
from sandbox.server.app import build_app, open_services
from sandbox.server.control import control_blueprint
from sandbox.server.serve import serve


def routes(quota: Quota) -> Router:
    """Return every REST resource; literal addresses come before those with a record id."""
    router = Router()
    rest_limits.register(router, quota)
    rest_query.register(router)
    rest_collections.register(router)
    rest_metadata.register(router)
    rest_records.register(router)
    bulk_ingest.register(router)
    bulk_query.register(router)
    Composite(router)
    return router


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.salesforce", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 takes a free port")
    parser.add_argument("--db", required=True, help="the org's SQLite file; made where missing")
    parser.add_argument("--daily-limit", type=int, default=100_000, help="API requests a day (sandbox clock)")
    parser.add_argument("--retry-base-seconds", type=float, default=15.0,
                        help="real seconds before the first retry of an outbound message")  # fmt: skip
    parser.add_argument("--pubsub-port", type=int,
                        help="serve the Pub/Sub API too; 0 takes a free port")  # fmt: skip
    return parser.parse_args()


def serve_events(app: Flask, org: Org, tokens: Tokens, port: int) -> str:
    """Serve change events over gRPC; return the address. What is not asked for costs no start-up time."""
    from sandbox.salesforce.change_events import Bus
    from sandbox.salesforce.change_events_control import change_events_blueprint
    from sandbox.salesforce.pubsub import PubSub

    bus = Bus(org)
    service = PubSub(org, tokens, bus)
    address = f"http://127.0.0.1:{service.start(port)}"
    app.register_blueprint(change_events_blueprint(org, bus, service, address))
    return address


def main() -> None:
    """Serve one org until the process ends."""
    args = options()
    services = open_services(args.db)
    org = Org(services)
    tokens, quota = Tokens(org), Quota(org, args.daily_limit)
    outbound = OutboundMessages(org, args.retry_base_seconds)
    app = build_app("salesforce", services)
    app.register_blueprint(control_blueprint(services, Hooks(org, tokens, outbound)))
    app.register_blueprint(extra_blueprint(org, tokens, quota))
    more = ""
    if args.pubsub_port is not None:
        more = f" pubsub {serve_events(app, org, tokens, args.pubsub_port)}"
    app.register_blueprint(Edge(org, routes(quota), tokens, quota, outbound).blueprint())
    serve(app, args.port, more=more)


if __name__ == "__main__":
    main()
