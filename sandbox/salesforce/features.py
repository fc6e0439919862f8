"""What an org's Setup decides for the whole org: currencies, sales stages, approval locks, person accounts.

Set by ``POST /_sandbox/org``. Source: Object Reference, "OpportunityStage"; Salesforce Help, "Manage
Multiple Currencies" (``CurrencyIsoCode`` is there only once an org has several), "Record Locking and
Approvals".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from sandbox.salesforce.errors import dml
from sandbox.salesforce.org import Actor, Org
from sandbox.salesforce.person_accounts import enable
from sandbox.salesforce.schema import Pick
from sandbox.salesforce.store import Change

Json = dict[str, Any]
_LOCKS: Final = "approval locks"


def set_features(org: Org, body: Json) -> Json:
    """Change what ``body`` names; return the ids of what was made. Raises ValueError.

    ``multi_currency`` false, ``stages`` (``{"label", "closed"?, "won"?, "probability"?, "active"?}``, in
    order), ``required`` (``Object.Field`` to be required of every record), ``approval_locks`` (ids),
    ``person_accounts`` true.
    """
    answer: Json = {}
    if body.get("multi_currency") is False:
        _one_currency(org)
    if "stages" in body:
        _set_stages(org, body["stages"])
    for path in body.get("required") or ():
        _require(org, str(path))
    if "approval_locks" in body:
        org.keep(_LOCKS, list(body["approval_locks"]))
    if body.get("person_accounts"):
        answer["record_types"] = enable(org)
    return answer


def check_lock(org: Org, actor: Actor, row_id: str) -> None:
    """Raise ENTITY_IS_LOCKED where a record waits for approval; admins at the screen may go on."""
    if not actor.person and row_id in org.kept(_LOCKS, []):
        raise dml("ENTITY_IS_LOCKED", "The record you are trying to edit, or one of its related records, is "
                  "currently locked. If you need access, contact your admin.")  # fmt: skip


def _one_currency(org: Org) -> None:
    for obj in org.schema:
        if obj.get("CurrencyIsoCode") is not None:
            org.schema.drop_field(obj.name, "CurrencyIsoCode", org.stamp())
            org.store.drop_field(obj.name, "CurrencyIsoCode")
    org.save_schema()


def _set_stages(org: Org, stages: list[Json]) -> None:
    change = Change()
    for row_id in list(org.store.table("OpportunityStage")):
        org.store.remove(change, "OpportunityStage", row_id)
    for order, raw in enumerate(stages, 1):
        closed, won = bool(raw.get("closed") or raw.get("won")), bool(raw.get("won"))
        category = "Closed" if won else "Omitted" if closed else "Pipeline"
        values = {
            "MasterLabel": raw["label"], "ApiName": raw["label"], "IsActive": raw.get("active", True),
            "SortOrder": order, "IsClosed": closed, "IsWon": won, "ForecastCategory": category,
            "DefaultProbability": float(raw.get("probability", 100.0 if won else 0.0)),
            "ForecastCategoryName": category,
        }  # fmt: skip
        org.plant("OpportunityStage", values)
    obj = org.schema["Opportunity"]
    picks = tuple(Pick(str(raw["label"]), str(raw["label"]), raw.get("active", True)) for raw in stages)
    obj.put(replace(obj.fields["stagename"], picks=picks))
    org.schema.touch(obj.name, org.stamp())
    org.save_schema()


def _require(org: Org, path: str) -> None:
    object_name, _, name = path.partition(".")
    obj = org.schema.get(object_name)
    f = obj.get(name) if obj else None
    if obj is None or f is None:
        raise ValueError(f"no such field: {path!r}")
    org.schema.put_field(obj.name, replace(f, nillable=False), org.stamp())
    org.save_schema()
