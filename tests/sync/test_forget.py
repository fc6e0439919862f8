"""A person is forgotten: nothing anywhere names them, the past's counts stay right, they do not come back."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, text

from sync import forget as forgetting
from sync.admission import admitted
from sync.forget import carry_out, forget, meant, plan_forget
from sync.forget_contact import forget_next
from sync.forget_rows import remove_rows
from sync.forget_whom import named
from sync.owners import read_owners
from sync.person import Person
from sync.person_text import Traces
from sync.prove import Proof, prove
from sync.state import dirty, ledger, mirror, persons
from sync.state.dirty import Scope
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.state.mirror import MirrorRecord
from sync.state.usage_store import presence_day, usage_day
from tests.sync.forgotten import (
    CONTACT_OBJECT,
    EMAIL,
    contact_in_crm,
    found_by_hand,
    mirrored,
    used,
)
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
ACCOUNT = "acorn"


def live(deployed: Deployment, office: OPEN) -> tuple[Office, str]:
    """Return a portal after its first run, in which the person is known in every way; and their contact."""
    there = office(deployed, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live().settle()
    contact = contact_in_crm(there)
    mirrored(there, contact)
    used(there, ACCOUNT)
    there.settle()
    return there, contact


def proof_of(there: Office, person: Person) -> Proof:
    """Return the product's own proof."""
    return prove(there.ws, Traces(person, there.id), lambda _what, _count: None)


def counts(there: Office) -> tuple[int, int, int]:
    """Return distinct users of the past, presence rows, and use counted."""
    with reading(there.engine) as conn:
        users = conn.execute(select(func.count(presence_day.c.user_ref.distinct()))).scalar_one()
        rows = conn.execute(select(func.count()).select_from(presence_day)).scalar_one()
        use = conn.execute(select(func.sum(usage_day.c.use_count))).scalar_one()
    return users, rows, int(use)


def test_forgotten_by_address_nothing_is_left_and_counts_stay(both: Deployment, office: OPEN) -> None:
    """An address leads to the contact, the user and every hash; two users were there, and two they stay."""
    there, contact = live(both, office)
    person = meant(there.ws, named(EMAIL))
    assert (person.contact, person.name) == ({contact}, {"Ann Berg"})
    assert found_by_hand(there)
    assert counts(there) == (2, 3, 3)
    planned = plan_forget(there.ws, person)
    assert planned.rows["presence_day"] == 2
    assert planned.rows["record_version"] == 1

    done = forget(there.ws, person)
    assert (done.left, done.files) == ((), 1)
    assert found_by_hand(there) == []
    found = proof_of(there, person)
    assert found.hits == ()
    assert found.tables > 20
    assert found.rows > 50
    assert found.files >= 1
    assert found.crm_records > 5
    assert counts(there) == (2, 3, 3)
    with reading(there.engine) as conn:
        assert persons.under_way(conn, both.runtime.box, there.id) == []
        assert dirty.count(conn, there.id).get(Scope.CONTACT, 0) == 0


def test_nothing_brings_a_forgotten_person_back(lite: Deployment, office: OPEN) -> None:
    """The same batch again counts nothing, new use is nobody's; a record read again has no name.

    Forgetting again finds nothing to change.
    """
    there, contact = live(lite, office)
    person = meant(there.ws, named(EMAIL))
    forget(there.ws, person)
    used(there, ACCOUNT, name="the same, by another way")
    there.settle()
    assert counts(there) == (2, 3, 3)
    used(there, ACCOUNT, name="late", days=10)
    there.settle()
    users, rows, use = counts(there)
    assert (users, rows, use) == (2, 4, 6)

    now = lite.now
    back = MirrorRecord(CONTACT_OBJECT, contact, now, {"email": EMAIL})
    with writing(there.engine) as conn:
        told = MirrorRecord("tickets", "900", now, {"who": f"Ann Berg <{EMAIL}>", "hubspot_owner_id": "1"})
        (kept,) = admitted(conn, there.ws, [back, told])
    assert kept.values == {"who": "[removed] <[removed]>", "hubspot_owner_id": "1"}
    assert found_by_hand(there, old_bytes=False) == []
    again = forget(there.ws, person)
    assert (again.rows, again.files, again.redis_keys, again.crm_records) == ({}, 0, 0, 0)
    assert carry_out(there.ws, persons.Job("ended", person.text(), "removed-1")).rows == {}


def test_a_record_we_wrote_no_longer_names_them(lite: Deployment, office: OPEN, one_try: None) -> None:
    """What stands in our record is rewritten, in the ledger too; a CRM that is away is asked again."""
    there, _ = live(lite, office)
    (deal,) = [one for key, one in there.written("deals").items() if key == "renewal:l-a1:1"]
    record_id = str(deal["_record"]["id"])
    words = f"Talk to {EMAIL} before"
    there.sandbox.edit("deals", record_id, {"cs_reason": words})
    with writing(there.engine) as conn:
        conn.execute(
            text('UPDATE write_ledger SET acknowledged = replace(acknowledged, \'"cs_reason":"\', :to)'),
            {"to": f'"cs_reason":"{EMAIL} '},
        )
    person = meant(there.ws, named(EMAIL))
    assert proof_of(there, person).hits
    there.sandbox.fault("unavailable", "/crm/", times=50)
    assert len(forget(there.ws, person).left) == 1
    assert forget_next(there.ws, "worker") is not None
    assert there.written("deals")["renewal:l-a1:1"]["cs_reason"] == words
    there.sandbox.heal()
    lite.later(minutes=11)
    assert forget_next(there.ws, "worker") is not None
    assert forget_next(there.ws, "worker") is None
    assert there.written("deals")["renewal:l-a1:1"]["cs_reason"] == "Talk to [removed] before"
    assert proof_of(there, person).hits == ()
    held = there.row("deals", "renewal:l-a1:1")
    assert held.acknowledged is not None
    assert str(held.acknowledged["cs_reason"]).startswith("[removed] ")


PLANTED = {
    "installation.name": "UPDATE installation SET name = 'Portal of ann.berg@acorn.example'",
    "cursor.position": "UPDATE cursor SET position = 'ann.berg%40acorn.example' WHERE object = 'deals'",
    "charter_life.reason": "UPDATE charter_life SET reason = :digest",
    "record_version.body": "UPDATE record_version SET body = "
    """replace(body, '"links":[]', '"links":[["contacts","4711"]]') WHERE object = 'companies'""",
    "dirty.reasons": "UPDATE dirty SET reasons = '|contact 4711 changed|'",
}
"""Statements by the place they plant the person in: plain, as in an address, hashed, as a link, in words."""


def test_the_proof_finds_whoever_is_left(lite: Deployment, office: OPEN) -> None:
    """Planted in any one place, the person is reported there and nowhere else, and forgotten there.

    A contact's number is also a company's: what is the company's stays as it is.
    """
    there = office(lite, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live().settle()
    there.look_at_all()
    company = there.sandbox.lookup("account:acorn")
    person = Person(email=frozenset({EMAIL.lower()}), contact=frozenset({"4711", company}))
    digest = hashlib.sha256(EMAIL.lower().encode()).hexdigest()
    assert proof_of(there, person).hits == ()
    with reading(there.engine) as conn:
        before = mirror.find(conn, there.id, "companies", [company])
        rows = ledger.counts(conn, there.id)
    home = lite.runtime.settings.home
    home.mkdir(exist_ok=True)
    for place, statement in PLANTED.items():
        with writing(there.engine) as conn:
            conn.execute(text(statement), {"digest": digest} if ":digest" in statement else {})
        assert places(there, person) == {place}
        remove_rows(there.engine, Traces(person, there.id), "nobody", nothing, nothing)
        assert places(there, person) == set()
    (home / "export.csv").write_text(f"id,who\n1,{EMAIL}\n")
    (home / "old.log.gz").write_bytes(gzip.compress(f"asked by {EMAIL}".encode()))
    deal = there.written("deals")["renewal:l-a1:1"]
    there.sandbox.edit("deals", str(deal["_record"]["id"]), {"cs_reason": EMAIL})
    lite.runtime.redis.set("left", EMAIL)
    elsewhere = {"deals.cs_reason", "redis 1", str(home / "export.csv"), str(home / "old.log.gz")}
    assert places(there, person) == elsewhere
    forget(there.ws, person)
    assert proof_of(there, person).hits == ()
    with reading(there.engine) as conn:
        assert mirror.find(conn, there.id, "companies", [company]) == before
        assert ledger.counts(conn, there.id) == rows


def nothing(*_: object) -> None:
    """Do nothing."""


def places(there: Office, person: Person) -> set[str]:
    """Return where the proof finds the person, what a database file keeps of old rows aside."""
    found = {one.place for one in proof_of(there, person).hits}
    return {one for one in found if ".db" not in one}


def test_a_forgetting_cut_short_is_gone_on_with(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at any step, the mark stays, and the next look finishes with the same stand-in."""
    there, _ = live(lite, office)
    person = meant(there.ws, named(EMAIL))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    for step in ("remove_files", "remove_from_crm", "scour"):
        with monkeypatch.context() as dying:
            dying.setattr(forgetting, step, die)
            with pytest.raises(KeyboardInterrupt):
                forget(there.ws, person)
    while forget_next(there.ws, "the next worker") is not None:
        pass
    assert found_by_hand(there) == []
    assert proof_of(there, person).hits == ()
    assert counts(there) == (2, 3, 3)


def test_whoever_is_at_work_in_the_crm_is_not_forgotten(lite: Deployment, office: OPEN) -> None:
    """An owner the CRM still gives records to would come back with every reading, so it is refused."""
    there = office(lite, HUBSPOT, three_customers().owner("kim", "kim@us.example"))
    there.load()
    person = meant(there.ws, named("kim@us.example"))
    assert len(person.owner) == 1
    with pytest.raises(StateError, match="deactivated"):
        forget(there.ws, person)
    with writing(there.engine) as conn:
        mirror.mark_deleted(conn, there.id, lite.now, "owners", [(one, lite.now) for one in person.owner])
    assert forget(there.ws, person).left == ()
    read_owners(there.ws)
    assert proof_of(there, person).hits == ()
    with reading(there.engine) as conn:
        assert mirror.find(conn, there.id, "owners", sorted(person.owner)) == {}
