"""One value of a record, bound to where it stands in a CRM: the smallest part of a charter.

``bindings`` and ``further_reads`` make records of these, ``row`` reads through them.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from mappings.scalars import Finding, Model, Name, refuse


class Binding(Model):
    """Where one canonical value stands: a field, perhaps translated, perhaps with a default.

    Written short as ``name: dealname``, or long as
    ``kind: {field: dealtype, map: {newbusiness: new}, default: new}``. The default also stands for
    a value the map does not have; without one such a value is a contradiction.
    """

    field: Name | None = None
    map: dict[str, str] = Field(default_factory=dict)
    default: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: object) -> object:
        if not isinstance(value, str | dict):
            refuse([Finding((), f"{value!r} names no field", "Write the CRM field's name, in quotes.")])
        return {"field": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _says_something(self) -> Binding:
        if self.field is None and self.default is None:
            refuse([Finding((), "neither a field nor a default", "Name the CRM field to read.")])
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the schema with the short form beside the long one."""
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(core)]}
