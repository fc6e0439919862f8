"""Request bodies and rare answers in the typed vocabulary of hubspot-api-client 12.

Only the SDK's model classes and its serialiser are used; none of its accessors, each of
which opens a connection pool. Its models know v3/v4 shapes, which the dated paths share.
Answers that come by the page are read as plain JSON: for 200 rows of 15 properties the
SDK's deserialiser took 25 ms where ``json.loads`` took 0.7 ms.
Neighbours: the verbs build bodies here and send them through ``transport``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hubspot.crm import objects, properties, schemas
from hubspot.crm.associations import v4 as associations

from integration.hubspot.connector import SEARCH_PAGE_ROWS
from integration.port import FieldValues

Body = dict[str, Any]


class _Area:
    """One API area of the SDK: its serialiser, without the pool its client would open.

    A model built without a configuration makes one of its own, which resets the log level
    of ``urllib3`` and turns HTTP debugging off for the whole process, every time.
    """

    def __init__(self, package: Any) -> None:
        self.config = package.Configuration()
        self.config.client_side_validation = False
        self._client = package.ApiClient.__new__(package.ApiClient)
        self._client.configuration = self.config

    def body(self, model: Any) -> Body:
        """Return the JSON body of ``model``."""
        body: Body = self._client.sanitize_for_serialization(model)
        return body

    def parse(self, answer: Mapping[str, Any], kind: str) -> Any:
        """Return ``answer`` as the SDK's ``kind``; unknown keys are dropped."""
        return self._client.deserialize(_Text(json.dumps(answer)), kind)


@dataclass(frozen=True, slots=True)
class _Text:
    """What the SDK's deserialiser reads: something with the JSON text as ``data``."""

    data: str


_OBJECTS: Final = _Area(objects)
_ASSOCIATIONS: Final = _Area(associations)
_PROPERTIES: Final = _Area(properties)
_SCHEMAS: Final = _Area(schemas)


def search_body(modified: str, since_ms: int | None, after_id: str | None, fields: Sequence[str]) -> Body:
    """Return a search for the next page by id: changed at or after ``since_ms``, past ``after_id``."""
    return _search((("hs_object_id", "GT", after_id), (modified, "GTE", since_ms)), fields)


def range_body(above: int | None, up_to: int) -> Body:
    """Return a search for the records with ids above ``above`` and not above ``up_to``."""
    return _search((("hs_object_id", "GT", above), ("hs_object_id", "LTE", up_to)), ("hs_object_id",))


def _search(conditions: Sequence[tuple[str, str, int | str | None]], fields: Sequence[str]) -> Body:
    """Return a search by ascending id for what meets the conditions; one without a value is left out."""
    config = _OBJECTS.config
    filters = [
        objects.Filter(
            property_name=name, operator=operator, value=str(value), local_vars_configuration=config
        )
        for name, operator, value in conditions
        if value is not None
    ]
    groups = [objects.FilterGroup(filters=filters, local_vars_configuration=config)] if filters else []
    return _OBJECTS.body(
        objects.PublicObjectSearchRequest(
            filter_groups=groups,
            sorts=[{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            properties=list(fields),
            limit=SEARCH_PAGE_ROWS,
            local_vars_configuration=config,
        )
    )


def batch_read_body(
    ids: Iterable[str],
    fields: Sequence[str],
    id_property: str | None = None,
    *,
    history: Sequence[str] = (),
) -> Body:
    """Return a batch read by record id, or by the unique property ``id_property``; ``history`` is fields."""
    config = _OBJECTS.config
    return _OBJECTS.body(
        objects.BatchReadInputSimplePublicObjectId(
            inputs=[objects.SimplePublicObjectId(id=item, local_vars_configuration=config) for item in ids],
            properties=list(fields),
            properties_with_history=list(history),
            id_property=id_property,
            local_vars_configuration=config,
        )
    )


def upsert_body(key_field: str, rows: Mapping[str, tuple[str, FieldValues]]) -> Body:
    """Return a batch upsert of ``rows``: trace id -> (key, values)."""
    config = _OBJECTS.config
    inputs = [
        objects.SimplePublicObjectBatchInputUpsert(
            id=key,
            id_property=key_field,
            properties=write_values(values),
            object_write_trace_id=trace,
            local_vars_configuration=config,
        )
        for trace, (key, values) in rows.items()
    ]
    return _OBJECTS.body(
        objects.BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs, local_vars_configuration=config)
    )


def update_body(rows: Mapping[str, tuple[str, FieldValues]]) -> Body:
    """Return a batch update of ``rows``: trace id -> (record id, values)."""
    config = _OBJECTS.config
    inputs = [
        objects.SimplePublicObjectBatchInput(
            id=record_id,
            properties=write_values(values),
            object_write_trace_id=trace,
            local_vars_configuration=config,
        )
        for trace, (record_id, values) in rows.items()
    ]
    return _OBJECTS.body(
        objects.BatchInputSimplePublicObjectBatchInput(inputs=inputs, local_vars_configuration=config)
    )


def create_body(rows: Mapping[str, tuple[FieldValues, Iterable[tuple[str, int]]]]) -> Body:
    """Return a batch create of ``rows``: trace id -> (values, links as (id, HubSpot's type id))."""
    config = _OBJECTS.config
    inputs = [
        objects.SimplePublicObjectBatchInputForCreate(
            properties=write_values(values),
            associations=[_link(record_id, type_id) for record_id, type_id in links],
            object_write_trace_id=trace,
            local_vars_configuration=config,
        )
        for trace, (values, links) in rows.items()
    ]
    return _OBJECTS.body(
        objects.BatchInputSimplePublicObjectBatchInputForCreate(
            inputs=inputs, local_vars_configuration=config
        )
    )


def archive_body(ids: Iterable[str]) -> Body:
    """Return a batch archive by record id."""
    config = _OBJECTS.config
    inputs = [objects.SimplePublicObjectId(id=item, local_vars_configuration=config) for item in ids]
    return _OBJECTS.body(
        objects.BatchInputSimplePublicObjectId(inputs=inputs, local_vars_configuration=config)
    )


def _link(record_id: str, type_id: int) -> Any:
    config = _OBJECTS.config
    kind = objects.AssociationSpec(
        association_category="HUBSPOT_DEFINED", association_type_id=type_id, local_vars_configuration=config
    )
    to = objects.PublicObjectId(id=record_id, local_vars_configuration=config)
    return objects.PublicAssociationsForObject(types=[kind], to=to, local_vars_configuration=config)


def write_values(values: FieldValues) -> dict[str, str]:
    """Return values as HubSpot writes them: an empty string clears a property."""
    return {name: "" if value is None else value for name, value in values.items()}


def association_read_body(inputs: Iterable[tuple[str, str | None]]) -> Body:
    """Return a batch read of links for (record id, page cursor) pairs."""
    config = _ASSOCIATIONS.config
    requests = [
        associations.PublicFetchAssociationsBatchRequest(
            id=item, after=after, local_vars_configuration=config
        )
        for item, after in inputs
    ]
    return _ASSOCIATIONS.body(
        associations.BatchInputPublicFetchAssociationsBatchRequest(
            inputs=requests, local_vars_configuration=config
        )
    )


def associate_body(pairs: Iterable[tuple[str, str]]) -> Body:
    """Return a batch of default links for (from id, to id) pairs."""
    config = _ASSOCIATIONS.config
    inputs = [
        associations.PublicDefaultAssociationMultiPost(
            _from=associations.PublicObjectId(id=child, local_vars_configuration=config),
            to=associations.PublicObjectId(id=parent, local_vars_configuration=config),
            local_vars_configuration=config,
        )
        for child, parent in pairs
    ]
    return _ASSOCIATIONS.body(
        associations.BatchInputPublicDefaultAssociationMultiPost(
            inputs=inputs, local_vars_configuration=config
        )
    )


def property_models(answer: Mapping[str, Any]) -> list[Any]:
    """Return the SDK's ``Property`` models in a list or batch answer of properties."""
    found: list[Any] = _PROPERTIES.parse(answer, "CollectionResponsePropertyNoPaging").results or []
    return found


def schema_models(answer: Mapping[str, Any]) -> list[Any]:
    """Return the SDK's ``ObjectSchema`` models in a list answer of schemas."""
    found: list[Any] = _SCHEMAS.parse(answer, "CollectionResponseObjectSchemaNoPaging").results or []
    return found


def schema_model(answer: Mapping[str, Any]) -> Any:
    """Return the SDK's ``ObjectSchema`` model of one schema."""
    return _SCHEMAS.parse(answer, "ObjectSchema")


def property_create_body(definitions: Iterable[Mapping[str, Any]]) -> Body:
    """Return a batch create of property definitions, given by the SDK's attribute names.

    ``showCurrencySymbol`` is known to the SDK's schemas and not to its properties.
    """
    config = _PROPERTIES.config
    inputs: list[Body] = []
    for definition in definitions:
        known = {name: value for name, value in definition.items() if name != "show_currency_symbol"}
        model = properties.PropertyCreate(**known, local_vars_configuration=config)
        money = {"showCurrencySymbol": True} if definition.get("show_currency_symbol") else {}
        inputs.append({**_PROPERTIES.body(model), **money})
    return {"inputs": inputs}


def group_create_body(name: str, label: str) -> Body:
    """Return the creation of a property group."""
    return _PROPERTIES.body(
        properties.PropertyGroupCreate(name=name, label=label, local_vars_configuration=_PROPERTIES.config)
    )


def schema_create_body(
    labels: tuple[str, str], definitions: Iterable[Mapping[str, Any]], **schema: Any
) -> Body:
    """Return the creation of a custom object; ``labels`` are singular and plural.

    ``allowsSensitiveProperties`` is required by the dated paths and unknown to the SDK.
    """
    config = _SCHEMAS.config
    columns = [
        schemas.ObjectTypePropertyCreate(**definition, local_vars_configuration=config)
        for definition in definitions
    ]
    egg = schemas.ObjectSchemaEgg(
        labels=schemas.ObjectTypeDefinitionLabels(
            singular=labels[0], plural=labels[1], local_vars_configuration=config
        ),
        properties=columns,
        **schema,
        local_vars_configuration=config,
    )
    return {**_SCHEMAS.body(egg), "allowsSensitiveProperties": False}
