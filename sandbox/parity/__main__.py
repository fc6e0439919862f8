"""``python -m sandbox.parity``: reads both CRMs by what stands on standard input, and prints how they differ.

Input and output are JSON: ``{"hubspot": {"url", "token"}, "salesforce": {"url", "token"}}``, and the fields
of ``compare.Outcome``. It needs hubspot-sdk, which the optional part ``parity`` brings.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from sandbox.parity.compare import compare
from sandbox.parity.read_hubspot import read_hubspot
from sandbox.parity.read_salesforce import read_salesforce


def main() -> None:
    """Read, compare and print."""
    given = json.load(sys.stdin)
    outcome = compare(read_hubspot(**given["hubspot"]), read_salesforce(**given["salesforce"]))
    sys.stdout.write(json.dumps(asdict(outcome)) + "\n")


if __name__ == "__main__":
    main()
