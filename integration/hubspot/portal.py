"""One connected portal as the verbs see it: its transport, path table and object names."""

from __future__ import annotations

from dataclasses import dataclass, field

from integration.hubspot.connector import Paths
from integration.hubspot.names import ObjectNames
from integration.hubspot.transport import Transport


@dataclass(frozen=True, slots=True)
class Portal:
    """What every verb needs; made once by ``connect``.

    ``labels`` are the ids of our labels by (object, target), with which links between those are made.
    """

    transport: Transport
    paths: Paths
    names: ObjectNames
    labels: dict[tuple[str, str], str] = field(default_factory=dict)

    def objects_path(self, object_name: str, operation: str = "") -> str:
        """Return the path of an operation on the records of an object, or of the records themselves."""
        path = f"{self.paths.objects}/{self.names.in_path(object_name)}"
        return f"{path}/{operation}" if operation else path

    def associations_path(self, source: str, target: str, operation: str) -> str:
        """Return the path of a batch operation on links from ``source`` to ``target``."""
        ends = f"{self.names.in_path(source)}/{self.names.in_path(target)}"
        return f"{self.paths.associations}/{ends}/batch/{operation}"
