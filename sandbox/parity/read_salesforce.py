"""Reads an org back with simple-salesforce, by plain queries of every field.

Neighbours: ``fields`` says what to read, ``read_hubspot`` does the same to a portal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce

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

VERSION = "66.0"
KEY = "CS_Key__c"


def read_salesforce(url: str, token: str) -> list[Record]:
    """Return every record of ours in the org."""
    with requests.Session() as session:
        session.mount(f"https://{urlsplit(url).netloc}", _PlainHttp())
        client = Salesforce(session_id=token, instance_url=url, version=VERSION, session=session)
        return list(_Org(client).records())


class _PlainHttp(HTTPAdapter):
    """Sends what the client means for https to a sandbox, which speaks http."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = (request.url or "").replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


class _Org:
    def __init__(self, client: Salesforce) -> None:
        self.client = client
        through = [f"CS_Profile__r.{one.salesforce}" for one in ON_ACCOUNT]
        self.rows = self._all("Account", ["Customer_Ref__c", *through])
        self.accounts = {one["Id"]: str(one["Customer_Ref__c"]) for one in self.rows}
        lines = self._all("OpportunityLineItem", ["Contract_Ref__c"])
        contracts = {one["Id"]: str(one["Contract_Ref__c"]) for one in lines}
        self.references = {key.lower(): ref for key, ref in (self.accounts | contracts).items()}
        self.users = {one["Id"]: one["Email"] for one in self._all("User", ["Email"])}

    def records(self) -> Iterator[Record]:
        for one in self.rows:
            values = _values(ON_ACCOUNT, one["CS_Profile__r"] or {})
            yield Record("account", self.accounts[one["Id"]], values)
        plans: dict[str, str] = {}
        for kind, (_, held) in OBJECTS.items():
            above = ["CS_Account__c"] if kind in UNDER_ACCOUNT else []
            above += ["CS_Plan__c"] if kind == "milestone" else []
            for one in self._all(held, [KEY, *above, *(field.salesforce for field in FIELDS[kind])]):
                key = by_reference(one[KEY], self.references)
                plans |= {one["Id"]: key} if kind == "plan" else {}
                values = _values(FIELDS[kind], one) | {"account": self.accounts.get(one.get("CS_Account__c"))}
                if kind == "milestone":
                    values["plan"] = plans.get(one["CS_Plan__c"])
                yield Record(kind, key, values)
        yield from self._deals()

    def _deals(self) -> Iterator[Record]:
        wanted = [KEY, "AccountId", "OwnerId", *(field.salesforce for field in FIELDS["deal"])]
        for one in self._all("Opportunity", wanted, f" WHERE {KEY} != null"):
            key = by_reference(one[KEY], self.references)
            values = _values(FIELDS["deal"], one) | {"account": self.accounts.get(one["AccountId"])}
            values["owner"] = self.users.get(one["OwnerId"])
            yield Record(kind_of_deal(key), key, values)

    def _all(self, name: str, fields: Sequence[str], where: str = "") -> list[dict[str, Any]]:
        return list(self.client.query_all_iter(f"SELECT Id, {', '.join(fields)} FROM {name}{where}"))


def _values(fields: Sequence[Field], row: Mapping[str, Any]) -> dict[str, str | None]:
    return {field.name: plain(field, row.get(field.salesforce)) for field in fields}
