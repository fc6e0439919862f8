"""Salesforce's two forms of a record id."""

import pytest

from integration.record_ids import name_of_account, stored_id
from integration.salesforce.ids import long_id

# Pairs printed in Salesforce's REST API guide, and one worked by hand:
# in 00D5g / 00000 / AbCdE the capitals stand at places {2}, {}, {0, 2, 4}: 4 = E, 0 = A, 21 = V.
KNOWN = [
    "001D000000IqhSLIAZ",
    "001R0000005hDFYIA2",
    "001A0000006Vm9rIAC",
    "00D5g00000AbCdEEAV",
    "000000000000000AAA",
    "ZZZZZZZZZZZZZZZ555",
]


@pytest.mark.parametrize("whole", KNOWN)
def test_the_short_form_grows_its_checksum(whole):
    """Fifteen characters become the eighteen Salesforce shows."""
    assert long_id(whole[:15]) == whole


@pytest.mark.parametrize("whole", KNOWN)
def test_the_long_form_stays(whole):
    """Eighteen characters are taken as they are."""
    assert long_id(whole) == whole


def test_ids_that_differ_in_case_only_are_two_records():
    """That is what the checksum is for: i at place 0 of the last group counts 1, q, h, S, L as before."""
    assert (long_id("001D000000IqhSL")[15:], long_id("001D000000iqhSL")[15:]) == ("IAZ", "IAY")


@pytest.mark.parametrize(
    "wrong", ["", "001", "0" * 16, "0" * 19, "001D000000IqhS/", "001D000000Iqhé1", chr(0x660) * 15]
)
def test_anything_else_is_no_id(wrong):
    """Only 15 or 18 ASCII letters and digits are."""
    with pytest.raises(ValueError, match="no record id"):
        long_id(wrong)


@pytest.mark.parametrize("wrong", ["001D000000IqhSLIAY", "001d000000iqhsliaz", "001D000000IqhSL000"])
def test_a_checksum_that_does_not_fit_is_refused(wrong):
    """Another letter, lost case or no checksum at all: it names no record we could be sure of."""
    with pytest.raises(ValueError, match="do not fit"):
        long_id(wrong)
    with pytest.raises(ValueError, match="do not fit"):
        stored_id("salesforce", wrong)


def test_an_account_named_by_its_id_has_one_name():
    """The product may say 15 characters or 18; its own names, and HubSpot's ids, stay as they are."""
    assert name_of_account("salesforce", "001D000000IqhSL") == "001D000000IqhSLIAZ"
    assert name_of_account("salesforce", "001D000000IqhSLIAZ") == "001D000000IqhSLIAZ"
    for own in ("acorn", "006D000000IqhSL", "001D000000IqhSLIAY"):
        assert name_of_account("salesforce", own) == own
    assert name_of_account("hubspot", "001D000000IqhSL") == "001D000000IqhSL"
