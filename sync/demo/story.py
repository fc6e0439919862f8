"""The demo's story told once: first run, second run, what people and the product do, a week later."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from rich.progress import Progress

from mappings.money import to_major
from mappings.naming import vendor_name
from success.decide import Decision
from success.desired import RecordKind
from success.explain import explain
from success.facts import AccountFacts
from success.plans import MilestoneState
from success.wording.words import Words
from sync.bell import Lane, Work, ring
from sync.demo.crm import Crm, percentile, values_of, written_rows
from sync.demo.keep import keep_end, keep_first_run
from sync.demo.loop import Loop, Options, running
from sync.demo.people import WonContract
from sync.demo.report import CrmReport, DealMade, DemoReport, Explained
from sync.demo.usage_feed import Message, send
from sync.least_calls import least_calls
from sync.numbers import Portfolio, bands, decisions, metrics, portfolio
from sync.scheduler import look_at_all
from sync.state import ledger
from sync.state.engine import reading
from sync.workspace import Workspace

EVENTS_OF_A_KIND = 5
SILENT_ACCOUNTS = 3
HEALTHY_POINTS = 65_000
USAGE_DAYS = 12
WEEK = timedelta(days=7)
USAGE_REF = "customer_ref"


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of one CRM's portfolio after the first run."""

    portfolio: Portfolio
    decided: dict[str, Decision]


@dataclass(slots=True)
class Story:
    """One run of the demo over a started loop."""

    loop: Loop
    report: DemoReport
    known: dict[str, Known] = field(default_factory=dict)

    def first_run(self) -> None:
        """Install, read, take in usage, decide, write; then count the calls."""
        self.loop.each(self.loop.install)
        self.loop.load()
        self.loop.send_usage()
        self.loop.go_live()
        for crm in self.loop.crms:
            self._count_calls(crm)
            self._numbers(crm)
            keep_first_run(crm, self.loop.options.home)

    def second_run(self) -> None:
        """Read what changed and decide about everybody again: nothing is to be written."""
        marks = {crm.vendor: crm.control.last_request() for crm in self.loop.crms}
        for crm in self.loop.crms:
            look_at_all(crm.workspace(self.loop.runtime), "a second run")
            ring(self.loop.runtime.redis, Lane.FAST, Work.POLL, crm.installation)
        self.loop.wait_quiet("second run")
        for crm in self.loop.crms:
            crm.report.second_run_writes = written_rows(crm.control.requests(marks[crm.vendor]))

    def events(self) -> None:
        """Deals are won, tickets escalated, a milestone is reached; then a week passes."""
        task = self.loop.progress.add_task("events", total=3)
        self.loop.each(self._people_act)
        self.loop.progress.update(task, advance=1)
        self.loop.each(self._milestone_reached)
        self.loop.progress.update(task, advance=1)
        self._a_week_passes()
        self.loop.progress.update(task, advance=1)

    def close(self) -> None:
        """Count what stands at the end."""
        for crm in self.loop.crms:
            self._close(crm)
        self.report.hubspot, self.report.salesforce = (crm.report for crm in self.loop.crms)
        self.report.worker_restarts = self.loop.children.restarts
        self.report.seconds = round(time.monotonic() - self.loop.started, 1)
        self.report.home = str(self.loop.options.home)

    def _count_calls(self, crm: Crm) -> None:
        ws = crm.workspace(self.loop.runtime)
        requests = crm.requests()
        crm.report.calls |= {"made": len(requests), "least": least_calls(ws.vendor, crm.work(ws))}
        crm.report.records_written = written_rows(requests)
        crm.report.records_read = sum(one["rows_out"] for one in requests if not one["written"])
        profiles = crm.own_object(ws, RecordKind.PROFILE)
        crm.report.profiles_written = crm.control.counts().get(profiles, 0)

    def _numbers(self, crm: Crm) -> None:
        ws = crm.workspace(self.loop.runtime)
        held = portfolio(ws, self.loop.options.as_of)
        self.known[crm.vendor] = Known(held, decisions(ws, held))
        found, report = metrics(ws, held), crm.report
        report.accounts, report.contract_lines = found.accounts, found.contract_lines
        report.arr = {name.value: float(to_major(amount.value)) for name, amount in found.arr.items()}
        report.usage_quarantined = {
            verdict.value: rows
            for verdict, rows in found.usage_rows.items()
            if verdict.value in ("before_start", "after_end")
        }

    def _people_act(self, crm: Crm) -> None:
        """Win deals and escalate tickets, and wait until the profiles say so; measures the time."""
        ws = crm.workspace(self.loop.runtime)
        facts, decided = self._known(crm)
        people = crm.people(on_deal=ws.inbound.crm.reads.contract_line.source == "deal")
        profile = crm.own_object(ws, RecordKind.PROFILE)
        chosen = _healthy(decided)[: 2 * EVENTS_OF_A_KIND]
        product = next(line.product_id for one in facts.values() for line in one.lines)
        waits: list[float] = []
        for place, account in enumerate(chosen):
            marks = len(crm.control.deliveries()), crm.control.last_request()
            if place % 2:
                people.escalate_ticket(account)
                crm.report.events.append(f"ticket escalated at {facts[account].account.name}")
            else:
                contract = WonContract(f"demo-{place}", product, 10, 12_000, self.loop.options.as_of)
                people.win_deal(account, contract)
                crm.report.events.append(f"deal won at {facts[account].account.name}: 12,000 ARR")
            waits += self._wait_for_write(crm, profile, marks)
        crm.report.webhook_to_crm_seconds = {
            "p50": round(percentile(waits, 0.5), 3),
            "p95": round(percentile(waits, 0.95), 3),
        }

    def _wait_for_write(self, crm: Crm, profile: str, marks: tuple[int, int]) -> list[float]:
        """Return seconds from the last webhook of one happening to the profile's write."""
        found: list[float] = []

        def written() -> bool:
            told = crm.control.deliveries(marks[0])
            writes = [
                one for one in crm.control.requests(marks[1]) if one["object"] == profile and one["written"]
            ]
            if told and writes and not self.loop.waiting(crm):
                found.append(max(0.0, writes[-1]["wall"] - told[-1]["wall_created"]))
            return bool(found)

        self.loop.wait_for(f"{crm.vendor}: the write after a webhook", written)
        return found

    def _milestone_reached(self, crm: Crm) -> None:
        """Send the usage that is the evidence for an open milestone."""
        ws = crm.workspace(self.loop.runtime)
        facts, decided = self._known(crm)
        waiting = [key for key, one in sorted(decided.items()) if _open_milestones(one) and facts[key].lines]
        if not waiting:
            crm.report.events.append("no open milestone to reach")
            return
        account = facts[waiting[0]]
        before = _open_milestones(decided[waiting[0]])
        send(self.loop.web, crm.write_key, _evidence(account, self.loop.options.morning))
        self.loop.wait_quiet(f"milestone, {crm.vendor}")
        now = decisions(ws, portfolio(ws, ws.day_of(ws.now()), account_ids=[waiting[0]]))
        after = _open_milestones(now[waiting[0]])
        reached = [f"{title} (because {before[title]})" for title in sorted(before.keys() - after.keys())]
        crm.report.events.append(
            f"usage at {account.account.name}; milestones reached: {', '.join(reached) or 'none'}"
        )

    def _a_week_passes(self) -> None:
        """Move every clock a week on; usage goes on except where it stops; windows open."""
        morning, silent = self.loop.options.morning, self._silent()
        self.loop.move_to(self.loop.crms[0].workspace(self.loop.runtime).now() + WEEK)
        for crm in self.loop.crms:
            send(self.loop.web, crm.write_key, self.loop.feed.week_after(morning, silent))
            stopped = f"; usage has stopped at {', '.join(silent.values())}" if silent else ""
            crm.report.events.append(f"a week later: contracts entered their renewal window{stopped}")
        self.loop.wait_new_day()

    def _silent(self) -> dict[str, str]:
        """Return the customers whose usage stops, the last healthy ones that use the product, with names."""
        facts, decided = self._known(self.loop.crms[0])
        users = [facts[key].account for key in _healthy(decided) if facts[key].usage]
        return {
            str(one.attributes.get(USAGE_REF, one.account_id)): one.name for one in users[-SILENT_ACCOUNTS:]
        }

    def _close(self, crm: Crm) -> None:
        ws, report = crm.workspace(self.loop.runtime), crm.report
        held = portfolio(ws, ws.day_of(ws.now()))
        facts, decided = held.facts, decisions(ws, held)
        report.bands = bands(decided)
        report.explained = [
            Explained(
                facts[key].account.name,
                decided[key].health.band,
                explain(decided[key].health, Words(ws.rules.language)),
            )
            for key in _one_of_each_band(decided)
        ]
        states = [one.status for decision in decided.values() for one in decision.milestones]
        report.milestones = {
            "done": sum(one is MilestoneState.DONE for one in states),
            "late": sum(one is MilestoneState.LATE for one in states),
        }
        self._close_deals(crm, ws, report)
        keep_end(crm, ws, self.loop.options.home)

    def _close_deals(self, crm: Crm, ws: Workspace, report: CrmReport) -> None:
        key_field = vendor_name("key", ws.vendor)
        bound = ws.inbound.crm.reads.deal.fields.name
        name_field = str(bound.field) if bound else ""
        made = [values_of(one) for one in crm.made_deals(ws)]
        names = {str(one[key_field]): str(one.get(name_field, "")) for one in made}
        keys = sorted(names)
        report.renewals_created = sum(key.startswith("renewal:") for key in keys)
        report.expansions_created = sum(key.startswith("expansion:") for key in keys)
        with reading(ws.runtime.engine) as conn:
            rows = ledger.find(conn, ws.id, ws.inbound.crm.reads.deal.object, keys)
            report.blocked = len(ledger.blocked(conn, ws.id))
        report.deals = [DealMade(key, names[key], row.reason) for key, row in sorted(rows.items())]

    def _known(self, crm: Crm) -> tuple[Mapping[str, AccountFacts], dict[str, Decision]]:
        held = self.known[crm.vendor]
        return held.portfolio.facts, held.decided


def run(options: Options, progress: Progress) -> DemoReport:
    """Run the whole demo and return what it showed."""
    with running(options, progress) as loop:
        return tell(loop)


def tell(loop: Loop) -> DemoReport:
    """Tell the story over a started loop."""
    report = DemoReport(as_of=loop.options.as_of.isoformat(), portfolio=loop.crms[0].control.counts())
    story = Story(loop, report)
    story.first_run()
    story.second_run()
    story.events()
    story.close()
    return report


def _healthy(decided: dict[str, Decision]) -> list[str]:
    return sorted(
        key
        for key, one in decided.items()
        if one.health.points is not None and one.health.points >= HEALTHY_POINTS
    )


def _open_milestones(decision: Decision) -> dict[str, str]:
    """Return the titles of the milestones not reached, each with the evidence it waits for."""
    waiting = [one.rule for one in decision.milestones if one.status is not MilestoneState.DONE]
    return {rule.title: rule.evidence for rule in waiting}


def _one_of_each_band(decided: dict[str, Decision]) -> list[str]:
    """Return three accounts, of different bands where there are."""
    first: dict[str, str] = {}
    for key, one in sorted(decided.items()):
        first.setdefault(one.health.band, key)
    rest = [key for key in sorted(decided) if key not in first.values()]
    return [*first.values(), *rest][:3]


def _evidence(facts: AccountFacts, now: datetime) -> list[Message]:
    """Return lively usage of the days up to ``now`` under the account's newest line."""
    line = max(facts.lines, key=lambda one: (one.start, one.line_id))
    ref = facts.account.attributes.get(USAGE_REF, facts.account.account_id)
    days = [
        now - timedelta(days=back)
        for back in range(USAGE_DAYS)
        if _within(now - timedelta(days=back), line.start)
    ]
    return [
        {
            "type": "track",
            "messageId": f"demo-{ref}-{at.date()}-{feature}-{user}",
            "userId": f"{ref}-u{user}",
            "event": f"feature_{feature}",
            "timestamp": at.isoformat(),
            "properties": {
                "product": line.product_id,
                "subscription": line.line_id,
                "account": ref,
                "count": 5,
            },
            "context": {"groupId": ref},
        }
        for at in days
        for feature in range(1, 6)
        for user in range(min(20, max(1, line.quantity)))
    ]


def _within(at: datetime, start: date) -> bool:
    return at.date() >= start
