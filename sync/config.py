"""The program's configuration: environment variables, read once, typed, checked together.

Every variable is in docs/reference.md. Secrets are never shown, neither in errors nor in
the text of a ``Settings``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from sqlalchemy.engine import make_url

from integration.safe_address import is_loopback
from sync.state.engine import normal_url
from sync.state.errors import StateError

DEFAULT_HOME = "./.colonnade"
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")

REMEDIES = {
    "DATABASE_URL": "give sqlite:///file or postgresql://user:password@host/name, or leave it out",
    "REDIS_URL": "give redis://host:port/0, rediss://... for TLS, or leave it out for the embedded Valkey",
    "CS_HOME": "give a folder we may write to",
    "CS_PUBLIC_URL": "give the https:// address at which the CRM reaches this program",
    "CS_SECRET_KEYS": "give one key or more, comma separated; `colonnade keys new` makes one",
    "CS_USAGE_STORE": "give a folder that every process reaches",
    "CS_INTAKE_BACKLOG": "give how many events may wait before usage is put off, 1 or more",
    "CS_DISK_FLOOR_MB": "give how many megabytes must stay free, 0 or more",
    "CS_HUBSPOT_CLIENT_ID": "copy it from the app's Auth page in HubSpot",
    "CS_HUBSPOT_CLIENT_SECRET": "copy it from the app's Auth page in HubSpot",
    "CS_HUBSPOT_APP_ID": "give the app's number from HubSpot",
    "CS_CHARTER": "give the charter's file, or leave it out for the one we bring along",
    "CS_HUBSPOT_URL": "leave it out: it is for a stand-in of HubSpot only",
    "CS_SALESFORCE_CLIENT_ID": "copy the consumer key from the external client app's OAuth settings",
    "CS_SALESFORCE_CLIENT_SECRET": "copy the consumer secret, or leave it out where the app requires none",
    "CS_SALESFORCE_URL": "leave it out: it is for a stand-in of Salesforce on this machine only",
    "CS_SALESFORCE_CLIENT_CERT": "give HEADER: FINGERPRINT as the proxy passes it, more by commas",
    "CS_SALESFORCE_PUBSUB_URL": "leave it out, or give the https:// address of a region's endpoint",
    "CS_METRICS_TOKEN": "give what Prometheus sends as bearer, or leave it out: this machine needs none",
    "CS_LOG_LEVEL": "give DEBUG, INFO, WARNING or ERROR",
    "PORT": "give a port number from 1 to 65535",
}


class ConfigError(Exception):
    """The environment is wrong; names each variable, what is the matter and what to do."""


def _database(text: str) -> str:
    try:
        return normal_url(text).render_as_string(hide_password=False)
    except StateError as error:
        raise ValueError(str(error)) from error


def _redis(text: str) -> str:
    if not text.startswith(REDIS_SCHEMES):
        raise ValueError("it is no Redis address")
    return text


def _public(text: str) -> str:
    if not text.startswith(("https://", "http://")):
        raise ValueError("it is no web address")
    if text.startswith("http://") and not is_loopback(text):
        raise ValueError("outside this machine it takes https addresses only")
    return text.rstrip("/")


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


DatabaseUrl = Annotated[str, AfterValidator(_database)]
RedisUrl = Annotated[str, AfterValidator(_redis)]


def _address(text: str) -> str:
    return _public(text) if text else text


def _on_this_machine(text: str) -> str:
    found = _address(text)
    if found and not is_loopback(found):
        raise ValueError("it is no address on this machine")
    return found


def _header_and_values(text: str) -> str:
    name, colon, values = text.partition(":")
    if not (colon and name.replace("-", "").isalnum() and name.isascii() and values.strip(" ,")):
        raise ValueError("it is no header's name with the values it may have")
    return text


PublicUrl = Annotated[str, AfterValidator(_public)]


class Settings(BaseModel):
    """The whole configuration. Field aliases are the variables' names."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    home: Path = Field(alias="CS_HOME", default=Path(DEFAULT_HOME))
    database_url: DatabaseUrl = Field(alias="DATABASE_URL", default="", repr=False)
    redis_url: RedisUrl | None = Field(alias="REDIS_URL", default=None, repr=False)
    public_url: PublicUrl | None = Field(alias="CS_PUBLIC_URL", default=None)
    secret_keys: SecretStr | None = Field(alias="CS_SECRET_KEYS", default=None)
    usage_store: str = Field(alias="CS_USAGE_STORE", default="")
    intake_backlog: int = Field(alias="CS_INTAKE_BACKLOG", default=5_000, ge=1)
    disk_floor_mb: int = Field(alias="CS_DISK_FLOOR_MB", default=200, ge=0)
    hubspot_client_id: str | None = Field(alias="CS_HUBSPOT_CLIENT_ID", default=None)
    hubspot_client_secret: SecretStr | None = Field(alias="CS_HUBSPOT_CLIENT_SECRET", default=None)
    hubspot_app_id: int | None = Field(alias="CS_HUBSPOT_APP_ID", default=None, ge=1)
    hubspot_url: Annotated[str, AfterValidator(_address)] = Field(alias="CS_HUBSPOT_URL", default="")
    salesforce_client_id: str | None = Field(alias="CS_SALESFORCE_CLIENT_ID", default=None)
    salesforce_client_secret: SecretStr | None = Field(alias="CS_SALESFORCE_CLIENT_SECRET", default=None)
    salesforce_url: Annotated[str, AfterValidator(_on_this_machine)] = Field(
        alias="CS_SALESFORCE_URL", default=""
    )
    salesforce_client_cert: Annotated[str, AfterValidator(_header_and_values)] | None = Field(
        alias="CS_SALESFORCE_CLIENT_CERT", default=None, repr=False
    )
    pubsub_url: Annotated[str, AfterValidator(_address)] = Field(alias="CS_SALESFORCE_PUBSUB_URL", default="")
    charter: Path | None = Field(alias="CS_CHARTER", default=None)
    metrics_token: SecretStr | None = Field(alias="CS_METRICS_TOKEN", default=None)
    log_level: Annotated[LogLevel, BeforeValidator(_upper)] = Field(alias="CS_LOG_LEVEL", default="INFO")
    port: int = Field(alias="PORT", default=8000, ge=1, le=65535)


def variables() -> tuple[str, ...]:
    """Return the names of every variable the program reads."""
    return tuple(str(field.alias) for field in Settings.model_fields.values())


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the configuration; an empty variable counts as not set.

    ``DATABASE_URL`` defaults to a SQLite file and ``CS_USAGE_STORE`` to a folder under
    ``CS_HOME``. Raises ConfigError naming every variable that is wrong.
    """
    given = {name: environ[name] for name in variables() if environ.get(name)}
    home = Path(given.get("CS_HOME", DEFAULT_HOME)).expanduser().absolute()
    given["CS_HOME"] = str(home)
    given.setdefault("DATABASE_URL", f"sqlite:///{home / 'colonnade.db'}")
    given.setdefault("CS_USAGE_STORE", str(home / "usage"))
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise ConfigError(_explained(error)) from None


def shown_database(settings: Settings) -> str:
    """Return the database URL without its password, for messages."""
    return make_url(settings.database_url).render_as_string(hide_password=True)


def _explained(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_input=False, include_context=False, include_url=False):
        name = str(problem["loc"][0])
        matter = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {matter}; {REMEDIES[name]}")
    return "\n".join(lines)
