"""How gunicorn serves the web process: threads, because a webhook is one durable insert."""

import os

bind = f"{os.environ.get('CS_BIND', '127.0.0.1')}:{os.environ.get('PORT', '8080')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
threads = 8
keepalive = 30
accesslog = None
