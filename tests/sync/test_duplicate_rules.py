"""What the charter says of writes that an org's own duplicate rule only warns of."""

from __future__ import annotations

import pytest

from mappings.charter import Charter
from mappings.load import load_charter
from sync.mended import retry_blocked
from tests.sync.harness import CHARTER, SALESFORCE
from tests.sync.portfolios import Book

PROFILE = "CS_Profile__c"


def charter_that(policy: str) -> Charter:
    """Return the default charter with a policy for duplicates."""
    body = load_charter(CHARTER, SALESFORCE).model_dump(mode="json", by_alias=True)
    body["crm"]["salesforce"]["writes"]["duplicates"] = policy
    return Charter.model_validate(body)


@pytest.fixture
def there(lite, office):
    """Give a function that opens an org of two customers of one name, with a rule on profiles, pushed."""

    def pushed(policy: str, *, may_be_saved: bool):
        found = office(lite, SALESFORCE, Book().account("a", "Acorn").account("b", "Acorn"))
        found.connect(charter_that(policy)).install()
        rule = {"object": PROFILE, "fields": ["Name"], "allow_save": may_be_saved, "name": "Same name"}
        found.sandbox.post("duplicate_rules", rule)
        found.load()
        found.go_live()
        found.settle()
        return found

    return pushed


@pytest.mark.parametrize(("policy", "may_be_saved"), [("block", True), ("allow", False)])
def test_the_second_of_two_alike_is_shown_with_the_first(there, policy, may_be_saved):
    """By the charter's word or the rule's: the admin sees the org's words and the record it matched."""
    found = there(policy, may_be_saved=may_be_saved)
    ((first,), (blocked,)) = found.written(PROFILE).values(), found.blocked()
    assert blocked.error_code == "DUPLICATES_DETECTED"
    assert blocked.error_message == f"Use one of these records? (Same name matches {first['Id']})"


def test_both_are_written_where_rule_and_charter_allow_it(there):
    """A second call with the org's header saves the one, and nothing waits."""
    found = there("allow", may_be_saved=True)
    assert len(found.written(PROFILE)) == 2
    assert found.blocked() == []


def test_what_a_duplicate_rule_refused_is_written_once_the_rule_is_gone(there):
    """Nothing tries it by itself; an admin's word does."""
    found = there("block", may_be_saved=True)
    found.sandbox.delete("duplicate_rules")
    found.deployment.later(days=1)
    found.push()
    assert len(found.blocked()) == 1
    assert retry_blocked(found.ws) == 1
    found.push()
    assert (len(found.written(PROFILE)), found.blocked()) == (2, [])
