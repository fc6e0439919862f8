"""The peer of ``bench intake``: a bare Flask application that only hands each event to RQ.

gunicorn serves it with our own settings. It verifies nothing and answers once Redis has the jobs,
one ``enqueue`` an event, as the first example of both libraries' pages has it. Neighbour: ``intake``.
"""

from __future__ import annotations

import os
from typing import Final

from flask import Flask, Response, request
from redis import Redis
from rq import Queue

QUEUE: Final = "events"


def create_app() -> Flask:
    """Return the application over the Redis of ``REDIS_URL``."""
    app = Flask("peer")
    queue = Queue(QUEUE, connection=Redis.from_url(os.environ["REDIS_URL"]))

    @app.post("/webhooks/hubspot")
    def receive() -> Response:
        for event in request.get_json():
            queue.enqueue("jobs.handle", event)
        return Response(status=204)

    return app
