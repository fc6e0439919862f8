"""What a quote needs: a subscription for the CPQ kind, and its parts before it is published.

Source: HubSpot's quotes guide. A quote starts as a draft and is published by its status; it must by
then be associated with a deal, a contact and line items. ``writes`` asks for every quote written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from sandbox.hubspot.errors import invalid
from sandbox.hubspot.quota import PAID

if TYPE_CHECKING:
    from sandbox.hubspot.portal import Portal

QUOTE: Final = "0-14"
_PARTS: Final = {"0-3": "deal", "0-1": "contact", "0-8": "line item"}
_PUBLISHED: Final = ("APPROVAL_NOT_NEEDED", "APPROVED")


def check_quote(portal: Portal, values: dict[str, str], record_id: str, given: Iterable[str]) -> None:
    """Raise 400 for a quote that can't be; ``given`` are the object types a create associates it with."""
    if values.get("hs_template_type") == "CPQ_QUOTE" and portal.options.tier not in PAID:
        raise invalid("CPQ quotes need Commerce Hub Professional or Enterprise")
    if values.get("hs_status") not in _PUBLISHED:
        return
    held = {*given, *portal.links.all_of(QUOTE, record_id)}
    missing = [name for type_id, name in _PARTS.items() if type_id not in held]
    if missing:
        raise invalid(f"A quote can't be published without: {', '.join(missing)}")
