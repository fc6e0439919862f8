"""The whole product on one machine, in the foreground: what ``colonnade serve`` runs, and stopping it.

A supervisor in little: every process of the Procfile, started again when it dies, stopped
together. Neighbours: ``demonstration`` is the command, ``sync/demo/children.py`` the processes.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from requests import RequestException
from sqlalchemy.engine import make_url

from integration.http import Timeouts, pooled_session
from sync.commands.output import Unusable, answer, progress
from sync.config import Settings, read_settings
from sync.demo.children import Children
from sync.runtime import open_runtime
from sync.servers import embedded_valkey

LOOPBACK = "127.0.0.1"
ANY = ("0.0.0.0", "")  # noqa: S104 - recognised, not chosen
READY_WITHIN_S = 30.0
LOOK_EVERY_S = 0.1
LOG_SHOWN = 1500
PROCESSES = (
    ("web", "-m", "gunicorn", "--config", "webhooks/gunicorn.py", "app:create_app()"),
    ("worker-fast", "-m", "app", "worker", "fast"),
    ("worker-bulk", "-m", "app", "worker", "bulk"),
    ("scheduler", "-m", "app", "scheduler"),
    ("listen", "-m", "app", "listen"),
)


class Stopped(KeyboardInterrupt):
    """SIGTERM asked us to end; handled like Ctrl-C, so that every process is stopped."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Have SIGTERM end the block as Ctrl-C does, its clean-up included; an asked-for end is no error."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not cut the clean-up short
        raise Stopped

    before = signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts deaf to it
    try:
        yield
    except Stopped:
        progress.print("Stopped.")
    finally:
        signal.signal(signal.SIGTERM, before)


def wait_for_stop(where: str) -> None:
    """Say where the console is, and return once Ctrl-C or SIGTERM asks for the end."""
    progress.print(f"Running; the console is at {where}. Stop with Ctrl-C.")
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_IGN)  # the stopping is not cut short
        progress.print("Stopping.")


def serve_product(as_json: bool) -> None:
    """Run every process of the product until stopped.

    Raises ConfigError or StateError where Redis or the database does not answer, and Unusable
    where the port is taken or the web process does not come up.
    """
    settings = read_settings()
    host = os.environ.get("CS_BIND") or LOOPBACK
    _refuse_taken(host, settings.port)
    open_runtime(settings)
    valkey = None if settings.redis_url else embedded_valkey(settings.home)
    children = Children(settings.home, _environment(settings, valkey.url if valkey else None))
    url = f"http://{LOOPBACK if host in ANY else host}:{settings.port}"
    try:
        for name, *command in PROCESSES:
            children.start(name, *command, keep=True)
        _wait_ready(url, settings.home / "web.log")
        children.watch()
        answer({"url": url, "home": str(settings.home)}, as_json, lambda _out: None)
        wait_for_stop(f"{url}/console")
    finally:
        children.stop()
        if valkey is not None:
            valkey.stop()


def _environment(settings: Settings, valkey_url: str | None) -> Mapping[str, str]:
    """Return what the processes are told: places as absolute paths, since they run in another folder."""
    database = make_url(settings.database_url)
    if database.drivername == "sqlite":
        database = database.set(database=_absolute(str(database.database)))
    usage = settings.usage_store
    told = {
        "CS_HOME": str(settings.home),
        "PORT": str(settings.port),
        "DATABASE_URL": database.render_as_string(hide_password=False),
        "CS_USAGE_STORE": usage if "://" in usage else _absolute(usage),
    }
    return told | ({"REDIS_URL": valkey_url} if valkey_url else {})


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def _refuse_taken(host: str, port: int) -> None:
    """Raise Unusable where somebody else listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unusable(
                f"PORT: {host}:{port} cannot be listened on ({error.strerror}); "
                "stop what listens there, or give another PORT"
            ) from error


def _wait_ready(url: str, log: Path) -> None:
    """Return once the web process answers. Raises Unusable with the end of its log when it does not."""
    session = pooled_session(timeouts=Timeouts(1.0, 5.0))
    ends = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < ends:
        try:
            if session.get(f"{url}/readyz").ok:
                return
        except RequestException:
            time.sleep(LOOK_EVERY_S)
    said = log.read_text(encoding="utf-8", errors="replace")[-LOG_SHOWN:]
    raise Unusable(f"the web process does not answer at {url}; {log} ends with:\n{said}")
