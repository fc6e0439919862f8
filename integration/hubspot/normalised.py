"""What HubSpot says it kept in another form than it was sent: the ``warnings`` of a write's answer.

Since 2026-09 a date that is no midnight is brought to its day instead of being refused, and the
success body says so (changelog "CRM API write validation enforcement"). A batch may say it in the
result of the record, or once for all of it; both are read. Neighbours: ``write`` and ``keyless``
ask for each row of an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from integration.port import NormalisedValue, WriteRow

NORMALISED: Final = "PROPERTY_VALUE_NORMALIZED"
TRACE: Final = "objectWriteTraceId"


def normalised_values(
    trace: str, row: WriteRow, result: Mapping[str, Any], body: Mapping[str, Any]
) -> tuple[NormalisedValue, ...]:
    """Return the values of ``row`` that HubSpot keeps in another form, in the order it names them.

    ``result`` is the row's own part of the answer ``body``. What was sent is taken from the row;
    warnings of another kind, and about fields the row did not write, are left out.
    """
    own = [*_warnings(result), *(one for one in _warnings(body) if _is_about(one, trace, row))]
    stands = result.get("properties") or {}
    found: dict[str, NormalisedValue] = {}
    for warning in own:
        kept = _texts(warning, "normalizedValue")
        for at, name in enumerate(_texts(warning, "propertyName")):
            if name in row.values:
                value = kept[at] if at < len(kept) else stands.get(name)
                found[name] = NormalisedValue(name, row.values[name], value, str(warning.get("message", "")))
    return tuple(found.values())


def _warnings(part: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    told = part.get("warnings")
    for one in told if isinstance(told, list) else ():
        if isinstance(one, dict) and one.get("category") == NORMALISED:
            yield one


def _is_about(warning: Mapping[str, Any], trace: str, row: WriteRow) -> bool:
    """Say whether a warning of the whole batch means this row: by its trace id, else by what it sent."""
    named = _texts(warning, TRACE)
    if named:
        return trace in named
    sent = dict(zip(_texts(warning, "propertyName"), _texts(warning, "rawValue"), strict=False))
    return bool(sent) and all(row.values.get(name) == value for name, value in sent.items())


def _texts(warning: Mapping[str, Any], key: str) -> list[str]:
    """Return the context's values under ``key``: HubSpot's contexts hold lists, a single text is one."""
    context = warning.get("context")
    value = context.get(key) if isinstance(context, dict) else None
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [str(item) for item in values]
