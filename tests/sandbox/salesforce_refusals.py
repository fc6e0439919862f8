"""What Salesforce is known to refuse: queries, limits, collections, composites, Bulk 2.0, rows, deletions.

One line each, with the section of the vendor reference that says so and the line's subject there. Every
entry has exactly one test in ``test_salesforce_refusals_*.py``, marked ``@refuses("its id")`` or made of a
``Case("its id", …)``; ``test_salesforce_refusals_checklist.py`` holds both together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from tests.sandbox.salesforce_session import Api

Test = TypeVar("Test", bound=Callable[..., Any])
BASE: Final = "/services/data/v66.0"

_COLLECTIONS = "1.2, collections"
_COMPOSITE = "1.2, composite"
_GRAPH = "1.2, composite graph"
_INGEST = "1.3, ingest"
_RESULTS = "1.3, results"
_BULK_QUERY = "1.3, query"
_BULK_LIMITS = "1.3, limits"
_CSV = "1.3, CSV semantics"
_DESTRUCTIVE = "3, destructive"
_ROWS = "1.5, error codes"
_PUBSUB = "2.2, Pub/Sub API"

REFUSALS: Final[dict[str, tuple[str, str]]] = {
    # versions, sessions, quotas
    "version-retired": ("0, versions", "a version below v31 is gone (410)"),
    "version-unknown": ("0, versions", "a version that does not exist yet"),
    "no-session": ("1.1, access token", "a call without a live session"),
    "daily-limit": ("1.4, quotas", "the day's calls are spent by whomever"),
    "concurrent-limit": ("1.4, quotas", "25 long requests run (5 in Developer Edition)"),
    "limits-hidden": ("1.2, limits", "a user who may not view Setup"),
    "bulk-jobs-spent": ("1.3, limits", "the query jobs of 24 hours are spent"),
    "bulk-batches-spent": ("1.3, limits", "the batches of 24 hours are spent"),
    "uri-too-long": ("1.4, quotas", "more than 16,384 bytes of URI and headers"),
    # 1.2: queries
    "query-missing": ("1.2, query", "no query"),
    "query-malformed": ("1.2, query", "a text that is no SOQL"),
    "query-column": ("1.2, query", "a column that does not exist"),
    "query-object": ("1.2, query", "an object that does not exist"),
    "child-offset": ("1.2, query", "OFFSET in a child subquery"),
    "child-count": ("1.2, query", "COUNT() in a child subquery"),
    "child-of-child": ("1.2, query", "a subquery inside a child subquery"),
    "semi-join-fields": ("1.2, query", "a semi-join over two fields"),
    "semi-join-count": ("1.2, query", "a semi-join over COUNT()"),
    "semi-join-limit": ("1.2, query", "LIMIT in a semi-join"),
    "semi-join-order": ("1.2, query", "ORDER BY in a semi-join"),
    "semi-join-or": ("1.2, query", "a semi-join beside OR"),
    "semi-join-nested": ("1.2, query", "a semi-join inside a semi-join"),
    "semi-join-three": ("1.2, query", "three semi-joins"),
    "semi-join-text": ("1.2, query", "a semi-join of a field that is no id"),
    "semi-join-inner-text": ("1.2, query", "a semi-join over a field that is no id"),
    "semi-join-itself": ("1.2, query", "a semi-join over the same object"),
    "semi-join-others": ("1.2, query", "a semi-join over ids of another object"),
    "count-ordered": ("1.2, query", "COUNT() with ORDER BY"),
    "fields-unbounded": ("1.2, query", "FIELDS(ALL) without LIMIT 200"),
    "fields-twice": ("1.2, query", "a field beside the FIELDS() that has it"),
    "text-escape": ("1.2, query", "an escape that there is not"),
    "query-locator": ("1.2, query", "a locator nobody gave"),
    "history-filter": ("1.2, query", "a condition on an old or new value of field history"),
    "history-untracked": ("1.2, query", "field history of an object of which nothing is tracked"),
    "history-write": ("1.5, permanent for that row", "a row of history from outside"),
    "contract-activated": ("1.5, permanent for that row", "a contract that begins as activated"),
    "updated-31-days": ("2.3, updated", "a window that begins more than 30 days ago"),
    "updated-a-minute": ("2.3, updated", "a window of a minute"),
    "deleted-too-many": ("2.3, deleted", "more ids than may be given at once"),
    "deleted-16-days": ("2.3, deleted", "a window that begins more than 15 days ago"),
    # 8: a package's names
    "namespace-object": ("8, namespaces", "an object of a package without its prefix"),
    "namespace-field": ("8, namespaces", "a field of a package without its prefix"),
    # 1.2: collections
    "create-201": (_COLLECTIONS, "201 records to create"),
    "update-201": (_COLLECTIONS, "201 records to update"),
    "delete-201": (_COLLECTIONS, "201 records to delete"),
    "upsert-201": (_COLLECTIONS, "201 records to upsert"),
    "collection-empty": (_COLLECTIONS, "no record"),
    "collection-envelope": (_COLLECTIONS, "an envelope with a field that does not exist"),
    "collection-no-type": (_COLLECTIONS, "a record without its type"),
    "collection-11-chunks": (_COLLECTIONS, "eleven runs of record types"),
    "collection-row": (_COLLECTIONS, "a bad row alone, by statusCode, status 200"),
    "collection-all-or-none": (_COLLECTIONS, "allOrNone takes the good rows back, status 200"),
    "upsert-two-types": (_COLLECTIONS, "an upsert of another type than the address"),
    "upsert-not-external": (_COLLECTIONS, "a key field that is no external id"),
    "upsert-no-key": (_COLLECTIONS, "a row without its key"),
    "upsert-key-twice": (_COLLECTIONS, "a key given twice refuses both rows"),
    "upsert-with-id": (_COLLECTIONS, "a record id beside the key"),
    "retrieve-nothing": (_COLLECTIONS, "no field to retrieve"),
    "retrieve-2001": (_COLLECTIONS, "2,001 ids to retrieve by body"),
    # 1.2: composite
    "composite-26": (_COMPOSITE, "26 subrequests"),
    "composite-6-heavy": (_COMPOSITE, "six queries and collections"),
    "composite-twice": (_COMPOSITE, "a referenceId given twice"),
    "composite-name": (_COMPOSITE, "a referenceId with a space"),
    "composite-nested": (_COMPOSITE, "a composite within a composite"),
    "composite-job": (_COMPOSITE, "a bulk job within a composite"),
    "composite-incomplete": (_COMPOSITE, "a subrequest without its parts"),
    "composite-inherited": (_COMPOSITE, "a subrequest with a header it inherits"),
    "composite-halted": (_COMPOSITE, "allOrNone halts the others"),
    "composite-reference": (_COMPOSITE, "a reference to what is not there"),
    "graph-unnamed": (_GRAPH, "a graph without its id"),
    "graph-named-twice": (_GRAPH, "two graphs of one id"),
    "graph-501": (_GRAPH, "501 nodes"),
    "graph-76": (_GRAPH, "76 graphs"),
    "graph-16-deep": (_GRAPH, "a chain of 16"),
    "graph-16-kinds": (_GRAPH, "16 kinds of node"),
    "graph-address": (_GRAPH, "an address outside /sobjects/"),
    "graph-15-failed": (_GRAPH, "after 14 failed graphs the rest are halted"),
    "graph-all-or-none": (_GRAPH, "a graph with a bad node leaves nothing"),
    # 1.3: Bulk 2.0 ingest
    "job-object": (_INGEST, "an object that does not exist"),
    "job-operation": (_INGEST, "an operation that does not exist"),
    "job-hard-delete": (_INGEST, "hardDelete without its permission"),
    "job-no-key": (_INGEST, "an upsert without the key's name"),
    "job-key": (_INGEST, "an upsert by a field that is no external id"),
    "job-content-type": (_INGEST, "a content type other than CSV"),
    "job-line-ending": (_INGEST, "a line ending that there is not"),
    "upload-line-ending": (_INGEST, "a file of CRLF in a job of LF"),
    "upload-column-twice": (_INGEST, "a column given twice"),
    "row-insert-id": (_CSV, "a record id in an insert"),
    "upload-content-type": (_INGEST, "an upload that is no CSV"),
    "upload-twice": (_INGEST, "a second upload"),
    "upload-too-large": (_BULK_LIMITS, "an upload above 150 MB"),
    "job-closed-twice": (_INGEST, "UploadComplete said again"),
    "job-abort-ended": (_INGEST, "aborting a job that has ended"),
    "job-delete-open": (_INGEST, "deleting a job that has not ended"),
    "job-unknown": (_INGEST, "a job that does not exist"),
    "job-column": (_INGEST, "an unknown column fails the job, and all rows are unprocessed"),
    "results-early": (_RESULTS, "results of a job that has not ended"),
    "results-other": (_RESULTS, "a result file that does not exist"),
    "row-refused": (_RESULTS, "a bad row is in failedResults though the job is JobComplete"),
    "row-width": (_CSV, "a row of another width"),
    "row-space-quote": (_CSV, "a space before a quoted value"),
    "row-parent": (_CSV, "a parent's key that is not there"),
    "row-field-32001": (_BULK_LIMITS, "a field above 32,000 characters"),
    "row-400001": (_BULK_LIMITS, "a row above 400,000 characters"),
    # 7: opportunities and their products
    "line-other-book": ("7, renewals", "a line of another price book than its opportunity's"),
    "line-other-currency": ("7, renewals", "a line of another currency than its opportunity's"),
    "line-inactive": ("7, renewals", "a line at a price that is no longer sold at"),
    "line-moved": ("7, renewals", "a line moved to another opportunity or price"),
    "deal-rebooked": ("7, renewals", "another price book for an opportunity with products"),
    "role-of-nobody": (_GRAPH, "a contact role without a contact"),
    "role-moved": (_GRAPH, "a contact role moved to another opportunity"),
    # 1.5 and 8: what an org has no room or time for
    "row-locked": ("1.5, UNABLE_TO_LOCK_ROW", "a record another transaction holds"),
    "parent-locked": ("8, skew and locks", "a record whose account another transaction holds"),
    "storage-full": ("8, storage", "a new row where there is no room for one"),
    # 1.3: Bulk 2.0 query
    "bulk-query-operation": (_BULK_QUERY, "an operation other than query and queryAll"),
    "bulk-query-malformed": (_BULK_QUERY, "a text that is no SOQL"),
    "bulk-query-count": (_BULK_QUERY, "an aggregate"),
    "bulk-query-children": (_BULK_QUERY, "a subquery"),
    "bulk-query-offset": (_BULK_QUERY, "OFFSET"),
    "bulk-query-fields": (_BULK_QUERY, "FIELDS(ALL)"),
    "bulk-query-delimiter": (_BULK_QUERY, "a column delimiter that there is not"),
    "bulk-query-records": (_BULK_QUERY, "a page of no records"),
    "bulk-query-early": (_BULK_QUERY, "results of a query that has not ended"),
    "bulk-query-locator": (_BULK_QUERY, "a locator nobody gave"),
    "bulk-query-abort": (_BULK_QUERY, "aborting a query that has ended"),
    # 3: destructive changes
    "delete-formula-source": (_DESTRUCTIVE, "a field that a formula reads"),
    "delete-view-column": (_DESTRUCTIVE, "a field that a list view shows"),
    "delete-lookup-target": (_DESTRUCTIVE, "an object that another one's lookup points to"),
    "delete-together": (_DESTRUCTIVE, "what is used, in one manifest with what uses it"),
    "delete-active-page": (_DESTRUCTIVE, "a record page that an app shows"),
    "delete-report": (_DESTRUCTIVE, "a report that a dashboard draws"),
    "delete-full-folder": (_DESTRUCTIVE, "a folder with something in it"),
    "delete-held-set": (_DESTRUCTIVE, "a permission set that somebody has"),
    "delete-sent-message": (_DESTRUCTIVE, "an outbound message that a flow sends"),
    "delete-active-flow": (_DESTRUCTIVE, "a flow, or the version of it, that is active"),
    "delete-flow-unversioned": (_DESTRUCTIVE, "a flow of several versions, named without one"),
    "delete-absent": (_DESTRUCTIVE, "what is not there, unless warnings are ignored"),
    # 1.5: rows an org will not have
    "record-type-not-given": (_ROWS, "a record type the user may not give"),
    "account-with-case": (_ROWS, "an account with a case, deleted"),
    "account-with-contract": (_ROWS, "an account with an activated contract, deleted"),
    "flow-fails": (_ROWS, "a flow of the customer's that fails"),
    "field-hidden": (_ROWS, "a field the user cannot see, queried"),
    "field-read-only": (_ROWS, "a field the user may only read, written"),
    "person-name": (_ROWS, "the composed name of a person account, written"),
    "person-fields": (_ROWS, "a person's name on a business account"),
    "record-locked": (_ROWS, "an update of a record that waits for approval"),
    "owner-inactive": (_ROWS, "an owner who left"),
    "validation-rule": (_ROWS, "a save that a deployed validation rule forbids"),
    "rule-formula": ("3, metadata deploy", "a validation rule with a formula that is none"),
    "rule-incomplete": ("3, metadata deploy", "a validation rule without what every one has"),
    "rule-name": ("3, metadata deploy", "a validation rule's name that is too long, or none"),
    "delete-ruled-field": (_DESTRUCTIVE, "a field that a validation rule asks about"),
    "required-field": (_ROWS, "a record without a field required of all"),
    "one-currency": (_ROWS, "the currency field of an org that has one currency"),
    # 2.2: change events over the Pub/Sub API
    "pubsub-header-blank": (_PUBSUB, "a call without token, instance or tenant"),
    "pubsub-session": (_PUBSUB, "a dead token, or another org's id"),
    "pubsub-session-ends": (_PUBSUB, "a token revoked while its stream stands"),
    "pubsub-topic-unknown": (_PUBSUB, "a topic that is not there"),
    "pubsub-topic-blank": (_PUBSUB, "no topic"),
    "pubsub-topic-changed": (_PUBSUB, "another topic within a stream"),
    "pubsub-schema-blank": (_PUBSUB, "no schema id"),
    "pubsub-101-events": (_PUBSUB, "more than 100 events asked for, or none"),
    "pubsub-replay-missing": (_PUBSUB, "the preset CUSTOM without a replay id"),
    "pubsub-replay-corrupted": (_PUBSUB, "a replay id nobody gave, or older than 72 hours"),
    "pubsub-allocation": (_PUBSUB, "events beyond the day's allocation"),
    "pubsub-edition": (_PUBSUB, "an edition without change events"),
}


def refuses(refusal: str) -> Callable[[Test], Test]:
    """Mark a test as the one of a refusal. Raises KeyError for one that is not in the table."""
    REFUSALS[refusal]

    def mark(test: Test) -> Test:
        return test

    return mark


@dataclass(frozen=True)
class Case:
    """A refusal that one request shows: what is sent, the status, the code, and a text of the message."""

    refusal: str
    method: str
    path: str
    body: Any
    status: int
    code: str
    says: str = ""

    def __post_init__(self) -> None:
        """Raise KeyError for a refusal that is not in the table."""
        REFUSALS[self.refusal]

    def __str__(self) -> str:
        """Return the name the test has."""
        return self.refusal

    def check(self, api: Api) -> None:
        """Send the request; the answer is an array of one error with status, code and text."""
        answer = api.call(self.method, self.path, self.body)
        found = answer.json()
        assert (answer.status_code, len(found)) == (self.status, 1), answer.text
        assert found[0]["errorCode"] == self.code, answer.text
        assert self.says in found[0]["message"]
        assert answer.headers["Sforce-Limit-Info"].startswith("api-usage=")


def record(kind: str, **values: Any) -> dict[str, Any]:
    """Return a record of a collection."""
    return {"attributes": {"type": kind}, **values}


def part(reference: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """Return a subrequest."""
    found = {"method": method, "url": BASE + path, "referenceId": reference}
    return found if body is None else {**found, "body": body}
