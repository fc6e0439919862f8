"""Terms of contract lines: which lines renew together, when each is due, and the term's number.

The calendar half of renewals (domain D.6), used by ``renewals`` and the ``days_to_renewal``
measure. A fixed line is due on its end day; an open-ended one with a term on each anniversary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from success.days import MONTHS_IN_YEAR, anniversaries
from success.facts import ARR_KINDS, ContractLine
from success.rules import RenewalRule
from success.view import AccountView

# A line rolls for ever; looking two terms of this length ahead always meets its next due day.
LONGEST_TERM_YEARS = 10
# A corrected contract date moves the end of a term by at most a quarter; further is another term.
MOVES_WITHIN = timedelta(days=92)


def group_sources(lines: Iterable[ContractLine]) -> Mapping[str, str]:
    """Return for each recurring line_id the line_id that names its renewal group.

    Together are, within one account: the members of a co-term group, a line and what it
    renews, and lines with the same due anniversary (end day; start day and term of rolling ones).
    The name is the earliest (start, line_id) of the group.
    """
    ordered = sorted(
        (line for line in lines if line.kind in ARR_KINDS),
        key=lambda line: (line.start, line.line_id),
    )
    leader = {line.line_id: line.line_id for line in ordered}
    rank = {line.line_id: place for place, line in reversed(list(enumerate(ordered)))}
    for one, other in _ties(ordered):
        _join(leader, rank, one, other)
    return {line_id: _find(leader, line_id) for line_id in leader}


def _ties(ordered: Sequence[ContractLine]) -> Iterator[tuple[str, str]]:
    first_with: dict[tuple[object, ...], str] = {}
    accounts = {line.line_id: line.account_id for line in ordered}
    for line in ordered:
        labels = [("due", line.account_id, *_due_anniversary(line))]
        if line.co_term_group:
            labels.append(("co-term", line.account_id, line.co_term_group))
        for label in labels:
            yield line.line_id, first_with.setdefault(label, line.line_id)
        if line.renewal_of_line_id and accounts.get(line.renewal_of_line_id) == line.account_id:
            yield line.line_id, line.renewal_of_line_id


def _due_anniversary(line: ContractLine) -> tuple[object, ...]:
    """Return what lines that fall due together share: the end day, or the day and term of a rolling one."""
    if line.end is not None:
        return ("end", line.end)
    return (line.start.month, line.start.day, line.term_months)


def _find(leader: dict[str, str], line_id: str) -> str:
    while leader[line_id] != line_id:
        leader[line_id] = leader[leader[line_id]]
        line_id = leader[line_id]
    return line_id


def _join(leader: dict[str, str], rank: Mapping[str, int], one: str, other: str) -> None:
    first, second = sorted((_find(leader, one), _find(leader, other)), key=lambda line_id: rank[line_id])
    leader[second] = first


def renews(line: ContractLine, rule: RenewalRule) -> bool:
    """Say whether a recurring line makes renewals at all: by an end, or by a term that rolls."""
    if line.end is not None:
        return not (rule.skip_monthly and line.term_months == 1)
    if not rule.rolling_terms or not line.term_months or line.term_months <= 0:
        return False
    return not (rule.skip_monthly and line.term_months < MONTHS_IN_YEAR)


def due_days(line: ContractLine, first: date, last: date) -> Iterator[date]:
    """Yield the days in [first, last], both in, on which a line that ``renews`` is due."""
    if line.end is not None:
        if first <= line.end <= last:
            yield line.end
    elif line.term_months:
        yield from anniversaries(line.start, line.term_months, first, last)


def renewable(view: AccountView, day: date) -> tuple[ContractLine, ...]:
    """Return the lines in force on a day that can fall due.

    Validity and overlap decide exactly as they do for ARR: a line that has ended, or was
    superseded, opens no renewal any more.
    """
    lines = view.open_lines(day)
    return tuple(line for line in lines if renews(line, view.rules.renewal))


def next_due(view: AccountView, day: date) -> date | None:
    """Return the first due day on or after a day among the account's lines in force, or None."""
    horizon = date(day.year + LONGEST_TERM_YEARS, 12, 31)
    firsts = (next(due_days(line, day, horizon), None) for line in renewable(view, day))
    return min((due for due in firsts if due is not None), default=None)


def term_number(lines: Sequence[ContractLine], due: date) -> int:
    """Return how many terms of a group have ended by a due day, that one included.

    Counted over all lines of the group whatever the rule says, so that closing a rolling line,
    correcting its end day by less than a quarter or changing the charter renumbers no term.
    """
    ends: set[date] = set()
    for line in lines:
        last = due if line.end is None else min(due, line.end - MOVES_WITHIN)
        if line.term_months and line.term_months > 0:
            ends.update(anniversaries(line.start, line.term_months, line.start, last))
        if line.end is not None and line.end <= due:
            ends.add(line.end)
    return max(1, len(ends))
