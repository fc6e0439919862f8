"""Whoever finds a portal's token run out, in whatever process, it is renewed by exactly one call."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from tests.sync.harness import HUBSPOT, ROOT, Deployment, Office
from tests.sync.portfolios import three_customers

PROCESSES, THREADS = 3, 8

WORK = """
import sys
from concurrent.futures import ThreadPoolExecutor
from sync.config import read_settings
from sync.runtime import open_runtime
from sync.workspace import open_workspace
home, database, redis, keys, installation = sys.argv[1:]
settings = {"CS_HOME": home, "DATABASE_URL": database, "REDIS_URL": redis, "CS_SECRET_KEYS": keys}
port = open_workspace(open_runtime(read_settings(settings)), installation).port
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: port.describe([]), range(8)))
print("done", flush=True)
"""


def test_three_processes_of_eight_threads_renew_once(both: Deployment, office: Callable[..., Office]) -> None:
    """Twenty-four callers meet a token that has run out: HubSpot is asked for one new token."""
    there = office(both, HUBSPOT, three_customers())
    there.connect(credentials=there.sandbox.credentials("oauth"))
    both.later(minutes=31)
    mark = there.sandbox.mark()
    settings = both.runtime.settings
    arguments = [
        str(settings.home),
        both.runtime.engine.url.render_as_string(hide_password=False),
        str(settings.redis_url),
        settings.secret_keys.get_secret_value() if settings.secret_keys else "",
        there.id,
    ]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORK, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for one in workers:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in workers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    ended = [one.communicate(timeout=120)[0] for one in workers]
    assert ended == ["done\n"] * PROCESSES
    asked = there.sandbox.get("requests", after=mark)["requests"]
    assert sum(one["object"] == "oauth" for one in asked) == 1
    assert sum(one["path"].startswith("/account-info") for one in asked) == PROCESSES * THREADS
