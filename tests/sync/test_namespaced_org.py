"""The whole loop in an org that has our package installed under a namespace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integration.port import CrmDescription, CrmPort, Misconfigured, ReadQuery
from integration.salesforce.connector import SalesforcePort
from integration.salesforce.namespaced_port import NamespacedPort
from mappings.load import load_charter
from sync.catch_up import catch_up
from sync.facts import Moment, assemble
from sync.install import InstallPlan, make_plan
from sync.install_steps import Outcome
from sync.onboard import connect_installation, pin_namespace, plan_install
from sync.state.engine import reading
from sync.state.ledger import WriteState
from tests.sync.harness import CHARTER, ROOT, SALESFORCE, Deployment, Office
from tests.sync.portfolios import three_customers
from tests.sync.salesforce_org import impatient
from tests.sync.test_salesforce_package import deploy_package

__all__ = ["impatient"]
OPEN = Callable[..., Office]
PACKAGE = ROOT / "integration" / "salesforce" / "package" / "core" / "objects"
OURS = ("CS_Profile__c", "CS_Plan__c", "CS_Milestone__c", "CS_Snapshot__c")
PREFIX = "acme__"
SETS = ["CS_Admin", "CS_Integration", "CS_User"]


def components() -> list[str]:
    """Return what the package holds, by the files in its folder."""
    fields = [f"{one.parent.parent.name}.{one.name.split('.')[0]}" for one in PACKAGE.glob("*/fields/*.xml")]
    return [*OURS, *fields]


def packaged(there: Office) -> Office:
    """Have the org know what the install made as a managed package's, and connect it so."""
    there.sandbox.post("package", {"namespace": "acme", "components": components()})
    return there.connect()


@pytest.fixture
def acme(lite: Deployment, office: OPEN) -> Office:
    """Give an org with our package under ``acme``, connected."""
    return packaged(office(lite, SALESFORCE, three_customers()).install())


def hidden(there: Office) -> Office:
    """Have an admin install the package, nobody given its rights yet."""
    deploy_package(there.sandbox)
    there.sandbox.post("package", {"namespace": "acme", "components": [*components(), *SETS]})
    return there


def at_work(there: Office) -> Office:
    """Read everything, go live, decide and write."""
    there.load()
    there.go_live().settle()
    return there


def standing(there: Office, prefix: str) -> dict[str, Any]:
    """Return what stands in the org of ours, without ids, under our own words."""
    found = {}
    for name in (*OURS, "Opportunity"):
        for row in there.sandbox.records(name if name == "Opportunity" else prefix + name):
            values = {key.removeprefix(prefix): value for key, value in row.items() if "CS_" in key}
            if key := values.pop("CS_Key__c", None):
                shown = {
                    one: value for one, value in values.items() if one not in ("CS_Account__c", "CS_Plan__c")
                }
                found[f"{name} {key}"] = (row.get("Name"), shown)
    return found


def writes(there: Office, after: int) -> list[str]:
    """Return the calls that could change a record."""
    return [one["path"] for one in there.sandbox.requests(after) if one["method"] in {"PATCH", "DELETE"}]


def test_the_loop_writes_the_same_records_under_another_name(lite: Deployment, office: OPEN) -> None:
    """Every record, key and value equals those of an org without a namespace; a second run writes nothing."""
    plain = at_work(office(lite, SALESFORCE, three_customers()).install())
    wanted = standing(plain, "")
    assert len([name for name in wanted if name.startswith("CS_Profile__c")]) == 3
    there = office(lite, SALESFORCE, three_customers())
    there.sandbox.post("org", {"number": 42})
    at_work(packaged(there.connect().install()))
    assert standing(there, PREFIX) == wanted
    assert {state for _, state in there.states()} == {WriteState.ACKNOWLEDGED}
    mark = there.sandbox.mark()
    there.look_at_all()
    there.settle()
    assert writes(there, mark) == []


def test_our_records_hang_under_the_right_ones(acme: Office) -> None:
    """Lookups and relationships have the prefix too: profiles under accounts, milestones under plans."""
    at_work(acme)
    accounts = {row["Id"] for row in acme.sandbox.records("Account")}
    profiles = acme.sandbox.records(PREFIX + "CS_Profile__c")
    assert {row["acme__CS_Account__c"] for row in profiles} == accounts
    plans = {row["Id"] for row in acme.sandbox.records(PREFIX + "CS_Plan__c")}
    milestones = acme.sandbox.records(PREFIX + "CS_Milestone__c")
    assert milestones
    assert {row["acme__CS_Plan__c"] for row in milestones} <= plans


def test_a_field_of_ours_that_somebody_changed_is_put_right(acme: Office) -> None:
    """What is polled of a renewal comes back in our words, and what is ours on it stands again."""
    at_work(acme)
    renewal = next(row for row in acme.sandbox.records("Opportunity") if row["acme__CS_Due_On__c"])
    acme.deployment.later(minutes=10)
    acme.sandbox.edit("Opportunity", renewal["Id"], {"acme__CS_Due_On__c": "2025-09-09"})
    acme.deployment.later(minutes=1)
    acme.poll()
    acme.settle()
    (now,) = [row for row in acme.sandbox.records("Opportunity") if row["Id"] == renewal["Id"]]
    assert now["acme__CS_Due_On__c"] == renewal["acme__CS_Due_On__c"]


def test_what_people_write_on_a_profile_reaches_us_in_our_words(acme: Office) -> None:
    """The pulse of one account, and who gave it, polled from the package's own field."""
    at_work(acme)
    profile = acme.sandbox.records(PREFIX + "CS_Profile__c")[0]
    acme.deployment.later(minutes=10)
    acme.sandbox.edit(PREFIX + "CS_Profile__c", profile["Id"], {"acme__CS_Pulse__c": 2}, user="")
    acme.deployment.later(hours=1)
    catch_up(acme.ws, acme.owner)
    account, day = profile["acme__CS_Account__c"], acme.ws.day_of(acme.deployment.now)
    with reading(acme.engine) as conn:
        pulse = assemble(conn, acme.ws, [account], Moment(day)).facts[account].human.pulse
    assert pulse is not None
    assert (pulse.rating, pulse.on) == (2, day)
    assert pulse.author


def test_the_namespace_is_pinned_when_connecting_and_a_plain_org_has_none(
    lite: Deployment, office: OPEN
) -> None:
    """Before an install nothing of ours is seen; after it the names are known, and kept."""
    there = office(lite, SALESFORCE, three_customers())
    assert "namespace" not in there.ws.installation.settings
    there.install()
    pin_namespace(lite.runtime, there.id)
    assert there.ws.installation.settings["namespace"] == {"prefix": "", "own": False}
    assert type(there.ws.port) is SalesforcePort


def test_a_package_installed_by_hand_after_connecting_is_seen_by_the_next_install(
    lite: Deployment, office: OPEN
) -> None:
    """One call for the org's objects and one for its own namespace; asked again there is none."""
    there = office(lite, SALESFORCE, three_customers()).install()
    there.sandbox.post("package", {"namespace": "acme", "components": components()})
    mark = there.sandbox.mark()
    pin_namespace(lite.runtime, there.id)
    assert [one["path"].split("v68.0")[1].split("?")[0] for one in there.sandbox.requests(mark)] == [
        "/sobjects",
        "/query/",
    ]
    assert there.ws.installation.settings["namespace"] == {"prefix": "acme", "own": False}
    assert isinstance(there.ws.port, NamespacedPort)
    mark = there.sandbox.mark()
    pin_namespace(lite.runtime, there.id)
    assert there.sandbox.requests(mark) == []


def test_a_package_nobody_has_rights_to_yet_is_not_deployed_a_second_time(
    lite: Deployment, office: OPEN
) -> None:
    """Its permission sets tell of it: the plan shown before connecting and the apply bring rights alone."""
    there = hidden(office(lite, SALESFORCE, three_customers()))
    shown: list[InstallPlan] = []

    def check(port: CrmPort, who: CrmDescription) -> None:
        shown.append(make_plan(port, load_charter(CHARTER, SALESFORCE)))

    client = there.sandbox.credentials()
    connect_installation(lite.runtime, SALESFORCE, there.sandbox.url, client, "UTC", check)
    assert there.ws.installation.settings["namespace"] == {"prefix": "acme", "own": False}
    made = {str(one.part) for one in shown[0].parts if one.outcome is Outcome.CREATE}
    assert (shown[0].questions, made) == ((), {"PermissionSet CS_Integration_Install", "Package Colonnade"})
    assert [one.object for one in shown[0].steps if one.creates_object or one.adds] == []
    there.install()
    assert not [name for name in there.sandbox.get("dump")["objects"] if name in OURS]
    assert plan_install(there.ws).is_empty
    at_work(there)
    assert len(there.sandbox.records(PREFIX + "CS_Profile__c")) == 3


def test_another_package_with_one_set_of_that_name_is_not_ours(lite: Deployment, office: OPEN) -> None:
    """All three sets have to stand under one namespace."""
    there = office(lite, SALESFORCE, three_customers())
    deploy_package(there.sandbox)
    there.sandbox.post("package", {"namespace": "acme", "components": SETS[:2]})
    pin_namespace(lite.runtime, there.id)
    assert "namespace" not in there.ws.installation.settings


def test_a_package_that_moved_to_another_name_is_refused(lite: Deployment, office: OPEN) -> None:
    """What was written stands under the old name: connecting again is refused until it is uninstalled."""
    there = office(lite, SALESFORCE, three_customers()).install().connect()
    there.sandbox.post("package", {"namespace": "acme", "components": components()})
    with pytest.raises(Misconfigured, match="under no namespace in this org, now they stand under acme"):
        there.connect()
    assert there.ws.installation.settings["namespace"] == {"prefix": "", "own": False}


def test_the_customers_own_names_stay_as_they_are(acme: Office) -> None:
    """Fields of the account are asked for as the customer calls them, and come back so."""
    (page, *_) = acme.ws.port.iter_pages(ReadQuery("Account", ("Name", "Industry", "CS_Profile__c")))
    assert set(page.records[0].values) == {"Name", "Industry", "CS_Profile__c"}
    described = acme.ws.port.describe(["Account", "CS_Profile__c"]).objects
    names = {field.name for field in described["Account"].fields}
    assert {"Name", "Industry"} <= names
    assert not [name for name in names if name.startswith(PREFIX)]
    assert "Account" in described["CS_Profile__c"].parents
