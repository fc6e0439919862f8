"""Uninstalling: what an install made goes, the customer's stays, and a later install doubles nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integration.parts import PartKind
from sync.state import due, ledger, ledger_undo
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.state.installations import Status
from sync.state.leases import Lease
from sync.uninstall import apply_uninstall, plan_uninstall
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
TIERS = pytest.mark.parametrize("tier", ["enterprise", "starter"])


def definitions(there: Office) -> dict[str, Any]:
    """Return everything an admin defines in a portal, as far as it can be changed by us."""
    port = there.ws.port
    call, paths = port._portal.transport.call, port._portal.paths
    kinds = ("companies", "deals", "contacts", "0-5", "0-8")
    found: dict[str, Any] = {
        "lists": call("test", "POST", f"{paths.lists}/search", {"count": 500}).body["lists"],
    }
    if there.ws.port.describe(()).custom_objects_left:
        for archived in ("false", "true"):
            answer = call("test", "GET", f"{paths.schemas}?archived={archived}")
            found[f"schemas archived={archived}"] = answer.body["results"]
    for kind in kinds:
        properties = call("test", "GET", f"{paths.properties}/{kind}").body["results"]
        groups = call("test", "GET", f"{paths.properties}/{kind}/groups").body["results"]
        found |= {
            f"{kind} properties": sorted(one["name"] for one in properties),
            f"{kind} groups": sorted(one["name"] for one in groups),
            f"{kind} pipelines": call("test", "GET", f"{paths.pipelines}/{kind}").body["results"]
            if kind in ("deals", "0-5")
            else [],
        }
    return found


def at_work(there: Office) -> Office:
    """Install, read everything and write everything."""
    there.install()
    there.load()
    there.go_live().settle()
    return there


def custom(tier: str) -> tuple[str, ...]:
    """Return the options of a sandbox of a tier."""
    return ("--tier", tier)


@TIERS
def test_the_portal_is_defined_as_before_we_came(lite: Deployment, office: OPEN, tier: str) -> None:
    """Lists, properties, groups, objects and pipelines are exactly those of the day before."""
    there = office(lite, HUBSPOT, three_customers(), *custom(tier))
    before = definitions(there)
    at_work(there)
    assert definitions(there) != before
    done = apply_uninstall(there.ws, plan_uninstall(there.ws))
    assert done.refused == ()
    assert definitions(there) == before


@TIERS
def test_a_plan_changes_nothing_and_an_apply_does_what_it_says(
    lite: Deployment, office: OPEN, tier: str
) -> None:
    """The plan only reads; the parts it names are the parts that go, and afterwards none is left."""
    there = at_work(office(lite, HUBSPOT, three_customers(), *custom(tier)))
    mark = there.sandbox.mark()
    plan = plan_uninstall(there.ws)
    assert [one["written"] for one in there.sandbox.requests(mark) if one["written"]] == []
    assert not plan.is_empty
    done = apply_uninstall(there.ws, plan)
    assert {one.part for one in done.removals} == {one.part for one in plan.parts}
    assert done.records == sum(one.ours for one in plan.records)
    again = plan_uninstall(there.ws)
    assert (again.is_empty, again.records) == (True, ())


def test_a_write_under_way_is_waited_for(lite: Deployment, office: OPEN) -> None:
    """A worker holds rows it may be sending: nothing is taken back until its lease has ended, then all is."""
    there = office(lite, HUBSPOT, three_customers()).install()
    there.load()
    there.go_live().look()
    with writing(there.engine) as conn:
        assert ledger.claim_pending(conn, there.id, "cs_profile", Lease("worker", lite.now, 180, 100))
    mark = there.sandbox.mark()
    with pytest.raises(StateError, match="a worker is writing 3 records"):
        apply_uninstall(there.ws, plan_uninstall(there.ws))
    assert [one for one in there.sandbox.requests(mark) if one["written"]] == []
    assert there.ws.installation.status is Status.UNINSTALLED
    lite.later(minutes=3)
    assert apply_uninstall(there.ws, plan_uninstall(there.ws)).refused == ()


def test_our_records_go_and_deals_stay(lite: Deployment, office: OPEN) -> None:
    """Profiles, plans and milestones are counted and archived; the renewals opened stay in the pipeline."""
    there = at_work(office(lite, HUBSPOT, three_customers()))
    renewals = there.written("deals")
    assert renewals
    profiles = len(there.sandbox.records(there.own("profile")))
    plan = plan_uninstall(there.ws)
    (counted,) = [one for one in plan.records if one.object == "cs_profile"]
    assert (counted.ours, counted.others) == (profiles, 0)
    assert plan.stays == {"deals": len(renewals)}
    deals = {one["id"] for one in there.sandbox.records("deals")}
    apply_uninstall(there.ws, plan)
    assert {one["id"] for one in there.sandbox.records("deals")} == deals


def test_what_the_customer_had_under_our_names_stays(lite: Deployment, office: OPEN) -> None:
    """They had a number cs_health on companies before: the install used it, the uninstall leaves it."""
    there = office(lite, HUBSPOT, three_customers())
    port: Any = there.ws.port
    call, paths = port._portal.transport.call, port._portal.paths
    theirs = {
        "name": "cs_health",
        "label": "Our own health",
        "type": "number",
        "fieldType": "number",
        "groupName": "companyinformation",
    }
    call("test", "POST", f"{paths.properties}/companies", theirs)
    at_work(there)
    done = apply_uninstall(there.ws, plan_uninstall(there.ws))
    assert done.refused == ()
    left = call("test", "GET", f"{paths.properties}/companies").body["results"]
    assert [one["name"] for one in left if one["name"].startswith("cs_")] == ["cs_health"]


def test_keeping_the_data_takes_back_lists_only(lite: Deployment, office: OPEN) -> None:
    """Fields, objects and records stand as they did; no list of ours does, and nothing works any more."""
    there = at_work(office(lite, HUBSPOT, three_customers()))
    before, companies = definitions(there), there.sandbox.records("companies")
    profiles = there.sandbox.records(there.own("profile"))
    plan = plan_uninstall(there.ws, keep_data=True)
    assert {one.part.kind for one in plan.parts} <= {PartKind.LIST}
    assert plan.kept
    apply_uninstall(there.ws, plan)
    after = definitions(there)
    assert {name: one for name, one in after.items() if name != "lists"} == {
        name: one for name, one in before.items() if name != "lists"
    }
    assert after["lists"] == []
    assert there.sandbox.records("companies") == companies
    assert there.sandbox.records(there.own("profile")) == profiles
    assert there.ws.installation.status is Status.UNINSTALLED


def test_records_others_made_in_our_object_are_told_and_keep_it(lite: Deployment, office: OPEN) -> None:
    """A person's own plan record is not ours to delete: the object stays until they decide."""
    there = at_work(office(lite, HUBSPOT, three_customers()))
    theirs = there.sandbox.edit(there.own("plan"), None, {"cs_name": "By hand"})
    plan = plan_uninstall(there.ws)
    (note,) = plan.notes
    assert "cs_plan holds 1 records that we did not write" in note
    done = apply_uninstall(there.ws, plan)
    assert [str(one.part) for one in done.refused] == ["object cs_plan"]
    assert [one["id"] for one in there.sandbox.records(there.own("plan"))] == [theirs]
    assert there.ws.installation.status is Status.UNINSTALLED


@TIERS
def test_a_crash_after_any_call_is_made_up_by_running_again(
    lite: Deployment, office: OPEN, tier: str
) -> None:
    """It dies after its first call, then after its second, and so on: it ends where a clean run does."""
    there = office(lite, HUBSPOT, three_customers(), *custom(tier))
    before = definitions(there)
    at_work(there)
    deals, runs = there.sandbox.records("deals"), 0
    while _cut_after(there, runs + 1):
        runs += 1
    assert runs >= 4
    assert plan_uninstall(there.ws).is_empty
    assert definitions(there) == before
    assert [one["id"] for one in there.sandbox.records("deals")] == [one["id"] for one in deals]
    with reading(there.engine) as conn:
        assert set(ledger_undo.count_standing(conn, there.id)) <= {"deals", "tasks"}


class _CutError(Exception):
    """The process dies here."""


def _cut_after(there: Office, number: int) -> bool:
    """Apply an uninstall that dies right after the call of that number; return whether there was one."""
    ws = there.ws
    port: Any = ws.port
    plan, session, made = plan_uninstall(ws), port._portal.transport.session, 0
    send = session.request

    def counted(*arguments: Any, **more: Any) -> Any:
        nonlocal made
        answer = send(*arguments, **more)
        made += 1
        if made == number:
            raise _CutError
        return answer

    session.request = counted
    try:
        apply_uninstall(ws, plan)
    except _CutError:
        return True
    finally:
        session.request = send
    return False


def test_installing_again_knows_the_renewals_of_before(lite: Deployment, office: OPEN) -> None:
    """Their keys are written back before anything is read, so none is opened twice, and none rewritten."""
    there = at_work(office(lite, HUBSPOT, three_customers()))
    renewals = {key: one["_record"]["id"] for key, one in there.written("deals").items()}
    deals = len(there.sandbox.records("deals"))
    apply_uninstall(there.ws, plan_uninstall(there.ws))
    at_work(there)
    assert there.ws.installation.status is Status.ACTIVE
    assert {key: one["_record"]["id"] for key, one in there.written("deals").items()} == renewals
    assert len(there.sandbox.records("deals")) == deals
    assert len(there.sandbox.records(there.own("profile"))) == 3
    mark = there.sandbox.mark()
    there.look_at_all()
    there.settle()
    assert [one for one in there.sandbox.requests(mark) if one["written"]] == []


def test_kept_data_is_gone_on_from(lite: Deployment, office: OPEN) -> None:
    """After an uninstall that kept the data an install finds it, and not one record is written again."""
    there = at_work(office(lite, HUBSPOT, three_customers()))
    apply_uninstall(there.ws, plan_uninstall(there.ws, keep_data=True))
    there.install()
    assert (there.ws.installation.status, there.ws.live) == (Status.ACTIVE, True)
    mark = there.sandbox.mark()
    there.poll()
    there.look_at_all()
    there.settle()
    assert [one for one in there.sandbox.requests(mark) if one["written"]] == []


def test_a_renewal_deleted_in_between_stays_deleted(lite: Deployment, office: OPEN) -> None:
    """A person deleted our renewal while we were away: that is a decision."""
    there = at_work(office(lite, HUBSPOT, three_customers()))
    key, renewal = next(iter(there.written("deals").items()))
    apply_uninstall(there.ws, plan_uninstall(there.ws))
    there.sandbox.edit("deals", renewal["_record"]["id"], {}, delete=True)
    at_work(there)
    assert key not in there.written("deals")


def test_nothing_is_due_for_an_uninstalled_portal(lite: Deployment, office: OPEN) -> None:
    """Its tasks are cancelled, its writes forgotten but for the deals that are ours."""
    there = at_work(office(lite, HUBSPOT, three_customers()))
    renewals = len(there.written("deals"))
    apply_uninstall(there.ws, plan_uninstall(there.ws))
    with reading(there.engine) as conn:
        assert due.schedule(conn, there.id) == {}
        assert ledger_undo.count_standing(conn, there.id) == {"deals": renewals}
    assert not there.ws.live
