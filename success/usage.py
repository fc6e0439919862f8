"""Which product usage counts: rows outside their contract line are quarantined (domain C16).

A row on a line's very end day counts as valid (domain E, conventions). ``view`` uses the
verdicts so that no measure ever sees a quarantined row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum

from success.facts import ContractLine, UsageDay


class UsageVerdict(StrEnum):
    """Whether usage of a day belongs to a contract line."""

    VALID = "valid"
    BEFORE_START = "before_start"
    AFTER_END = "after_end"
    NO_LINE = "no_line"


def judge(day: date, line: ContractLine | None) -> UsageVerdict:
    """Return the verdict on usage of a day under a line; the end day itself is valid."""
    if line is None:
        return UsageVerdict.NO_LINE
    if day < line.start:
        return UsageVerdict.BEFORE_START
    if line.end is not None and day > line.end:
        return UsageVerdict.AFTER_END
    return UsageVerdict.VALID


def judge_account(day: date, lines: Sequence[ContractLine]) -> UsageVerdict:
    """Return the verdict on usage that names no line: valid if any line of the account is.

    Otherwise before the first line, or after the end of one.
    """
    verdicts = {judge(day, line) for line in lines}
    for verdict in (UsageVerdict.VALID, UsageVerdict.AFTER_END, UsageVerdict.BEFORE_START):
        if verdict in verdicts:
            return verdict
    return UsageVerdict.NO_LINE


class UsageJudge:
    """Gives verdicts over one set of lines, whole portfolios too, without scanning it per row."""

    def __init__(self, lines: Iterable[ContractLine]) -> None:
        """Index the lines by their id and by account."""
        self._by_id: dict[str, list[ContractLine]] = {}
        self._by_account: dict[str, list[ContractLine]] = {}
        self._days: dict[tuple[str, date], UsageVerdict] = {}
        for line in lines:
            self._by_id.setdefault(line.line_id, []).append(line)
            self._by_account.setdefault(line.account_id, []).append(line)

    def of_row(self, row: UsageDay) -> UsageVerdict:
        """Return the verdict on one day's usage, by its line where it names one."""
        if row.line_id is None:
            return self.of_day(row.account_id, row.day)
        named = self._by_id.get(row.line_id, ())
        return judge(row.day, named[0]) if len(named) == 1 else judge_account(row.day, named)

    def of_day(self, account_id: str, day: date) -> UsageVerdict:
        """Return the verdict on an account's day, whatever the line."""
        key = (account_id, day)
        if key not in self._days:
            self._days[key] = judge_account(day, self._by_account.get(account_id, ()))
        return self._days[key]


def quarantine(usage: Iterable[UsageDay], lines: Iterable[ContractLine]) -> Mapping[UsageVerdict, int]:
    """Return how many raw ROWS fall under each verdict; every verdict is present, 0 where none."""
    judges = UsageJudge(lines)
    counts = dict.fromkeys(UsageVerdict, 0)
    for row in usage:
        counts[judges.of_row(row)] += row.rows
    return counts
