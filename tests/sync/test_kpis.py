"""Figures over the mirror: the hierarchy is the one that stood where the cohort began."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sync.kpis import context, kpis, with_policies
from sync.numbers import portfolio
from tests.sync.harness import SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers


def test_a_later_parent_does_not_change_the_past(lite: Deployment, office: Callable[..., Office]) -> None:
    """Acorn comes under birch after forty days: one family from then on, two customers before."""
    there = office(lite, SALESFORCE, three_customers()).install()
    there.load()
    began = there.ws.day_of(lite.now)
    lite.later(days=40)
    acorn, birch = (there.sandbox.lookup(f"account:{name}") for name in ("acorn", "birch"))
    there.sandbox.edit("Account", acorn, {"ParentId": birch})
    lite.later(minutes=5)
    there.poll()
    ws = with_policies(there.ws, ["customer=ultimate_parent"])
    found = portfolio(ws, ws.day_of(lite.now))
    assert context(ws, found, began).parents == {}
    assert context(ws, found, found.as_of).parents == {acorn: birch}
    early = kpis(ws, found, began, context(ws, found, began))
    late = kpis(ws, found, began, context(ws, found, found.as_of))
    logos = {one.name: one.base for one in early.retention}["Logo retention (ultimate_parent)"]
    joined = {one.name: one.base for one in late.retention}["Logo retention (ultimate_parent)"]
    assert logos - joined == 1
    assert early.bridge.total == late.bridge.total
    assert timedelta(days=39) < found.as_of - began
