"""Rows of ours pushed by Bulk in a process of its own: ``python -m sync.bench.usage_load HOME ROWS``.

Prints the rows written and the process's peak memory. There is no record of usage in the CRM yet, so the
rows are milestones: small ones with a key, a name and an account, as a period's usage would be.
Neighbour: ``salesforce_sync`` starts it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from integration.budget import LocalBudget
from integration.http import Timeouts, pooled_session
from integration.port import Link, WriteRow
from integration.salesforce.auth import JwtBearer, MemoryTokenStore
from integration.salesforce.connector import SalesforcePort, connect
from mappings.naming import key_field
from sync.bench.book import Size, account_ref
from sync.bench.peak import forget_peak, peak_kb
from sync.bench.stage import SALESFORCE, Stage, stage

OBJECT = "CS_Milestone__c"
ACCOUNTS = 100
# The sandbox writes a whole job before it answers; an org answers at once.
PATIENT = Timeouts(read_s=900.0)


def main() -> None:
    """Push and print."""
    home, rows = sys.argv[1:]
    with stage(Path(home), SALESFORCE, Size(ACCOUNTS, ACCOUNTS)) as found:
        found.install()
        accounts = [Link("Account", found.control.lookup(account_ref(number))) for number in range(ACCOUNTS)]
        port = _port(found)
        forget_peak()
        before = peak_kb()
        results = port.upsert_stream(OBJECT, key_field(SALESFORCE), _rows(int(rows), accounts))
        written = sum(result.error is None for result in results)
        peak = {"written": written, "calls": port.calls.total, "before_kb": before, "peak_kb": peak_kb()}
        sys.stdout.write(json.dumps(peak) + "\n")


def _port(found: Stage) -> SalesforcePort:
    given = found.credentials()
    credentials = JwtBearer(given["client_id"], given["username"], given["private_key_pem"])
    session = pooled_session(timeouts=PATIENT)
    clock = found.runtime.clock.now
    return connect(
        credentials, found.control.url, LocalBudget({}), clock, MemoryTokenStore(), session=session
    )


def _rows(count: int, accounts: list[Link]) -> Iterator[WriteRow]:
    for number in range(count):
        yield WriteRow(f"usage:{number}", {"Name": f"Week {number}"}, (accounts[number % len(accounts)],))


if __name__ == "__main__":
    main()
