"""Refusals in Salesforce's own words and codes.

One exception carries the HTTP status, the code and the message; the edge turns it into the
JSON array body of the REST API, collections into per-row errors (``statusCode``).
"""

from __future__ import annotations

from typing import Any

Json = Any


class SfError(Exception):
    """One refusal: HTTP status, ``errorCode``, ``message`` and the fields it names."""

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        fields: tuple[str, ...] | None = None,
        extra: dict[str, Json] | None = None,
    ) -> None:
        """Carry what the answer will say."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields
        self.extra = extra or {}

    def rest(self) -> dict[str, Json]:
        """Return the element of the error array a plain REST call answers with."""
        body: dict[str, Json] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            body["fields"] = list(self.fields)
        return {**self.extra, **body} if self.extra else body

    def row(self) -> dict[str, Json]:
        """Return the element of ``errors`` in a collection's per-row result."""
        body: dict[str, Json] = {"statusCode": self.code, "message": self.message}
        body["fields"] = list(self.fields or ())
        return {**self.extra, **body} if self.extra else body


def resource_missing() -> SfError:
    """Return the 404 for an address or record that is not there."""
    return SfError("NOT_FOUND", "The requested resource does not exist", 404)


def no_such_column(field: str, object_name: str) -> SfError:
    """Return the refusal of an unknown (or invisible) field on a write."""
    return SfError("INVALID_FIELD", f"No such column '{field}' on sobject of type {object_name}")


def unsupported_type(name: str) -> str:
    """Return the words for an unknown (or invisible) object."""
    return (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to "
        "append the '__c' after the entity name. Please reference your WSDL or the describe call for the "
        "appropriate names."
    )


def dml(code: str, message: str, *fields: str, status: int = 400) -> SfError:
    """Return a refusal of a row, which always carries a (perhaps empty) list of fields."""
    return SfError(code, message, status, fields)
