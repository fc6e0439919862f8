"""What the text of each field must be: one parser per field of each record of ``model.py``.

``convert.py`` applies them to what the mapping's rules give for a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sandbox.portfolio import cells
from sandbox.portfolio.cells import Parser, optional, required
from sandbox.portfolio.model import Account, ContractLine, Deal, SurveyResponse, Ticket, UsageEvent
from sandbox.portfolio.read import Record

SHAPES: Final[Mapping[type[Record], Mapping[str, Parser]]] = {
    Account: {
        "key": required(cells.text), "name": required(cells.text), "domain": cells.lower,
        "industry": cells.text, "country": cells.text, "employees": required(cells.count),
        "currency": cells.text, "created_on": required(cells.day),
        "owner_key": optional(cells.text), "parent_key": optional(cells.text),
    },
    Deal: {
        "key": required(cells.text), "account_key": required(cells.text), "name": required(cells.text),
        "stage": cells.one_of("open", "won", "lost"), "kind": cells.one_of("new", "expansion", "renewal"),
        "amount": required(cells.money), "currency": cells.text,
        "created_on": required(cells.day), "close_on": required(cells.day),
        "owner_key": optional(cells.text), "renewal_of": optional(cells.text),
    },
    ContractLine: {
        "key": required(cells.text), "deal_key": required(cells.text), "account_key": cells.text,
        "product_key": required(cells.text), "seats": required(cells.count),
        "start_on": required(cells.day), "end_on": optional(cells.day),
        "term_months": optional(cells.count), "arr": required(cells.money), "currency": cells.text,
        "kind": cells.one_of("recurring", "one_time", "trial"), "billing": cells.one_of("monthly", "annual"),
        "auto_renew": required(cells.truth), "notice_days": required(cells.count),
        "co_term_group": optional(cells.text),
    },
    Ticket: {
        "key": required(cells.text), "account_key": required(cells.text), "subject": required(cells.text),
        "priority": cells.one_of("low", "medium", "high", "urgent"), "opened_at": required(cells.instant),
        "closed_at": optional(cells.instant), "escalated": required(cells.truth),
        "csat": optional(cells.between(1, 5)),
    },
    SurveyResponse: {
        "key": required(cells.text), "account_key": required(cells.text), "contact_key": optional(cells.text),
        "kind": cells.one_of("nps", "csat", "ces"), "score": required(cells.between(0, 10)),
        "at": required(cells.instant),
    },
    UsageEvent: {
        "message_id": required(cells.text), "account_key": cells.text, "line_key": optional(cells.text),
        "product_key": cells.text, "feature": required(cells.text), "user": cells.text,
        "at": required(cells.instant), "count": required(cells.count),
        "duration_s": required(cells.count), "errors": required(cells.count),
    },
}  # fmt: skip
