"""The native package and an install meet in one org: either may come first, and both make the same."""

from __future__ import annotations

from collections.abc import Callable

from integration.salesforce.generated import generated_files
from integration.salesforce.source_format import Part, package_files, to_metadata_format
from mappings.load import load_charter
from mappings.org_views import band_views
from mappings.outbound import object_specs
from sync.onboard import plan_install
from tests.sandbox.salesforce_session import Api
from tests.sync.harness import CHARTER, SALESFORCE, Deployment, Office, Sandbox
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]


def deploy_package(sandbox: Sandbox) -> Api:
    """Deploy core and generated as the org's admin would, and return the admin's session."""
    charter = load_charter(CHARTER, SALESFORCE)
    added = generated_files(object_specs(charter, SALESFORCE), band_views(charter))
    api = Api(sandbox.url, "68.0")
    result = api.deploy(to_metadata_format({**package_files(Part.CORE), **added}))
    assert (result["status"], result["details"]["componentFailures"]) == ("Succeeded", [])
    return api


def types(api: Api) -> dict[str, tuple[str, int, int, int]]:
    """Return type, length, digits and decimals of every field of ours, by Object.Field."""
    return {
        f"{name}.{field['name']}": (field["type"], field["length"], field["precision"], field["scale"])
        for name in ("CS_Profile__c", "CS_Plan__c", "CS_Milestone__c", "Account", "Opportunity")
        for field in api.call("GET", f"/sobjects/{name}/describe").json()["fields"]
        if field["name"].startswith("CS_")
    }


def test_an_install_on_top_of_the_package_changes_no_field(lite: Deployment, office: OPEN) -> None:
    """It brings the integration user its rights; what the package made stays as it is, and serves."""
    there = office(lite, SALESFORCE, three_customers())
    api = deploy_package(there.sandbox)
    api.grant("CS_Admin")
    before = types(api)
    there.install()
    assert types(api) == before
    again = plan_install(there.ws)
    assert again.is_empty
    assert [step.adds for step in again.steps] == [()] * len(again.steps)

    there.load()
    there.go_live()
    there.settle()
    profiles = {row["CS_Account__c"]: row for row in there.sandbox.records("CS_Profile__c")}
    asked = "SELECT Id, CS_Profile_Health__c, CS_Profile_Band__c, CS_Profile_ARR__c FROM Account"
    shown = {row["Id"]: row for row in api.rows(asked)}
    assert len(profiles) == len(shown) == 3
    for account, profile in profiles.items():
        assert shown[account]["CS_Profile_Band__c"] == profile["CS_Band__c"]
        assert shown[account]["CS_Profile_ARR__c"] == profile["CS_ARR__c"]
        assert shown[account]["CS_Profile_Health__c"] == profile["CS_Health__c"]
    assert any(profile["CS_ARR__c"] for profile in profiles.values())


def test_the_package_goes_on_top_of_an_install(lite: Deployment, office: OPEN) -> None:
    """Every field an install made is met by the same one; nothing is refused, and nothing is left to plan."""
    there = office(lite, SALESFORCE, three_customers()).install()
    api = Api(there.sandbox.url, "68.0")
    before = types(api)
    deploy_package(there.sandbox)
    api.grant("CS_Admin")
    after = types(api)
    assert after == before
    assert plan_install(there.ws).is_empty
