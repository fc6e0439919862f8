"""The durable state: every table, and small typed functions over them.

The queue may be lost, this may not. Each module owns one concern and its tables; every
function takes an open connection, the installation, and ``now`` where time matters.
Importing this package fills ``metadata`` with every table, which migrations compare with.
"""

from sync.state import (
    account_looks,
    backtests,
    charters,
    clock_table,
    consents,
    cursors,
    dirty,
    due,
    findings,
    fold,
    identity,
    inbox,
    installations,
    installed_parts,
    leases,
    ledger_rows,
    mirror_rows,
    models,
    persons,
    schema_floor,
    snapshots,
    token_lease,
    usage_names,
    usage_parts,
    usage_store,
)
from sync.state.schema import metadata

__all__ = [
    "account_looks",
    "backtests",
    "charters",
    "clock_table",
    "consents",
    "cursors",
    "dirty",
    "due",
    "findings",
    "fold",
    "identity",
    "inbox",
    "installations",
    "installed_parts",
    "leases",
    "ledger_rows",
    "metadata",
    "mirror_rows",
    "models",
    "persons",
    "schema_floor",
    "snapshots",
    "token_lease",
    "usage_names",
    "usage_parts",
    "usage_store",
]
