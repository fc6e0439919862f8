"""How every command answers: a table or the same as JSON, and one clear error when it cannot.

Progress and messages go to standard error, answers to standard output.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, TypeVar

import click
from redis.exceptions import RedisError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from integration.port import CrmError, NeedsConsent, Refusal, Refused
from mappings.money import to_major
from mappings.problems import CharterError
from success.facts import Money
from sync.config import ConfigError
from sync.state.errors import StateError

EXPECTED = (
    ConfigError,
    StateError,
    CharterError,
    CrmError,
    ValueError,
    OSError,
    RuntimeError,
    SQLAlchemyError,
    RedisError,
)
"""What a command may meet; ``explained`` gives the words, the place and the remedy of each."""


class Unusable(click.ClickException):
    """What was given cannot be used; shown as it is, with exit code 2."""

    exit_code = 2


F = TypeVar("F", bound=Callable[..., Any])
progress = Console(stderr=True)


def json_option(command: F) -> F:
    """Give a command its ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")(command)


def answer(data: object, as_json: bool, show: Callable[[Console], None]) -> None:
    """Print ``data`` as JSON, or ``show`` it to a person."""
    if as_json:
        click.echo(json.dumps(plain(data), indent=2, sort_keys=True))
    else:
        show(Console())


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table; every cell is made text."""
    made = Table(title=Text(title), title_justify="left", header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        # A customer's name is text, whatever brackets it holds.
        made.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return made


def explained(error: BaseException) -> str:
    """Return an expected error in words: its own, or those of a server that went away meanwhile."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if isinstance(error, SQLAlchemyError):
        return f"DATABASE_URL: the database stopped answering ({first}); what was committed stays, run again"
    if isinstance(error, RedisError):
        return f"REDIS_URL: Redis stopped answering ({first}); nothing is lost, start it and run again"
    if isinstance(error, NeedsConsent):
        return f"{error}; connect it again with `colonnade install VENDOR --credentials FILE`"
    if isinstance(error, Refused) and error.error.refusal is Refusal.PERMISSION:
        return f"{error}; grant what is named to the token or app in the CRM, and run again"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}; correct the path or its permissions"
    return str(error)


def plain(value: object) -> Any:
    """Return ``value`` in the shapes JSON has; money in major units with its currency."""
    if isinstance(value, Money):
        return {"amount": float(to_major(value)), "currency": value.currency}
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [
            plain(one) for one in (sorted(value, key=str) if isinstance(value, (set, frozenset)) else value)
        ]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (Decimal, Fraction)):
        return float(value)
    return value


def rows_bar() -> Progress:
    """Return a bar of rows done, of how many where that is known, beside the answer."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=progress)
