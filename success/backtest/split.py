"""The division of the past: what a model may learn from, and what it is judged by (domain C.6 c).

Training ends the embargo before the first test row, so that no outcome of training lies in the test.
Rows between are in neither. Neighbour: ``report`` applies it.
"""

from __future__ import annotations

from dataclasses import dataclass

from success.backtest.table import FactsTable, Mask


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """Times in steps of the table, all inclusive. ``test_to`` None: as late as outcomes are known.

    The embargo is the horizon of the label: an outcome is known so many steps after its row.
    """

    train_to: int
    test_from: int
    embargo: int
    test_to: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Which rows are for training and for the test; ``test_to`` as it was settled."""

    train: Mask
    test: Mask
    test_to: int


def divide(table: FactsTable, asked: TimeSplit) -> Parts:
    """Return the rows of training and test.

    Raises ValueError for an embargo that reaches into the test, and for a part without rows.
    """
    if asked.embargo < 0:
        raise ValueError(f"--embargo {asked.embargo} is negative; give the horizon of the label")
    if asked.train_to + asked.embargo >= asked.test_from:
        raise ValueError(
            "the outcomes of training reach into the test: --train-to plus --embargo must lie before "
            "--test-from; train to an earlier time or test from a later one"
        )
    if not len(table):
        raise ValueError("there is no row with a label; give a file that has some")
    test_to = int(table.times.max()) - asked.embargo if asked.test_to is None else asked.test_to
    train = table.times <= asked.train_to
    test = (table.times >= asked.test_from) & (table.times <= test_to)
    for part, rows, remedy in (
        ("training", train, "--train-to must not lie before the first row"),
        ("the test", test, "--test-from must lie at least the embargo before the last row"),
    ):
        if not rows.any():
            raise ValueError(f"no row is left for {part}; {remedy}")
    return Parts(train, test, test_to)
