"""What keeps an account from being where people or fields say it is: told, never guessed at.

A pin to a segment or stage the charter does not have does nothing. An attribute that carries several
values cannot say which segment an account is in (domain C02), so rules of segments do not see it.
Neighbours: ``records`` shows these as risks, ``kpi_pack`` counts them among the contradictions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from success.criteria import Segmentation
from success.expressions import attributes_in
from success.human_inputs import Pin
from success.ledger import Contradiction
from success.view import AccountView

# HubSpot's checkboxes and Salesforce's multi-select picklists put one between the values they hold.
BETWEEN_VALUES = ";"
UNKNOWN_PIN = "unknown_pin"
SEVERAL_VALUES = "several_values"


def single_attributes(view: AccountView) -> Mapping[str, str]:
    """Return the account's attributes that carry one value."""
    held = view.facts.account.attributes
    return {name: text for name, text in held.items() if len(_values(text)) <= 1}


def standing_findings(view: AccountView) -> tuple[Contradiction, ...]:
    """Return pins that name nothing, and attributes of several values that segments are told by."""
    return tuple(sorted((*_unknown_pins(view), *_several_values(view))))


def _unknown_pins(view: AccountView) -> Iterator[Contradiction]:
    human, rules = view.facts.human, view.rules
    segments = [one.key for one in rules.segmentation.segments]
    stages = [one.key for one in rules.journey.stages]
    pins: tuple[tuple[str, Pin | None, list[str]], ...] = (
        ("segment", human.segment_pin, segments),
        ("stage", human.stage_pin, stages),
    )
    for what, pin, known in pins:
        if pin is not None and pin.key not in known:
            text = f"The {what} is pinned to {pin.key!r}, which the charter does not have; it has no effect."
            yield Contradiction(UNKNOWN_PIN, what, text)


def _several_values(view: AccountView) -> Iterator[Contradiction]:
    for name in sorted(attributes_read(view.rules.segmentation)):
        text = view.facts.account.attributes.get(name, "")
        if len(values := _values(text)) > 1:
            told = f"The attribute {name!r} carries several values ({', '.join(values)})"
            yield Contradiction(SEVERAL_VALUES, name, f"{told}, so it tells no segment.")


def attributes_read(segmentation: Segmentation) -> frozenset[str]:
    """Return the account's attributes that the rules of segments read."""
    conditions = (text for one in segmentation.segments for text in (one.when, one.leave_when) if text)
    return frozenset(name for text in conditions for name, _, _ in attributes_in(text))


def _values(text: str) -> list[str]:
    return [one for part in text.split(BETWEEN_VALUES) if (one := part.strip())]
