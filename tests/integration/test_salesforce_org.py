"""The Salesforce adapter against the sandbox org, over real HTTP."""

from __future__ import annotations

import json
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from integration.budget import LocalBudget
from integration.port import (
    FieldSpec,
    FieldType,
    Link,
    NeedsConsent,
    ObjectSpec,
    ReadQuery,
    Refusal,
    SchemaChange,
    WriteRow,
)
from integration.salesforce.auth import ClientCredentials, JwtBearer, MemoryTokenStore
from integration.salesforce.connector import connect
from integration.salesforce.outbound import ack, parse
from tests.integration.salesforce_steps import install

NOW = datetime(2024, 12, 31, 9, 0, tzinfo=UTC)
KEY = "CS_Key__c"
SECRET = ClientCredentials("colonnade", "hush")


def field(name, kind, **more):
    """Return a field we want."""
    return FieldSpec(name, name.removesuffix("__c").replace("_", " "), kind, **more)


KEY_SPEC = field(KEY, FieldType.TEXT, unique=True)
PLAN = ObjectSpec(
    "CS_Plan__c",
    "Success Plan",
    "Success Plans",
    (
        field("Name", FieldType.TEXT),
        KEY_SPEC,
        field("CS_Done__c", FieldType.NUMBER, decimals=1),
        field("CS_Value__c", FieldType.MONEY),
        field("CS_Late__c", FieldType.BOOLEAN),
        field("CS_Starts__c", FieldType.DATE),
        field("CS_Seen__c", FieldType.INSTANT),
        field("CS_Notes__c", FieldType.LONG_TEXT),
        field("CS_Status__c", FieldType.CHOICE, choices=(("active", "Active"), ("complete", "Complete"))),
    ),
    custom=True,
    parents=("Account",),
)
MILESTONE = ObjectSpec(
    "CS_Milestone__c",
    "Milestone",
    "Milestones",
    (field("Name", FieldType.TEXT), KEY_SPEC),
    custom=True,
    parents=("CS_Plan__c", "Account"),
)
OPPORTUNITY = ObjectSpec("Opportunity", "Opportunity", "Opportunities", (KEY_SPEC,))
CHANGES = [
    SchemaChange(PLAN, create_object=True, fields=PLAN.fields),
    SchemaChange(MILESTONE, create_object=True, fields=MILESTONE.fields),
    SchemaChange(OPPORTUNITY, create_object=False, fields=(KEY_SPEC,)),
]


def write_portfolio(folder, accounts, deals):
    """Write a portfolio of ``accounts`` with ``deals`` spread over them."""
    folder.mkdir()
    head = {"name": "Test", "as_of": "2024-12-31", "contract_home": "deal", "currency": "USD"}
    (folder / "portfolio.json").write_text(json.dumps(head))
    account = [
        {"key": f"a{n}", "name": f"Account {n}", "domain": f"a{n}.example", "industry": "Banking",
         "country": "US", "employees": 10 + n, "currency": "USD", "created_on": "2023-01-02"}
        for n in range(accounts)
    ]  # fmt: skip
    deal = [
        {"key": f"d{n}", "account_key": f"a{n % accounts}", "name": f"Deal {n}", "stage": "won",
         "kind": "new", "amount": f"{n}.50", "currency": "USD", "created_on": "2023-02-01",
         "close_on": "2023-03-01"}
        for n in range(deals)
    ]  # fmt: skip
    for name, rows in (("accounts", account), ("deals", deal)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in ("owners", "contacts", "products", "contract_lines", "tickets", "surveys", "usage"):
        (folder / f"{name}.jsonl").touch()
    return str(folder)


def port_on(sandbox, credentials=SECRET, store=None, sleep=lambda seconds: None):
    """Return a port on ``sandbox``, whose admin has registered our app."""
    sandbox.post("/_sandbox/app", {"consumer_key": "colonnade", "client_secret": "hush"})
    return connect(
        credentials, sandbox.url, LocalBudget({}), lambda: NOW, store or MemoryTokenStore(), sleep=sleep
    )


@pytest.fixture
def org(salesforce_sandbox):
    """Return a sandbox whose clock stands at nine on the last day of 2024."""
    salesforce_sandbox.post("/_sandbox/clock", {"now": "2024-12-31T09:00:00Z", "running": False})
    return salesforce_sandbox


def vendor_calls(sandbox):
    """Return how many requests the org has logged."""
    return len(sandbox.get("/_sandbox/requests?after=0")["requests"])


def test_five_thousand_opportunities_arrive_with_their_accounts_in_three_calls(org, tmp_path):
    """A first load costs one call per 2,000 records; signing in costs two once."""
    org.post("/_sandbox/load", {"dir": write_portfolio(tmp_path / "p", 100, 5_000)})
    port = port_on(org)
    records = [
        r
        for page in port.iter_pages(ReadQuery("Opportunity", ("Name", "Amount"), ("Account",)))
        for r in page.records
    ]
    assert len({record.id for record in records}) == 5_000
    assert all(len(record.links) == 1 for record in records)
    assert {r.values["Name"]: r.values["Amount"] for r in records}["Deal 17"] == "17.5"
    assert port.calls.by_reason == {"oauth": 1, "versions": 1, "read Opportunity": 3}
    assert vendor_calls(org) == port.calls.total


def test_changes_and_deletions_since_a_moment_arrive_in_one_call(org, tmp_path):
    """What a person edited or deleted comes, what nobody touched does not."""
    org.post("/_sandbox/load", {"dir": write_portfolio(tmp_path / "p", 5, 0)})
    edited, deleted = (org.get(f"/_sandbox/lookup?ref=account:a{n}")["id"] for n in (1, 2))
    org.post("/_sandbox/edit", {"object": "Account", "id": edited, "values": {"Name": "New"}})
    org.post("/_sandbox/edit", {"object": "Account", "id": deleted, "delete": True})
    query = ReadQuery("Account", ("Name",), changed_since=NOW - timedelta(minutes=5))
    port = port_on(org)
    records = [record for page in port.iter_pages(query) for record in page.records]
    assert {(record.id, record.archived) for record in records} == {(edited, False), (deleted, True)}
    assert {record.source_at for record in records} == {NOW}
    assert port.calls.by_reason["read Account"] == 1


def test_records_are_read_by_id_and_missing_ones_left_out(org, tmp_path):
    """A handful is a query, hundreds are one retrieval; both give the same record."""
    org.post("/_sandbox/load", {"dir": write_portfolio(tmp_path / "p", 1_200, 0)})
    port = port_on(org)
    pages = list(port.iter_pages(ReadQuery("Account", ("Name",))))
    ids = [record.id for page in pages for record in page.records]
    few = port.read("Account", [ids[0], "001000000000000AAA"], ["Name"])
    many = port.read("Account", ids, ["Name"])
    assert [record.id for record in few] == [ids[0]]
    assert (len(many), many[0]) == (1_200, few[0])
    assert port.calls.by_reason["read Account"] == 3


def test_a_key_pair_signs_in_as_the_integration_user(org):
    """The JWT flow needs no secret and no refresh token; the org id comes with the token."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    app = org.post("/_sandbox/app", {"consumer_key": "jwt", "public_key_pem": public.decode()})
    port = port_on(org, JwtBearer("jwt", app["username"], pem))
    assert port.read("Account", ["001000000000000AAA"], []) == []
    assert len(port.organization_id) == 18


def test_an_idle_session_is_renewed_without_the_caller_noticing(org, tmp_path):
    """Two hours later the token is dead; the read works all the same."""
    org.post("/_sandbox/load", {"dir": write_portfolio(tmp_path / "p", 3, 0)})
    port = port_on(org)
    list(port.iter_pages(ReadQuery("Account", ())))
    org.post("/_sandbox/clock", {"now": "2024-12-31T12:00:00Z", "running": False})
    pages = list(port.iter_pages(ReadQuery("Account", ())))
    assert len(pages[0].records) == 3
    assert port.calls.by_reason == {"oauth": 2, "versions": 1, "read Account": 3}


def test_a_wrong_secret_is_ours_and_a_withdrawn_approval_is_theirs(org):
    """Whose move it is decides what the console says."""
    from integration.port import Misconfigured

    with pytest.raises(Misconfigured):
        port_on(org, ClientCredentials("colonnade", "wrong")).read("Account", ["001000000000000AAA"], [])


@pytest.fixture
def installed(org, tmp_path):
    """Return an org with five accounts and our objects in it, and the port that installed them."""
    org.post("/_sandbox/load", {"dir": write_portfolio(tmp_path / "p", 5, 5)})
    port = port_on(org)
    assert install(port, CHANGES).message == ""
    return org, port


def account_id(sandbox, number):
    """Return the id of account ``number``."""
    return sandbox.get(f"/_sandbox/lookup?ref=account:a{number}")["id"]


def test_an_install_makes_objects_the_integration_user_sees(installed):
    """After the deploy the objects are described with the types we asked for."""
    _, port = installed
    held = port.describe(["CS_Plan__c", "CS_Milestone__c", "Nothing__c", "Opportunity"])
    assert set(held.objects) == {"CS_Plan__c", "CS_Milestone__c", "Opportunity"}
    kinds = {spec.name: spec.type for spec in held.objects["CS_Plan__c"].fields}
    assert {spec.name: kinds[spec.name] for spec in PLAN.fields} == {s.name: s.type for s in PLAN.fields}
    assert kinds["CS_Account__c"] is FieldType.REFERENCE
    won = [stage.id for stage in held.deal_pipelines[0].stages if stage.won]
    assert won == ["Closed Won"]
    assert port.calls.by_reason["describe"] == 2


def test_an_install_may_be_repeated(installed):
    """Asking twice for the same is not an error."""
    _, port = installed
    assert install(port, CHANGES).done


def test_adding_a_field_later_takes_no_right_away(installed):
    """Our objects stay in sight when a later install names them all and adds one field."""
    _, port = installed
    extra = field("CS_Extra__c", FieldType.TEXT)
    later = [SchemaChange(one.object, create_object=False, fields=()) for one in CHANGES[:2]]
    install(port, [*later, SchemaChange(OPPORTUNITY, create_object=False, fields=(extra,))])
    held = port.describe(["CS_Plan__c", "CS_Milestone__c", "Opportunity"]).objects
    names = {name: {spec.name for spec in held[name].fields} for name in held}
    assert {"CS_Account__c", "CS_Done__c"} <= names["CS_Plan__c"]
    assert {"CS_Plan__c", "CS_Account__c"} <= names["CS_Milestone__c"]
    assert {KEY, "CS_Extra__c"} <= names["Opportunity"]


def test_an_opportunity_takes_our_key_from_people_too(installed):
    """Our key on the customer's object is never required: a person's opportunity still saves."""
    org, _ = installed
    values = {"Name": "By hand", "StageName": "Prospecting", "CloseDate": "2025-01-31"}
    assert org.post("/_sandbox/edit", {"object": "Opportunity", "id": None, "values": values})["id"]


def test_five_hundred_rows_are_written_in_one_call_and_read_back_as_sent(installed):
    """Every type survives the way there and back; a second write creates nothing."""
    org, port = installed
    values = {
        "Name": "Plan",
        "CS_Done__c": "3.5",
        "CS_Value__c": "1234567.89",
        "CS_Late__c": "true",
        "CS_Starts__c": "2024-02-29",
        "CS_Seen__c": "2024-12-31T23:59:59Z",
        "CS_Notes__c": 'Ä "quoted" & <tag>\nline',
        "CS_Status__c": "active",
    }
    parent = Link("Account", account_id(org, 0))
    rows = [WriteRow(f"plan:{n}", values, parents=(parent,)) for n in range(500)]
    before = port.calls.total
    first = port.upsert("CS_Plan__c", KEY, rows)
    assert port.calls.total - before == 1
    assert all(result.created and result.error is None for result in first)
    again = port.upsert("CS_Plan__c", KEY, rows)
    assert [result.record_id for result in again] == [result.record_id for result in first]
    assert not any(result.created for result in again)
    record = port.read("CS_Plan__c", [first[3].record_id], list(values), ("Account",))[0]
    assert record.values == values
    assert record.links == (parent,)


def test_a_child_hangs_under_a_parent_named_by_our_key(installed):
    """Nothing has to be read to learn the parent's id; a parent that is not there is told as gone."""
    org, port = installed
    port.upsert(
        "CS_Plan__c", KEY, [WriteRow("plan:1", {"Name": "P"}, (Link("Account", account_id(org, 1)),))]
    )
    rows = [
        WriteRow("m:1", {"Name": "M"}, parent_keys=(("CS_Plan__c", "plan:1"),)),
        WriteRow("m:2", {"Name": "M"}, parent_keys=(("CS_Plan__c", "plan:none"),)),
    ]
    good, bad = port.upsert("CS_Milestone__c", KEY, rows)
    plan = port.find("CS_Plan__c", KEY, ["plan:1"], ["Name"])["plan:1"]
    milestone = port.read("CS_Milestone__c", [good.record_id], [], ("CS_Plan__c",))[0]
    assert milestone.links == (Link("CS_Plan__c", plan.id),)
    assert bad.error.refusal is Refusal.GONE


def test_the_orgs_validation_rule_speaks_in_its_own_words(installed):
    """One row is refused with the admin's text, its neighbour is written."""
    org, port = installed
    words = "A renewal needs a positive amount"
    org.post(
        "/_sandbox/validation_rules",
        {"object": "Opportunity", "field": "Amount", "equals": -1, "message": words},
    )
    base = {"Name": "Renewal", "CloseDate": "2025-06-30", "StageName": "Prospecting"}
    parent = (Link("Account", account_id(org, 0)),)
    rows = [
        WriteRow("renewal:g:1", {**base, "Amount": "100"}, parent),
        WriteRow("renewal:g:2", {**base, "Amount": "-1"}, parent),
    ]
    good, bad = port.upsert("Opportunity", KEY, rows)
    assert good.created
    assert (bad.error.refusal, bad.error.message) == (Refusal.FIXABLE, words)


def test_a_lost_answer_is_settled_by_the_key(installed):
    """The write took effect, its answer was lost: the retry finds the same record."""
    org, port = installed
    fault = {
        "match": {"method": "PATCH", "path_contains": "/composite/sobjects"},
        "times": 1,
        "kind": "drop_response",
    }
    org.post("/_sandbox/faults", {"faults": [fault]})
    results = port.upsert("CS_Plan__c", KEY, [WriteRow("plan:lost", {"Name": "P"})])
    found = port.find("CS_Plan__c", KEY, ["plan:lost"], [])
    assert results[0].record_id == found["plan:lost"].id
    assert org.get("/_sandbox/dump")["objects"]["CS_Plan__c"] == 1


def test_a_record_deleted_by_a_person_is_gone(installed):
    """Updating it by id tells GONE, so that the mapping is dropped."""
    org, port = installed
    made = port.upsert("CS_Plan__c", KEY, [WriteRow("plan:1", {"Name": "P"})])[0]
    org.post("/_sandbox/edit", {"object": "CS_Plan__c", "id": made.record_id, "delete": True})
    row = WriteRow("plan:1", {"Name": "Q"}, record_id=made.record_id)
    assert port.update("CS_Plan__c", [row])[0].error.refusal is Refusal.GONE


def test_many_threads_renew_an_expired_session_once(org, tmp_path):
    """With rotation every further renewal would kill the one before it."""
    org.post("/_sandbox/load", {"dir": write_portfolio(tmp_path / "p", 3, 0)})
    port = port_on(org)
    list(port.iter_pages(ReadQuery("Account", ())))
    org.post("/_sandbox/revoke", {})
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: next(port.iter_pages(ReadQuery("Account", ()))), range(8)))
    assert [len(page.records) for page in pages] == [3] * 8
    assert port.calls.by_reason["oauth"] == 2


def test_an_edit_in_the_org_reaches_us_as_a_hint(org, tmp_path):
    """The sandbox's outbound message, posted over HTTP, names the org and the record."""
    org.post("/_sandbox/load", {"dir": write_portfolio(tmp_path / "p", 2, 0)})
    bodies = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(ack())))
            self.end_headers()
            self.wfile.write(ack())

        def log_message(self, *_):
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    target = f"http://127.0.0.1:{server.server_port}/hook"
    org.post("/_sandbox/webhooks", {"target_url": target, "objects": ["Account"]})
    record_id = account_id(org, 1)
    org.post("/_sandbox/edit", {"object": "Account", "id": record_id, "values": {"Name": "New"}})
    message = parse(bodies.get(timeout=30))
    server.shutdown()
    assert message.organization_id == port_on(org).organization_id
    assert [(note.object, note.record_id) for note in message.notifications] == [("Account", record_id)]


def test_a_revoked_app_needs_consent(org):
    """All tokens revoked and the refresh token dead: only the admin can connect again."""
    from integration.salesforce.auth import RefreshToken

    port = port_on(org, RefreshToken("colonnade", "dead", "hush"))
    with pytest.raises(NeedsConsent):
        port.read("Account", ["001000000000000AAA"], [])
