"""The table of call budgets as it stands in the README, printed from a run: ``make budgets`` writes it there.

Neighbours: ``budget_run`` counts, ``test_call_budgets`` compares.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sync.servers import embedded_valkey
from tests.promises.budget_run import Line, run
from tests.sync.harness import HUBSPOT, ROOT, SALESFORCE

README = ROOT / "README.md"
BEGINS, ENDS = "<!-- call budgets: written by `make budgets` -->", "<!-- end of call budgets -->"
HEAD = ("scenario", "HubSpot", "Salesforce", "what has to be done", "why more than the least")


def table(hubspot: Sequence[Line], salesforce: Sequence[Line]) -> str:
    """Return the table in Markdown; the lines of both vendors are of the same scenarios in order."""
    rows = [HEAD, ("---", "--:", "--:", "---", "---")]
    for ours, theirs in zip(hubspot, salesforce, strict=True):
        scenario = ours.scenario
        rows.append((scenario.name, _cell(ours), _cell(theirs), scenario.needs, scenario.why))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def in_readme() -> str:
    """Return the table that stands in the README."""
    return README.read_text("utf-8").partition(BEGINS)[2].partition(ENDS)[0].strip()


def main() -> None:
    """Run every scenario on both sandboxes and write the table into the README."""
    with tempfile.TemporaryDirectory(prefix="colonnade-budgets-") as folder:
        home = Path(folder)
        valkey = embedded_valkey(home)
        try:
            lines = {}
            for vendor in (HUBSPOT, SALESFORCE):
                (home / vendor).mkdir()
                lines[vendor] = run(home / vendor, vendor, valkey.url)
        finally:
            valkey.stop()
    found = table(lines[HUBSPOT], lines[SALESFORCE])
    before, _, rest = README.read_text("utf-8").partition(BEGINS)
    after = rest.partition(ENDS)[2]
    README.write_text(f"{before}{BEGINS}\n{found}\n{ENDS}{after}", "utf-8")
    sys.stdout.write(found + "\n")


def _cell(line: Line) -> str:
    return f"{line.made} / {line.least}"


if __name__ == "__main__":
    main()
