"""A person's traces in texts and documents: told, and taken out; pure.

Telling and taking out are two ways on purpose, so that one's misreading is the other's finding: ``tells``
reads any text as it stands, also a document's, ``without`` and ``cleaned`` change texts and documents by
their structure. An id that is a number is a trace only beside a word that says whose id it is: every other
object counts from one as well. Neighbours: ``forget_rows``, ``forget_files``, ``forget_crm`` and ``prove``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

from sync import person_events
from sync.person import CONTACT, OWNER, USER, Person
from sync.usage_events import kept_user

REMOVED: Final = "[removed]"
TELLING_LENGTH: Final = 12
"""An id of letters and digits that is so long is nobody else's, wherever it stands."""
_ID_NOUNS: Final = {CONTACT: "contact", OWNER: "owner", USER: "user|anonymous"}
_ID_ENDING: Final = r"(?:s|_?ids?|_?refs?)?"
_BETWEEN: Final = r"[\"'\\\s:,(=/\[]{1,8}"
_USER_KEYS: Final = frozenset({"userid", "anonymousid", "user"})


@dataclass(frozen=True)
class Traces:
    """How a person is met in texts of one installation."""

    person: Person
    installation_id: str

    def tells(self, text: str) -> bool:
        """Return whether a text names the person in any way, written plainly, escaped or hashed."""
        if self._strong is not None and self._strong.search(text):
            return True
        if self._weak is not None and self._weak.search(text):
            return True
        return person_events.tells(text, self.person.contact)

    def tells_apart(self, text: str) -> bool:
        """Return whether a text holds what is the person's wherever it stands, ids that are numbers aside."""
        return self._strong is not None and bool(self._strong.search(text))

    def without(self, text: str) -> str:
        """Return the text with ``[removed]`` wherever it names the person, events in it without their ids."""
        text = person_events.without(text, self.person.contact)
        if self._strong is not None:
            text = self._strong.sub(REMOVED, text)
        for one in sorted(self.person.owner | self.person.user):
            text = text.replace(f"{REMOVED} ({one})", REMOVED)
        return text if self._weak is None else self._weak.sub(_keep_noun, text)

    def cleaned(self, value: Any, key: str = "") -> Any:
        """Return a document without the person: ids become ``None``, links go, texts say ``[removed]``."""
        if isinstance(value, dict):
            return self._cleaned_dict(value)
        if isinstance(value, list):
            return [self.cleaned(one, key) for one in value if not self._is_link(one)]
        if isinstance(value, (str, int)) and not isinstance(value, bool) and self._is_id(str(value), key):
            return None
        return self.without(value) if isinstance(value, str) else value

    def is_record(self, object_name: str, record_id: str) -> bool:
        """Return whether a CRM record is the person's own, as a contact or an owner."""
        return any(record_id in getattr(self.person, kind) for kind in kinds_of(object_name))

    def is_user(self, kept: str) -> bool:
        """Return whether usage kept under a reference is the person's."""
        known = self.person.user | self.person.email
        return kept in known or kept in {kept_user(self.installation_id, one) for one in known}

    def _cleaned_dict(self, value: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, one in value.items():
            if key.lower() in _USER_KEYS and isinstance(one, str) and self.is_user(one):
                continue  # an event of nobody's, which is valid; one of "[removed]" would be a user
            found[self.without(key)] = self.cleaned(one, key)
        is_event = person_events.SUBSCRIPTION in found
        return person_events.cleaned(found, self.person.contact) if is_event else found

    def _is_link(self, value: Any) -> bool:
        if not isinstance(value, list) or len(value) != len(("object", "id")):
            return False
        return self.is_record(str(value[0]), str(value[1]))

    def _is_id(self, value: str, key: str) -> bool:
        return any(value in getattr(self.person, kind) for kind in kinds_of_field(key))

    @cached_property
    def _strong(self) -> re.Pattern[str] | None:
        """Match what is the person's wherever it stands.

        A hyphen before an address is no part of it, since ids of messages are often put together so: the
        address of somebody else that ends like it after a hyphen is taken for it.
        """
        found = {form for one in self._telling() for form in _forms(one)}
        if not found:
            return None
        either = "|".join(re.escape(one) for one in sorted(found, key=lambda one: (-len(one), one)))
        ends = r"(?![A-Za-z0-9])(?!\.[A-Za-z0-9])"
        return re.compile(rf"(?<![A-Za-z0-9.+])(?:{either}){ends}", re.IGNORECASE)

    def _telling(self) -> Iterator[str]:
        person = self.person
        yield from person.email
        yield from person.name
        ids = person.contact | person.owner | person.user
        yield from (one for one in ids if len(one) >= TELLING_LENGTH and not one.isdigit())
        for one in person.email | {user for user in person.user if "@" in user}:
            yield kept_user(self.installation_id, one)
            for text in sorted({one, one.lower()}):
                for way in ("sha256", "sha1", "md5"):
                    yield hashlib.new(way, text.encode(), usedforsecurity=False).hexdigest()

    @cached_property
    def _weak(self) -> re.Pattern[str] | None:
        found = []
        for kind, nouns in _ID_NOUNS.items():
            ids = "|".join(re.escape(one) for one in sorted(getattr(self.person, kind)))
            if ids:
                named = rf"(?:(?:source_id|object_?id|id){_BETWEEN})?"
                found.append(rf"(?:{nouns}){_ID_ENDING}{_BETWEEN}{named}(?:{ids})(?![\w.@-])")
        return re.compile("|".join(found), re.IGNORECASE) if found else None


def _forms(text: str) -> set[str]:
    """Return a text as it may be written: plainly, escaped in JSON, in an address."""
    return {text, json.dumps(text)[1:-1], quote(text), quote(text, safe="@")}


def kinds_of(object_name: str) -> list[str]:
    """Return as what a record of an object names a person; a user of Salesforce's is an owner too."""
    word = object_name.lower()
    kinds = {CONTACT: ("contact", "lead"), OWNER: ("owner", "user"), USER: ("user",)}
    return [kind for kind, words in kinds.items() if word.startswith(words)]


def kinds_of_field(name: str) -> list[str]:
    """Return as what an id in a field of this name names a person; empty where it names something else."""
    word = name.lower()
    return [kind for kind, nouns in _ID_NOUNS.items() if re.search(rf"(?:{nouns}){_ID_ENDING}$", word)]


def _keep_noun(found: re.Match[str]) -> str:
    return re.sub(r"[\w@.+-]+$", REMOVED, found.group(0))
