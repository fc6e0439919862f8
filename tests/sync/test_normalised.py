"""A value HubSpot keeps in another form: no endless difference, and people are still heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sync.state import findings, ledger
from sync.state.engine import reading, writing
from sync.state.findings import Finding
from sync.state.leases import next_fence
from sync.state.ledger import LedgerRow, WantedRow, WriteState
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
FIELD = "cs_renewal_on"
SENT, KEPT = "2025-03-01T10:00:00Z", "2025-03-01"  # ten o'clock is no midnight: HubSpot keeps the day


@dataclass(frozen=True)
class Company:
    """A company of which the ledger wants one date, and the office it stands in."""

    there: Office
    id: str

    def want(self, value: str) -> None:
        """Say what the date should be."""
        row = WantedRow("companies", self.key, self.id, "profile", {FIELD: value}, record_id=self.id)
        with writing(self.there.engine) as conn:
            ledger.want(
                conn, self.there.id, self.there.deployment.now, [row], next_fence(conn, self.there.id)
            )

    @property
    def key(self) -> str:
        """Return the row's key."""
        return f"dated:{self.id}"

    @property
    def row(self) -> LedgerRow:
        """Return the row of the ledger."""
        return self.there.row("companies", self.key)

    def stands(self) -> str:
        """Return the date as it stands in the portal."""
        (found,) = [one for one in self.there.sandbox.records("companies") if one["id"] == self.id]
        return str(found["properties"][FIELD])

    def told(self) -> list[Finding]:
        """Return what the admin is told of normalised values."""
        with reading(self.there.engine) as conn:
            return findings.open_findings(conn, self.there.id, "normalised")

    def person_sets(self, value: str) -> None:
        """Have a person change the date, and let the next poll find it."""
        self.there.deployment.later(minutes=10)
        self.there.sandbox.edit("companies", self.id, {FIELD: value})
        self.there.deployment.later(minutes=1)
        self.there.poll()


def written(deployed: Deployment, office: OPEN) -> Company:
    """Return a company whose date was sent with an hour, and kept as a day."""
    there = office(deployed, HUBSPOT, three_customers()).install()
    there.load()
    company = Company(there, there.sandbox.lookup("account:acorn"))
    company.want(SENT)
    assert there.push().written == 1
    return company


def test_what_stands_is_acknowledged_and_what_was_sent_is_remembered(both: Deployment, office: OPEN) -> None:
    """The ledger holds the day HubSpot keeps, beside the hour we sent, and the admin is told in its words."""
    company = written(both, office)
    assert company.stands() == KEPT
    row = company.row
    assert (row.state, row.acknowledged, row.normalised) == (
        WriteState.ACKNOWLEDGED,
        {FIELD: KEPT},
        {FIELD: SENT},
    )
    (told,) = company.told()
    assert told.subject == f"companies/{company.key}/{FIELD}"
    assert told.message.startswith(f"we sent '{SENT}'; the CRM keeps '{KEPT}' (The value {SENT} of ")


def test_the_kept_form_is_no_difference(both: Deployment, office: OPEN) -> None:
    """A person renames the company, a poll brings the kept day, the row is pushed again: nothing is sent."""
    company = written(both, office)
    there = company.there
    both.later(minutes=10)
    there.sandbox.edit("companies", company.id, {"name": "Acorn Ltd"})
    both.later(minutes=1)
    there.poll()
    assert company.row.state is WriteState.ACKNOWLEDGED
    with writing(there.engine) as conn:
        assert ledger.reopen(conn, there.id, "companies", [company.key]) == 1
    mark = there.sandbox.mark()
    done = there.push()
    assert (done.written, done.standing) == (0, 1)
    assert there.sandbox.requests(mark) == []
    assert (company.row.acknowledged, company.row.normalised) == ({FIELD: KEPT}, {FIELD: SENT})


def test_a_persons_edit_of_the_field_is_rewritten_once(both: Deployment, office: OPEN) -> None:
    """Another day is put right by one write; insisted on within a day it is theirs, and shown as blocked."""
    company = written(both, office)
    there = company.there
    company.person_sets("2025-04-01")
    mark = there.sandbox.mark()
    assert there.push().written == 1
    assert (company.stands(), len(there.sandbox.requests(mark))) == (KEPT, 1)
    assert there.push().written == 0

    company.person_sets("2025-05-01")
    assert (there.push().written, company.stands()) == (0, "2025-05-01")
    (row,) = there.blocked()
    assert (row.key, row.error_code) == (company.key, "CHANGED_BY_OTHERS")


def test_a_date_that_is_kept_as_sent_ends_the_finding(lite: Deployment, office: OPEN) -> None:
    """Wanted as a day from now on it is written as one, no longer remembered as another form, and closed."""
    company = written(lite, office)
    company.want("2025-06-01")
    assert company.there.push().written == 1
    assert (company.row.acknowledged, company.row.normalised) == ({FIELD: "2025-06-01"}, {})
    assert company.told() == []


def test_wanting_the_very_day_that_is_kept_sends_nothing(lite: Deployment, office: OPEN) -> None:
    """The day stands already: no call, and the finding is closed."""
    company = written(lite, office)
    company.want(KEPT)
    mark = company.there.sandbox.mark()
    assert company.there.push().standing == 1
    assert company.there.sandbox.requests(mark) == []
    assert (company.row.normalised, company.told()) == ({}, [])
