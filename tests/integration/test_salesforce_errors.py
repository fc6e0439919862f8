"""Every error code the reference lists, and what the caller is told to do: one line each.

The reference's table is its section 1.5. A code may end a whole call or refuse one row of a collection.
"""

from __future__ import annotations

import pytest

from integration.port import NeedsConsent, RateLimited, Refusal, Refused
from integration.salesforce.errors import row_error
from tests.integration.salesforce_wire import EXPIRED, account_row, page, rig
from tests.integration.test_salesforce_transport import CONCURRENT, DAILY, TOKEN

KEY = "CS_Key__c"


def read(setup):
    """Make one call."""
    return setup.port.read("Account", ["0015g0000000001AAA"], ["Name"])


def error(code, message="words of the org"):
    """Return the body of a failed call."""
    return [{"errorCode": code, "message": message}]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, error("TXN_SECURITY_METERING_ERROR")),
        (403, CONCURRENT),
        (406, error("NOT_ACCEPTABLE")),
        (420, error("EDGE", "setting things up")),
        (429, error("TOO_MANY")),
        (500, error("UNKNOWN_EXCEPTION")),
        (502, b"<html>bad gateway</html>"),
        (503, error("SERVER_UNAVAILABLE")),
        (400, error("UNABLE_TO_LOCK_ROW")),
        (400, b"not JSON at all"),
    ],
)
def test_passing_faults_are_tried_again_after_a_pause(status, body):
    """The next answer counts; no Retry-After is asked for, the pause is our own."""
    setup = rig((status, body), page([account_row(1, Name="Acme")]))
    assert len(read(setup)) == 1
    assert len(setup.slept) == 1
    assert 0 <= setup.slept[0] <= 15


@pytest.mark.parametrize(
    ("status", "body", "raised"),
    [
        (403, DAILY, RateLimited),
        (404, error("NOT_FOUND"), Refused),
        (403, error("INSUFFICIENT_ACCESS"), Refused),
        (403, error("API_DISABLED_FOR_ORG"), Refused),
        (400, error("INVALID_TYPE"), Refused),
        (400, error("INVALID_FIELD"), Refused),
        (400, error("MALFORMED_QUERY"), Refused),
        (400, error("EXCEEDED_ID_LIMIT"), Refused),
    ],
)
def test_what_does_not_pass_is_told_at_once(status, body, raised):
    """One call is made, whatever the code."""
    setup = rig((status, body))
    with pytest.raises(raised):
        read(setup)
    assert len(setup.org.sent) == 1


def test_a_spent_day_is_parked_for_a_quarter_of_an_hour():
    """The window moves, so a slice comes back all the time; nobody waits for midnight."""
    with pytest.raises(RateLimited) as raised:
        read(rig((403, DAILY)))
    assert (raised.value.policy, raised.value.retry_after_s) == ("daily", 900)


def test_a_third_401_stops_the_installation():
    """Signed in again twice and refused each time: revoked. One token more may have ended before its use."""
    refused = (401, EXPIRED)
    assert len(read(rig(refused, TOKEN, refused, TOKEN, page([account_row(1, Name="Acme")])))) == 1
    with pytest.raises(NeedsConsent):
        read(rig(refused, TOKEN, refused, TOKEN, refused))


@pytest.mark.parametrize("body", [None, b"", b"<html/>", {}, [], [[]], [{"message": "no code"}], "text"])
def test_an_error_of_any_shape_is_a_passing_fault(body):
    """An edge may answer with anything."""
    assert len(read(rig((500, body), page([account_row(1, Name="Acme")])))) == 1


ROWS = {
    "UNABLE_TO_LOCK_ROW": Refusal.BUSY,
    "TXN_SECURITY_METERING_ERROR": Refusal.BUSY,
    "REQUEST_LIMIT_EXCEEDED": Refusal.BUSY,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": Refusal.BUSY,
    "PROCESSING_HALTED": Refusal.BUSY,
    "DUPLICATE_VALUE": Refusal.FIXABLE,
    "DUPLICATES_DETECTED": Refusal.FIXABLE,
    "ENTITY_IS_DELETED": Refusal.GONE,
    "NOT_FOUND": Refusal.GONE,
    "INVALID_CROSS_REFERENCE_KEY": Refusal.GONE,
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": Refusal.FIXABLE,
    "REQUIRED_FIELD_MISSING": Refusal.FIXABLE,
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Refusal.FIXABLE,
    "STRING_TOO_LONG": Refusal.FIXABLE,
    "FIELD_INTEGRITY_EXCEPTION": Refusal.FIXABLE,
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Refusal.FIXABLE,
    "CANNOT_EXECUTE_FLOW_TRIGGER": Refusal.FIXABLE,
    "ENTITY_IS_LOCKED": Refusal.FIXABLE,
    "INACTIVE_OWNER_OR_USER": Refusal.FIXABLE,
    "INSUFFICIENT_ACCESS_OR_READONLY": Refusal.PERMISSION,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Refusal.PERMISSION,
    "INVALID_FIELD_FOR_INSERT_UPDATE": Refusal.PERMISSION,
    "INVALID_FIELD": Refusal.PERMISSION,
    "INVALID_TYPE": Refusal.PERMISSION,
    "STORAGE_LIMIT_EXCEEDED": Refusal.FULL,
    "EXCEEDED_ID_LIMIT": Refusal.FIXABLE,
    "A_CODE_NOBODY_KNOWS": Refusal.FIXABLE,
}


@pytest.mark.parametrize(("code", "refusal"), ROWS.items())
def test_a_row_is_refused_by_what_can_be_done_about_it(code, refusal):
    """Busy rows come again, gone ones are let go, the rest waits for a person with the org's words."""
    found = row_error(code, "words of the org", ["X__c"], KEY)
    assert (found.refusal, found.message, found.fields) == (refusal, "words of the org", ("X__c",))


def test_our_own_key_taken_meanwhile_is_a_race():
    """Two workers made the same record: the next look finds it, and updates."""
    words = "duplicate value found: CS_Key__c duplicates value on record with id: a00"
    assert row_error("DUPLICATE_VALUE", words, [], KEY).refusal is Refusal.BUSY


def test_a_parent_that_is_not_there_any_more_is_gone():
    """Salesforce calls a parent's unknown key an invalid field."""
    words = "Foreign key external ID: plan:1 not found for field CS_Key__c in entity CS_Plan__c"
    assert row_error("INVALID_FIELD", words, [], KEY).refusal is Refusal.GONE


def test_a_record_type_we_may_not_give_is_no_record_that_is_gone():
    """Salesforce calls it an invalid cross reference as well; what is missing is the user's right to it."""
    words = "Record Type ID: this ID value isn't valid for the user: 0128M0000004HVOQA2"
    found = row_error("INVALID_CROSS_REFERENCE_KEY", words, ["RecordTypeId"], KEY)
    assert found.refusal is Refusal.PERMISSION
