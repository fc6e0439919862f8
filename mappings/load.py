"""Read a charter file: every mistake at once, each with its line, its column and its remedy.

Neighbours: ``mappings.source`` knows where values stand, ``mappings.charter`` what they may be.
This module joins the two and turns pydantic's words into an admin's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mappings.charter import Charter
from mappings.naming import VENDORS
from mappings.problems import CharterError, Problem, suggest
from mappings.scalars import Finding
from mappings.source import Path as ValuePath
from mappings.source import Position, Source, dotted, parse

_REMEDIES = {
    "string_type": "Write text here; put numbers and words like 'true' in quotes.",
    "int_parsing": "Write a whole number without quotes.",
    "int_type": "Write a whole number.",
    "int_from_float": "Write a whole number.",
    "decimal_parsing": "Write a number, such as 50 or 0.8.",
    "decimal_type": "Write a number, such as 50 or 0.8.",
    "string_pattern_mismatch": "Write it in that form.",
    "bool_parsing": "Write true or false.",
    "bool_type": "Write true or false.",
    "tuple_type": "Write a list: [a, b], or one item per line after a dash.",
    "dict_type": "Write names and values: one `name: value` per line, indented.",
    "model_type": "Write names and values: one `name: value` per line, indented.",
    "model_attributes_type": "Write names and values: one `name: value` per line, indented.",
}

_KEY_MARK = "[key]"  # how pydantic marks a mistake in a name instead of in its value


def load_charter(path: Path, vendor: str) -> Charter:
    """Return the charter in ``path``, ready for ``vendor``; raise ``CharterError`` with every mistake."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        unreadable = Problem(str(path), 1, 1, "", f"the file cannot be read: {error}", "Check its path.")
        raise CharterError([unreadable]) from error
    return read_charter(text, vendor, file=str(path))


def read_charter(text: str, vendor: str, file: str = "charter.yaml") -> Charter:
    """Return the charter in ``text``; ``file`` is the name its problems are reported under."""
    source = parse(text, file)
    problems = [*source.iter_duplicates(), *_iter_whole_file_problems(source, vendor)]
    charter = None
    try:
        charter = Charter.model_validate(source.data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            problems.extend(_iter_problems(source, detail))
    if problems or charter is None:
        raise CharterError(problems)
    return charter


def _iter_whole_file_problems(source: Source, vendor: str) -> Iterator[Problem]:
    """Yield what concerns the file as a whole: ``schema`` comes first, and the vendor is there."""
    if not isinstance(source.data, dict):
        return
    if "schema" in source.data and next(iter(source.data)) != "schema":
        at = source.key_at(("schema",))
        yield _problem(source, at, ("schema",), "`schema` is not the first key", "Move it to the top.")
    crm = source.data.get("crm")
    if vendor not in VENDORS:
        yield _problem(source, Position(1, 1), (), f"there is no CRM {vendor!r}", suggest(vendor, VENDORS))
    elif isinstance(crm, dict) and vendor not in crm:
        at = source.key_at(("crm",))
        yield _problem(source, at, ("crm",), f"nothing about {vendor}", f"Add `{vendor}:` under `crm:`.")


def _iter_problems(source: Source, detail: ErrorDetails) -> Iterator[Problem]:
    """Yield one pydantic error as problems: a refusal of ours may hold several findings."""
    path = _steps(detail["loc"])
    context = detail.get("ctx", {})
    if detail["type"] == "charter":
        yield from (_finding_problem(source, path, finding) for finding in context["findings"])
    elif detail["type"] == "expression":
        at = source.inside(path, context["line"], context["column"])
        remedy = context["remedy"] or "Write CEL over the measures, for example: open_escalations > 0"
        yield _problem(source, at, path, f"the expression is wrong: {context['wrong']}", remedy)
    elif detail["type"] == "extra_forbidden":
        known = _fields_at(path[:-1])
        wrong = f"there is no field {str(path[-1])!r} here"
        yield _problem(source, source.key_at(path), path, wrong, suggest(str(path[-1]), known))
    elif detail["type"] == "missing":
        at = source.key_at(path[:-1]) if path[:-1] else Position(1, 1)
        yield _problem(source, at, path, f"{str(path[-1])!r} is missing", f"Add `{path[-1]}:` here.")
    else:
        yield _value_problem(source, path, detail)


def _finding_problem(source: Source, path: ValuePath, finding: Finding) -> Problem:
    whole = (*path, *finding.at)
    at = source.inside(whole, *finding.inside) if finding.inside else source.value_at(whole)
    return _problem(source, at, whole, finding.wrong, finding.remedy)


def _value_problem(source: Source, path: ValuePath, detail: ErrorDetails) -> Problem:
    said = _plainly(detail["msg"])
    wrong = f"{_shown(detail['input'])}: {said[0].lower()}{said[1:]}"
    expected = detail.get("ctx", {}).get("expected")
    remedy = f"Write {expected}." if expected else _REMEDIES.get(detail["type"], "Change the value.")
    if path[-1:] == (_KEY_MARK,):
        return _problem(source, source.key_at(path[:-1]), path[:-1], wrong, remedy)
    return _problem(source, source.value_at(path), path, wrong, remedy)


def _plainly(message: str) -> str:
    """Return pydantic's message with Python's names of types in an admin's words."""
    if message.startswith("Input should be a valid dictionary"):
        return "Input should be a group of names and values"
    return message.replace("a valid tuple", "a list").replace("a valid decimal", "a number")


def _problem(source: Source, at: Position, path: ValuePath, wrong: str, remedy: str) -> Problem:
    return Problem(source.file, at.line, at.column, dotted(path), wrong, remedy)


def _shown(value: object) -> str:
    if value is None:
        return "nothing is written here"
    return "a group of names" if isinstance(value, dict) else f"{value!r}" if value != [] else "an empty list"


def _steps(loc: tuple[int | str, ...]) -> ValuePath:
    """Return an error's path without the marks pydantic puts between its steps."""
    return tuple(step for step in loc if not str(step).startswith("function-"))


def _fields_at(path: ValuePath) -> list[str]:
    """Return the names of the fields that may stand under ``path``, as YAML spells them."""
    annotation: Any = Charter
    for step in path:
        annotation = _step(_model_or_container(annotation), step)
    model = _model_or_container(annotation)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [field.alias or name for name, field in model.model_fields.items()]
    return []


def _step(annotation: Any, step: str | int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields: Mapping[str, Any] = {f.alias or n: f.annotation for n, f in annotation.model_fields.items()}
        return fields.get(str(step))
    arguments = [argument for argument in get_args(annotation) if argument is not Ellipsis]
    return arguments[-1] if arguments else None


def _model_or_container(annotation: Any) -> Any:
    """Return the model or container inside an optional annotation."""
    if get_origin(annotation) in (tuple, dict) or isinstance(annotation, type):
        return annotation
    inner = [argument for argument in get_args(annotation) if argument is not type(None)]
    return inner[0] if inner else annotation
