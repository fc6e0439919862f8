"""The connected portals and orgs, and their sealed credentials.

The id is made of the vendor and its own account id, so connecting the same portal twice is
the same installation, and every other table can start with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Connection, RowMapping, Table, Text, UniqueConstraint, delete, select, update

from sync.state.errors import StateError
from sync.state.schema import (
    Instant,
    JsonText,
    JsonValue,
    chunks,
    installation_column,
    key_columns,
    metadata,
    upsert,
)
from sync.state.secrets import SecretBox

installation = Table(
    "installation",
    metadata,
    installation_column(),
    Column("vendor", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("epoch", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("settings", JsonText, nullable=False),
    UniqueConstraint("vendor", "account_id"),
)

credential = Table(
    "credential",
    metadata,
    installation_column(),
    Column("kind", Text, primary_key=True),
    Column("ciphertext", Text, nullable=False),
    Column("updated_at", Instant, nullable=False),
)


class Status(StrEnum):
    """Whether we may work: ``needs_consent`` waits for the customer's admin, ``paused`` for ours.

    ``disconnected`` was ended on purpose, its secrets are gone; connecting again makes it active.
    ``uninstalled`` is taken back or being taken back, its connection stands; installing again
    makes it active.
    """

    ACTIVE = "active"
    NEEDS_CONSENT = "needs_consent"
    PAUSED = "paused"
    DISCONNECTED = "disconnected"
    UNINSTALLED = "uninstalled"


ENDED = frozenset({Status.DISCONNECTED, Status.UNINSTALLED})
"""Nothing is expected of these: their events are not kept, and nobody is told to mend them."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A connected portal (HubSpot) or org (Salesforce); ``account_id`` is the vendor's id of it.

    ``epoch`` is the first point of the daily grid (UTC instant), ``time_zone`` the IANA name
    in which its days begin.
    """

    vendor: str
    account_id: str
    name: str
    base_url: str
    time_zone: str
    epoch: datetime
    created_at: datetime
    status: Status = Status.ACTIVE
    settings: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the id every table, key and job of this installation starts with."""
        return installation_id(self.vendor, self.account_id)

    @property
    def live(self) -> bool:
        """Return whether looks are made yet: the grid of days has its first point."""
        return bool(self.settings.get("live"))


def installation_id(vendor: str, account_id: str) -> str:
    """Return the id of the vendor's account: lower case vendor, then the account id as it is."""
    return f"{vendor.lower()}-{account_id}"


def connect(conn: Connection, found: Installation) -> Installation:
    """Keep a newly connected installation, or refresh the one that is there; return it as stored.

    Connecting again makes it active and takes name and address; epoch, time zone, settings
    and creation stay, since stored days depend on them.
    """
    statement = upsert(conn, installation).values(
        installation_id=found.id,
        vendor=found.vendor,
        account_id=found.account_id,
        name=found.name,
        base_url=found.base_url,
        status=found.status,
        time_zone=found.time_zone,
        epoch=found.epoch,
        created_at=found.created_at,
        settings=dict(found.settings),
    )
    changes = {"name": found.name, "base_url": found.base_url, "status": found.status}
    conn.execute(statement.on_conflict_do_update(index_elements=["installation_id"], set_=changes))
    return get(conn, found.id)


def get(conn: Connection, installation_id: str) -> Installation:
    """Return the installation. Raises StateError when there is none of that id."""
    query = select(installation).where(installation.c.installation_id == installation_id)
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        message = f"there is no installation {installation_id}; colonnade install connects one"
        raise StateError(message)
    return _installation(row)


def every(conn: Connection, status: Status | None = None) -> list[Installation]:
    """Return all installations, or those of one status, by id."""
    query = select(installation).order_by(installation.c.installation_id)
    if status is not None:
        query = query.where(installation.c.status == status)
    return [_installation(row) for row in conn.execute(query).mappings()]


def served(conn: Connection, ids: Iterable[str]) -> frozenset[str]:
    """Return which of these installations there are and have not been ended."""
    column = installation.c.installation_id
    found = frozenset[str]()
    for chunk in chunks(sorted(ids)):
        query = select(column).where(column.in_(chunk), installation.c.status.not_in(sorted(ENDED)))
        found |= frozenset(conn.execute(query).scalars())
    return found


def set_status(conn: Connection, installation_id: str, status: Status) -> bool:
    """Set the status; return whether it was another before."""
    target = update(installation).where(
        installation.c.installation_id == installation_id, installation.c.status != status
    )
    return conn.execute(target.values(status=status)).rowcount == 1


def set_epoch(conn: Connection, installation_id: str, epoch: datetime) -> None:
    """Fix the first point of the daily grid (UTC); states folded before it was moved are void."""
    target = update(installation).where(installation.c.installation_id == installation_id)
    conn.execute(target.values(epoch=epoch))


def change_settings(
    conn: Connection, installation_id: str, changes: Mapping[str, JsonValue]
) -> Mapping[str, JsonValue]:
    """Merge ``changes`` into the settings (``None`` removes a name); return them all."""
    target = installation.c.installation_id == installation_id
    held = conn.execute(select(installation.c.settings).where(target).with_for_update()).scalar_one()
    merged = {name: value for name, value in {**held, **changes}.items() if value is not None}
    conn.execute(update(installation).where(target).values(settings=merged))
    return merged


def save_secret(
    conn: Connection, box: SecretBox, installation_id: str, now: datetime, kind: str, secret: str
) -> None:
    """Keep a secret sealed, in place of an earlier one of its kind (``token``, ``client`` ...)."""
    values = {"ciphertext": box.seal(installation_id, kind, secret), "updated_at": now}
    statement = upsert(conn, credential).values(installation_id=installation_id, kind=kind, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=key_columns(credential), set_=values))


def load_secret(conn: Connection, box: SecretBox, installation_id: str, kind: str) -> str | None:
    """Return the secret, ``None`` when there is none. Raises StateError when no key opens it."""
    query = select(credential.c.ciphertext).where(
        credential.c.installation_id == installation_id, credential.c.kind == kind
    )
    ciphertext = conn.execute(query).scalar()
    return None if ciphertext is None else box.open(installation_id, kind, ciphertext)


def secret_mark(conn: Connection, installation_id: str, kind: str) -> str | None:
    """Return a text that is another one each time the secret was saved; ``None`` when there is none.

    It is the ciphertext, which no two savings share, where ``updated_at`` stands still with the clock.
    """
    query = select(credential.c.ciphertext).where(
        credential.c.installation_id == installation_id, credential.c.kind == kind
    )
    return conn.execute(query).scalar()


def drop_secrets(conn: Connection, installation_id: str, kind: str | None = None) -> int:
    """Destroy every secret of the installation, or that of one kind; return how many."""
    target = delete(credential).where(credential.c.installation_id == installation_id)
    if kind is not None:
        target = target.where(credential.c.kind == kind)
    return conn.execute(target).rowcount


def _installation(row: RowMapping) -> Installation:
    return Installation(
        row["vendor"],
        row["account_id"],
        row["name"],
        row["base_url"],
        row["time_zone"],
        row["epoch"],
        row["created_at"],
        Status(row["status"]),
        row["settings"],
    )
