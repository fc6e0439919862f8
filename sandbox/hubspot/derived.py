"""Values HubSpot sets by itself when a record is written: what a deal's or ticket's stage implies.

Source: HubSpot's default deal and ticket properties.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.times import stamp

if TYPE_CHECKING:
    from sandbox.hubspot.portal import Portal


def derive(portal: Portal, kind: ObjectType, values: dict[str, str], now: int) -> dict[str, str]:
    """Return ``values`` with what follows from them; ``now`` is in ms."""
    if kind.type_id == "0-3":
        return _deal(portal, values)
    if kind.type_id == "0-5":
        return _ticket(portal, values, now)
    if kind.type_id == "0-8":
        return _line_item(values)
    if kind.type_id == "0-1" and "email" in values:
        return {**values, "hs_email_domain": values["email"].rpartition("@")[2]}
    return values


def _deal(portal: Portal, values: dict[str, str]) -> dict[str, str]:
    stage = portal.stage("0-3", values.get("pipeline", ""), values.get("dealstage", ""))
    probability = stage["metadata"].get("probability", "") if stage else ""
    closed = probability in ("0.0", "1.0", "0", "1")
    return {
        **values,
        "hs_deal_stage_probability": probability,
        "hs_is_closed": "true" if closed else "false",
        "hs_is_closed_won": "true" if closed and Decimal(probability) == 1 else "false",
    }


def _ticket(portal: Portal, values: dict[str, str], now: int) -> dict[str, str]:
    stage = portal.stage("0-5", values.get("hs_pipeline", "0"), values.get("hs_pipeline_stage", ""))
    full = {"hs_pipeline": "0", **values}
    if stage and stage["metadata"].get("ticketState") == "CLOSED":
        full.setdefault("closed_date", stamp(now))
    else:
        full.pop("closed_date", None)
    return full


def _line_item(values: dict[str, str]) -> dict[str, str]:
    if "price" not in values:
        return values
    amount = Decimal(values["price"]) * Decimal(values.get("quantity", "1"))
    amount -= Decimal(values.get("discount", "0")) * Decimal(values.get("quantity", "1"))
    return {**values, "amount": format(amount.normalize(), "f")}
