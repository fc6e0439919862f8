"""gunicorn's own lines, written as every other process writes its log. ``gunicorn.py`` names this class."""

from __future__ import annotations

import logging.config
import os
from typing import Any

from gunicorn.glogging import Logger

from sync.logs import log_config


class ServerLog(Logger):  # type: ignore[misc]  # gunicorn is not typed
    """What gunicorn says of itself, in JSON; its access log is off unless an operator asks for it."""

    def setup(self, cfg: Any) -> None:
        """Set up as gunicorn does, and then have its lines go the way of all."""
        super().setup(cfg)
        level = os.environ.get("CS_LOG_LEVEL") or "INFO"
        logging.config.dictConfig(log_config("web", level.upper()))
