"""The portfolio's further figures: bridge, cohorts, renewal rate and the lab of policies.

Brings to ``success.kpi_pack`` and ``success.lab`` what they ask beside the facts: bands, and
the hierarchy as it stood where a cohort began. Neighbours: ``numbers`` assembles the
portfolio, ``commands/metrics.py`` prints both. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from mappings.inbound import to_account
from mappings.ledger_policies import with_choices
from success.decide import scorecard_of
from success.facts import Account
from success.kpi_pack import Pack, context_of, pack
from success.lab import Lab, lab
from success.policies import ChurnDate, Customer
from success.positions import Context
from sync.keep import crm_record
from sync.numbers import Portfolio, decisions
from sync.state import mirror
from sync.state.engine import reading
from sync.workspace import Workspace


def with_policies(ws: Workspace, choices: Iterable[str]) -> Workspace:
    """Return the workspace with policies changed for one answer (``name=value``).

    Raises ValueError with the remedy where a choice is none.
    """
    policies = with_choices(ws.charter.policies, choices).to_rules()
    return replace(ws, rules=replace(ws.rules, policies=policies))


def context(ws: Workspace, found: Portfolio, start: date) -> Context:
    """Return what the workspace's policies ask beside the lines, the hierarchy that of ``start``."""
    policies = ws.rules.policies
    parents = _parents(ws, found, start) if policies.customer is Customer.ULTIMATE_PARENT else {}
    facts = found.facts.values() if policies.churn_date is ChurnDate.LAST_USE else ()
    return context_of(facts, ws.rules, found.as_of, parents)


def kpis(ws: Workspace, found: Portfolio, start: date, asked: Context) -> Pack:
    """Return all figures of the period from a day to the portfolio's, with their policies."""
    decided = decisions(ws, found)
    bands = {key: one.health.band for key, one in decided.items()}
    cards = {key: scorecard_of(ws.rules, one.standing) for key, one in decided.items()}
    return pack(list(found.facts.values()), ws.rules, (start, found.as_of), bands, asked, cards)


def experiments(ws: Workspace, found: Portfolio, start: date) -> Lab:
    """Return the ledger's figures under every other choice of each policy beside the declared ones."""
    facts = found.facts.values()
    asked = context_of(facts, ws.rules, found.as_of, _parents(ws, found, start))
    return lab(facts, ws.rules, (start, found.as_of), asked)


def _parents(ws: Workspace, found: Portfolio, day: date) -> dict[str, str]:
    """Return each account's parent as the CRM knew it at the end of a day, else as it is known now.

    What the CRM did not know of an account then is not known of its past, and its present stands in.
    """
    parents = {key: one.account.parent_id for key, one in found.facts.items()}
    after = datetime.combine(day + timedelta(days=1), time.min, tzinfo=ws.zone)
    name = ws.inbound.crm.reads.account.object
    with reading(ws.runtime.engine) as conn:
        held = mirror.known_at(conn, ws.id, name, after, "source")
    for record in held:
        account = to_account(crm_record(record), ws.inbound)
        if isinstance(account, Account) and account.account_id in parents:
            parents[account.account_id] = account.parent_id
    return {key: parent for key, parent in parents.items() if parent}
