"""Everything HubSpot is known to refuse: one line each, with the place in the reference that says so.

A place is the section of the vendor reference and the line's subject there ("1.2, batch cap"). Every
entry has exactly one test in ``test_hubspot_refusals_*.py``, marked ``@refuses("its id")`` or made of
a ``Case("its id", …)``; ``test_hubspot_refusals_checklist.py`` holds both together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])

_CREATE = "1.2, create minimums"
_CAP = "1.2, batch cap"
_UPSERT = "1.2, upsert live behaviour"
_VALUES = "1.2, values"
_SEARCH = "1.3, search rules"
_BATCHES = "1.4, batch caps"
_LABELS = "1.4, labels"
_SCHEMA = "1.5, create"
_PROPERTY = "1.6, create"
_OBSERVED = "1.6, observed"
_PIPELINES = "1.7, pipelines"
_LISTS = "1.7, lists"
_LIMITS = "2, limits by app and tier"
_TOKENS = "4, failures of the token endpoint"

REFUSALS: Final[dict[str, tuple[str, str]]] = {
    # 0: versions
    "conditional-required": ("0, write validation (1)", "a conditionally required property is missing"),
    "create-form-required": ("0, write validation (2)", "a property the create form requires is missing"),
    "edit-associations": ("0, write validation (3)", "the token's user may not edit associations"),
    # 1.1: what is common
    "no-token": ("1.1, codes", "a call without a token is 401"),
    "unknown-token": ("1.1, codes", "a call with an unknown token is 401"),
    "missing-scopes": ("1.1, 403 example", "a scope that was not granted is 403 and named"),
    "unknown-property": ("1.1, 400 bad property", "a property that does not exist is named"),
    "unknown-record": ("1.1, codes", "a record that does not exist is 404"),
    "unknown-type": ("1.1, type ids", "a name that is no object type"),
    "custom-bare-name": ("1.1, type ids", "a custom object by its bare name"),
    "uri-too-long": ("1.1, codes", "a URI that is too long is 414"),
    "locked": ("1.1, codes", "a locked record is 423"),
    "migrating": ("1.1, codes", "an account that moves is 477 with Retry-After"),
    "edge-timeout": ("1.1, codes", "the edge gives up with a page, 524"),
    # 1.2: records
    "list-101": ("1.2, list", "a page of more than 100"),
    "list-history-51": ("1.2, list", "a page of more than 50 with history"),
    "survey-create": ("1.2, create", "an answer to a survey is made by HubSpot's surveys only"),
    "survey-update": ("1.2, create", "an answer to a survey is changed by nobody"),
    "survey-archive": ("1.2, create", "an answer to a survey is deleted by nobody through the API"),
    "create-no-properties": ("1.2, create", "a create without properties"),
    "batch-read-101": (_CAP, "101 inputs to read"),
    "batch-read-history-51": (_CAP, "51 inputs to read with history"),
    "batch-create-101": (_CAP, "101 inputs to create"),
    "batch-update-101": (_CAP, "101 inputs to update"),
    "batch-upsert-101": (_CAP, "101 inputs to upsert"),
    "batch-archive-101": (_CAP, "101 inputs to archive"),
    "batch-read-associations": ("1.2, batch", "a batch read answers no associations"),
    "batch-read-missing": ("1.2, batch", "missing ids are errors of a 207"),
    "upsert-whole": (_UPSERT, "without trace ids one bad input refuses all"),
    "upsert-traced": (_UPSERT, "with trace ids the bad input alone is refused"),
    "create-traced": (_UPSERT, "a batch create with trace ids refuses the bad input alone"),
    "update-traced": (_UPSERT, "a batch update with trace ids refuses the bad input alone"),
    "upsert-duplicates": (_UPSERT, "an id twice refuses the batch, trace ids or not"),
    "upsert-company-domain": (_UPSERT, "a company's domain is not unique"),
    "upsert-company-name": (_UPSERT, "a company's name is not unique"),
    "upsert-deal-name": (_UPSERT, "a deal's name is not unique"),
    "update-non-unique": (_UPSERT, "a batch update by a property that is not unique"),
    "upsert-email-whole": (_UPSERT, "no partial upsert by email"),
    "contact-exists": (_UPSERT, "a contact whose email another one has is 409"),
    "merged-batch-update": ("1.2, merged ids", "a merged id does not work in a batch update"),
    "minimum-company": (_CREATE, "company: domain or name"),
    "minimum-deal-name": (_CREATE, "deal: dealname"),
    "minimum-deal-stage": (_CREATE, "deal: dealstage"),
    "minimum-deal-pipeline": (_CREATE, "deal: pipeline"),
    "minimum-ticket-subject": (_CREATE, "ticket: subject"),
    "minimum-ticket-stage": (_CREATE, "ticket: hs_pipeline_stage"),
    "minimum-task": (_CREATE, "task: hs_timestamp"),
    "minimum-note": (_CREATE, "note: hs_timestamp"),
    "minimum-call": (_CREATE, "call: hs_timestamp"),
    "minimum-email": (_CREATE, "email: hs_timestamp"),
    "minimum-meeting": (_CREATE, "meeting: hs_timestamp"),
    "minimum-quote-title": (_CREATE, "quote: hs_title"),
    "minimum-quote-expiration": (_CREATE, "quote: hs_expiration_date"),
    "minimum-service-name": (_CREATE, "service: hs_name"),
    "minimum-service-pipeline": (_CREATE, "service: hs_pipeline"),
    "minimum-service-stage": (_CREATE, "service: hs_pipeline_stage"),
    "value-too-long": (_VALUES, "a text of more than 65,536 characters"),
    "value-date-not-midnight": (_VALUES, "before 2026-09, a date in ms that is no midnight UTC"),
    "value-date": (_VALUES, "a date that is none"),
    "value-datetime": (_VALUES, "an instant that is none"),
    "value-number": (_VALUES, "a number that is none"),
    "value-option-case": (_VALUES, "an option in another case"),
    "value-checkbox": (_VALUES, "a multi-checkbox value that is no option"),
    "value-owner-user-id": (_VALUES, "an owner by userId instead of id"),
    "value-read-only": (_VALUES, "a read-only property"),
    "value-null": (_VALUES, 'clearing with null instead of ""'),
    "value-stage": (_VALUES, "a stage that is not in the pipeline"),
    "value-pipeline": (_VALUES, "a pipeline that does not exist"),
    "value-task-priority": ("1.7, tasks", "a task priority other than LOW, MEDIUM, HIGH"),
    "value-note-too-long": ("1.7, notes", "a note of more than 65,536 characters"),
    # 1.3: search
    "search-operator": (_SEARCH, "an operator that does not exist"),
    "search-6-groups": (_SEARCH, "more than 5 groups"),
    "search-7-filters": (_SEARCH, "more than 6 filters in a group"),
    "search-19-filters": (_SEARCH, "more than 18 filters"),
    "search-body-3001": (_SEARCH, "a body of more than 3,000 characters"),
    "search-201": (_SEARCH, "a page of more than 200"),
    "search-past-10000": (_SEARCH, "paging past 10,000 results"),
    "search-two-sorts": (_SEARCH, "more than one sort"),
    "search-unknown-property": (_SEARCH, "a property that does not exist"),
    "search-in-upper-case": (_SEARCH, "IN on a text finds nothing by upper-case values"),
    "search-option-case": (_SEARCH, "options are found in their own case only"),
    "search-archived": (_SEARCH, "archived records are never found"),
    "search-custom-associations": (_SEARCH, "associations of custom objects can't be searched"),
    "search-lag": (_SEARCH, "what was just written is not found yet"),
    # 1.4: associations
    "link-missing-record": ("1.4, default link", "a link to a record that does not exist"),
    "link-unknown-kind": ("1.4, labelled", "an association type that does not exist"),
    "link-wrong-way": ("1.4, labelled", "an association type of the other direction"),
    "link-put-replaces": ("1.4, labelled", "PUT takes away the labels it does not name"),
    "link-create-2001": (_BATCHES, "2,001 inputs to create"),
    "link-default-2001": (_BATCHES, "2,001 inputs to associate"),
    "link-archive-2001": (_BATCHES, "2,001 inputs to archive"),
    "link-labels-archive-2001": (_BATCHES, "2,001 inputs to take labels off"),
    "link-read-1001": (_BATCHES, "1,001 inputs to read"),
    "link-read-v3-101": (_BATCHES, "101 inputs to read in v3"),
    "link-limits": ("1.4, own limits", "associations have their own ten-second limit"),
    "label-hyphen": (_LABELS, "a label name with a hyphen"),
    "label-digit": (_LABELS, "a label name that begins with a digit"),
    "label-missing": (_LABELS, "a label without a text"),
    "label-11": (_LABELS, "an eleventh label between two objects"),
    "link-undefined-pair": ("1.4, custom objects", "an association that is not defined"),
    "create-wrong-kind": ("1.4, labelled", "a create with an association type of another object"),
    "create-missing-end": ("1.2, create", "a create associated with a record that does not exist"),
    # 1.5: custom objects
    "schema-tier": ("1.5, tier", "custom objects below Enterprise"),
    "schema-limit": ("1.5, tier", "more definitions than the account may have"),
    "schema-name-digit": (_SCHEMA, "a name that begins with a digit"),
    "schema-name-hyphen": (_SCHEMA, "a name with a hyphen"),
    "schema-exists": (_SCHEMA, "a name that is in use"),
    "schema-no-name": (_SCHEMA, "required key: name"),
    "schema-no-labels": (_SCHEMA, "required key: labels"),
    "schema-no-properties": (_SCHEMA, "required key: properties"),
    "schema-no-associated": (_SCHEMA, "required key: associatedObjects"),
    "schema-no-required": (_SCHEMA, "required key: requiredProperties"),
    "schema-no-searchable": (_SCHEMA, "required key: searchableProperties"),
    "schema-no-secondary": (_SCHEMA, "required key: secondaryDisplayProperties"),
    "schema-no-primary": (_SCHEMA, "a primary display property is needed"),
    "schema-searchable-21": (_SCHEMA, "more than 20 searchable properties"),
    "schema-unknown-display": ("1.5, PATCH", "a display property that does not exist"),
    "schema-rename": ("1.5, create", "the name can't be changed"),
    "schema-delete-records": ("1.5, DELETE", "a definition with records"),
    "schema-delete-properties": ("1.5, DELETE", "a definition with properties"),
    "schema-name-archived": ("1.5, DELETE", "a deleted definition's name before the second delete"),
    "schema-purge-active": ("1.5, DELETE", "the second delete of a definition in use"),
    # 1.6: properties
    "property-no-name": (_PROPERTY, "needs name"),
    "property-no-label": (_PROPERTY, "needs label"),
    "property-no-type": (_PROPERTY, "needs type"),
    "property-no-field-type": (_PROPERTY, "needs fieldType"),
    "property-no-group": (_PROPERTY, "needs groupName"),
    "property-type": (_PROPERTY, "a type that does not exist"),
    "property-field-type": (_PROPERTY, "a fieldType that does not fit the type"),
    "property-name-capital": (_PROPERTY, "a name with a capital"),
    "property-name-digit": (_PROPERTY, "a name that begins with a digit"),
    "property-name-hyphen": (_PROPERTY, "a name with a hyphen"),
    "property-unknown-group": (_PROPERTY, "a group that does not exist"),
    "property-no-options": (_PROPERTY, "an enumeration without options"),
    "property-bool-options": (_PROPERTY, "a bool without its two options"),
    "property-11-unique": (_PROPERTY, "an eleventh unique property"),
    "property-unique-later": (_PROPERTY, "uniqueness can't be added later"),
    "property-batch-update": (_PROPERTY, "there is no batch update"),
    "property-exists": (_OBSERVED, "a name in use is 409"),
    "property-unknown": (_OBSERVED, "an unknown property is 404"),
    "property-in-formula": (_OBSERVED, "archiving a property a formula uses"),
    "property-in-list": (_OBSERVED, "archiving a property a list uses"),
    "property-options-whole": (_OBSERVED, "options not sent are gone"),
    "property-scope": (_OBSERVED, "crm.objects scopes do not write properties"),
    "group-in-use": (_OBSERVED, "archiving a group with active properties"),
    "group-exists": (_PROPERTY, "a group name in use"),
    "calculated-tier": ("1.6, calculated", "calculated properties below Professional"),
    # 1.7: pipelines, owners, line items, lists
    "pipeline-no-probability": (_PIPELINES, "a deal stage without probability"),
    "pipeline-probability": (_PIPELINES, "a probability outside 0 to 1"),
    "pipeline-ticket-state": (_PIPELINES, "a ticketState other than OPEN and CLOSED"),
    "pipeline-label": (_PIPELINES, "a pipeline label in use"),
    "stage-label": (_PIPELINES, "a stage label in use"),
    "pipeline-101-stages": (_PIPELINES, "101 stages of a deal pipeline"),
    "pipeline-31-stages": (_PIPELINES, "31 stages of another object's pipeline"),
    "pipeline-in-use": (_PIPELINES, "deleting a pipeline with records"),
    "stage-in-use": (_PIPELINES, "deleting a stage with records"),
    "pipeline-tier": (_PIPELINES, "a second pipeline on Free"),
    "pipeline-custom-tier": (_PIPELINES, "pipelines of custom objects below Enterprise"),
    "owners-scope": ("1.7, owners", "owners need their scope"),
    "owner-archived": ("1.7, owners", "an archived owner is no more among the active ones"),
    "line-item-two-deals": ("1.7, line items", "a second deal"),
    "line-item-deal-and-quote": ("1.7, line items", "a quote beside a deal"),
    "line-item-price": ("1.7, line items", "a negative price"),
    "quote-publish": ("1.7, quotes", "publishing without line item, contact and deal"),
    "quote-cpq-tier": ("1.7, quotes", "a CPQ quote below Professional"),
    "list-name": (_LISTS, "a list name in use"),
    "list-root": (_LISTS, "a root branch that is not OR"),
    "list-children": (_LISTS, "a root branch without AND children"),
    "list-unknown-property": (_LISTS, "a filter on a property that does not exist"),
    "list-operation-type": (_LISTS, "an operation of another type than the property"),
    "list-operator": (_LISTS, "an operator the operation does not have"),
    "list-processing-type": (_LISTS, "a processing type that does not exist"),
    "list-dynamic-members": (_LISTS, "members of a dynamic list by hand"),
    "list-restore-late": (_LISTS, "restoring after 90 days"),
    "list-scope": (_LISTS, "lists need their scope"),
    # 2: rate limits
    "limit-free": (_LIMITS, "Free, private: the 101st call in 10 s"),
    "limit-enterprise": (_LIMITS, "Enterprise, private: the 191st call in 10 s"),
    "limit-increase": (_LIMITS, "with the add-on: the 251st call in 10 s"),
    "limit-marketplace": (_LIMITS, "marketplace: the 111th call in 10 s"),
    "limit-search": (_LIMITS, "the sixth search in a second, without headers"),
    "limit-daily": (_LIMITS, "the day's calls, shared by all apps"),
    "limit-daily-restart": (_LIMITS, "the day's calls outlive the process"),
    # 3: webhooks
    "hook-custom-marketplace": ("3, custom objects", "custom object pushes of a marketplace app"),
    "hook-modified": ("3, delivery", "hs_lastmodifieddate can't be subscribed to"),
    "hook-conversions": ("3, delivery", "num_unique_conversion_events can't be subscribed to"),
    "hook-no-property": ("3, config", "propertyChange without a property"),
    "hook-scope": ("3, custom objects", "a subscription without the read scope of the object"),
    "hook-event-type": ("3, event types", "an event type that does not exist"),
    "hook-1001": ("2, other caps", "more than 1,000 subscriptions"),
    "hook-retries": ("3, delivery", "no more than ten retries"),
    # 4: OAuth
    "consent-mismatch": ("4, authorize", "scopes other than the app's required ones"),
    "consent-tier": ("4, scopes", "Enterprise scopes on another tier"),
    "consent-no-scope": ("4, authorize", "no scope"),
    "consent-redirect": ("4, authorize", "a redirect that is not registered"),
    "token-json": ("4, token", "a JSON body instead of a form"),
    "token-client-id": (_TOKENS, "an unknown client id is our configuration"),
    "token-client-secret": (_TOKENS, "a wrong client secret is our configuration"),
    "token-refresh": (_TOKENS, "an unknown refresh token"),
    "token-uninstalled": (_TOKENS, "a refresh after the app was uninstalled"),
    "token-bad-hub": (_TOKENS, "a refresh after the portal is gone"),
    "token-grant": ("4, token", "a grant type that does not exist"),
    "token-code-twice": ("4, token", "a code used twice"),
    "token-code-redirect": ("4, token", "a code with another redirect"),
    "token-code-verifier": ("4, authorize", "a code with another PKCE verifier"),
    "token-expired": ("4, token", "an access token after 30 minutes"),
    "token-introspect-unknown": ("4, introspect", "an unknown token is not active"),
    "token-revoked": ("4, revoke", "a token after it was revoked"),
    "uninstall-key": ("7, uninstall", "an uninstall with a service key"),
}


def refuses(refusal: str) -> Callable[[Test], Test]:
    """Mark a test as the one of a refusal. Raises KeyError for one that is not in the table."""
    REFUSALS[refusal]

    def mark(test: Test) -> Test:
        return test

    return mark


def custom_schema(name: str) -> dict[str, Any]:
    """Return the smallest definition of a custom object that is taken."""
    return {
        "name": name,
        "labels": {"singular": "One", "plural": "Many"},
        "primaryDisplayProperty": "title",
        "secondaryDisplayProperties": [],
        "searchableProperties": [],
        "requiredProperties": [],
        "properties": [{"name": "title", "label": "T", "type": "string", "fieldType": "text"}],
        "associatedObjects": ["0-2"],
    }


@dataclass(frozen=True)
class Case:
    """A refusal that one request shows: what is sent, the status, and a text of the answer."""

    refusal: str
    method: str
    path: str
    body: Any
    status: int
    says: str
    parts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise KeyError for a refusal that is not in the table."""
        REFUSALS[self.refusal]

    def __str__(self) -> str:
        """Return the name the test has."""
        return self.refusal

    def check(self, sandbox: Any) -> None:
        """Send the request; the answer has the status, the text and the parts."""
        answer = sandbox.call(self.method, self.path, self.body)
        assert answer.status_code == self.status, answer.text
        found = answer.json()
        assert self.says in answer.text.replace("\\", ""), answer.text
        assert {key: found.get(key) for key in self.parts} == self.parts, answer.text
        assert (found["status"], len(found["correlationId"])) == ("error", 36)
