"""What is heard of an org that knows our package under a namespace, in our own words.

Neighbours: ``namespaced_port`` opens it, ``pubsub`` hears, ``namespace`` knows the names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from integration.listening import Heard, HeardChange, Listening
from integration.salesforce.namespace import Namespace


class NamespacedListening:
    """A stream of changes (``Listening``) whose objects and fields are called as everywhere else."""

    def __init__(self, heard: Listening, namespace: Namespace) -> None:
        """Translate what ``heard`` tells."""
        self._heard, self._names = heard, namespace

    def listen(self, place: str | None) -> Iterator[Heard]:
        """See ``Listening.listen``."""
        for heard in self._heard.listen(place):
            yield replace(heard, changes=tuple(self._change(one) for one in heard.changes))

    def close(self) -> None:
        """See ``Listening.close``."""
        self._heard.close()

    def _change(self, change: HeardChange) -> HeardChange:
        written = change.written
        ours = None if written is None else {self._names.ours(name): value for name, value in written.items()}
        return replace(change, object=self._names.ours(change.object), written=ours)
