"""The mapping: which CSV file and column each field of a portfolio comes from.

``docs/portfolio.md`` describes the language. ``load`` reads the YAML and reports every
mistake at once, each with file, line and column; ``cells.py`` evaluates the fields of a row
and ``convert.py`` applies the whole to a folder of CSV files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Final, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in a mapping file; line and column count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        """Return ``file:line:column: message``."""
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class MappingError(ValueError):
    """A mapping with mistakes, all of them."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        """Keep the mistakes in file order."""
        self.mistakes = sorted(mistakes, key=lambda one: (one.line, one.column, one.message))
        super().__init__("\n".join(str(one) for one in self.mistakes))


def _as_text(value: object) -> object:
    """Return YAML numbers, booleans and dates as the text they stand for."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | date):
        return str(value)
    return value


Text = Annotated[str, BeforeValidator(_as_text)]


class Strict(BaseModel):
    """A part of the mapping; a key it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldRule(Strict):
    """Where one field's value comes from: exactly one of column, const, template, first_of.

    A plain text in the YAML is the name of a column. ``default`` stands in for an empty value.
    """

    column: Annotated[str, Field(min_length=1)] | None = None
    const: Text | None = None
    template: str | None = None
    first_of: Annotated[list[FieldRule], Field(min_length=1)] | None = None
    map: dict[str, Text] | None = None
    date: str | None = None
    default: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain_text_is_a_column(cls, value: object) -> object:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = {"column", "const", "template", "first_of"} & self.model_fields_set
        if len(sources) != 1:
            raise ValueError("give exactly one of column, const, template, first_of")
        if self.column is None and {"map", "date"} & self.model_fields_set:
            raise ValueError("map and date go with column")
        if self.template is not None:
            template_columns(self.template)
        return self

    def columns(self) -> Iterator[str]:
        """Yield every column the rule reads, in the order written."""
        if self.column is not None:
            yield self.column
        if self.template is not None:
            yield from template_columns(self.template)
        for rule in self.first_of or ():
            yield from rule.columns()


def template_columns(template: str) -> list[str]:
    """Return the columns named in braces. Raises ValueError on a template that names none, or badly."""
    columns = []
    for _, column, form, conversion in Formatter().parse(template):
        if column is not None:
            if not column or form or conversion:
                raise ValueError("a template holds column names in braces, such as '{id}', and nothing else")
            columns.append(column)
    if not columns:
        raise ValueError("a template without a column is a const")
    return columns


def _const(value: str) -> FieldRule:
    """Return the rule of a field that is the same in every row unless mapped."""
    return FieldRule(const=value)


class AccountFields(Strict):
    """Rules for ``Account``; ``attributes`` takes any names."""

    key: FieldRule
    name: FieldRule
    created_on: FieldRule
    domain: FieldRule = _const("")
    industry: FieldRule = _const("")
    country: FieldRule = _const("")
    employees: FieldRule = _const("0")
    currency: FieldRule = _const("")
    owner_key: FieldRule = _const("")
    parent_key: FieldRule = _const("")
    attributes: dict[str, FieldRule] = {}


class DealFields(Strict):
    """Rules for ``Deal``."""

    key: FieldRule
    account_key: FieldRule
    name: FieldRule
    stage: FieldRule
    kind: FieldRule
    amount: FieldRule
    created_on: FieldRule
    close_on: FieldRule
    currency: FieldRule = _const("")
    owner_key: FieldRule = _const("")
    renewal_of: FieldRule = _const("")


class LineFields(Strict):
    """Rules for ``ContractLine``; without ``account_key`` a line belongs to its deal's account."""

    key: FieldRule
    deal_key: FieldRule
    product_key: FieldRule
    seats: FieldRule
    start_on: FieldRule
    arr: FieldRule
    account_key: FieldRule = _const("")
    end_on: FieldRule = _const("")
    term_months: FieldRule = _const("")
    currency: FieldRule = _const("")
    kind: FieldRule = _const("recurring")
    billing: FieldRule = _const("annual")
    auto_renew: FieldRule = _const("false")
    notice_days: FieldRule = _const("60")
    co_term_group: FieldRule = _const("")


class TicketFields(Strict):
    """Rules for ``Ticket``."""

    key: FieldRule
    account_key: FieldRule
    subject: FieldRule
    priority: FieldRule
    opened_at: FieldRule
    closed_at: FieldRule = _const("")
    escalated: FieldRule = _const("false")
    csat: FieldRule = _const("")


class SurveyFields(Strict):
    """Rules for ``SurveyResponse``."""

    key: FieldRule
    account_key: FieldRule
    kind: FieldRule
    score: FieldRule
    at: FieldRule
    contact_key: FieldRule = _const("")


class UsageFields(Strict):
    """Rules for ``UsageEvent``; without account and product an event has those of its line."""

    message_id: FieldRule
    feature: FieldRule
    at: FieldRule
    line_key: FieldRule = _const("")
    account_key: FieldRule = _const("")
    product_key: FieldRule = _const("")
    user: FieldRule = _const("")
    count: FieldRule = _const("1")
    duration_s: FieldRule = _const("0")
    errors: FieldRule = _const("0")


F = TypeVar("F", bound=Strict)


class Source(Strict, Generic[F]):
    """One CSV file; ``when`` keeps only the rows whose columns equal the given values."""

    file: Annotated[str, Field(min_length=1)]
    when: dict[str, Text] = {}
    fields: F

    def rules(self) -> dict[str, FieldRule]:
        """Return the rule of each field of the record, in the order of the fields."""
        every = {name: getattr(self.fields, name) for name in type(self.fields).model_fields}
        return {name: rule for name, rule in every.items() if isinstance(rule, FieldRule)}

    def attributes(self) -> dict[str, FieldRule]:
        """Return the rules of an account's own attributes; none for other entities."""
        return self.fields.attributes if isinstance(self.fields, AccountFields) else {}

    def columns(self) -> Iterator[str]:
        """Yield every column the file must have."""
        yield from self.when
        for rule in (*self.rules().values(), *self.attributes().values()):
            yield from rule.columns()


class ProductEntry(Strict):
    """A product, written in the mapping itself; ``unit_price`` is a year's list price of a seat."""

    key: Text
    name: Text
    unit_price: Annotated[Text, Field(pattern=r"^\d+(\.\d{1,2})?$")]


class OwnerEntry(Strict):
    """A user of the CRM, written in the mapping itself."""

    key: Text
    email: str
    first_name: str
    last_name: str


class CsvMapping(Strict):
    """A whole mapping file."""

    name: str
    contract_home: Literal["deal", "line_item"]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"
    owners: list[OwnerEntry] = []
    products: Annotated[list[ProductEntry], Field(min_length=1)]
    accounts: Source[AccountFields]
    deals: Source[DealFields] | None = None
    lines: Source[LineFields] | None = None
    tickets: Source[TicketFields] | None = None
    surveys: Source[SurveyFields] | None = None
    usage: Source[UsageFields] | None = None


_ADVICE: Final[Mapping[str, str]] = {
    "extra_forbidden": "unknown key; see docs/portfolio.md for the keys that exist here",
    "missing": "required key is missing",
}


def load(path: Path) -> CsvMapping:
    """Return the mapping in the YAML file.

    Raises:
        MappingError: the file is missing, not YAML or not a mapping; holds every mistake.

    """
    tree = _tree(path)
    try:
        return CsvMapping.model_validate(tree)
    except ValidationError as error:
        mistakes = [_mistake(path, tree, one["loc"], one["type"], one["msg"]) for one in error.errors()]
    raise MappingError(mistakes)


def _tree(path: Path) -> CommentedMap:
    """Return the YAML with the places its keys stand at."""
    try:
        tree = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        mistake = Mistake(str(path), line, column, f"not YAML: {error.problem or error.context}")
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        mistake = Mistake(str(path), 1, 1, f"cannot be read: {error}. Name a UTF-8 YAML file")
    else:
        if isinstance(tree, CommentedMap):
            return tree
        mistake = Mistake(str(path), 1, 1, "is no mapping; it should begin with `name:`")
    raise MappingError([mistake])


def _mistake(path: Path, tree: CommentedMap, loc: tuple[int | str, ...], kind: str, message: str) -> Mistake:
    """Return pydantic's complaint with the place in the file it is about."""
    text = _ADVICE.get(kind, message.removeprefix("Value error, "))
    line, column = _place(tree, loc)
    return Mistake(str(path), line, column, f"{'.'.join(str(step) for step in loc)}: {text}")


def _place(tree: CommentedMap, loc: tuple[int | str, ...]) -> tuple[int, int]:
    """Return line and column, from 1, of the deepest part of ``loc`` that is in the file."""
    node: Any = tree
    place = (0, 0)
    for step in loc:
        if isinstance(node, CommentedMap) and step in node:
            place = node.lc.key(step)
        elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
            place = node.lc.item(step)
        else:
            break
        node = node[step]
    return place[0] + 1, place[1] + 1
