"""Flows and triggers of the customer's that rewrite what we write, while it is saved and in our name.

They are met once, then shown as blocked; the exact calls of several runs prove that nobody is fought.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sync.insistence import is_form_of
from sync.mended import retry_blocked
from sync.state import findings
from sync.state.engine import reading
from tests.sync.harness import SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers
from tests.sync.test_messy_orgs import ASK, RENEWAL, WRITE, renewal, round_later

OPEN = Callable[..., Office]
DUE, THEIRS = "CS_Due_On__c", "2025-04-01"


def rewriting(there: Office, **flow: Any) -> None:
    """Have a flow of the customer rewrite our opportunities while they are saved."""
    there.sandbox.post("flows", {"flows": [{"object": "Opportunity", "when": "before_save", **flow}]})


def test_a_flow_that_insists_is_met_once_and_then_left_alone(lite: Deployment, office: OPEN) -> None:
    """Written over once, then blocked with who it is: over the next days there is no call about it."""
    there = office(lite, SALESFORCE, three_customers()).install()
    there.load()
    rewriting(there, set={DUE: THEIRS})
    there.go_live().settle()
    assert renewal(there)[DUE] == THEIRS
    assert round_later(there, minutes=1) == [ASK, WRITE]
    assert round_later(there, minutes=1) == [ASK]
    (row,) = there.blocked()
    assert (row.key, row.error_code) == (RENEWAL, "REWRITTEN_ON_SAVE")
    assert row.error_message == (
        f"{DUE} was set to '{THEIRS}' by an automation of the CRM that runs as Colonnade Integration while "
        "our write is saved each time we wrote it; we want '2025-03-01'"
    )
    assert [round_later(there, days=1) for _ in range(3)] == [[], [], []]

    there.sandbox.edit("OpportunityLineItem", there.sandbox.lookup("line:l-a1"), {"Contract_ARR__c": 20000})
    assert round_later(there, days=1) == [ASK, WRITE]  # the changed reason, without the day
    assert round_later(there, days=1) == [ASK]
    assert (round_later(there, days=1), renewal(there)[DUE]) == ([], THEIRS)
    assert "23,000.00" in renewal(there)["CS_Reason__c"]

    there.sandbox.post("flows", {"flows": []})
    assert retry_blocked(there.ws) == 1
    there.push()
    assert renewal(there)[DUE] == "2025-03-01"
    assert (there.blocked(), round_later(there, days=1)) == ([], [])


def test_a_flow_that_only_fills_new_records_is_put_right(lite: Deployment, office: OPEN) -> None:
    """It runs on creation alone: the one write over it stays, and nothing is blocked."""
    there = office(lite, SALESFORCE, three_customers()).install()
    there.load()
    rewriting(there, on="create", set={DUE: THEIRS})
    there.go_live().settle()
    assert round_later(there, minutes=1) == [ASK, WRITE]
    assert round_later(there, minutes=1) == []
    assert (renewal(there)[DUE], there.blocked()) == ("2025-03-01", [])


@pytest.mark.parametrize(
    ("kept", "sent", "is_form"),
    [
        ("ACME  LTD", "Acme Ltd", True),
        ("Two lines worth", "Two lines worth USD 5", True),
        ("Two", "Two lines worth USD 5", False),
        ("12.3", "12.25", True),
        ("12.2", "12.25", False),
        ("1", "100", False),
        ("2025-04-01", "2025-03-01", False),
        (None, "Acme Ltd", False),
    ],
)
def test_another_form_is_the_same_value(kept: str | None, sent: str, *, is_form: bool) -> None:
    """Letters' case, white space, an end cut off and a rounding leave our value; anything else is another."""
    assert is_form_of(kept, sent) is is_form


def test_our_value_in_another_form_is_no_quarrel(lite: Deployment, office: OPEN) -> None:
    """Fewer characters are the form the org keeps: told once, never written again."""
    there = office(lite, SALESFORCE, three_customers()).install()
    there.load()
    rewriting(there, when="after_save", set={"CS_Reason__c": {"cut": "CS_Reason__c", "to": 20}})
    there.go_live().settle()
    kept = renewal(there)["CS_Reason__c"]
    assert round_later(there, minutes=1) == [ASK]
    assert [round_later(there, days=1) for _ in range(2)] == [[], []]
    assert (renewal(there)["CS_Reason__c"], there.blocked()) == (kept, [])
    with reading(there.engine) as conn:
        (told,) = findings.open_findings(conn, there.id, "normalised")
    assert told.subject == f"Opportunity/{RENEWAL}/CS_Reason__c"
    assert f"the CRM keeps {kept!r}" in told.message
