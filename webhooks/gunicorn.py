"""How gunicorn serves the web process: threads, because a webhook is one durable insert."""

import os
import sys

from sync.config import ConfigError, read_settings

try:
    port = read_settings().port
except ConfigError as error:
    sys.exit(f"Error: {error}")

bind = f"{os.environ.get('CS_BIND') or '127.0.0.1'}:{port}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY") or "1")
threads = 8
keepalive = 30
accesslog = None
# Where an operator turns the log on it tells no path: an outbound message's address is its secret.
access_log_format = "%(t)s %(h)s %(m)s %(s)s %(B)s %(M)sms"
