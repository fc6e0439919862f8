"""The memory of the rules: what was opened and reached, and on which grid day.

A cache of a fold over the daily grid (00:00 of each day in the installation's time zone):
dropping it and replaying the grid gives the same bytes. ``decide.advance`` makes the steps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from success.anchor_text import anchors_in, anchors_out
from success.anchors import Anchors
from success.facts import Money
from success.holding import Change, Held
from success.standing import Standing

FORMAT = 2
BAND = "band"


@dataclass(frozen=True, slots=True)
class PlanState:
    """An opened plan: ``starts_on`` is its baseline, ``reached`` the day of each milestone by position."""

    starts_on: date
    opened_on: date
    reached: Mapping[str, date] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenedLine:
    """A line a renewal was opened with: which it continues, and its share of the amount for a year."""

    line_id: str
    product_id: str
    quantity: int
    amount: Money


@dataclass(frozen=True, slots=True)
class RenewalState:
    """An opened renewal. ``due_on`` and ``amount`` follow the contract until ``closed_on``.

    ``opened_due_on``, ``opened_amount`` and ``opened_lines`` are those of the opening for ever: a deal
    begins with them, whenever somebody first looks. One opened before lines were kept has none.
    """

    group: str
    term_number: int
    due_on: date
    opened_on: date
    amount: Money
    lines: tuple[str, ...]
    opened_due_on: date
    opened_amount: Money
    closed_on: date | None = None
    opened_lines: tuple[OpenedLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpansionState:
    """An opened expansion; its figures are those of the day it was opened."""

    product_id: str
    opened_on: date
    due_on: date
    amount: Money
    seats: int
    added_seats: int


@dataclass(frozen=True, slots=True)
class FoldState:
    """All that was opened for one account, by structural key.

    ``day`` is the last grid day folded in. ``adopted`` maps the key of a renewal we did not
    make to the person's deal that stands for it. ``segment``, ``stage`` and ``band`` are None before
    the first grid day. ``adoption`` holds the stage of each product, ``pinned`` which of segment and
    stage a person's pin set, and of ``BAND`` whether it is of a score a person's override changed.
    ``anchors`` are the days from which a change of health is told.
    """

    day: date | None = None
    plans: Mapping[str, PlanState] = field(default_factory=dict)
    renewals: Mapping[str, RenewalState] = field(default_factory=dict)
    expansions: Mapping[str, ExpansionState] = field(default_factory=dict)
    adopted: Mapping[str, str] = field(default_factory=dict)
    segment: Held | None = None
    stage: Held | None = None
    band: Held | None = None
    adoption: Mapping[str, Held] = field(default_factory=dict)
    pinned: frozenset[str] = frozenset()
    anchors: Anchors = field(default_factory=Anchors)

    @property
    def standing(self) -> Standing:
        """Return segment, stage and stages of adoption as they stood when the last grid day was folded."""
        return Standing(self.segment, self.stage, self.adoption, self.pinned)

    @classmethod
    def empty(cls) -> FoldState:
        """Return the state before the first grid day."""
        return cls()

    def to_json(self) -> str:
        """Return the state as JSON text; equal states give equal text."""
        body: dict[str, Any] = {
            "format": FORMAT,
            "day": _text(self.day),
            "plans": {key: _plan_out(plan) for key, plan in self.plans.items()},
            "renewals": {key: _renewal_out(renewal) for key, renewal in self.renewals.items()},
            "expansions": {key: _expansion_out(expansion) for key, expansion in self.expansions.items()},
            "adopted": dict(self.adopted),
            "segment": _held_out(self.segment),
            "stage": _held_out(self.stage),
            "band": _held_out(self.band),
            "adoption": {product: _held_out(held) for product, held in self.adoption.items()},
            "pinned": sorted(self.pinned),
        }
        if self.anchors.since is not None:
            body["anchors"] = anchors_out(self.anchors)
        return json.dumps(body, sort_keys=True, separators=(",", ":"))

    @classmethod
    def restored(cls, text: str | None) -> FoldState:
        """Return the stored state, or the empty one to replay the grid from: none, or of another format."""
        try:
            return cls() if text is None else cls.from_json(text)
        except ValueError:
            return cls()

    @classmethod
    def from_json(cls, text: str) -> FoldState:
        """Return the state written by ``to_json``. Raises ValueError on another format."""
        body = json.loads(text)
        if body.get("format") != FORMAT:
            raise ValueError(f"fold state format {body.get('format')} is not {FORMAT}: replay the grid")
        return cls(
            day=_day(body["day"]),
            plans={key: _plan_in(plan) for key, plan in body["plans"].items()},
            renewals={key: _renewal_in(renewal) for key, renewal in body["renewals"].items()},
            expansions={key: _expansion_in(expansion) for key, expansion in body["expansions"].items()},
            adopted=dict(body["adopted"]),
            segment=_held_in(body["segment"]),
            stage=_held_in(body["stage"]),
            band=_held_in(body["band"]),
            adoption={
                product: held for product, one in body.get("adoption", {}).items() if (held := _held_in(one))
            },
            pinned=frozenset(body.get("pinned", ())),
            anchors=anchors_in(body.get("anchors", ())),
        )


def _held_out(held: Held | None) -> dict[str, Any] | None:
    if held is None:
        return None
    waiting = held.waiting
    return {
        "changes": [[_text(one.since), one.value] for one in held.changes],
        "waiting": None if waiting is None else [_text(waiting.since), waiting.value],
    }


def _held_in(body: Mapping[str, Any] | None) -> Held | None:
    if body is None:
        return None
    changes = tuple(Change(date.fromisoformat(since), value) for since, value in body["changes"])
    waiting = body["waiting"]
    return Held(changes, Change(date.fromisoformat(waiting[0]), waiting[1]) if waiting else None)


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _plan_out(plan: PlanState) -> dict[str, Any]:
    return {
        "starts_on": _text(plan.starts_on),
        "opened_on": _text(plan.opened_on),
        "reached": {position: _text(day) for position, day in plan.reached.items()},
    }


def _plan_in(body: Mapping[str, Any]) -> PlanState:
    reached = {position: date.fromisoformat(day) for position, day in body["reached"].items()}
    return PlanState(date.fromisoformat(body["starts_on"]), date.fromisoformat(body["opened_on"]), reached)


def _renewal_out(renewal: RenewalState) -> dict[str, Any]:
    return {
        "group": renewal.group,
        "term_number": renewal.term_number,
        "due_on": _text(renewal.due_on),
        "opened_on": _text(renewal.opened_on),
        "amount": [renewal.amount.minor, renewal.amount.currency],
        "lines": list(renewal.lines),
        "opened_due_on": _text(renewal.opened_due_on),
        "opened_amount": [renewal.opened_amount.minor, renewal.opened_amount.currency],
        "closed_on": _text(renewal.closed_on),
        "opened_lines": [
            [one.line_id, one.product_id, one.quantity, one.amount.minor, one.amount.currency]
            for one in renewal.opened_lines
        ],
    }


def _renewal_in(body: Mapping[str, Any]) -> RenewalState:
    return RenewalState(
        group=body["group"],
        term_number=body["term_number"],
        due_on=date.fromisoformat(body["due_on"]),
        opened_on=date.fromisoformat(body["opened_on"]),
        amount=Money(*body["amount"]),
        lines=tuple(body["lines"]),
        opened_due_on=date.fromisoformat(body["opened_due_on"]),
        opened_amount=Money(*body["opened_amount"]),
        closed_on=_day(body["closed_on"]),
        opened_lines=tuple(
            OpenedLine(line_id, product_id, quantity, Money(minor, currency))
            for line_id, product_id, quantity, minor, currency in body.get("opened_lines", ())
        ),
    )


def _expansion_out(expansion: ExpansionState) -> dict[str, Any]:
    return {
        "product_id": expansion.product_id,
        "opened_on": _text(expansion.opened_on),
        "due_on": _text(expansion.due_on),
        "amount": [expansion.amount.minor, expansion.amount.currency],
        "seats": expansion.seats,
        "added_seats": expansion.added_seats,
    }


def _expansion_in(body: Mapping[str, Any]) -> ExpansionState:
    return ExpansionState(
        product_id=body["product_id"],
        opened_on=date.fromisoformat(body["opened_on"]),
        due_on=date.fromisoformat(body["due_on"]),
        amount=Money(*body["amount"]),
        seats=body["seats"],
        added_seats=body["added_seats"],
    )
