"""simple-salesforce, a client we did not write, works against the Salesforce sandbox."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest

from tests.sandbox.salesforce_session import Api


class Downgrade(HTTPAdapter):
    """Sends what is meant for https to the sandbox's plain http (the client knows only https)."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request."""
        request.url = (request.url or "").replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


@pytest.fixture(scope="module")
def client(salesforce: Any) -> Salesforce:
    """Give the official client in direct mode."""
    api = Api(salesforce.url)
    token = str(api.session.headers["Authorization"]).removeprefix("Bearer ")
    session = requests.Session()
    session.mount(salesforce.url.replace("http://", "https://"), Downgrade())
    return Salesforce(session_id=token, instance_url=salesforce.url, version="66.0", session=session)


def test_it_creates_reads_updates_and_deletes(client: Salesforce) -> None:
    """The four verbs of a record."""
    made = client.Account.create({"Name": "Official"})
    assert made["success"]
    assert client.Account.update(made["id"], {"Website": "https://x.example"}) == 204
    assert client.Account.get(made["id"])["Website"] == "https://x.example"
    assert client.Account.delete(made["id"]) == 204


def test_it_pages_a_query_and_reads_the_usage(client: Salesforce) -> None:
    """query_all follows nextRecordsUrl past 2,000 rows, and the limit header is understood."""
    for start in range(0, 2200, 200):
        rows = [{"attributes": {"type": "Contact"}, "LastName": f"n{start + i}"} for i in range(200)]
        client.restful("composite/sobjects", method="POST", json={"records": rows})
    found = client.query_all("SELECT Id, LastName FROM Contact")
    assert (found["totalSize"], len(found["records"])) == (2200, 2200)
    assert client.api_usage["api-usage"].used > 0


def test_it_describes_and_raises_the_vendors_errors(client: Salesforce) -> None:
    """Describe has the name field, and a wrong column is a malformed request."""
    fields = {f["name"]: f for f in client.Opportunity.describe()["fields"]}
    assert fields["CloseDate"]["type"] == "date"
    with pytest.raises(SalesforceMalformedRequest, match="No such column"):
        client.query("SELECT Nope FROM Account")


def test_its_bulk2_inserts_rows(client: Salesforce) -> None:
    """The bulk 2.0 handler runs a job to its end."""
    results = client.bulk2.Account.insert(records=[{"Name": f"bulk {n}"} for n in range(3)], wait=0.1)
    assert [r["numberRecordsProcessed"] for r in results] == [3]
    assert client.query("SELECT COUNT() FROM Account WHERE Name LIKE 'bulk %'")["totalSize"] == 3
