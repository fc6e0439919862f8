"""How gunicorn serves the web process: threads, because a webhook is one durable insert.

TLS ends in front of it. Neighbour: ``slow_senders`` keeps threads for requests that have come.
"""

import os
import sys

from sync.config import ConfigError, read_settings

try:
    port = read_settings().port
except ConfigError as error:
    sys.exit(f"Error: {error}")

bind = f"{os.environ.get('CS_BIND') or '127.0.0.1'}:{port}"
worker_class = "webhooks.slow_senders.WholeRequestWorker"
workers = int(os.environ.get("WEB_CONCURRENCY") or "1")
threads = 8
worker_connections = 500
keepalive = 30
accesslog = None
logger_class = "webhooks.server_log.ServerLog"
# Where an operator turns the log on it tells no path: an outbound message's address is its secret.
access_log_format = "%(t)s %(h)s %(m)s %(s)s %(B)s %(M)sms"
