"""The sandboxes' control endpoints (``/_sandbox``), which no vendor has: clock, load, edits, logs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from integration.http import Timeouts, pooled_session

CONNECT_WITHIN_S = 30.0
LOAD_WITHIN_S = 600.0


class Control:
    """One sandbox's control endpoints."""

    def __init__(self, url: str) -> None:
        """Speak to the sandbox at ``url``."""
        self.url = url
        self._session = pooled_session(timeouts=Timeouts(CONNECT_WITHIN_S, LOAD_WITHIN_S))

    def get(self, path: str, **params: str | int) -> Any:
        """Return the answer to a control read."""
        return self._answer("GET", path, params=params)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the answer to a control write."""
        return self._answer("POST", path, json=body)

    def delete(self, path: str) -> Any:
        """Return the answer to a control deletion."""
        return self._answer("DELETE", path)

    def set_clock(self, now: datetime, *, running: bool) -> None:
        """Set the sandbox's clock."""
        self.post("clock", {"now": now.isoformat().replace("+00:00", "Z"), "running": running})

    def clear_faults(self) -> None:
        """Let no request fail any more."""
        self._answer("DELETE", "faults")

    def load(self, folder: Path) -> dict[str, int]:
        """Load a portfolio folder by the sandbox's own loader; return records by object."""
        return dict(self.post("load", {"dir": str(folder)})["loaded"])

    def lookup(self, ref: str) -> str:
        """Return the id of the record a portfolio key became."""
        return str(self.get("lookup", ref=ref)["id"])

    def counts(self) -> dict[str, int]:
        """Return records by object."""
        return dict(self.get("dump")["objects"])

    def records(self, object_name: str) -> list[dict[str, Any]]:
        """Return every record of an object as the vendor shapes it."""
        return list(self.get("dump", object=object_name)["records"])

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the log of vendor requests after a number."""
        return list(self.get("requests", after=after)["requests"])

    def last_request(self) -> int:
        """Return the number of the last vendor request."""
        return int(self.get("requests", after=2**40)["last"])

    def deliveries(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the log of webhook deliveries after a number."""
        return list(self.get("deliveries", after=after)["deliveries"])

    def _answer(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._session.request(method, f"{self.url}/_sandbox/{path}", **arguments)
        if not answer.ok:
            raise RuntimeError(f"the sandbox refused {method} {path}: {answer.text[:300]}")
        return answer.json()
