"""Reads a portal back with hubspot-sdk, which checks nothing of ours and knows none of our names.

Neighbours: ``fields`` says what to read, ``read_salesforce`` does the same to an org.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hubspot_sdk import HubSpot

from sandbox.parity.fields import (
    FIELDS,
    OBJECTS,
    ON_ACCOUNT,
    UNDER_ACCOUNT,
    Field,
    Record,
    by_reference,
    kind_of_deal,
    plain,
)

PAGE = 100
KEY = "cs_key"


def read_hubspot(url: str, token: str) -> list[Record]:
    """Return every record of ours in the portal."""
    with HubSpot(access_token=token, base_url=url, max_retries=0) as client:
        return list(_Portal(client).records())


class _Portal:
    def __init__(self, client: HubSpot) -> None:
        self.client = client
        self.companies = self._all("companies", ["customer_ref", *(one.hubspot for one in ON_ACCOUNT)], [])
        self.accounts = {one.id: str(one.properties["customer_ref"]) for one in self.companies}
        lines = self._all("line_items", ["contract_ref"], [])
        contracts = {one.id: str(one.properties["contract_ref"]) for one in lines}
        self.references = self.accounts | contracts
        self.owners = {one.id: one.email for one in client.crm.owners.list(limit=PAGE)}

    def records(self) -> Iterator[Record]:
        for one in self.companies:
            yield Record("account", self.accounts[one.id], _values(ON_ACCOUNT, one.properties))
        names = {one.name: one.fully_qualified_name for one in self.client.crm.object_schemas.list().results}
        plans: dict[str, str] = {}
        for kind in OBJECTS:
            held = str(names[OBJECTS[kind][0]])
            above = ["companies"] if kind in UNDER_ACCOUNT else []
            above += [str(names[OBJECTS["plan"][0]])] if kind == "milestone" else []
            for one in self._all(held, [KEY, *(field.hubspot for field in FIELDS[kind])], above):
                key = by_reference(str(one.properties[KEY]), self.references)
                plans |= {one.id: key} if kind == "plan" else {}
                values = _values(FIELDS[kind], one.properties) | self._account(one)
                if kind == "milestone":
                    values["plan"] = _named(one, above[1], plans)
                yield Record(kind, key, values)
        yield from self._deals()

    def _deals(self) -> Iterator[Record]:
        wanted = [KEY, "hubspot_owner_id", *(field.hubspot for field in FIELDS["deal"])]
        for one in self._all("deals", wanted, ["companies"]):
            if one.properties.get(KEY):
                key = by_reference(one.properties[KEY], self.references)
                values = _values(FIELDS["deal"], one.properties) | self._account(one)
                values["owner"] = self.owners.get(one.properties.get("hubspot_owner_id") or "")
                yield Record(kind_of_deal(key), key, values)

    def _account(self, record: Any) -> dict[str, str | None]:
        return {"account": _named(record, "companies", self.accounts)}

    def _all(self, object_type: str, properties: Sequence[str], associations: Sequence[str]) -> list[Any]:
        given = {"associations": list(associations)} if associations else {}
        api = self.client.crm.objects.generic_objects
        return list(api.list(object_type, limit=PAGE, properties=list(properties), **given))


def _values(fields: Sequence[Field], properties: Mapping[str, Any]) -> dict[str, str | None]:
    return {field.name: plain(field, properties.get(field.hubspot)) for field in fields}


def _named(record: Any, object_type: str, names: Mapping[str, str]) -> str | None:
    """Return what a record hangs under, by name; several are told one after the other."""
    found = (record.associations or {}).get(object_type)
    ids = sorted({str(end.id) for end in found.results}) if found else []
    return ", ".join(names.get(one, one) for one in ids) or None
