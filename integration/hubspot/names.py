"""From our plain object names to what HubSpot wants in a path.

Standard objects are fixed. A custom object's type id differs per portal and is learned
once per port from its schemas; where the portal id is known, its fully qualified name
``p<portal>_<name>`` does without that call. Neighbours: all verbs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock

from integration.hubspot.connector import NAMED_IN_PATHS, STANDARD_TYPE_IDS
from integration.port import Refusal, Refused, RowError


class ObjectNames:
    """Object names of one portal; thread-safe."""

    def __init__(self, load_custom: Callable[[], Mapping[str, str]], portal_id: str | None) -> None:
        """Ask ``load_custom`` for name -> type id of the custom objects, when first needed."""
        self._load_custom = load_custom
        self._portal_id = portal_id
        self._custom: dict[str, str] = {}
        self._lock = Lock()

    def in_path(self, name: str) -> str:
        """Return what stands for object ``name`` in a path. Raises ``Refused`` when unknown."""
        if name in NAMED_IN_PATHS:
            return name
        if name in self._custom or name in STANDARD_TYPE_IDS or self._portal_id is None:
            return self.type_id(name)
        return f"p{self._portal_id}_{name}"

    def type_id(self, name: str) -> str:
        """Return the object type id of ``name``. Raises ``Refused`` when unknown."""
        standard = STANDARD_TYPE_IDS.get(name)
        if standard is not None:
            return standard
        with self._lock:
            if name not in self._custom:
                self._custom.update(self._load_custom())
            found = self._custom.get(name)
        if found is None:
            message = f"the portal has no object named {name}"
            raise Refused(RowError(Refusal.FIXABLE, "OBJECT_TYPE_UNKNOWN", message))
        return found

    def remember(self, type_ids: Mapping[str, str]) -> None:
        """Keep type ids learned on the way, by custom object name."""
        with self._lock:
            self._custom.update(type_ids)
