"""What once stopped a forgetting, or let the forgotten come back: odd messages, late pulls, torn files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.port import Link
from sync import forget_contact
from sync.admission import admitted
from sync.forget import forget, meant
from sync.forget_contact import forget_next
from sync.forget_whom import named
from sync.person import Person
from sync.person_text import Traces
from sync.prove import Proof, prove
from sync.state import dirty, mirror
from sync.state.dirty import Scope
from sync.state.engine import reading, writing
from sync.state.mirror import MirrorRecord
from tests.sync.forgotten import CONTACT_OBJECT, EMAIL, found_by_hand, used
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
ACCOUNT = "acorn"


def opened(deployed: Deployment, office: OPEN) -> Office:
    """Return a portal in which nothing was done yet."""
    return office(deployed, HUBSPOT, three_customers())


def proof_of(there: Office, person: Person) -> Proof:
    """Return the product's own proof."""
    return prove(there.ws, Traces(person, there.id), lambda _what, _count: None)


def odd_messages() -> list[Any]:
    """Return messages that are JSON and no event, some of which name the person."""
    return [
        {"userId": "u-1", "context": "x"},
        {"userId": "u-1", "context": {"traits": [EMAIL]}},
        {"userId": "u-1", "properties": {"email": ["a", EMAIL]}},
        {"userId": "u-1", "traits": {"email": {"to": EMAIL}}},
        {"userId": ["u-1"], "anonymousId": {"x": 1}},
        {"userId": "u-77", "context": {"traits": {"email": EMAIL}}, "properties": 7},
    ]


def test_messages_of_any_shape_stop_no_forgetting(lite: Deployment, office: OPEN) -> None:
    """Whoever holds the write key sends any JSON: what can be read is, the rest is taken out as it stands."""
    there = opened(lite, office)
    used(there, ACCOUNT)
    there.use(odd_messages())
    there.drain()
    person = meant(there.ws, named(EMAIL))
    assert person.user == {EMAIL, "u-77"}
    assert forget(there.ws, person).left == ()
    assert found_by_hand(there) == []
    assert proof_of(there, person).hits == ()


def test_a_forgetting_that_fails_in_any_way_is_told(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its mark keeps the kind of the error, without its words, and waits for its turn."""
    there = opened(lite, office)

    def fail(*_: object) -> None:
        raise AttributeError(EMAIL)

    monkeypatch.setattr(forget_contact, "forget_contact", fail)
    with writing(there.engine) as conn:
        dirty.mark(conn, there.id, lite.now, Scope.CONTACT, ["4711"], forget_contact.FORGET)
    assert forget_next(there.ws, "worker") is not None
    assert forget_next(there.ws, "worker") is None
    with reading(there.engine) as conn:
        (mark,) = dirty.failing(conn, there.id)
    assert (mark.id, mark.error) == ("4711", "AttributeError")


def test_a_file_nobody_can_read_stops_nothing_and_is_told(lite: Deployment, office: OPEN) -> None:
    """A disk that was full left a Parquet file of no bytes: everything else is forgotten, the file is named.

    The mark stays until somebody took the file away.
    """
    there = opened(lite, office)
    used(there, ACCOUNT)
    there.drain()
    torn = Path(lite.runtime.settings.usage_store) / there.id / "2025-01-01" / "torn.parquet"
    torn.parent.mkdir(parents=True)
    torn.touch()
    person = meant(there.ws, named(EMAIL))
    done = forget(there.ws, person)
    assert done.left == (f"{torn} cannot be read",)
    assert done.files == 1
    assert found_but(there, torn) == []
    assert [one.place for one in proof_of(there, person).hits] == [str(torn)]
    assert forget_next(there.ws, "worker") is not None
    with reading(there.engine) as conn:
        assert [one.error for one in dirty.failing(conn, there.id)] == list(done.left)
    torn.unlink()
    lite.later(minutes=11)
    assert forget_next(there.ws, "worker") is not None
    assert proof_of(there, person).hits == ()
    with reading(there.engine) as conn:
        assert dirty.count(conn, there.id).get(Scope.CONTACT, 0) == 0


def found_but(there: Office, torn: Path) -> list[str]:
    """Return where the person stands, with a file aside that cannot be read."""
    aside = torn.rename(there.deployment.runtime.settings.home.parent / "aside")
    found = found_by_hand(there)
    aside.rename(torn)
    return found


KIM = "kim@us.example"


def a_contact_like_an_owner(there: Office) -> str:
    """Have a contact that shares an owner's address be known here, and be erased in the portal."""
    now = there.deployment.now
    contact = there.sandbox.edit(CONTACT_OBJECT, None, {"email": KIM, "firstname": "Kim"})
    values = {"email": KIM, "work_email": "kim.else@home.example", "phone": "030 1234"}
    with writing(there.engine) as conn:
        told = MirrorRecord("tickets", "900", now, {"subject": "x"}, links=(Link(CONTACT_OBJECT, contact),))
        mirror.store(conn, there.id, now, [MirrorRecord(CONTACT_OBJECT, contact, now, values), told])
    there.tell("contact.privacyDeletion", contact)
    there.drain()
    return contact


def test_a_contact_with_the_address_of_an_owner_is_erased_without_the_owner(
    lite: Deployment, office: OPEN
) -> None:
    """Their id, links, own versions and own addresses go; the owner at work stays as the CRM has them."""
    there = office(lite, HUBSPOT, three_customers().owner("kim", KIM))
    there.load()
    contact = a_contact_like_an_owner(there)
    (owner,) = meant(there.ws, named(KIM)).owner
    assert forget_next(there.ws, "worker") is not None
    with reading(there.engine) as conn:
        assert dirty.count(conn, there.id).get(Scope.CONTACT, 0) == 0
        assert mirror.find(conn, there.id, CONTACT_OBJECT, [contact]) == {}
        assert mirror.find(conn, there.id, "tickets", ["900"])["900"].links == ()
        kept = mirror.find(conn, there.id, "owners", [owner])[owner]
        (back,) = admitted(conn, there.ws, [kept])
    assert KIM in kept.values.values()
    assert back == kept
    only = Person(contact=frozenset({contact}), email=frozenset({"kim.else@home.example"}))
    assert proof_of(there, only).hits == ()


def test_a_refusal_of_ours_is_kept_in_its_words(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who came to work between the question and the forgetting: the mark says what to do."""
    there = office(lite, HUBSPOT, three_customers().owner("kim", KIM))
    there.load()
    a_contact_like_an_owner(there)
    monkeypatch.setattr(forget_contact, "meant_as_contact", lambda ws, _id: meant(ws, named(KIM)))
    assert forget_next(there.ws, "worker") is not None
    with reading(there.engine) as conn:
        (mark,) = dirty.failing(conn, there.id)
    assert "deactivated" in str(mark.error)
    assert KIM not in str(mark.error)
