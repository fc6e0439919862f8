"""HubSpot's events of a contact: told in a text, and taken out; pure.

An event names its records by number, and whose number it is stands in another field: in the subscription
(``contact.``), in ``objectTypeId``, in the two ends of ``associationType``. Source: HubSpot page "Webhooks
API". Telling reads the event as text, taking out by structure, as in ``person_text``, which calls both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from integration.hubspot.connector import STANDARD_TYPE_IDS

SUBSCRIPTION: Final = "subscriptionType"
CONTACTS: Final = STANDARD_TYPE_IDS["contacts"]
OWN_IDS: Final = ("objectId", "fromObjectId", "primaryObjectId", "newObjectId")
"""The fields that name the record an event is of."""
_OTHER_END, _MERGED, _VALUE = "toObjectId", "mergedObjectIds", "propertyValue"
_TO: Final = "_TO_"
_EVENT: Final = re.compile(r'\{(?:[^{}"]++|"(?:[^"\\]++|\\.)*+")*+\}')
_OF_CONTACT: Final = re.compile(
    rf'"{SUBSCRIPTION}"\s*:\s*"contact\.|"objectTypeId"\s*:\s*"{re.escape(CONTACTS)}"'
)
_TO_CONTACT: Final = re.compile(r'"associationType"\s*:\s*"[^"]*CONTACT(?![^"]*_TO_)')
_FROM_CONTACT: Final = re.compile(r'"associationType"\s*:\s*"[^"]*CONTACT[^"]*_TO_')
_NOBODYS: Final = re.compile(r'"objectId"\s*:\s*null')
_VALUED: Final = re.compile(rf'"{_VALUE}"\s*:\s*+(?!null)')


def events_in(text: str) -> Iterator[str]:
    """Yield the events that stand in a text as JSON, also in a text within a document."""
    if SUBSCRIPTION in text:
        for one in {text, text.replace('\\"', '"')}:
            yield from (
                found.group() for found in _EVENT.finditer(one) if f'"{SUBSCRIPTION}"' in found.group()
            )


def tells(text: str, contacts: Collection[str]) -> bool:
    """Return whether an event in the text names one of the contacts, or keeps a value of one taken out."""
    return bool(contacts) and any(_names(one, contacts) for one in events_in(text))


def _names(event: str, contacts: Collection[str]) -> bool:
    ids = "|".join(re.escape(one) for one in sorted(contacts))
    of_contact = bool(_OF_CONTACT.search(event))
    fields = [*OWN_IDS] if of_contact else []
    fields += ["fromObjectId"] if _FROM_CONTACT.search(event) else []
    fields += [_OTHER_END] if _TO_CONTACT.search(event) else []
    either = "|".join(fields)
    if either and re.search(rf'"(?:{either})"\s*:\s*"?(?:{ids})\b', event):
        return True
    if of_contact and re.search(rf'"{_MERGED}"\s*:\s*\[[^\]]*\b(?:{ids})\b', event):
        return True
    return bool(of_contact and _NOBODYS.search(event) and _VALUED.search(event))


def cleaned(event: Mapping[str, Any], contacts: Collection[str]) -> dict[str, Any]:
    """Return an event without the contacts: numbers become ``None``, and with them the value it carried."""
    found = dict(event)
    of_contact = _of_contact(event)
    for name in _fields(event, of_contact=of_contact):
        if str(found.get(name)) in contacts:
            found[name] = None
            if of_contact and name in OWN_IDS and _VALUE in found:
                found[_VALUE] = None
    merged = found.get(_MERGED)
    if of_contact and isinstance(merged, list):
        found[_MERGED] = [one for one in merged if str(one) not in contacts]
    if of_contact and _VALUE in found and "objectId" in found and found["objectId"] is None:
        found[_VALUE] = None
    return found


def without(text: str, contacts: Collection[str]) -> str:
    """Return a text without the contacts in the events that stand in it."""
    if not contacts or SUBSCRIPTION not in text:
        return text
    return _EVENT.sub(lambda found: _rewritten(found.group(), contacts), text)


def _rewritten(text: str, contacts: Collection[str]) -> str:
    try:
        event = json.loads(text)
    except ValueError:
        return text
    found = cleaned(event, contacts) if SUBSCRIPTION in event else event
    return text if found == event else json.dumps(found)


def _of_contact(event: Mapping[str, Any]) -> bool:
    return str(event.get(SUBSCRIPTION)).startswith("contact.") or str(event.get("objectTypeId")) == CONTACTS


def _fields(event: Mapping[str, Any], *, of_contact: bool) -> tuple[str, ...]:
    """Return the fields of an event that hold a contact's number. A label without ends may be of one."""
    near, between, far = str(event.get("associationType", "")).rpartition(_TO)
    own = OWN_IDS if of_contact else ("fromObjectId",) if "CONTACT" in near else ()
    other = _OTHER_END in event and "CONTACT" in (far if between else str(event.get("associationType")))
    return (*own, _OTHER_END) if other else own
