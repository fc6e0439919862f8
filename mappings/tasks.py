"""Milestones as native HubSpot tasks of the account, for portals without room for an object; pure.

A task is a person's from the moment it exists, as a deal is: people may complete it, postpone it,
hand it on or write into its notes. We keep its title and due day, and complete it when the
milestone is reached. A task has no field for a unique key, so its notes end in a line that names
it; ``key_in_notes`` reads it back. Fields: HubSpot's page "Tasks". Neighbours: ``outbound``.
"""

from __future__ import annotations

import html
import re
from datetime import date
from zoneinfo import ZoneInfo

from integration.port import FieldValues
from mappings.bindings import Ownership
from mappings.homes import TASKS
from mappings.typed import write_noon
from success.desired import DesiredRecord
from success.wording.words import ENGLISH, Words

SUBJECT = "hs_task_subject"
NOTES = "hs_task_body"  # rich text: what we write is escaped, lines are ended by tags
DUE = "hs_timestamp"
STATUS = "hs_task_status"
KIND = "hs_task_type"
OWNER = "hubspot_owner_id"
NOT_STARTED, COMPLETED, TODO = "NOT_STARTED", "COMPLETED", "TODO"

_MARK = re.compile(r"\[cs_key ([^\s\]<]+)\]")

Owned = dict[Ownership, dict[str, str | None]]


def task_values(
    record: DesiredRecord,
    zone: ZoneInfo,
    owners: dict[str, Ownership],
    owner_id: str | None,
    words: Words = ENGLISH,
) -> Owned:
    """Return a milestone's task by who owns each field; ``owners`` are those of the milestone's fields.

    It is due at noon of its day in ``zone``. An open milestone's status is set on creation only, so
    that what a person makes of the task stands; a reached one completes it. The due day must be
    there (page "Tasks"), so it is set on creation even where it is people's.
    """
    fields = record.fields
    values: Owned = {owner: {} for owner in Ownership}
    values[owners["name"]][SUBJECT] = str(fields["name"])
    due_on = fields["due_on"]
    if isinstance(due_on, date):
        due = Ownership.SEED if owners["due_on"] is Ownership.HUMAN else owners["due_on"]
        values[due][DUE] = write_noon(due_on, zone)
    done = fields["status"] == "done"
    status = owners["status"] if done or owners["status"] is Ownership.HUMAN else Ownership.SEED
    values[status][STATUS] = COMPLETED if done else NOT_STARTED
    seed = values[Ownership.SEED]
    seed |= {NOTES: notes(record, words), KIND: TODO}
    if owner_id is not None:
        seed[OWNER] = owner_id
    return values


def notes(record: DesiredRecord, words: Words = ENGLISH) -> str:
    """Return what stands in a task's notes: what the milestone is, its evidence, and its key."""
    side = record.fields.get("owner_side")
    lines = (
        ("task.phase", record.fields.get("phase")),
        ("task.side", words(f"side.{side}") if side else None),
        ("task.evidence", record.fields.get("evidence")),
    )
    told = [words(name, value=html.escape(str(value))) for name, value in lines if value]
    told.append(words("task.hint"))
    return "".join(f"<p>{line}</p>" for line in (*told, f"[cs_key {html.escape(record.key)}]"))


def key_in_notes(text: str | None) -> str | None:
    """Return the key a task's notes end in, ``None`` where there is none: the task is not ours."""
    found = _MARK.findall(text or "")
    return html.unescape(found[-1]) if found else None


def known_key(object_name: str, values: FieldValues, key_field: str) -> str | None:
    """Return the key of ours a record carries: in a task's notes, else in the key field."""
    return key_in_notes(values.get(NOTES)) if object_name == TASKS else values.get(key_field)


def key_holder(object_name: str, key_field: str) -> str:
    """Return the field of an object that carries our key."""
    return NOTES if object_name == TASKS else key_field
