"""The table of Salesforce's refusals and its tests, held together."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tests.sandbox.salesforce_refusals import REFUSALS

MARK = re.compile(r"""^(?:@refuses|\s*Case)\(\s*"([a-z0-9-]+)\"""", re.MULTILINE)


def marked() -> Counter[str]:
    """Return how often each refusal stands in a test file beside this one."""
    files = Path(__file__).parent.glob("test_salesforce_refusals_*.py")
    return Counter(name for path in files for name in MARK.findall(path.read_text("utf-8")))


def test_every_refusal_has_exactly_one_test() -> None:
    """What Salesforce refuses is shown by one test over raw HTTP, and no test shows what is not listed."""
    assert sorted(set(REFUSALS) - set(marked())) == []
    assert sorted(set(marked()) - set(REFUSALS)) == []
    assert [name for name, count in marked().items() if count > 1] == []


def test_every_refusal_says_where_it_stands() -> None:
    """A place is a section of the reference and the subject of the line."""
    places = [place for place, _ in REFUSALS.values()]
    assert [place for place in places if not re.match(r"^[0-8](\.[1-5])?, \S", place)] == []
