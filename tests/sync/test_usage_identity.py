"""Usage finds its account by what the charter says it names; what finds none is kept, shown, tried again."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings.binding import Binding
from mappings.charter import Charter
from mappings.load import load_charter
from mappings.usage_identity import Means, UsageEntry
from success.fold import FoldState
from sync.commands.diagnosis import of_usage
from sync.facts import Moment, assemble
from sync.state import fold, usage_store
from sync.state.engine import reading
from sync.state.usage_names import Names
from sync.usage_identity import Unmatched, match, usage_days
from sync.usage_numbers import UsageIntake, intake
from tests.sync.harness import CHARTER, HUBSPOT, Deployment, Office, event
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
TUESDAY = datetime(2025, 1, 14, 10, 0, tzinfo=UTC)
TODAY = date(2025, 1, 15)
DAYS = (date(2024, 1, 1), date(2026, 1, 1))


def charter(**usage: Any) -> Charter:
    """Return the default charter, reading companies' domains, with `usage`."""
    found = load_charter(CHARTER, HUBSPOT)
    crm = found.crm_for(HUBSPOT)
    fields = crm.reads.account.fields
    attributes = fields.attributes | {"email_domain": Binding(field="domain")}
    account = crm.reads.account.model_copy(
        update={"fields": fields.model_copy(update={"attributes": attributes})}
    )
    read = crm.model_copy(update={"reads": crm.reads.model_copy(update={"account": account})})
    crms = found.crm.model_copy(update={"hubspot": read})
    return found.model_copy(update={"crm": crms, "usage": UsageEntry.model_validate(usage)})


@pytest.fixture
def there(lite: Deployment, office: OPEN) -> Office:
    """Give an installation of HubSpot that is live, its usage found in any way."""
    found = office(lite, HUBSPOT, three_customers()).connect(charter()).install()
    found.load()
    found.go_live().settle()
    return found


def sent(user: str, *, account: str = "", line: str = "", **more: Any) -> dict[str, Any]:
    """Return an event that names what is given."""
    told = event(account, TUESDAY, user, name=f"{account}|{line}|{user}", **more)
    told["properties"] |= {"subscription": line} if line else {}
    return told if account else told | {"context": {}}


def uses(there: Office, ref: str, known_at: datetime | None = None) -> int:
    """Return the uses an account's facts hold now."""
    account = there.sandbox.lookup(f"account:{ref}")
    with reading(there.engine) as conn:
        found = assemble(conn, there.ws, [account], Moment(TODAY, known_at))
    return sum(one.count for one in found.facts[account].usage)


def told(there: Office) -> UsageIntake:
    """Return the figures of the intake."""
    return intake(there.ws, TODAY)


def change_domain(there: Office, ref: str, domain: str) -> None:
    """Have a company's domain changed in the CRM, and read it."""
    there.deployment.later(minutes=10)
    company = there.sandbox.lookup(f"account:{ref}")
    there.sandbox.edit("companies", company, {"domain": domain})
    there.tell("company.propertyChange", company, propertyName="domain", propertyValue=domain)
    there.drain()


def edit_domain(there: Office, ref: str, domain: str) -> None:
    """Have a company's domain changed in the CRM, and look at what that touches."""
    change_domain(there, ref, domain)
    there.settle()


def test_each_name_finds_its_account(there: Office) -> None:
    """Birch is named by account and by its people's domain, Acorn by its line; free mail is nobody's."""
    line = line_of(there, "acorn")
    there.use(
        [
            sent("u1", account="birch", count=1),
            sent("ann@mail.birch.example", count=10),
            sent("cem@gmail.com", count=100),
            sent("dee@nowhere.example", count=1000),
            sent("u2", line=line, count=10000),
            sent("u3", account="zelkova", count=100000),
            sent("u4", account="zelkova", line=line, count=1000000),
        ]
    )
    there.drain()
    assert (uses(there, "birch"), uses(there, "acorn")) == (11, 1010000)
    found = told(there)
    assert (found.rows, found.matched, found.match_rate) == (7, 4, Fraction(4, 7))
    assert found.unmatched == {
        Unmatched.FREE_MAIL: 1,
        Unmatched.UNKNOWN_ACCOUNT: 1,
        Unmatched.UNKNOWN_DOMAIN: 1,
    }
    assert "domain nowhere.example" in [one.named for one in found.names]
    assert (found.lag_median_days, found.lag_95_days, found.ahead) == (1, 1, 0)
    assert any("unknown domain: domain nowhere.example (1)" in one.matter for one in of_usage(there.ws))
    assert kept_of_people(there) == {"u1", "u2", "u3", "u4"}


def kept_of_people(there: Office) -> set[str]:
    """Return the users kept by name; of one told by an address only the hash, and nowhere the address."""
    with reading(there.engine) as conn:
        refs = list(usage_store.rows_by_ref(conn, there.id, TODAY))
        users = {one.user_ref for one in usage_store.presence(conn, there.id, refs, DAYS)}
    told = f"{there.id}\nann@mail.birch.example".encode()
    assert "@" + hashlib.sha256(told).hexdigest()[:32] in users
    files = Path(there.deployment.runtime.settings.usage_store).rglob("*.parquet")
    columns = [duckdb.read_parquet(str(file)).project('"user", account_ref').fetchall() for file in files]
    assert not any(b"@mail" in repr(rows).encode() for rows in columns)
    return {one for one in users if not one.startswith("@")}


def line_of(there: Office, ref: str) -> str:
    """Return the reference of an account's line as its facts have it."""
    account = there.sandbox.lookup(f"account:{ref}")
    with reading(there.engine) as conn:
        found = assemble(conn, there.ws, [account], Moment(TODAY))
    return found.facts[account].lines[0].line_id


def test_usage_of_a_domain_nobody_has_yet_is_matched_once_somebody_has(there: Office) -> None:
    """It waits under its domain, counts for the company that comes to have it, and is counted once."""
    there.use([sent("ann@newco.example", count=5)])
    there.drain()
    assert told(there).unmatched == {Unmatched.UNKNOWN_DOMAIN: 1}
    before = there.deployment.now
    edit_domain(there, "birch", "www.newco.example")
    there.use([sent("ann@newco.example", count=5)])
    there.drain()
    assert uses(there, "birch") == 5
    assert (told(there).matched, told(there).unmatched) == (1, {})
    assert uses(there, "birch", before) == 0
    birch = there.sandbox.lookup("account:birch")
    for day in (16, 17):
        there.deployment.at(datetime(2025, 1, day, 9, tzinfo=UTC))
        there.look_at_all()
        there.settle()
    with reading(there.engine) as conn:
        kept = fold.newest(conn, there.id, [birch], date(2025, 1, 17))[birch].state
    with there.engine.begin() as conn:
        assert fold.drop(conn, there.id) > 0
    there.deployment.later(minutes=1)
    there.look_at_all()
    there.look()
    with reading(there.engine) as conn:  # looked at daily or replayed in one go
        assert fold.newest(conn, there.id, [birch], date(2025, 1, 17))[birch].state == kept
    (plan,) = FoldState.from_json(kept).plans.values()
    assert dict(plan.reached)["first_use"] == date(2025, 1, 15)


def test_a_domain_of_two_accounts_is_nobodys_until_one_gives_it_up(there: Office) -> None:
    """Both lose the use while both claim it, both are looked at, and what was known before stays known."""
    there.use([sent("ann@birch.example", count=5)])
    there.drain()
    assert uses(there, "birch") == 5
    there.settle()
    alone = there.deployment.now
    change_domain(there, "acorn", "birch.example")
    assert there.waiting_accounts() == 2
    there.settle()
    with reading(there.engine) as conn:
        account = assemble(conn, there.ws, [there.sandbox.lookup("account:birch")], Moment(TODAY)).facts
        (birch,) = (one.account for one in account.values())
        assert (birch.account_id, TODAY + timedelta(days=1)) in set(
            usage_days(conn, there.ws, [birch], TODAY - timedelta(days=30))
        )
    assert (uses(there, "birch"), uses(there, "acorn")) == (0, 0)
    assert told(there).unmatched == {Unmatched.AMBIGUOUS: 1}
    assert uses(there, "birch", alone) == 5
    edit_domain(there, "acorn", "acorn.example")
    assert (uses(there, "birch"), uses(there, "acorn")) == (5, 0)


def test_a_charter_that_comes_later_learns_what_is_known(lite: Deployment, office: OPEN) -> None:
    """Without `usage` an event must name the account; once the charter has it, domains lead there."""
    there = office(lite, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live().settle()
    there.use([sent("ann@birch.example", count=5)], "early")
    there.use([sent("ann@birch.example", account="birch", count=2)], "named")
    there.drain()
    assert (uses(there, "birch"), told(there).rows) == (2, 1)
    lite.later(minutes=10)
    there.connect(charter())
    there.poll()
    there.load()
    there.settle()
    there.use([sent("bea@birch.example", count=30)])
    there.drain()
    there.settle()
    assert uses(there, "birch") == 32


@pytest.mark.parametrize(
    ("order", "account"),
    [
        (["account", "subscription", "email_domain"], "A"),
        (["subscription", "account"], "B"),
        (["email_domain"], Unmatched.AMBIGUOUS),
        (["email_domain", "subscription"], "B"),
    ],
)
def test_the_charters_order_decides(order: list[str], account: str) -> None:
    """Of three names that lead elsewhere the first of the charter's ways wins; an ambiguous one is passed."""
    claims = {
        Means.ACCOUNT: {"a": {"A"}},
        Means.SUBSCRIPTION: {"l": {"B"}},
        Means.EMAIL_DOMAIN: {"c.example": {"C", "D"}},
    }
    entry = UsageEntry.model_validate({"identity": order})
    assert match(Names("a", "l", "c.example"), entry, claims) == account


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["birch", "", "zelkova"]),
        st.integers(0, 3),
        st.sampled_from(["u1", "u2", "ann@birch.example", "cem@gmail.com"]),
        st.integers(1, 3),
    ),
    min_size=1,
    max_size=12,
)


def test_any_order_and_any_batches_give_the_same_sums(there: Office) -> None:
    """Events in any order, repeated, in any batches: the sums and the people are those counted by hand."""
    number = iter(range(10**6))

    @settings(
        deadline=None,
        derandomize=True,
        max_examples=12,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(EVENTS, st.randoms(use_true_random=False), st.integers(1, 5))
    def holds(drawn: list[tuple[str, int, str, int]], chance: Any, size: int) -> None:
        run = next(number)
        events = []
        for account, day, user, count in drawn:
            if account or "@" in user:
                one = event(account, TUESDAY - timedelta(days=day), user, count=count, feature=f"run{run}")
                one["messageId"] = f"{run}|{account}|{day}|{user}|{count}"
                events.append(one if account else one | {"context": {}})
        shuffled = [*events, *events[: len(events) // 2]]
        chance.shuffle(shuffled)
        for place in range(0, len(shuffled), size):
            there.use(shuffled[place : place + size], f"{run}-{place}")
            if chance.random() < 0.5:
                there.drain()
        there.drain()
        distinct = {one["messageId"]: one for one in events}
        expected: defaultdict[date, int] = defaultdict(int)
        for one in distinct.values():
            expected[datetime.fromisoformat(one["timestamp"]).date()] += one["properties"]["count"]
        with reading(there.engine) as conn:
            refs = usage_store.rows_by_ref(conn, there.id, TODAY)
            sums = [
                one
                for one in usage_store.usage(conn, there.id, list(refs), DAYS)
                if one.feature == f"run{run}"
            ]
        found: defaultdict[date, int] = defaultdict(int)
        for one in sums:
            found[one.day] += one.count
        assert found == expected
        assert sum(one.rows for one in sums) == len(distinct)

    holds()
