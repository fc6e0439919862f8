"""An apply is exactly what its plan says: the calls counted, the second one empty, a crash made good.

Portals: one with nothing of ours, one with half of it, one with all, one that archived a
property, one with a list of its own under our name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from requests import PreparedRequest, Session

from integration.hubspot import HubSpotPort
from integration.install_specs import InstallStep, Made, MakeObject
from integration.parts import OwnedPart, PartKind
from sync.install import InstallPlan
from sync.install_apply import owned_parts
from sync.onboard import apply_install, plan_install
from sync.state.errors import StateError
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import Book

OPEN = Callable[..., Office]
STARTER = ("--tier", "starter")
QUICK = ("--api-limit-increases", "2")  # a portal that allows more calls in ten seconds
LISTS = "/crm/lists/2026-09"
PROPERTIES = "/crm/properties/2026-09/companies"


def one_customer() -> Book:
    """Return the smallest book there is."""
    return Book().account("one", "One")


def ask(office: Office, method: str, path: str, body: Any = None) -> Any:
    """Return HubSpot's answer to a call of a person's."""
    port: Any = office.ws.port
    return port._portal.transport.call("test", method, path, body).body


def nothing(office: Office) -> None:
    """Leave the portal as it is."""


def half(office: Office) -> None:
    """Make the first object, as an apply that broke off would have."""
    plan = plan_install(office.ws)
    step = next(one for one in plan.todo if isinstance(one, MakeObject))
    port: Any = office.ws.port
    assert port.make(step).done


def all_of_it(office: Office) -> None:
    """Install."""
    office.install()


def archived(office: Office) -> None:
    """Install, and have somebody archive one of our properties that no list asks."""
    office.install()
    ask(office, "DELETE", f"{PROPERTIES}/cs_explanation")


def foreign_list(office: Office) -> None:
    """Have the customer keep a list under a name of ours."""
    ask(office, "POST", LISTS, {"name": "CS At risk", "objectTypeId": "0-1", "processingType": "MANUAL"})


@pytest.mark.parametrize(
    ("options", "before", "calls"),
    [
        # 4 objects; group and fields on companies and deals; 4 labels; a pipeline; 4 lists
        ((), nothing, 4 + 4 + 4 + 1 + 4),
        ((), half, 3 + 4 + 4 + 1 + 4),
        ((), all_of_it, 0),
        # the group stands: one batch brings the property back
        ((), archived, 1),
        ((), foreign_list, 4 + 4 + 4 + 1 + 3),
        # nothing of ours but properties and lists
        (STARTER, nothing, 4 + 4),
        (STARTER, all_of_it, 0),
    ],
)
def test_an_apply_makes_exactly_the_calls_its_plan_says(
    lite: Deployment, office: OPEN, options: tuple[str, ...], before: Callable[[Office], None], calls: int
) -> None:
    """The number is printed before, and the portal counts the same."""
    there = office(lite, HUBSPOT, one_customer(), *options)
    before(there)
    plan = plan_install(there.ws)
    assert plan.calls == calls
    mark = there.sandbox.mark()
    assert [one for one in apply_install(there.ws, plan) if not one.done] == []
    assert len(there.sandbox.requests(mark)) == calls
    again = plan_install(there.ws)
    assert (again.is_empty, again.calls) == (True, 0)
    mark = there.sandbox.mark()
    apply_install(there.ws, again)
    assert there.sandbox.requests(mark) == []


def outcomes(plan: InstallPlan) -> dict[str, str]:
    """Return what the plan does about each part that is not right already."""
    return {str(one.part): one.outcome.value for one in plan.parts if one.outcome != "right"}


def test_an_archived_property_is_announced_and_brought_back(lite: Deployment, office: OPEN) -> None:
    """The plan says that it is restored, not created; it is the same property with its values."""
    there = office(lite, HUBSPOT, one_customer())
    archived(there)
    assert outcomes(plan_install(there.ws)) == {"field companies.cs_explanation": "restore"}
    there.install()
    held = {one["name"] for one in ask(there, "GET", PROPERTIES)["results"]}
    assert "cs_explanation" in held


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, number: int, *, answered: bool) -> Iterator[None]:
    """End the process at a call of the apply: before it is sent, or once it has been worked in."""
    sent, real = [0], Session.send

    def send(session: Session, request: PreparedRequest, **more: Any) -> Any:
        if "/_sandbox/" in str(request.url):
            return real(session, request, **more)
        sent[0] += 1
        if sent[0] == number and not answered:
            raise Killed
        answer = real(session, request, **more)
        if sent[0] == number:
            raise Killed
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(Session, "send", send)
        yield


@dataclass(frozen=True)
class End:
    """How an install ended: what stands, and what is known to be ours."""

    stands: dict[str, Any]
    owned: tuple[OwnedPart, ...]


def end_of(office: Office, *, objects: bool) -> End:
    """Return it without the ids, which differ from portal to portal; ``objects``: it has custom ones."""
    stands: dict[str, Any] = {}
    for name in (
        "companies",
        "deals",
        *(("cs_profile", "cs_plan", "cs_milestone", "cs_snapshot") if objects else ()),
    ):
        shown = f"p{office.ws.installation.account_id}_{name}" if name.startswith("cs_") else name
        held = ask(office, "GET", f"/crm/properties/2026-09/{shown}")["results"]
        stands[name] = sorted(one["name"] for one in held if not one["hubspotDefined"])
    lists = ask(office, "POST", f"{LISTS}/search", {"query": ""})["lists"]
    stands["lists"] = sorted(one["name"] for one in lists)
    if objects:
        plans = f"/crm/pipelines/2026-09/p{office.ws.installation.account_id}_cs_plan"
        stands["pipelines"] = [one["label"] for one in ask(office, "GET", plans)["results"]]
    return End(stands, owned_parts(office.ws))


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "its answer lost"])
@pytest.mark.parametrize(("tier", "calls"), [("starter", 8), ("enterprise", 17)])
def test_an_apply_killed_at_any_call_is_made_good_by_the_next(
    lite: Deployment,
    office: OPEN,
    monkeypatch: pytest.MonkeyPatch,
    tier: str,
    calls: int,
    answered: bool,
) -> None:
    """Each apply gets one call further than the one before: nothing is doubled, forgotten or claimed."""
    options = ("--tier", tier, *QUICK)
    clean = office(lite, HUBSPOT, one_customer(), *options, "--portal-id", "1").install()
    there = office(lite, HUBSPOT, one_customer(), *options, "--portal-id", "2")
    for number in range(calls):
        plan = plan_install(there.ws)
        assert plan.calls == calls - max(0, number - (not answered))
        at = 1 if answered or number == 0 else 2
        with killed_at(monkeypatch, at, answered=answered), pytest.raises(Killed):
            apply_install(there.ws, plan)
    there.install()
    assert plan_install(there.ws).is_empty
    ended, wanted = (end_of(one, objects=tier == "enterprise") for one in (there, clean))
    assert ended.stands == wanted.stands
    assert [one.part for one in ended.owned] == [one.part for one in wanted.owned]
    by_id = (PartKind.LIST, PartKind.LABEL, PartKind.PIPELINE)
    assert all(one.crm_id for one in ended.owned if one.part.kind in by_id)


@pytest.mark.parametrize(
    "path", ["/schemas", "/groups", "/batch/create", "/labels", "/crm/pipelines/", "/crm/lists/2026-09"]
)
def test_an_answer_that_is_lost_on_the_way_neither_doubles_a_part_nor_loses_it(
    lite: Deployment, office: OPEN, path: str
) -> None:
    """HubSpot did what was asked and the line broke: asked once more, what stands is known to be ours."""
    there = office(lite, HUBSPOT, one_customer())
    plan = plan_install(there.ws)
    there.sandbox.fault("drop_response", path)
    assert [one for one in apply_install(there.ws, plan) if not one.done] == []
    owned = owned_parts(there.ws)
    wanted = {part for step in plan.todo for part in step.parts}
    assert wanted <= {one.part for one in owned}
    by_id = (PartKind.LIST, PartKind.LABEL, PartKind.PIPELINE)
    assert all(one.crm_id for one in owned if one.part.kind in by_id)
    assert plan_install(there.ws).is_empty


def test_a_plan_another_apply_has_overtaken_is_refused(lite: Deployment, office: OPEN) -> None:
    """Two admins plan, one applies: the other's plan makes no call, and takes nothing of what is ours."""
    there = office(lite, HUBSPOT, one_customer())
    first, second = plan_install(there.ws), plan_install(there.ws)
    apply_install(there.ws, first)
    owned, settings, mark = owned_parts(there.ws), there.ws.installation.settings, there.sandbox.mark()
    with pytest.raises(StateError, match="plan again"):
        apply_install(there.ws, second)
    assert there.sandbox.requests(mark) == []
    assert (owned_parts(there.ws), there.ws.installation.settings) == (owned, settings)


@pytest.mark.parametrize("at", [0, 1, 3])
def test_an_apply_in_the_middle_of_another_loses_no_part_of_ours(
    lite: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """What one of them made stands in the other's way, and is not taken for the customer's."""
    there = office(lite, HUBSPOT, one_customer(), *STARTER, *QUICK)
    real, made = HubSpotPort.make, list[InstallStep]()

    def make(port: HubSpotPort, step: InstallStep) -> Made:
        made.append(step)
        if len(made) == at + 1:
            apply_install(there.ws, plan_install(there.ws))
        return real(port, step)

    monkeypatch.setattr(HubSpotPort, "make", make)
    plan = plan_install(there.ws)
    apply_install(there.ws, plan)
    assert {one.part for one in owned_parts(there.ws)} == {part for step in plan.todo for part in step.parts}
