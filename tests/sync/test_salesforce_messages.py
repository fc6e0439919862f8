"""The whole way of an outbound message by flow: our archive, the org, our web process, the record read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from werkzeug.serving import make_server

from app import create_app  # noqa: TID251 - tests stand above the composition root
from integration.salesforce import deploys
from integration.salesforce.messages import message_files
from integration.salesforce.project import PackageProject, archive
from mappings.inbound import watched_fields
from sync.addresses import make_addresses
from sync.state import mirror
from sync.state.engine import reading
from tests.sync.harness import SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
PATIENCE_S = 30
READ = {"Account", "Opportunity", "OpportunityLineItem", "Case"}


@contextmanager
def serving(deployed: Deployment) -> Iterator[str]:
    """Serve our web application over a runtime; yield its address."""
    server = make_server("127.0.0.1", 0, create_app(deployed.runtime), threaded=True)
    serve = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    serve.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serve.join()
        server.server_close()


@pytest.fixture
def there(lite: Deployment, office: OPEN) -> Office:
    """Give an installation at work."""
    found = office(lite, SALESFORCE, three_customers()).install()
    found.load()
    found.go_live().settle()
    lite.later(minutes=10)
    return found


def deploy_messages(there: Office, web: str) -> deploys.Deployed:
    """Deploy the archive of the package with messages to this installation, as the product sends it."""
    address = make_addresses(there.deployment.runtime, there.ws.installation, web).webhooks
    user = str(there.sandbox.get("credentials")["username"])
    told = message_files(watched_fields(there.ws.charter, SALESFORCE), address, user)
    port: Any = there.ws.port
    port._transport.sleep = lambda seconds: time.sleep(min(seconds, 0.05))
    return deploys.deploy(
        port._transport, "test", archive(PackageProject({}, dashboards=False, messages=told))
    )


def delivered(there: Office, count: int) -> list[dict[str, Any]]:
    """Wait until the org has tried to deliver so often; return the attempts."""
    ends = time.monotonic() + PATIENCE_S
    while len(found := there.sandbox.get("deliveries")["deliveries"]) < count:
        assert time.monotonic() < ends, found
        time.sleep(0.02)
    return list(found)


def test_a_persons_change_is_read_again_and_ours_is_not_told(there: Office) -> None:
    """The org tells the web process which record; the next drain reads that one, and nothing else."""
    deal = there.sandbox.lookup("deal:d-b1")
    with serving(there.deployment) as web:
        done = deploy_messages(there, web)
        assert (done.worked, done.failures) == (True, ())
        assert {name for kind, name in done.created if kind == "WorkflowOutboundMessage"} == {
            f"{one}.CS_Changed" for one in READ
        }
        there.sandbox.post("webhooks", {"api_user_sends": True})
        port: Any = there.ws.port
        other = next(one["Id"] for one in there.sandbox.records("Opportunity") if one["Id"] != deal)
        port._transport.request("test", "PATCH", f"sobjects/Opportunity/{other}", body={"Name": "Ours"})
        there.sandbox.edit("Opportunity", deal, {"Name": "Changed"})
        attempts = delivered(there, 1)
    assert [(one["status"], one["attempt"], one["events"]) for one in attempts] == [(200, 0, [deal])]
    (drained,) = there.drain()
    assert (drained.events, drained.read) == (1, 1)
    with reading(there.engine) as conn:
        assert mirror.find(conn, there.id, "Opportunity", [deal])[deal].values["Name"] == "Changed"
