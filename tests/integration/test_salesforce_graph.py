"""Composite graphs against the sandbox org: all or nothing each, in as few calls as the limits allow."""

from __future__ import annotations

import pytest

from integration.salesforce.composite import Part
from integration.salesforce.graph import Graph, send_graphs
from tests.integration.salesforce_steps import install
from tests.integration.test_salesforce_org import CHANGES, port_on

BY_KEY = "sobjects/Opportunity/CS_Key__c/"


@pytest.fixture
def port(salesforce_sandbox):
    """Return a port on an org with our key on opportunities."""
    port = port_on(salesforce_sandbox)
    assert install(port, CHANGES).done
    return port


def renewal(key, **account):
    """Return a graph of an account and a renewal under it."""
    values = {"Name": "R", "StageName": "Prospecting", "CloseDate": "2025-01-31", "AccountId": "@{a.id}"}
    return Graph(
        {
            "a": Part("POST", "sobjects/Account", {"Name": f"Of {key}", **account}),
            "r": Part("PATCH", BY_KEY + key, values),
        }
    )


def calls(port):
    """Return the calls made for graphs."""
    return port.calls.by_reason.get("graph", 0)


def send(port, graphs):
    """Send graphs."""
    return send_graphs(port._transport, "graph", graphs)


def test_a_record_and_what_hangs_under_it_are_one_call(port):
    """The second node has the first one's id; its key finds it again."""
    (answer,) = send(port, [renewal("renewal:1:1")])
    found = port.find("Opportunity", "CS_Key__c", ["renewal:1:1"], ["AccountId"])["renewal:1:1"]
    assert answer.bodies["a"]["id"] == found.values["AccountId"]
    assert answer.bodies["r"]["created"] is True
    assert calls(port) == 1


def test_a_graph_with_a_bad_node_leaves_nothing_and_says_which(port, salesforce_sandbox):
    """Its neighbours stand."""
    answers = send(port, [renewal("k:1"), renewal("k:2", NumberOfEmployees="many"), renewal("k:3")])
    assert [one.failure is None for one in answers] == [True, False, True]
    assert (answers[1].failed_at, answers[1].bodies) == ("a", {})
    assert answers[1].failure.code == "JSON_PARSER_ERROR"
    assert set(port.find("Opportunity", "CS_Key__c", ["k:1", "k:2", "k:3"], [])) == {"k:1", "k:3"}


def test_graphs_are_cut_where_a_payload_is_full(port):
    """Seventy-six graphs are two calls, for a payload takes 75."""
    answers = send(port, [renewal(f"k:{number}") for number in range(76)])
    assert sum(one.failure is None for one in answers) == 76
    assert calls(port) == 2


def test_graphs_an_org_halted_are_sent_again(port):
    """After 14 failures it tries no more of a payload: the sixteenth good one is in the next call."""
    bad = [renewal(f"bad:{number}", NumberOfEmployees="many") for number in range(15)]
    answers = send(port, [*bad, renewal("good")])
    assert [one.failure is None for one in answers] == [False] * 15 + [True]
    assert {one.failure.code for one in answers[:15]} == {"JSON_PARSER_ERROR"}
    assert calls(port) == 2


def chain(length):
    """Return a graph in which each account hangs under the one before."""
    nodes = {"a0": Part("POST", "sobjects/Account", {"Name": "a0"})}
    for number in range(1, length):
        body = {"Name": "x", "ParentId": f"@{{a{number - 1}.id}}"}
        nodes[f"a{number}"] = Part("POST", "sobjects/Account", body)
    return Graph(nodes)


def test_what_no_payload_takes_is_a_mistake_of_the_caller(port):
    """Sixteen deep, 501 nodes, or an address that is no record: nothing is sent."""
    wide = Graph({f"a{n}": Part("POST", "sobjects/Account", {"Name": "x"}) for n in range(501)})
    for graph in (chain(16), wide, Graph({"q": Part("GET", "query?q=x")})):
        with pytest.raises(ValueError, match="graph"):
            send(port, [graph])
    assert calls(port) == 0
    assert send(port, [chain(15)])[0].failure is None
