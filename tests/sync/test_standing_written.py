"""Segments, stages and stages of adoption as they stand in both CRMs, and how one follows a changed field.

As of 15 January 2025. Acorn pays 15,000 a year, Birch 2,400, Doc bought nothing; all are in software.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mappings.charter import Charter
from mappings.load import read_charter
from tests.sync.harness import CHARTER, HUBSPOT, SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
STANDING = """
segments:
  version: 1
  hold_days: 2
  rules:
    - {key: large, touch: high, when: arr >= 10000.0, leave_when: arr < 8000.0}
    - key: makers
      touch: mid
      when: attr.industry in ["AUTOMOTIVE", "Automotive"]
    - {key: others, touch: digital}
journey:
  version: 1
  stages:
    - {key: align}
    - {key: onboard, when: contract.open}
    - {key: govern, when: contract.open && segment == "large"}
adoption:
  version: 1
  stages:
    - {key: bought}
    - {key: launched, when: product.usage_total >= 1}
"""
FIELDS = ("segment", "segment_since", "touch_model", "stage", "stage_since", "adoption_stages")


def charter(vendor: str) -> Charter:
    """Return the default charter with segments, a journey and stages of adoption."""
    return read_charter(Path(CHARTER).read_text(encoding="utf-8") + STANDING, vendor)


def stands(there: Office, key: str) -> tuple[Any, ...]:
    """Return what an account's profile in the CRM says of where it stands."""
    account = there.sandbox.lookup(f"account:{key}").lower()
    found = there.written(there.own("profile"))[f"profile:{account}"]
    if there.sandbox.vendor == SALESFORCE:
        return tuple(found["_".join(["CS", *map(str.title, one.split("_")), "_c"])] for one in FIELDS)
    return tuple(found.get(f"cs_{one}") or None for one in FIELDS)


@pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE])
def test_where_accounts_stand_is_written_and_follows_after_the_hold(
    lite: Deployment, office: OPEN, vendor: str
) -> None:
    """Birch turns to cars on the 15th: asked for on three days, it stands from the 17th on."""
    there = office(lite, vendor, three_customers()).connect(charter(vendor)).install()
    there.load()
    there.go_live().settle()
    # Going live folds the 14th, and nothing earlier is known.
    before = "2025-01-14"
    others = ("others", before, "digital")
    assert stands(there, "acorn") == ("large", before, "high", "govern", before, "core: Bought")
    assert stands(there, "birch") == (*others, "onboard", before, "core: Bought")
    assert stands(there, "doc") == (*others, "align", before, None)
    lite.later(hours=1)
    birch = there.sandbox.lookup("account:birch")
    if vendor == HUBSPOT:
        there.sandbox.edit("companies", birch, {"industry": "AUTOMOTIVE"})
    else:
        there.sandbox.edit("Account", birch, {"Industry": "Automotive"})
    there.poll()
    shown = []
    for _ in range(4):
        there.look_at_all()
        there.settle()
        shown.append(stands(there, "birch")[:3])
        lite.later(days=1)
    makers = ("makers", "2025-01-17", "mid")
    assert shown == [others, others, makers, makers]
    assert there.blocked() == []
