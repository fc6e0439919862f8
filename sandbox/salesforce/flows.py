"""Flows and triggers of the customer that rewrite what is saved, or refuse it.

Set by ``POST /_sandbox/flows``; ``write.py`` runs them. They run as the user who saves: the record's
last modifier is that user, so nothing but the value tells that somebody else's rule was at work. Source:
Apex guide, "Triggers and Order of Execution" (flows before the save run before validation rules, flows
after it once the record is stored); Flow guide, "Record-Triggered Flow".
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.salesforce.coerce import coerce
from sandbox.salesforce.errors import dml
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import SObject
from sandbox.salesforce.store import Row

Json = dict[str, Any]
BEFORE: Final = "before_save"
AFTER: Final = "after_save"
_NOTE: Final = "flows"


def set_flows(org: Org, flows: list[Json]) -> int:
    """Replace the org's flows; return how many there are. Raises ValueError.

    Each is ``{"object", "when": "before_save"|"after_save", "on"?: "create"|"update"|"both",
    "if"?: {field: value}, "set"?: {field: value}, "fail"?: words, "name"?}``; a value may also be
    ``{"upper": field}`` or ``{"cut": field, "to": characters}``.
    """
    for flow in flows:
        obj = org.schema.get(str(flow.get("object")))
        if obj is None or flow.get("when") not in (BEFORE, AFTER):
            raise ValueError(f"a flow needs an object and when: {flow!r}")
        unknown = [name for name in flow.get("set") or {} if obj.get(name) is None]
        if unknown:
            raise ValueError(f"{obj.name} has no field {', '.join(unknown)}")
    org.keep(_NOTE, flows)
    return len(flows)


def run(org: Org, when: str, obj: SObject, row: Row, old: Row | None) -> bool:
    """Run the flows of a moment on ``row`` in place; return whether one changed it.

    Raises CANNOT_EXECUTE_FLOW_TRIGGER where one fails.
    """
    before = dict(row)
    for flow in org.kept(_NOTE, []):
        if flow["when"] != when or flow["object"].lower() != obj.name.lower() or not _starts(flow, row, old):
            continue
        if flow.get("fail"):
            name = flow.get("name") or "Flow"
            words = f"We can't save this record because the “{name}” process failed. "
            raise dml("CANNOT_EXECUTE_FLOW_TRIGGER", f"{words}Give your Salesforce admin these details. "
                      f"{flow['fail']}")  # fmt: skip
        for name, value in (flow.get("set") or {}).items():
            f = obj.get(name)
            if f is not None:
                row[f.name] = coerce(f, _worked_out(value, row))
    return row != before


def _starts(flow: Json, row: Row, old: Row | None) -> bool:
    on = flow.get("on") or "both"
    if on not in ("both", "create" if old is None else "update"):
        return False
    return all(row.get(name) == value for name, value in (flow.get("if") or {}).items())


def _worked_out(value: Any, row: Row) -> Any:
    if not isinstance(value, dict):
        return value
    if "upper" in value:
        return str(row.get(value["upper"]) or "").upper()
    return str(row.get(value["cut"]) or "")[: int(value["to"])]
