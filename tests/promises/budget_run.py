"""Runs the scenarios of ``budget_scenarios`` on one sandbox and counts in its request log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from integration.salesforce import deploys
from sync.state.engine import migrate, open_engine
from tests.promises.budget_scenarios import Scenario, book, scenarios
from tests.sync.harness import HUBSPOT, Office, Sandbox, deployment

PROGRESS = "/deployRequest/"
"""Asking how far a deployment is: how often depends on the org's speed, so these are not counted."""


@dataclass(frozen=True)
class Line:
    """What one scenario took of one vendor: calls made, by what was asked, as "METHOD object path"."""

    scenario: Scenario
    vendor: str
    calls: tuple[str, ...]

    @property
    def least(self) -> int:
        """Return the fewest calls possible."""
        return self.scenario.least[self.vendor]

    @property
    def made(self) -> int:
        """Return how many calls were made."""
        return len(self.calls)


def run(home: Path, vendor: str, redis_url: str) -> list[Line]:
    """Return a line for each scenario, in order, from one sandbox; ``home`` is a folder of its own."""
    with _office(home, vendor, redis_url) as office:
        return [_line(office, one) for one in scenarios()]


def _line(office: Office, scenario: Scenario) -> Line:
    scenario.ready(office)
    mark = office.sandbox.mark()
    scenario.does(office)
    made = [one for one in office.sandbox.requests(mark) if PROGRESS not in one["path"]]
    calls = tuple(f"{one['method']} {one['object']} {one['path'].partition('?')[0]}" for one in made)
    return Line(scenario, office.sandbox.vendor, calls)


@contextmanager
def _office(home: Path, vendor: str, redis_url: str) -> Iterator[Office]:
    lag = ("--index-lag-seconds", "0") if vendor == HUBSPOT else ()
    sandbox = Sandbox(vendor, home / "sandbox.db", lag).start()
    engine = open_engine(f"sqlite:///{home / 'state.db'}")
    patience, deploys.FIRST_LOOK_S = deploys.FIRST_LOOK_S, 0.001
    try:
        migrate(engine)
        sandbox.post("load", {"dir": str(book().write(home / "book"))})
        with deployment(home / "home", engine, redis_url) as deployed:
            deployed.sandboxes.append(sandbox)
            deployed.at(deployed.now)
            yield Office(deployed, sandbox).connect()
    finally:
        deploys.FIRST_LOOK_S = patience
        engine.dispose()
        sandbox.stop()
