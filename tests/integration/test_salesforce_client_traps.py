"""What simple-salesforce 1.12.10 gets wrong, and that we do not meet it: one test for each trap.

The traps are those of the vendor reference, section 6, in its order. Where its own behaviour is cheap to
show it is shown first, so that a later version that mends it is noticed.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from requests import Session
from requests.adapters import BaseAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceExpiredSession

from integration.http import DEFAULT_TIMEOUTS, pooled_session
from integration.port import CrmError, NeedsConsent, RateLimited, ReadQuery, WriteRow
from integration.salesforce.csv_rows import BulkRow, iter_csv_files
from tests.integration.salesforce_wire import EXPIRED, HOST, ScriptedOrg, account_row, page, rig
from tests.integration.test_salesforce_transport import DAILY, TOKEN
from tests.integration.test_salesforce_write import take_collection

KEY = "CS_Key__c"
PATH = "/services/data/v68.0/"


def its_own(*answers):
    """Return simple-salesforce by itself on a scripted org."""
    org, session = ScriptedOrg(list(answers)), Session()
    session.mount("https://", org)
    return Salesforce(instance_url=HOST, session_id="token-1", version="68.0", session=session), org


def read(setup):
    """Make one call."""
    return setup.port.read("Account", ["0015g0000000001AAA"], ["Name"])


def test_0_its_calls_have_no_timeout_and_ours_do(monkeypatch):
    """Every request of ours is given up, reading and connecting, whatever verb sent it."""
    seen = []

    def send(_self, request, **options):
        seen.append(options["timeout"])
        raise RuntimeError("no network here")

    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", send)
    with pytest.raises(RuntimeError):
        pooled_session().patch(HOST, data=b"x")
    assert seen == [(DEFAULT_TIMEOUTS.connect_s, DEFAULT_TIMEOUTS.read_s)]


def deploy(port):
    """Send an archive."""
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    port._transport.send_bytes("install", "POST", "metadata/deployRequest", data=b"x", headers=kind)


def fetch(port):
    """Read a page of a bulk query's results."""
    with pooled_file() as file:
        port._transport.fetch("read", "jobs/query/750/results", file)


PATHS = {
    "records": lambda port: port.upsert("CS_Plan__c", KEY, [WriteRow("k", {})]),
    "query": lambda port: port.find("CS_Plan__c", KEY, ["k"], []),
    "composite": lambda port: port.describe([]),
    "bulk query": lambda port: list(port.record_stream(ReadQuery("CS_Plan__c", ()))),
    "bulk results": fetch,
    "deploy": deploy,
}


@pytest.mark.parametrize("path", PATHS)
def test_1_a_permanent_401_ends_after_two_renewals(path):
    """It would call itself until the stack is full; we ask for two tokens and stop, whatever was called."""
    setup = rig((401, EXPIRED), TOKEN, (401, EXPIRED), TOKEN, (401, EXPIRED))
    with pytest.raises(NeedsConsent, match="refuses a token it has just issued"):
        PATHS[path](setup.port)
    first, *_, last = setup.org.sent
    assert [sent.path for sent in setup.org.sent[1::2]] == ["/services/oauth2/token"] * 2
    assert (first.method, first.path) == (last.method, last.path)


def test_1b_a_401_while_a_job_runs_ends_there():
    """The job's next look meets it: two renewals, and no abort, which would be refused as well."""
    dead = [(200, {"id": "750"}), *[(401, EXPIRED), TOKEN] * 2, (401, EXPIRED)]
    setup = rig(*dead)
    with pytest.raises(NeedsConsent):
        list(setup.port.record_stream(ReadQuery("CS_Plan__c", ())))
    assert [sent.method for sent in setup.org.sent] == ["POST", "GET", "POST", "GET", "POST", "GET"]


def test_2_a_replay_carries_the_headers_of_the_call_it_repeats():
    """It loses them; the duplicate header of the first try is on the second."""
    setup = rig((401, EXPIRED), TOKEN, (200, {"done": True}))
    header = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    setup.port._transport.request("write", "PATCH", "sobjects/X", body={"a": 1}, headers=header)
    first, _, replay = setup.org.sent
    assert {**replay.headers, "Authorization": ""} == {**first.headers, "Authorization": ""}
    assert replay.headers["Sforce-Duplicate-Rule-Header"] == "allowSave=true"
    assert replay.body == first.body


def test_3_a_deploy_changes_no_later_calls_headers():
    """Its metadata client leaves text/xml behind for every call after it."""
    setup = rig((200, {"id": "0Af"}), page([account_row(1, Name="Acme")]))
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    setup.port._transport.send_bytes("install", "POST", "metadata/deployRequest", data=b"x", headers=kind)
    read(setup)
    later = setup.org.sent[1].headers
    assert (later["Content-Type"], "SOAPAction" in later) == ("application/json", False)


@pytest.mark.parametrize("verb", ["send_bytes", "fetch"])
def test_4_bulk_and_metadata_calls_are_renewed_too(verb, tmp_path):
    """Its bulk and metadata clients keep the dead session for ever."""
    setup = rig((401, EXPIRED), TOKEN, (200, b"data"))
    transport = setup.port._transport
    if verb == "send_bytes":
        transport.send_bytes("install", "POST", "metadata/deployRequest", data=b"x", headers={})
    else:
        with (tmp_path / "page").open("w+b") as file:
            transport.fetch("read", "jobs/query/750/results", file)
            assert file.read() == b"data"
    assert setup.org.sent[-1].headers["Authorization"] == "Bearer token-2"


def test_5_every_verb_uses_the_one_session():
    """Its metadata client opens its own, without timeout or proxy; ours all reach the scripted org."""
    setup = rig((200, {"id": "0Af"}), page([]), take_collection)
    transport = setup.port._transport
    transport.send_bytes("install", "POST", "metadata/deployRequest", data=b"x", headers={})
    read(setup)
    setup.port.upsert("CS_Plan__c", KEY, [WriteRow("k", {})])
    assert len(setup.org.sent) == 3


@pytest.mark.parametrize("path", PATHS)
def test_5b_every_call_says_whose_it_is(path):
    """The client name comes back as the origin of a change, which is how our echoes are told."""
    refused = (400, [{"errorCode": "MALFORMED_QUERY", "message": "no"}])
    setup = rig((401, EXPIRED), TOKEN, refused)
    with suppress(CrmError):
        PATHS[path](setup.port)
    first, _, replay = setup.org.sent
    assert {sent.headers["Sforce-Call-Options"] for sent in (first, replay)} == {"client=colonnade"}
    parts = first.json["compositeRequest"] if path == "composite" else []
    assert [part["httpHeaders"] for part in parts] == [{"Sforce-Call-Options": "client=colonnade"}] * len(
        parts
    )


def pooled_file():
    """Return a temporary file."""
    from tempfile import TemporaryFile

    return TemporaryFile()


def test_6_an_id_reaches_the_record_it_names_only():
    """Its ids go into the path as they are, and a slash or question mark reaches another resource."""
    its, org = its_own((200, {}))
    its.Account.get("x/../../limits?a")
    assert org.sent[0].path != f"{PATH}sobjects/Account/x%2F..%2F..%2Flimits%3Fa"
    setup = rig(take_collection)
    setup.port.upsert("A/../B?c", "Key__c/../Id", [WriteRow("k", {})])
    assert setup.org.sent[0].path == f"{PATH}composite/sobjects/A%2F..%2FB%3Fc/Key__c%2F..%2FId"
    assert setup.org.sent[0].query == {}


def test_6b_keys_with_any_characters_travel_in_bodies_and_literals_never_in_paths():
    """A key that reads like a path or closes a quote stays one value."""
    nasty = "a/../b?c'd\\e"
    setup = rig(take_collection, page([]))
    setup.port.upsert("CS_Plan__c", KEY, [WriteRow(nasty, {})])
    setup.port.find("CS_Plan__c", KEY, [nasty], [])
    assert setup.org.sent[0].json["records"][0][KEY] == nasty
    assert "'a/../b?c\\'d\\\\e'" in setup.org.sent[1].soql


def test_7_a_cleared_field_is_cleared_and_a_line_break_stays_what_it_was():
    """Its bulk client writes nothing for None, which leaves the field, and turns CRLF into LF."""
    rows = [BulkRow("k", {"Note__c": None, "Text__c": "a\r\nb"})]
    (data,) = [file.data.read() for file in iter_csv_files(rows, KEY, 1_000)]
    assert data == b'CS_Key__c,Note__c,Text__c\nk,#N/A,"a\r\nb"\n'


def test_8_the_quota_is_read_from_refusals_too():
    """Its usage stands still on errors; the header that comes with the last refusal teaches us."""
    header = {"Sforce-Limit-Info": "api-usage=15000/15000"}
    its, _ = its_own((403, DAILY, header))
    with pytest.raises(Exception, match="REQUEST_LIMIT_EXCEEDED"):
        its.query("SELECT Id FROM Account")
    assert its.api_usage == {}
    setup = rig((403, DAILY, header))
    with pytest.raises(RateLimited, match="TotalRequests"):
        read(setup)
    with pytest.raises(RateLimited) as stopped:
        read(setup)
    assert stopped.value.policy == "own_daily_share"


def test_9_two_hundred_and_one_rows_are_cut_where_the_org_cuts_them():
    """It has no collections: we send two of at most 200 in one call."""

    def take(sent):
        parts = sent.json["compositeRequest"]
        assert [len(part["body"]["records"]) for part in parts] == [200, 1]
        rows = [
            {"referenceId": part["referenceId"], "httpStatusCode": 200,
             "body": take_collection(_Body(part["body"]))[1]}
            for part in parts
        ]  # fmt: skip
        return 200, {"compositeResponse": rows}

    results = rig(take).port.upsert("CS_Plan__c", KEY, [WriteRow(f"k{n}", {}) for n in range(201)])
    assert len(results) == 201


class _Body:
    """A subrequest as if it had been sent alone."""

    def __init__(self, body):
        self.json = body


def test_10_a_misspelt_verb_is_noticed_at_once():
    """It takes any attribute for an object; the port has its verbs and no more."""
    its, _ = its_own()
    assert its.bulk3 is not None
    with pytest.raises(AttributeError):
        _ = rig().port.bulk3


def test_10b_it_never_renews_by_itself_and_we_renew_once_for_all_threads():
    """In direct mode it raises; eight threads that meet a dead token ask for one new one between them."""
    its, _ = its_own((401, EXPIRED))
    with pytest.raises(SalesforceExpiredSession):
        its.query("SELECT Id FROM Account")
    gate = threading.Barrier(8)

    class Org(BaseAdapter):
        """Refuses the first token of every thread at the same moment."""

        tokens = 0

        def send(self, request, **_):
            """Answer by token."""
            script = ScriptedOrg([])
            if request.url.endswith("/token"):
                Org.tokens += 1
                script.answers = [TOKEN]
            elif request.headers["Authorization"] == "Bearer token-1":
                gate.wait(timeout=20)
                script.answers = [(401, EXPIRED)]
            else:
                script.answers = [page([account_row(1, Name="Acme")])]
            return script.send(request)

        def close(self):
            """Hold nothing."""

    setup = rig()
    setup.port._transport._session.mount("https://", Org())
    setup.port._transport.learn_long_requests(25)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read(setup), range(8)))
    assert [len(records) for records in found] == [1] * 8
    assert Org.tokens == 1
