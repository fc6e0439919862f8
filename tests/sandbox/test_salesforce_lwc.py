"""Lightning components in the Salesforce sandbox: what a deploy of one is refused for, by raw HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.salesforce_components import FIELDS, PAGE
from tests.sandbox.salesforce_session import NS, Api, custom_object, package

MODULE = """import { LightningElement, api } from 'lwc';
import AMOUNT from '@salesforce/schema/Thing__c.Amount__c';
export default class ThingCard extends LightningElement {
    @api recordId;
    field = AMOUNT;
}
"""
META = (
    f"<LightningComponentBundle {NS}><apiVersion>63.0</apiVersion><isExposed>true</isExposed>"
    "<masterLabel>Thing Card</masterLabel><targets><target>lightning__RecordPage</target></targets>"
    '<targetConfigs><targetConfig targets="lightning__RecordPage"><objects><object>Thing__c</object>'
    "</objects></targetConfig></targetConfigs></LightningComponentBundle>"
)
CARD = "lwc/thingCard/thingCard"
JS, HTML, CONFIG, ON_PAGE = f"{CARD}.js", f"{CARD}.html", f"{CARD}.js-meta.xml", "flexipages/P.flexipage"
FILES = {
    "objects/Thing__c.object": custom_object("Thing", *FIELDS),
    JS: MODULE,
    HTML: "<!-- a card --><template><p>{field}</p></template>",
    CONFIG: META,
    ON_PAGE: PAGE.replace("force:detailPanel", "thingCard"),
    "package.xml": package(
        CustomObject=["Thing__c"], LightningComponentBundle=["thingCard"], FlexiPage=["P"]
    ),
}
CASES = {
    "field": (JS, "Thing__c.Amount__c", "Thing__c.Gone__c", "Thing__c.Gone__c of type sobjectField"),
    "object": (JS, "schema/Thing__c", "schema/Gone__c", "Gone__c.Amount__c of type sobject in file"),
    "apex": (JS, "'lwc';", "'lwc';\nimport run from '@salesforce/apex/T.run';", "referenced as 'T.run'"),
    "module": (JS, "'lwc';", "'lwc';\nimport x from 'lightning/unheardOf';", "module lightning/unheardOf"),
    "class": (JS, "extends LightningElement", "", "no class that extends LightningElement"),
    "root": (HTML, "<template><p>", "<div><p>", "Missing root template tag"),
    "open": (HTML, "<p>{field}</p>", "<template><p>{field}</p>", "not closed"),
    "version": (CONFIG, "<apiVersion>63.0</apiVersion>", "", "Required field is missing: apiVersion"),
    "target": (CONFIG, "<target>lightning__RecordPage", "<target>lightning__Moon", "enum 'LightningTarget'"),
    "config": (CONFIG, 'targets="lightning__RecordPage"', 'targets="lightning__AppPage"', "a target"),
    "for": (CONFIG, "<object>Thing__c", "<object>Gone__c", "no CustomObject named Gone__c found"),
    "hidden": (CONFIG, "<isExposed>true", "<isExposed>false", "isn't available for record pages"),
    "other": (CONFIG, "<object>Thing__c", "<object>Account", "isn't supported for the object Thing__c"),
    "absent": (ON_PAGE, ">thingCard<", ">otherCard<", "design time component information"),
}


@pytest.fixture(scope="module")
def org(salesforce: Any) -> Api:
    """Give one org for the module: every case is a check only."""
    return Api(salesforce.url, "66.0")


def refusals(result: dict[str, Any]) -> str:
    """Return what the org refused, in its words."""
    return "; ".join(one["problem"] for one in result["details"]["componentFailures"])


def test_a_component_deploys_with_the_page_that_shows_it(org: Api) -> None:
    """A bundle of three files is one component."""
    result = org.deploy(FILES, checkOnly=True)
    assert (result["status"], refusals(result)) == ("Succeeded", "")
    made = [one["componentType"] for one in result["details"]["componentSuccesses"]]
    assert made.count("LightningComponentBundle") == 1


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_with_a_component_is_told(org: Api, name: str) -> None:
    """Each case is the bundle above with one thing changed."""
    path, old, new, words = CASES[name]
    assert old in FILES[path]
    result = org.deploy({**FILES, path: FILES[path].replace(old, new, 1)}, checkOnly=True)
    assert result["status"] == "Failed"
    assert words in refusals(result)


@pytest.mark.parametrize("left_out", [JS, CONFIG])
def test_a_bundle_without_module_or_configuration_is_refused(org: Api, left_out: str) -> None:
    """A template may be missing, these may not."""
    files = {path: text for path, text in FILES.items() if path != left_out}
    assert "Cannot find" in refusals(org.deploy(files, checkOnly=True))


def test_a_component_goes_after_the_page_and_before_the_fields(org: Api) -> None:
    """What it imports cannot be deleted while it stands, nor it while a page shows it."""
    assert org.deploy(FILES)["status"] == "Succeeded"

    def delete(**members: list[str]) -> str:
        files = {"package.xml": package(), "destructiveChanges.xml": package(**members)}
        return refusals(org.deploy(files))

    assert "FlexiPage" in delete(LightningComponentBundle=["thingCard"]) or "Lightning Page" in delete(
        LightningComponentBundle=["thingCard"]
    )
    assert delete(FlexiPage=["P"]) == ""
    assert "Lightning Web Component - thingCard" in delete(CustomField=["Thing__c.Amount__c"])
    assert delete(LightningComponentBundle=["thingCard"]) == ""
    assert delete(CustomField=["Thing__c.Amount__c"]) == ""
