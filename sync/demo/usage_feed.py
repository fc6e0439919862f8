"""The product's telemetry in the demo: sends a portfolio's usage, and goes on with it day by day."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from requests import RequestException

from integration.http import Timeouts, pooled_session

BATCH = 500
TRIES = 480  # two minutes: a loaded machine starts the web process late
ACCEPTED = 202
Message = dict[str, Any]


class UsageFeed:
    """The usage of a portfolio, as messages of Segment's tracking API."""

    def __init__(self, folder: Path) -> None:
        """Read ``usage.segment.jsonl`` of the portfolio folder."""
        self._file = folder / "usage.segment.jsonl"
        with self._file.open(encoding="utf-8") as lines:
            self.count = sum(1 for _ in lines)

    def messages(self) -> Iterator[Message]:
        """Yield every message of the portfolio."""
        with self._file.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)

    def send_all(self, web: str, write_key: str, sent: Callable[[int], None]) -> None:
        """Send the whole portfolio's usage in batches."""
        send(web, write_key, self.messages(), sent)

    def week_after(self, end: datetime, silent: Iterable[str]) -> list[Message]:
        """Return the week before ``end`` again, a week later; accounts in ``silent`` have stopped."""
        week, quiet = timedelta(days=7), set(silent)
        later = []
        for message in self.messages():
            at = datetime.fromisoformat(message["timestamp"])
            if end - week <= at < end and message["context"]["groupId"] not in quiet:
                later.append(
                    {
                        **message,
                        "messageId": f"{message['messageId']}+7",
                        "timestamp": (at + week).isoformat(),
                    }
                )
        return later


def send(
    web: str, write_key: str, messages: Iterable[Message], sent: Callable[[int], None] = lambda _count: None
) -> None:
    """Send messages to the intake in batches. Raises RuntimeError when it does not take them."""
    session = pooled_session(timeouts=Timeouts(30.0, 100.0))
    for batch in _batches(messages):
        body = gzip.compress(json.dumps({"batch": batch}).encode(), 1)
        _post(
            lambda body=body: (
                session.post(  # type: ignore[misc]
                    f"{web}/v1/batch",
                    data=body,
                    auth=(write_key, ""),
                    headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
                ).status_code
            )
        )
        sent(len(batch))


def _post(attempt: Callable[[], int]) -> None:
    """Try until taken; the web process may still be starting."""
    status: object = None
    for _ in range(TRIES):
        try:
            status = attempt()
        except RequestException as error:
            status = type(error).__name__
        if status == ACCEPTED:
            return
        time.sleep(0.25)
    raise RuntimeError(f"the usage intake does not take batches: {status}")


def _batches(messages: Iterable[Message]) -> Iterator[list[Message]]:
    batch: list[Message] = []
    for message in messages:
        batch.append(message)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
