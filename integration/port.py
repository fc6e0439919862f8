"""What the rest of the program may ask of a CRM, in one vocabulary for every vendor.

The port speaks of the vendor's own object and field names as plain strings; what they
*mean* is bound in ``mappings/``. Neighbours: ``integration/hubspot`` and
``integration/salesforce`` implement ``CrmPort``; ``sync/`` is its only caller.

All values cross the port as strings or ``None`` (HubSpot's own habit): numbers in
decimal notation, booleans ``true``/``false``, dates ``YYYY-MM-DD``, instants ISO 8601
in UTC with a trailing ``Z``. ``None`` clears a field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from integration.call_count import CallCount
from integration.deal_pipelines import Pipeline

FieldValues = Mapping[str, str | None]


class FieldType(StrEnum):
    """Types a field may have on both vendors; each adapter maps them to its own."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    MONEY = "money"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"
    CHOICE = "choice"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field as we want it, or as the CRM describes it.

    ``unique`` marks the external key (HubSpot ``hasUniqueValue``, Salesforce external id).
    ``references`` names the object a REFERENCE points to (Salesforce lookup); HubSpot
    adapters realise references as associations and never see them as fields.
    ``choices`` are (value, label) pairs in display order, the only values allowed where ``restricted``.
    ``required`` says that a record cannot be made without, ``createable`` that it can be made with.
    """

    name: str
    label: str
    type: FieldType
    unique: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    references: str | None = None
    required: bool = False
    writable: bool = True
    decimals: int = 0
    description: str = ""
    restricted: bool = False
    createable: bool = True


@dataclass(frozen=True, slots=True)
class ObjectSpec:
    """An object with the fields we want on it, or as the CRM describes it.

    ``custom`` objects are ours to create; on standard objects only the fields are.
    ``parents`` names the objects (vendor names) a record hangs under.
    """

    name: str
    label: str
    plural: str
    fields: tuple[FieldSpec, ...]
    custom: bool = False
    parents: tuple[str, ...] = ()
    primary_field: str = ""


@dataclass(frozen=True, slots=True)
class CrmDescription:
    """What the portal or org holds now, read before any plan.

    ``objects`` maps the vendor object name to its description; an object asked for and
    not there is absent. ``custom_objects_left`` is ``None`` where the vendor states no
    limit, as is ``custom_objects_limit``. ``account_type`` is the CRM's own word. ``notes`` are
    findings for the admin in the portal's own terms.
    """

    account_id: str
    account_name: str
    time_zone: str
    objects: Mapping[str, ObjectSpec]
    deal_pipelines: tuple[Pipeline, ...]
    custom_objects_left: int | None
    notes: tuple[str, ...] = ()
    account_type: str = ""
    custom_objects_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A record's tie to another one, by the other's object name and id."""

    object: str
    id: str


@dataclass(frozen=True, slots=True)
class CrmRecord:
    """One record as the CRM holds it.

    ``source_at`` is when the CRM last changed it (UTC), ``created_at`` when it made it.
    ``merged_ids`` became this record, ``merged_into`` is what it became: where the CRM says so on it.
    """

    object: str
    id: str
    values: FieldValues
    created_at: datetime
    source_at: datetime
    archived: bool = False
    links: tuple[Link, ...] = ()
    merged_ids: tuple[str, ...] = ()
    merged_into: str | None = None


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """Which records of an object to read.

    ``fields`` are vendor field names. ``link_to`` names the objects whose ids are wanted
    as ``links``. ``changed_since`` (inclusive, UTC) limits to records changed at or
    after it; ``None`` reads everything. ``resume`` is a cursor from an earlier ``Page``.
    """

    object: str
    fields: tuple[str, ...]
    link_to: tuple[str, ...] = ()
    changed_since: datetime | None = None
    resume: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of records; ``resume`` continues after it (``None``: the last), ``left`` counts what follows."""

    records: tuple[CrmRecord, ...]
    resume: str | None
    left: int | None = None


@dataclass(frozen=True, slots=True)
class WriteRow:
    """One record to upsert by its external key.

    ``parents`` are records it must hang under, as (object, id); ``parent_keys`` the same
    by external key, for parents written by us: (object, key).
    ``record_id`` is the CRM's id where we know it already. ``allow_duplicate``: write it also where
    the CRM's own rule warns that it looks like another record, and lets it be saved all the same.
    ``linked``: it has been put under its parents before; they say in which order rows are sent, and are
    not written, for people may have moved it since.
    """

    key: str
    values: FieldValues
    parents: tuple[Link, ...] = ()
    parent_keys: tuple[tuple[str, str], ...] = ()
    record_id: str | None = None
    allow_duplicate: bool = False
    linked: bool = False


class Refusal(StrEnum):
    """Why a row was refused, named by what can be done about it."""

    FIXABLE = "fixable"  # the customer's rule or schema: show its words, do not retry
    BUSY = "busy"  # locked or racing: try again later
    GONE = "gone"  # deleted or merged away
    FULL = "full"  # no room left for another record
    PERMISSION = "permission"  # scope or field-level security missing


@dataclass(frozen=True, slots=True)
class RowError:
    """The CRM's refusal of one row, with its own code and words."""

    refusal: Refusal
    code: str
    message: str
    fields: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Return the CRM's own words, and the fields or scopes it names where its words do not."""
        unnamed = [name for name in self.fields if name not in self.message]
        return f"{self.message} ({', '.join(unnamed)})" if unnamed else self.message


@dataclass(frozen=True, slots=True)
class NormalisedValue:
    """A value the CRM took and keeps in another form than it was sent; ``message`` says so in its words."""

    field: str
    sent: str | None
    kept: str | None
    message: str = ""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of one ``WriteRow``: an id and whether it was created, or an error.

    ``normalised`` are those of the row's values that do not stand as they were sent. ``unlinked`` is the id
    of a record that stands although its row has an error: what was refused is its link.
    """

    key: str
    record_id: str | None
    created: bool = False
    error: RowError | None = None
    normalised: tuple[NormalisedValue, ...] = ()
    unlinked: str | None = None


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """What a CRM lacks of an object. ``fields`` are those to add to ``object``."""

    object: ObjectSpec
    create_object: bool
    fields: tuple[FieldSpec, ...]


class CrmError(Exception):
    """Any failure of a whole call; subclasses are named by what the caller can do."""


class Unavailable(CrmError):
    """The CRM could not answer now; the same call may be made again later."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        """Carry the CRM's own wish when to come back, where it stated one."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RateLimited(Unavailable):
    """A limit of the CRM was met; ``policy`` is the vendor's name for it."""

    def __init__(self, message: str, policy: str, retry_after_s: float | None = None) -> None:
        """Carry which limit it was."""
        super().__init__(message, retry_after_s)
        self.policy = policy


class NeedsConsent(CrmError):
    """The customer's grant is gone: stop this installation until an admin reconnects."""


class Misconfigured(CrmError):
    """Our own credentials or address are wrong; the customer need do nothing."""


class Refused(CrmError):
    """The CRM refused the whole call for a reason the customer can mend."""

    def __init__(self, error: RowError) -> None:
        """Carry the refusal."""
        super().__init__(f"{error.code}: {error.words}")
        self.error = error


class CrmPort(Protocol):
    """A connected portal or org. Thread-safe; one per installation and process."""

    @property
    def vendor(self) -> str:
        """Return ``hubspot`` or ``salesforce``."""
        ...

    @property
    def calls(self) -> CallCount:
        """Return the calls made through this port so far."""
        ...

    def learn_fields(self, object_name: str, fields: Iterable[FieldSpec]) -> None:
        """Take what is known of an object's fields already; spares a describe before the first write."""
        ...

    def describe(self, objects: Sequence[str]) -> CrmDescription:
        """Return what the CRM holds of ``objects`` (vendor names), pipelines and limits."""
        ...

    def iter_pages(self, query: ReadQuery) -> Iterator[Page]:
        """Yield every record the query asks for, in a stable keyset order."""
        ...

    def read(
        self, object_name: str, ids: Sequence[str], fields: Sequence[str], link_to: Sequence[str] = ()
    ) -> list[CrmRecord]:
        """Return the records that exist among ``ids``, in batches; missing ones are left out."""
        ...

    def find(
        self, object_name: str, key_field: str, keys: Sequence[str], fields: Sequence[str]
    ) -> dict[str, CrmRecord]:
        """Return records by external key; used to settle a write whose answer was lost."""
        ...

    def upsert(self, object_name: str, key_field: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """Write rows by external key in the fewest calls; one result per row, in row order."""
        ...

    def update(self, object_name: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """Write fields of existing records by ``record_id``; one result per row, in row order."""
        ...


@runtime_checkable
class KeylessPort(Protocol):
    """A CRM in which some records of ours carry no unique key: native tasks, deals without a key field.

    They are made by ``create``, which may not be done twice, and known from then on by their id. What
    became of a create whose answer was lost is seen among the children of the record's parents.
    """

    def create(self, object_name: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """Make a record of each row, linked to its parents in the same call; one result per row.

        Never made again where no answer came: raises Unavailable, or gives rows the refusal BUSY,
        and the records may stand.
        """
        ...

    def children(self, object_name: str, parents: Sequence[Link], fields: Sequence[str]) -> list[CrmRecord]:
        """Return the records of an object that hang under any of ``parents``; read from the store."""
        ...

    def withdraw(self, object_name: str, ids: Sequence[str]) -> Mapping[str, RowError]:
        """Take records of ours back; see ``WithdrawingPort.withdraw``."""
        ...


class SignalKind(StrEnum):
    """What a webhook or outbound message says happened; never trusted for values."""

    CHANGED = "changed"
    DELETED = "deleted"
    MERGED = "merged"
    FORGOTTEN = "forgotten"  # a person erased: the record is gone and may be known nowhere
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Signal:
    """A hint from the CRM: look at this record again.

    ``merged_ids`` are records that became this one. ``field`` and ``value`` are what the
    CRM says was written, good only for recognising an echo of our own write; so is ``other_end``,
    the record to which a link was made, or from which one was taken away (``unlinked``).
    """

    object: str
    id: str
    kind: SignalKind
    occurred_at: datetime
    merged_ids: tuple[str, ...] = ()
    field: str | None = None
    value: str | None = None
    other_end: str | None = None
    unlinked: bool = False
