"""A month of one made-up vendor, event by event: what people, support and the product do.

Hand-made, with a seeded stream of tickets and use between. Every event happens in the
sandbox at its instant and is told by webhook; nothing reacts to what we write.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.sync.harness import START, Office, event
from tests.sync.portfolios import Book

DAYS = 30
MIDNIGHT = datetime(2025, 1, 15, tzinfo=UTC)
END = START + timedelta(days=DAYS, hours=3)
SEED = 20250115
BY_CHANCE = ("acorn", "cedar", "elm", "fir", "iris", "kale")
"""The accounts whose tickets and use are drawn by lot."""


def portfolio() -> Book:
    """Return the customers at the beginning; each stands for one thing that will happen."""
    book = Book()
    for key in ("acorn", "birch", "cedar", "doc", "elm", "fir", "hazel", "iris", "kale"):
        book.account(key, key.title())
    book.sold("acorn", "a1", "2024-03-01", "2025-03-01", "12000")
    book.sold("birch", "b1", "2024-12-01", None, "2400", seats=4)  # uses more and more
    book.sold("cedar", "c1", "2024-05-05", "2025-04-30", "5000")  # enters its window on 30 January
    book.sold("elm", "e1", "2024-05-05", "2025-05-05", "900")  # a person opens its renewal first
    book.sold("fir", "f1", "2024-02-20", "2025-02-20", "700")  # renews on the twelfth day
    book.sold("hazel", "h1", "2024-01-25", "2025-01-25", "800")  # leaves
    book.sold("iris", "i1", "2024-03-10", "2025-05-01", "1000", group="g")  # an older line turns up
    book.sold("kale", "k1", "2024-06-01", "2026-01-01", "1500")
    book.sold("kale", "k2", "2024-07-01", "2026-02-01", "500")  # is taken back
    return book


@dataclass(order=True)
class Happening:
    """Something that happens at an instant."""

    at: datetime
    number: int
    act: Callable[[], None] = field(compare=False)


class Month:
    """The month in one office; every office lives through the same."""

    def __init__(self, office: Office) -> None:
        """Write the script."""
        self.office = office
        self.tickets: dict[str, str] = {}
        self.arrived: dict[str, str] = {}
        self.happenings: list[Happening] = []
        self._people()
        self._product()
        self._chance()
        self.happenings.sort()

    def _on(self, day: int, hour: float, act: Callable[..., None], *arguments: Any) -> None:
        at = MIDNIGHT + timedelta(days=day, hours=hour)
        self.happenings.append(Happening(at, len(self.happenings), lambda: act(*arguments)))

    def _people(self) -> None:
        self._on(3, 11, self._rename, "doc", "Doctor")
        self._on(6, 10, self._sell, "doc", "d1", "2025-01-21", "2026-01-21", "3600", 6)
        self._on(7, 14, self._open_ticket, "acorn", "first of all")
        self._on(8, 9.5, self._escalate, "acorn", "first of all")
        self._on(8, 16, self._sell, "iris", "i0", "2024-02-01", "2025-05-01", "400", 2, "g")
        self._on(9, 9, self._arrive, "ginkgo")
        self._on(9, 10, self._sell, "ginkgo", "g1", "2025-01-24", "2025-04-24", "600", 3, "gg")
        self._on(9, 15, self._sell, "ginkgo", "g0", "2025-01-20", "2025-04-24", "300", 2, "gg")
        self._on(10, 13, self._open_renewal, "elm", "2025-05-01")
        self._on(11, 18, self._close_ticket, "first of all")
        self._on(12, 12, self._sell, "fir", "f2", "2025-02-20", "2026-02-20", "750", 10)
        self._on(13, 10, self._open_ticket, "birch", "birch burns")
        self._on(13, 11, self._escalate, "birch", "birch burns")
        self._on(16, 20, self._close_ticket, "birch burns")
        self._on(22, 23.5, self._take_back, "k2")
        self._on(25, 0, self._rename, "doc", "Doctor Inc")

    def _product(self) -> None:
        for day in range(1, DAYS):
            users = 1 if day < 4 else 4
            self._on(day, 12, self._use, "birch", day, users, ["f1"] if day < 20 else ["f1", "f2"])
            if day > 8:
                self._on(day, 21, self._use, "ginkgo", day, 4, ["f1", "f2", "f3"])
        self._on(0, 20, self._use, "cedar", 0, 2, ["f1"])  # after going live, on its very day
        self._on(5, 8, self._use, "ginkgo", 4, 2, ["f1"])  # before the account exists
        self._on(18, 8, self._use, "birch", 5, 4, ["f2", "f3"])  # known thirteen days late
        self._on(18, 9, self._use, "cedar", -20, 3, ["f1", "f2"])

    def _chance(self) -> None:
        chance = random.Random(SEED)
        for day in range(1, DAYS):
            account = chance.choice(BY_CHANCE)
            hour = chance.uniform(0, 23.9)
            if day > 7 and chance.random() < 0.5:
                self._on(day, hour, self._open_ticket, account, f"ticket {day}")
                closes = day + chance.randint(1, 6)
                if closes < DAYS:
                    self._on(closes, hour, self._close_ticket, f"ticket {day}")
            else:
                users = chance.randint(1, 9)
                self._on(day, hour, self._use, account, day - chance.randint(0, 3), users, ["f1", "f4"])

    def _company(self, key: str) -> str:
        return self.arrived.get(key) or self.office.sandbox.lookup(f"account:{key}")

    def _rename(self, key: str, name: str) -> None:
        company = self._company(key)
        self.office.sandbox.edit("companies", company, {"name": name})
        self.office.tell("company.propertyChange", company, propertyName="name", propertyValue=name)

    def _arrive(self, key: str) -> None:
        values = {"name": key.title(), "customer_ref": key}
        company = self.office.sandbox.edit("companies", None, values)
        self.arrived[key] = company
        self.office.tell("company.creation", company)

    def _sell(self, key: str, ref: str, start: str, end: str, arr: str, seats: int, group: str = "") -> None:
        sandbox, link = self.office.sandbox, [{"object": "companies", "id": self._company(key)}]
        values = {"dealname": ref, "pipeline": "default", "dealstage": "closedwon", "closedate": start}
        deal = sandbox.edit("deals", None, {**values, "deal_kind": "new"}, associations=link)
        terms = {
            "name": "Core",
            "contract_ref": f"l-{ref}",
            "contract_product": "core",
            "contract_seats": str(seats),
            "contract_start": start,
            "contract_end": end,
            "contract_term_months": "12",
            "contract_arr": arr,
            "contract_kind": "recurring",
            "contract_co_term_group": group,
            "hs_line_item_currency_code": "USD",
        }
        line = sandbox.edit("line_items", None, terms, associations=[{"object": "deals", "id": deal}])
        self.office.tell("line_item.creation", line)
        self.office.tell("deal.creation", deal)

    def _open_renewal(self, key: str, close_on: str) -> None:
        values = {"dealname": "By hand", "pipeline": "default", "dealstage": "qualifiedtobuy"}
        deal = self.office.sandbox.edit(
            "deals",
            None,
            {**values, "closedate": close_on, "deal_kind": "renewal"},
            associations=[{"object": "companies", "id": self._company(key)}],
        )
        self.office.tell("deal.creation", deal)

    def _take_back(self, ref: str) -> None:
        line = self.office.sandbox.lookup(f"line:l-{ref}")
        self.office.sandbox.edit("line_items", line, {}, delete=True)
        self.office.tell("line_item.deletion", line)

    def _open_ticket(self, key: str, name: str) -> None:
        values = {"subject": name, "hs_pipeline": "0", "hs_pipeline_stage": "1"}
        link = [{"object": "companies", "id": self._company(key)}]
        self.tickets[name] = self.office.sandbox.edit("tickets", None, values, associations=link)
        self.office.tell("ticket.creation", self.tickets[name])

    def _escalate(self, _key: str, name: str) -> None:
        self.office.sandbox.edit("tickets", self.tickets[name], {"support_escalated": "true"})
        self.office.tell("ticket.propertyChange", self.tickets[name])

    def _close_ticket(self, name: str) -> None:
        self.office.sandbox.edit("tickets", self.tickets[name], {"hs_pipeline_stage": "4"})
        self.office.tell("ticket.propertyChange", self.tickets[name])

    def _use(self, key: str, day: int, users: int, features: list[str]) -> None:
        at = MIDNIGHT + timedelta(days=day, hours=7)
        self.office.use(
            [event(key, at, f"u{user}", feature=one) for user in range(users) for one in features]
        )


def live_through(office: Office, looks: Iterator[tuple[datetime, Callable[[], None]]]) -> None:
    """Let the month happen, with looks between, and one more at its end; intake follows each event."""
    month, deployed = Month(office), office.deployment
    timeline: list[tuple[datetime, int, Callable[[], None]]] = [
        (one.at, 0, one.act) for one in month.happenings if one.at < END
    ]
    timeline += [(at, 1, act) for at, act in looks if at < END]
    for at, is_look, act in sorted(timeline, key=lambda one: one[:2]):
        deployed.at(max(at, START + timedelta(minutes=1)))
        act()
        if not is_look:
            office.drain()
            deployed.later(seconds=30)
            office.drain()
    deployed.at(END)
    office.look_at_all()
    office.look()
    office.push()
