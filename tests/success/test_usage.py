"""Usage counts only under a contract line that was valid that day."""

from __future__ import annotations

from datetime import date

import pytest

from success.usage import UsageVerdict, judge, quarantine
from tests.success.builders import line, used

TERM = line(start=date(2024, 3, 1), end=date(2024, 3, 31))


@pytest.mark.parametrize(
    ("day", "verdict"),
    [
        (date(2024, 2, 29), UsageVerdict.BEFORE_START),
        (date(2024, 3, 1), UsageVerdict.VALID),
        (date(2024, 3, 31), UsageVerdict.VALID),
        (date(2024, 4, 1), UsageVerdict.AFTER_END),
    ],
)
def test_the_end_day_itself_is_valid(day: date, verdict: UsageVerdict) -> None:
    """Use on the first and on the end day counts; a day outside is told apart."""
    assert judge(day, TERM) is verdict


def test_use_without_a_known_line_is_quarantined() -> None:
    """A row that names a line we do not have counts nowhere."""
    assert judge(date(2024, 3, 1), None) is UsageVerdict.NO_LINE
    counts = quarantine([used(date(2024, 3, 2), line_id="gone")], [TERM])
    assert counts[UsageVerdict.NO_LINE] == 1


def test_use_that_names_no_line_counts_while_any_line_is_valid() -> None:
    """Inside any line it is valid; between two lines it is after the end of one."""
    later = line("L2", start=date(2024, 6, 1))
    days = [date(2024, 2, 1), date(2024, 3, 5), date(2024, 5, 1), date(2024, 7, 1)]
    counts = quarantine([used(day) for day in days], [TERM, later])
    assert counts == {
        UsageVerdict.VALID: 2,
        UsageVerdict.BEFORE_START: 1,
        UsageVerdict.AFTER_END: 1,
        UsageVerdict.NO_LINE: 0,
    }


def test_quarantine_counts_raw_rows_not_days() -> None:
    """A day's usage stands for as many rows as were behind it."""
    counts = quarantine([used(date(2024, 3, 2), count=7, line_id="L1")], [TERM])
    assert counts[UsageVerdict.VALID] == 7
