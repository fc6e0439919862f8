"""The contact roles of a deal as one row of the ledger, and what the charter must read for them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mappings.charter import Charter
from mappings.deal_roles import copied_from
from mappings.load import load_charter
from mappings.outbound import to_rows
from success.desired import DesiredRecord, RecordKind
from tests.mappings.test_deal_lines import DEFAULT

KEY = "renewal:l-a1:2"
RENEWAL = DesiredRecord(RecordKind.RENEWAL, KEY, "001A", {}, continues=("006B", "006A"))


def charter(vendor: str = "salesforce", **reads: Any) -> Charter:
    """Return the default charter whose renewals begin with contact roles."""
    body = load_charter(DEFAULT, vendor).model_dump(mode="json", by_alias=True)
    crm = body["crm"][vendor]
    crm["reads"]["contract_line"] |= reads
    crm["writes"]["renewal"]["contact_roles"] = True
    return Charter.model_validate(body)


def test_the_roles_of_a_deal_are_one_row_under_it() -> None:
    """It says whose roles are copied; which those are is read when they are."""
    deal, roles = to_rows(RENEWAL, charter(), "salesforce")
    assert (roles.object, roles.key) == ("OpportunityContactRole", f"{KEY}:roles")
    assert roles.parent_keys == (("Opportunity", deal.key),)
    assert (copied_from(roles.seed), roles.ours) == (("006B", "006A"), {})


def test_no_row_is_wanted_without_an_earlier_deal_or_the_charters_word() -> None:
    """By default, for the other kind of deal, and where nothing is continued."""
    expansion = DesiredRecord(RecordKind.EXPANSION, "expansion:a:1", "001A", {}, continues=("006A",))
    alone = DesiredRecord(RecordKind.RENEWAL, KEY, "001A", {})
    assert len(to_rows(RENEWAL, load_charter(DEFAULT, "salesforce"), "salesforce")) == 1
    assert [len(to_rows(one, charter(), "salesforce")) for one in (expansion, alone)] == [1, 1]


@pytest.mark.parametrize(
    ("vendor", "reads", "says"),
    [
        ("hubspot", {}, "deals have no contact roles in HubSpot"),
        (
            "salesforce",
            {"from": "contract", "object": "Contract", "parent": "Account"},
            "do not say which deal sold them",
        ),
    ],
)
def test_a_charter_that_cannot_have_roles_is_told_so(vendor: str, reads: dict[str, str], says: str) -> None:
    """HubSpot's deals have none; contracts and assets lead to no deal."""
    with pytest.raises(ValidationError, match=says):
        charter(vendor, **reads)
