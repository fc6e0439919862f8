"""Logs of the long-running processes: a JSON object a line, saying whose work it is and what set it off.

``installation`` and ``trace`` come from where the work began: a request, a turn of the scheduler, a job; the
bell carries the trace on, so that one id follows a webhook to the write it led to. Where several events made
one look, it is that of the first. Nothing secret and no personal value is told (``redaction``).
Neighbours: ``commands.processes`` and ``webhooks/gunicorn.py`` switch this on, ``bell`` and ``jobs`` pass on.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

import structlog
from structlog.contextvars import (
    bind_contextvars,
    bound_contextvars,
    clear_contextvars,
    get_contextvars,
    merge_contextvars,
)
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name

from sync.redaction import clean, clean_error

TRACE: Final = "trace"
INSTALLATION: Final = "installation"
FRAMES: Final = 12
Event = MutableMapping[str, Any]


def log_config(process: str, level: str) -> dict[str, Any]:
    """Return by what a process writes its log to standard error, for ``logging.config.dictConfig``."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"told": {"()": formatter, "process": process}},
        "filters": {"errors": {"()": ErrorsInWords}},
        "handlers": {
            "told": {
                "class": "logging.StreamHandler",
                "formatter": "told",
                "filters": ["errors"],
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"level": level, "handlers": ["told"]},
        "loggers": {
            "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
            "urllib3": {"level": "WARNING"},
        },
    }


def formatter(process: str) -> logging.Formatter:
    """Return what makes a line of a record: JSON with time (UTC), level, process and all that is bound."""

    def of_process(_logger: object, _name: str, event: Event) -> Event:
        return {"process": process, **event}

    return ProcessorFormatter(
        foreign_pre_chain=[
            merge_contextvars,
            add_log_level,
            add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            _told_by_errors,
            ProcessorFormatter.remove_processors_meta,
            of_process,
            _cleaned,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )


class ErrorsInWords(logging.Filter):
    """Puts the exceptions among a record's arguments into words that may be told; lets every record pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True."""
        if isinstance(record.args, tuple):
            given = record.args
            record.args = tuple(clean_error(one) if isinstance(one, BaseException) else one for one in given)
        return True


@contextmanager
def telling(*, trace: str = "", **names: str) -> Iterator[None]:
    """Have every line meanwhile say these names, and the trace: the one given, that at work, or a new one."""
    with bound_contextvars(trace=trace or trace_now() or new_trace(), **names):
        yield


def begin(**names: str) -> None:
    """Forget what was bound before, and have this thread's lines say these names and a new trace."""
    clear_contextvars()
    bind_contextvars(trace=new_trace(), **names)


def trace_now() -> str:
    """Return the trace of the work this thread does, empty where none is followed."""
    return str(get_contextvars().get(TRACE, ""))


def new_trace() -> str:
    """Return an id for work that begins here."""
    return secrets.token_hex(8)


def _told_by_errors(_logger: object, _name: str, event: Event) -> Event:
    """Say of an exception what it is and where it came from, by ``clean_error``: no values of variables."""
    raised = event.pop("exc_info", None)
    error = raised[1] if isinstance(raised, tuple) else None
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        event["error"] = clean_error(error)
        event["at"] = [f"{one.filename.rpartition('/')[2]}:{one.lineno} {one.name}" for one in frames]
    return event


def _cleaned(_logger: object, _name: str, event: Event) -> Event:
    return {
        name: [clean(one) for one in value]
        if isinstance(value, list)
        else clean(value)
        if isinstance(value, str)
        else value
        for name, value in event.items()
    }
