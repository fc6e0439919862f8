"""The catalogue of words: what expressions may read beside measures, and from which step on it is known.

One look at an account takes its steps in one order (``Step``), and a rule reads only what an earlier
step has settled, so that no rule can hang on itself. Neighbours: ``measures`` has the numbers and hands
out both in a ``MeasureBook``, ``expressions`` checks the types and the order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum

from success.view import AccountView

Word = str | bool | int | float | tuple[str, ...] | Mapping[str, str]
"""A word's value: a text, a yes or no, a number, several texts, or texts by name."""


class Step(IntEnum):
    """The steps of a look, in their order. A rule of a step reads what steps before it settled."""

    FACTS = 0
    SEGMENT = 1
    PLAN = 2
    STAGE = 3
    HEALTH = 4
    EXPANSION = 5


class WordType(StrEnum):
    """The CEL type of a word."""

    STRING = "string"
    BOOL = "bool"
    INT = "int"
    DOUBLE = "double"
    STRINGS = "list(string)"
    STRINGS_BY_NAME = "map(string, string)"


@dataclass(frozen=True, slots=True)
class WordEntry:
    """One word. ``settled_by`` is the step after which it is known; ``of_view`` None: it is handed in.

    ``per_product`` words speak of one product and stand in rules of adoption only.
    """

    name: str
    type: WordType
    settled_by: Step = Step.FACTS
    of_view: Callable[[AccountView, date], Word | None] | None = None
    per_product: bool = False


def _owner(view: AccountView, _: date) -> Word | None:
    return view.facts.account.owner_id


def _name(view: AccountView, _: date) -> Word | None:
    return view.facts.account.name


def _attributes(view: AccountView, _: date) -> Word | None:
    return view.facts.account.attributes


def _begun(view: AccountView, as_of: date) -> Word | None:
    return view.started_on(as_of) is not None


def _open(view: AccountView, as_of: date) -> Word | None:
    return bool(view.open_lines(as_of))


def _per_product(name: str, of_type: WordType) -> WordEntry:
    return WordEntry(f"product.{name}", of_type, Step.PLAN, None, per_product=True)


HEALTH = "health"
SEGMENT = "segment"
STAGE = "stage"
ATTRIBUTES = "attr"

_CATALOGUE = (
    WordEntry("account.name", WordType.STRING, of_view=_name),
    WordEntry("account.owner", WordType.STRING, of_view=_owner),
    WordEntry(ATTRIBUTES, WordType.STRINGS_BY_NAME, of_view=_attributes),
    WordEntry("contract.begun", WordType.BOOL, of_view=_begun),
    WordEntry("contract.open", WordType.BOOL, of_view=_open),
    # Evidence is judged for days before we knew the account, when it had no segment yet.
    WordEntry(SEGMENT, WordType.STRING, Step.PLAN),
    WordEntry("plan.first_phase", WordType.STRING, Step.PLAN),
    WordEntry("plan.phases_open", WordType.STRINGS, Step.PLAN),
    WordEntry("plan.reached", WordType.STRINGS, Step.PLAN),
    WordEntry("plan.milestones_late", WordType.INT, Step.PLAN),
    _per_product("id", WordType.STRING),
    _per_product("seats", WordType.INT),
    _per_product("seat_utilisation", WordType.DOUBLE),
    _per_product("active_users_28d", WordType.INT),
    _per_product("usage_events_28d", WordType.INT),
    _per_product("active_days_28d", WordType.INT),
    _per_product("feature_breadth_28d", WordType.INT),
    _per_product("usage_total", WordType.INT),
    _per_product("days_since_start", WordType.INT),
    WordEntry(STAGE, WordType.STRING, Step.STAGE),
    WordEntry(HEALTH, WordType.DOUBLE, Step.HEALTH),
)
WORDS: Mapping[str, WordEntry] = {word.name: word for word in _CATALOGUE}
