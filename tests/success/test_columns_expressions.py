"""Expressions over columns: the truth CEL finds account by account, whatever the values, known or not."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from fractions import Fraction

import numpy as np
import pytest
from cel_expr_python import cel
from hypothesis import given
from hypothesis import strategies as st

from success.columns.arithmetic import Truth
from success.columns.expressions import followed, outside, truth, truth_of, truth_or_rows
from success.columns.frame import Frame, Measured, framed, named
from success.columns.tree import OutsideSubset
from success.expressions import ExpressionError, evaluate
from success.measures import UNKNOWN, CelType, MeasureValue
from tests.success.builders import EXAMPLES

TODAY = date(2024, 6, 30)
LARGEST, SMALLEST = 2**63 - 1, -(2**63)
ENVIRONMENT = cel.NewEnv(
    variables={
        **dict.fromkeys(("i", "j"), cel.Type.INT),
        **dict.fromkeys(("x", "y"), cel.Type.DOUBLE),
        **dict.fromkeys(("p", "q"), cel.Type.BOOL),
        **dict.fromkeys(("s", "t"), cel.Type.STRING),
        "of.all": cel.Type.List(cel.Type.STRING),
        "attr": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
    }
)
INTEGERS = st.one_of(st.integers(-4, 4), st.sampled_from([LARGEST, SMALLEST, LARGEST - 1, 2**53 + 1, 2**32]))
DOUBLES = st.one_of(st.integers(-3, 3).map(float), st.sampled_from([0.1, -0.0, 1e308, 5e-324, 2.0**53 + 2]))
# Measures are exact; some of these have no double of their own, nor have their parts.
FRACTIONS = st.one_of(
    st.fractions(-3, 3, max_denominator=7),
    st.sampled_from([Fraction(0.1), Fraction(LARGEST, 3), Fraction(2**53 + 1), Fraction(SMALLEST, LARGEST)]),
)
TEXTS = st.sampled_from(["", "a", "b", "ab", "B", "é", "z", "\U0001f600", "\uffff", "a\x00"])
# The values of the variables in one account; what is not in it is unknown.
ACCOUNTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("i", "j"), INTEGERS),
        **dict.fromkeys(("x", "y"), FRACTIONS),
        **dict.fromkeys(("p", "q"), st.booleans()),
        **dict.fromkeys(("s", "t", "attr.u"), TEXTS),
        "of.all": st.lists(TEXTS, max_size=3).map(tuple),
    },
)
WRITTEN = {
    "bool": st.sampled_from(["true", "false"]),
    "int": st.integers(-4, 4).map(str),
    "double": DOUBLES.map(repr),
    "string": st.sampled_from(["''", "'a'", "'b'", "'ab'", "'é'"]),
}
NAMES = {"bool": ["p", "q"], "int": ["i", "j"], "double": ["x", "y"], "string": ["s", "t", "attr.u"]}
OPERATORS = {"int": "+-*/%", "double": "+-*/", "string": "+", "bool": ""}


def of_type(kind: str, depth: int) -> st.SearchStrategy[str]:
    """Draw an expression of the subset that gives one type."""
    leaves = st.one_of(st.sampled_from(NAMES[kind]), WRITTEN[kind])
    if depth == 0:
        return leaves
    inner = of_type(kind, depth - 1)
    grown = [st.builds("({} ? {} : {})".format, of_type("bool", depth - 1), inner, inner)]
    if OPERATORS[kind]:
        grown.append(st.builds("({} {} {})".format, inner, st.sampled_from(OPERATORS[kind]), inner))
    if kind == "int":
        grown.append(st.just("size(of.all)"))
    if kind in {"int", "double"}:
        grown.append(inner.map("(-{})".format))
    if kind == "double":
        grown.append(of_type("int", depth - 1).map("double({})".format))
    if kind == "bool":
        grown += _truths(inner, depth)
    return st.one_of(leaves, *grown)


def _truths(inner: st.SearchStrategy[str], depth: int) -> list[st.SearchStrategy[str]]:
    """Draw what compares or joins truths."""
    compared = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    made = [
        inner.map("!({})".format),
        st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||"]), inner),
    ]
    for kind in NAMES:
        operand = of_type(kind, depth - 1)
        made.append(st.builds("({} {} {})".format, operand, compared, operand))
        listed = st.lists(operand, max_size=3).map(", ".join)
        made.append(st.builds("({} in [{}])".format, operand, listed))
    made.append(of_type("string", depth - 1).map("({} in of.all)".format))
    return made


KINDS = {
    **dict.fromkeys(("i", "j"), CelType.INT),
    **dict.fromkeys(("x", "y"), CelType.DOUBLE),
    **dict.fromkeys(("p", "q"), CelType.BOOL),
}
Account = dict[str, int | Fraction | bool | str | tuple[str, ...]]


def as_frame(accounts: list[Account]) -> Frame:
    """Return the accounts as columns; what is not in one is unknown there."""
    measures = {name: _measured(kind, [one.get(name) for one in accounts]) for name, kind in KINDS.items()}
    texts = {name: named([one.get(name) for one in accounts]) for name in ("s", "t", "attr.u", "of.all")}
    return Frame([str(row) for row in range(len(accounts))], measures, texts)


def _measured(kind: CelType, values: list[int | Fraction | bool | None]) -> Measured:
    exact = [Fraction(0 if value is None else value) for value in values]
    return Measured(
        kind,
        np.array([one.numerator for one in exact], dtype=np.int64),
        np.array([one.denominator for one in exact], dtype=np.int64),
        np.array([value is not None for value in values]),
        np.full(len(values), TODAY.toordinal()),
    )


def by_cel(compiled: cel.Expression, account: Account) -> bool | None:
    """Return what CEL itself says of one account; an error is unknown."""
    data: dict[str, object] = {"attr": {"u": account["attr.u"]} if "attr.u" in account else {}}
    for name, one in account.items():
        data[name] = float(one) if isinstance(one, Fraction) else list(one) if isinstance(one, tuple) else one
    found = compiled.eval(data=data)
    return bool(found.value()) if found.type() == cel.Type.BOOL else None


def as_list(found: Truth) -> list[bool | None]:
    """Return a truth account by account."""
    return [True if yes else False if no else None for yes, no in zip(found.yes, found.no, strict=True)]


@EXAMPLES
@given(of_type("bool", 3), st.lists(ACCOUNTS, min_size=1, max_size=8))
def test_columns_find_what_cel_finds(expression: str, accounts: list[Account]) -> None:
    """True, false and unknown are those of CEL for random expressions over random accounts."""
    compiled = ENVIRONMENT.compile(expression)
    found = truth_of(followed(compiled.serialize()), as_frame(accounts))
    assert as_list(found) == [by_cel(compiled, account) for account in accounts]


@pytest.mark.parametrize(
    ("expression", "account"),
    [
        ("i + j > 0", {"i": LARGEST, "j": 1}),
        ("i - j > 0", {"i": SMALLEST, "j": 1}),
        ("i * j > 0", {"i": SMALLEST, "j": -1}),
        ("i * j > 0", {"i": -1, "j": SMALLEST}),
        ("i * j > 0", {"i": 2**32, "j": 2**31}),
        ("i / j > 0", {"i": SMALLEST, "j": -1}),
        ("i % j == 0", {"i": SMALLEST, "j": -1}),
        ("i / j > 0", {"i": 1, "j": 0}),
        ("-i > 0", {"i": SMALLEST}),
        ("i in [1, j]", {"i": 1}),
        ("p ? i > 0 : true", {"i": 1}),
    ],
)
def test_what_is_an_error_in_cel_is_unknown(expression: str, account: Account) -> None:
    """Overflow, division by zero, a list with an unknown element and an unknown condition have no answer."""
    compiled = ENVIRONMENT.compile(expression)
    assert by_cel(compiled, account) is None
    assert as_list(truth_of(followed(compiled.serialize()), as_frame([account]))) == [None]


@pytest.mark.parametrize(
    ("expression", "account", "holds"),
    [
        ("i / j == -3", {"i": -7, "j": 2}, True),
        ("i % j == -1", {"i": -7, "j": 2}, True),
        ("x / y > 1.0", {"x": Fraction(1), "y": Fraction(0)}, True),
        ("x / y == x / y", {"x": Fraction(0), "y": Fraction(0)}, False),
        ("x == 0.1", {"x": Fraction(1, 10)}, True),
        ("s < 'b' && s + 'c' in ['ac', 'd']", {"s": "a"}, True),
        ("x < y", {"x": Fraction(1, 2**53 + 1), "y": Fraction(1, 2**53)}, True),
        ("x < y", {"x": Fraction(2**53), "y": Fraction(2**53 + 3, 1)}, True),
        ("p && i > 0", {"p": False}, False),
        ("i > 0 || p", {"p": True}, True),
    ],
)
def test_known_cases(expression: str, account: Account, holds: bool) -> None:
    """Division is towards zero, doubles are those of IEEE 754, and false beats unknown."""
    tree = followed(ENVIRONMENT.compile(expression).serialize())
    assert as_list(truth_of(tree, as_frame([account]))) == [holds]


@pytest.mark.parametrize(
    ("expression", "named_as"),
    [
        ("s.startsWith('a')", "the function startsWith"),
        ("size(s) > 1", "the function size"),
        ("double(s) > 1.0", "the function double"),
        ("[1, 2].exists(one, one == i)", "a macro"),
        ("i in {1: 2}", "a map"),
        ("s in attr", "no bool, int, double or string"),
        ("has(attr.u)", "has"),
        ("[i] == [1]", "a list"),
        ("of.all == of.all", "the function _==_"),
        ("size(p ? of.all : of.all) == 0", "the function _?_:_"),
        ("timestamp(s) > timestamp('2024-01-01T00:00:00Z')", "no bool, int, double or string"),
        ("1u == 1u", "no bool, int, double or string"),
    ],
)
def test_what_is_outside_the_subset_is_named(expression: str, named_as: str) -> None:
    """Functions, macros, maps, lists by themselves, times and unsigned numbers are left to CEL."""
    with pytest.raises(OutsideSubset, match=re.escape(named_as)):
        followed(ENVIRONMENT.compile(expression).serialize())


MEASURED = [
    {"open_tickets": MeasureValue(3, TODAY), "seat_utilisation": MeasureValue(Fraction(4, 5), TODAY)},
    {"open_tickets": UNKNOWN, "seat_utilisation": MeasureValue(Fraction(9, 10), TODAY)},
    {"open_tickets": MeasureValue(0, TODAY), "seat_utilisation": UNKNOWN},
]
PORTFOLIO = framed(["A1", "A2", "A3"], MEASURED, ["open_tickets", "seat_utilisation"])


@pytest.mark.parametrize(
    "expression",
    [
        "open_tickets > 2 && seat_utilisation < 0.85",
        "open_tickets >= 0 || seat_utilisation > 0.85",
        "csat_90d > 4.0 || seat_utilisation > 0.85",
        "string(open_tickets) == '3'",
    ],
)
def test_a_charters_expression_has_the_truth_of_its_twin(expression: str) -> None:
    """Over measures, in and outside the subset, with a measure the frame does not hold, too."""
    found = truth_or_rows(expression, PORTFOLIO)
    assert as_list(found) == [evaluate(expression, book) for book in MEASURED]


def test_what_only_an_accounts_own_book_holds_is_read_there() -> None:
    """A measure without a column is not taken for unknown where the books know it."""
    books = [{**book, "seats": MeasureValue(5, TODAY)} for book in MEASURED]
    frame = replace(PORTFOLIO, books=books.__getitem__)
    assert as_list(truth_or_rows("seats in [4, 5] && open_tickets > 2", frame)) == [True, None, False]
    assert as_list(truth_or_rows("seats > 4", PORTFOLIO)) == [None, None, None]


def test_columns_may_be_asked_for_alone() -> None:
    """What is outside the subset is refused where rows are not wanted, and a mistake is the charter's."""
    assert outside("open_tickets > 1") is None
    assert outside("string(open_tickets) == '3'") == "the function string"
    with pytest.raises(OutsideSubset):
        truth("string(open_tickets) == '3'", PORTFOLIO)
    with pytest.raises(ExpressionError):
        truth("open_tickets > 1.0", PORTFOLIO)


def test_a_value_without_room_is_no_column() -> None:
    """A number beyond 64 bits, or half a ticket, is refused and never cut."""
    with pytest.raises(OverflowError):
        framed(["A1"], [{"seats": MeasureValue(2**63, TODAY)}], ["seats"])
    with pytest.raises(ValueError, match="not all its values are whole"):
        framed(["A1"], [{"seats": MeasureValue(Fraction(1, 2), TODAY)}], ["seats"])
