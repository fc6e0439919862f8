"""A port on an org that knows our package under a namespace: our words outside, the org's inside.

Each verb that takes or gives names is here once more and translates both ways; the rest is inherited.
Refusals keep the org's own words, only the fields they name are ours again. A field of the customer's that
is called like one of ours but for the prefix is not seen. Neighbours: ``namespace`` knows the names,
``connector`` has the verbs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from integration.census import Census, LogWindow
from integration.fates import Fate
from integration.history import History
from integration.listening import Listening
from integration.port import (
    CrmDescription,
    CrmRecord,
    FieldSpec,
    Link,
    ObjectSpec,
    Page,
    ReadQuery,
    RowError,
    WriteResult,
    WriteRow,
)
from integration.salesforce.connector import SalesforcePort
from integration.salesforce.installer import Installer
from integration.salesforce.names import CHANGE_CHANNEL
from integration.salesforce.namespace import Namespace
from integration.salesforce.namespaced_listening import NamespacedListening
from integration.salesforce.transport import Transport
from integration.wholes import RolesWanted, Whole, WholeResult
from integration.witness import Saved

T = TypeVar("T")


class NamespacedPort(SalesforcePort):
    """A connected org whose names of ours have a prefix. Thread-safe, as the port it is."""

    def __init__(self, transport: Transport, namespace: Namespace) -> None:
        """Translate by ``namespace``."""
        super().__init__(transport)
        self._names = namespace
        self._installer = Installer(transport, self._shapes, namespace.prefix)

    def open_listening(self, address: str) -> Listening:
        """See ``ListeningPort.open_listening``; the channel the package brought has the prefix as well."""
        return NamespacedListening(self._listening(address, self._names.channel(CHANGE_CHANNEL)), self._names)

    def learn_fields(self, object_name: str, fields: Iterable[FieldSpec]) -> None:
        """See ``CrmPort.learn_fields``."""
        told = [self._spec_told(object_name, field) for field in fields]
        super().learn_fields(self._names.object(object_name), told)

    def describe(self, objects: Sequence[str]) -> CrmDescription:
        """See ``CrmPort.describe``."""
        found = super().describe([self._names.object(name) for name in objects])
        ours = {self._names.ours(name): self._described(spec) for name, spec in found.objects.items()}
        return replace(found, objects=ours)

    def iter_pages(self, query: ReadQuery) -> Iterator[Page]:
        """See ``CrmPort.iter_pages``."""
        back = self._back(query.object, query.fields)
        for page in super().iter_pages(self._asked(query)):
            yield replace(page, records=tuple(self._record(one, back) for one in page.records))

    def record_stream(self, query: ReadQuery) -> Iterator[CrmRecord]:
        """See ``BulkPort.record_stream``."""
        back = self._back(query.object, query.fields)
        for record in super().record_stream(self._asked(query)):
            yield self._record(record, back)

    def read(
        self, object_name: str, ids: Sequence[str], fields: Sequence[str], link_to: Sequence[str] = ()
    ) -> list[CrmRecord]:
        """See ``CrmPort.read``."""
        back = self._back(object_name, fields)
        parents = [self._names.object(name) for name in link_to]
        found = super().read(self._names.object(object_name), ids, list(back), parents)
        return [self._record(one, back) for one in found]

    def find(
        self, object_name: str, key_field: str, keys: Sequence[str], fields: Sequence[str]
    ) -> dict[str, CrmRecord]:
        """See ``CrmPort.find``."""
        back = self._back(object_name, (*fields, key_field))
        key, told = (
            self._names.field(object_name, key_field),
            [self._told(object_name, one) for one in fields],
        )
        found = super().find(self._names.object(object_name), key, keys, told)
        return {name: self._record(one, back) for name, one in found.items()}

    def upsert(self, object_name: str, key_field: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """See ``CrmPort.upsert``."""
        told = [self._row(object_name, row) for row in rows]
        key = self._names.field(object_name, key_field)
        return [self._result(one) for one in super().upsert(self._names.object(object_name), key, told)]

    def upsert_stream(
        self, object_name: str, key_field: str, rows: Iterable[WriteRow]
    ) -> Iterator[WriteResult]:
        """See ``BulkPort.upsert_stream``."""
        told = (self._row(object_name, row) for row in rows)
        key = self._names.field(object_name, key_field)
        for result in super().upsert_stream(self._names.object(object_name), key, told):
            yield self._result(result)

    def update(self, object_name: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """See ``CrmPort.update``."""
        told = [self._row(object_name, row) for row in rows]
        return [self._result(one) for one in super().update(self._names.object(object_name), told)]

    def last_saved(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> Mapping[str, Saved]:
        """See ``WitnessPort.last_saved``."""
        back = self._back(object_name, fields)
        found = super().last_saved(self._names.object(object_name), ids, list(back))
        return {key: replace(one, values=_renamed(one.values, back)) for key, one in found.items()}

    def history(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> list[History]:
        """See ``HistoryPort.history``."""
        back = self._back(object_name, fields)
        found = super().history(self._names.object(object_name), ids, list(back))
        return [replace(one, fields=_renamed(one.fields, back)) for one in found]

    def withdraw(self, object_name: str, ids: Sequence[str]) -> dict[str, RowError]:
        """See ``WithdrawingPort.withdraw``."""
        return super().withdraw(self._names.object(object_name), ids)

    def census(self, object_name: str, known: Iterable[str], log: LogWindow | None = None) -> Census:
        """See ``CensusPort.census``."""
        return super().census(self._names.object(object_name), known, log)

    def upsert_wholes(
        self, object_name: str, part_object: str | None, key_field: str, wholes: Sequence[Whole]
    ) -> list[WholeResult]:
        """See ``WholePort.upsert_wholes``."""
        holder = part_object or object_name
        told = [
            Whole(
                self._row(object_name, one.row),
                tuple(self._row(holder, part) for part in one.parts),
                one.roles_of,
            )
            for one in wholes
        ]
        key, part_key = (self._names.field(name, key_field) for name in (object_name, holder))
        found = self._wholes.upsert_wholes(object_name, part_object, key, told, part_key)
        return [
            WholeResult(
                self._result(one.row),
                tuple(self._result(part) for part in one.parts),
                self._error(one.roles_error),
            )
            for one in found
        ]

    def copy_roles(self, object_name: str, wanted: Sequence[RolesWanted]) -> list[RowError | None]:
        """See ``WholePort.copy_roles``."""
        return [self._error(one) for one in super().copy_roles(object_name, wanted)]

    def upsert_parts(
        self, object_name: str, part_object: str, key_field: str, rows: Sequence[WriteRow]
    ) -> list[WriteResult]:
        """See ``WholePort.upsert_parts``."""
        told = [self._row(part_object, row) for row in rows]
        key = self._names.field(part_object, key_field)
        return [self._result(one) for one in super().upsert_parts(object_name, part_object, key, told)]

    def fates(self, object_name: str, ids: Sequence[str]) -> list[Fate]:
        """See ``FatePort.fates``."""
        return super().fates(self._names.object(object_name), ids)

    def count_records(self, object_name: str) -> int:
        """See ``RemovingPort.count_records``."""
        return super().count_records(self._names.object(object_name))

    def _told(self, object_name: str, field: str) -> str:
        return self._names.field(object_name, field)

    def _back(self, object_name: str, fields: Iterable[str]) -> Mapping[str, str]:
        """Return the words that were asked by what the org calls them."""
        return {self._told(object_name, field): field for field in fields}

    def _asked(self, query: ReadQuery) -> ReadQuery:
        return replace(
            query,
            object=self._names.object(query.object),
            fields=tuple(self._told(query.object, field) for field in query.fields),
            link_to=tuple(self._names.object(name) for name in query.link_to),
        )

    def _record(self, record: CrmRecord, back: Mapping[str, str]) -> CrmRecord:
        values = _renamed(record.values, back)
        links = tuple(Link(self._names.ours(link.object), link.id) for link in record.links)
        return replace(record, object=self._names.ours(record.object), values=values, links=links)

    def _row(self, object_name: str, row: WriteRow) -> WriteRow:
        return replace(
            row,
            values={self._told(object_name, name): value for name, value in row.values.items()},
            parents=tuple(Link(self._names.object(one.object), one.id) for one in row.parents),
            parent_keys=tuple((self._names.object(name), key) for name, key in row.parent_keys),
        )

    def _result(self, result: WriteResult) -> WriteResult:
        kept = tuple(replace(one, field=self._names.ours(one.field)) for one in result.normalised)
        return replace(result, error=self._error(result.error), normalised=kept)

    def _error(self, error: RowError | None) -> RowError | None:
        if error is None:
            return None
        return replace(error, fields=tuple(self._names.ours(name) for name in error.fields))

    def _spec_told(self, object_name: str, field: FieldSpec) -> FieldSpec:
        target = None if field.references is None else self._names.object(field.references)
        return replace(field, name=self._told(object_name, field.name), references=target)

    def _described(self, spec: ObjectSpec) -> ObjectSpec:
        """Return a description in our words; the customer's field of the same word gives way to ours."""
        fields = {field.name: field for field in spec.fields}
        hidden = {self._names.ours(name) for name in fields if self._names.ours(name) != name}
        ours = [self._spec_ours(field) for name, field in fields.items() if name not in hidden]
        return replace(
            spec,
            name=self._names.ours(spec.name),
            fields=tuple(ours),
            parents=tuple(self._names.ours(name) for name in spec.parents),
            primary_field=self._names.ours(spec.primary_field),
        )

    def _spec_ours(self, field: FieldSpec) -> FieldSpec:
        target = None if field.references is None else self._names.ours(field.references)
        return replace(field, name=self._names.ours(field.name), references=target)


def _renamed(values: Mapping[str, T], back: Mapping[str, str]) -> dict[str, T]:
    return {back.get(name, name): value for name, value in values.items()}
