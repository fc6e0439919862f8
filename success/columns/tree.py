"""The tree CEL itself made of an expression, as far as columns can follow it.

cel-expr-python gives a compiled expression as a ``cel.expr.CheckedExpr`` message (Any around it), with the
type of every node, so nothing is parsed a second time. Names and numbers of fields are those of the public
``cel/expr/checked.proto`` and ``syntax.proto`` (google/cel-spec); message classes are built from the table
at run time. Neighbours: ``success.expressions`` compiles, ``expressions`` runs the tree over columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from success.measures import CelType

_PACKAGE: Final = "cel.expr"
_Shape = descriptor_pb2.FieldDescriptorProto
_KINDS: Final = {
    "bytes": _Shape.TYPE_BYTES,
    "bool": _Shape.TYPE_BOOL,
    "double": _Shape.TYPE_DOUBLE,
    "int64": _Shape.TYPE_INT64,
    "string": _Shape.TYPE_STRING,
}
_MESSAGES: Final[Mapping[str, Mapping[str, tuple[int, str]]]] = {
    "Any": {"type_url": (1, "string"), "value": (2, "bytes")},
    "CheckedExpr": {"type_map": (3, "Typed*"), "expr": (4, "Expr")},
    "Typed": {"key": (1, "int64"), "value": (2, "Type")},  # an entry of a map travels as a message
    "Type": {"primitive": (3, "int64"), "list_type": (6, "ListType")},  # an enum travels as its number
    "ListType": {"elem_type": (1, "Type")},
    "Constant": {
        "bool_value": (2, "bool"),
        "int64_value": (3, "int64"),
        "double_value": (5, "double"),
        "string_value": (6, "string"),
    },
    "Ident": {"name": (1, "string")},
    "Call": {"target": (1, "Expr"), "function": (2, "string"), "args": (3, "Expr*")},
    "List": {"elements": (1, "Expr*"), "optional_indices": (2, "int64*")},
    "Select": {"operand": (1, "Expr"), "field": (2, "string"), "test_only": (3, "bool")},
    "Struct": {},
    "Comprehension": {},
    "Expr": {
        "id": (2, "int64"),
        "const_expr": (3, "Constant"),
        "ident_expr": (4, "Ident"),
        "select_expr": (5, "Select"),
        "call_expr": (6, "Call"),
        "list_expr": (7, "List"),
        "struct_expr": (8, "Struct"),
        "comprehension_expr": (9, "Comprehension"),
    },
}
_CONSTANTS: Final = tuple(_MESSAGES["Constant"])
_PARTS: Final = tuple(name for name in _MESSAGES["Expr"] if name != "id")
_OUTSIDE: Final = {
    "select_expr": "has(), or a field of what is no map of texts",
    "struct_expr": "a map or message",
    "comprehension_expr": "a macro over a list (all, exists, map, filter)",
}
_PRIMITIVES: Final = {1: CelType.BOOL, 2: CelType.INT, 4: CelType.DOUBLE}
TEXT: Final = "string"
TEXTS: Final = "list(string)"
_STRING: Final = 5
Kind: TypeAlias = "CelType | str"
"""The CEL type of a node: one a measure can have, ``TEXT`` or ``TEXTS``."""


class OutsideSubset(ValueError):
    """An expression columns do not follow; the message names what in it is outside."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the expression."""

    value: bool | int | float | str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Name:
    """A column by its name: a measure, the segment, an attribute (``attr.industry``)."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Call:
    """An operator (``_&&_``, ``_+_``, ``!_`` …) over its operands."""

    function: str
    operands: tuple[Node, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class Choice:
    """An ``in``: the element looked for and the written list."""

    element: Node
    options: tuple[Node, ...]


Node: TypeAlias = "Literal | Name | Call | Choice"


def read_tree(serialized: bytes) -> Node:
    """Return the tree of a compiled expression. Raises ``OutsideSubset`` naming what is outside."""
    wrapped = _read("Any", serialized)
    checked = _read("CheckedExpr", wrapped.value)
    return _node(checked.expr, {one.key: one.value for one in checked.type_map})


def _node(expr: Any, types: Mapping[int, Any]) -> Node:
    part = next((name for name in _PARTS if expr.HasField(name)), "nothing")
    if part == "call_expr":
        return _call(expr, types)
    if part == "const_expr":
        return Literal(_constant(expr.const_expr), _kind(expr.id, types))
    if part == "ident_expr":
        return Name(expr.ident_expr.name, _kind(expr.id, types))
    if part == "select_expr":
        return _field(expr, types)
    raise OutsideSubset(_OUTSIDE.get(part, "a list that is not behind `in`"))


def _field(expr: Any, types: Mapping[int, Any]) -> Node:
    """Return a text of a map that is known by name (an attribute) as the column it is."""
    select = expr.select_expr
    if select.test_only or not select.operand.HasField("ident_expr") or _kind(expr.id, types) != TEXT:
        raise OutsideSubset(_OUTSIDE["select_expr"])
    return Name(f"{select.operand.ident_expr.name}.{select.field}", TEXT)


def _call(expr: Any, types: Mapping[int, Any]) -> Node:
    call = expr.call_expr
    if call.HasField("target"):
        raise OutsideSubset(f"the function {call.function}")
    if call.function == "@in" and call.args[1].HasField("list_expr"):
        element, written = call.args[0], call.args[1].list_expr
        if written.optional_indices:
            raise OutsideSubset("an optional element of a list")
        return Choice(_node(element, types), tuple(_node(one, types) for one in written.elements))
    return Call(call.function, tuple(_node(one, types) for one in call.args), _kind(expr.id, types))


def _constant(constant: Any) -> bool | int | float | str:
    for name in _CONSTANTS:
        if constant.HasField(name):
            value: bool | int | float | str = getattr(constant, name)
            return value
    raise OutsideSubset("a literal that is no bool, int, double or string")


def _kind(node: int, types: Mapping[int, Any]) -> Kind:
    """Return the type of a node; CEL keeps none for what is dynamic."""
    found = types.get(node)
    if found is not None and found.list_type.elem_type.primitive == _STRING:
        return TEXTS
    if found is not None and found.primitive == _STRING:
        return TEXT
    if found is None or found.primitive not in _PRIMITIVES:
        raise OutsideSubset("a value that is no bool, int, double or string")
    return _PRIMITIVES[found.primitive]


def _read(name: str, message: bytes) -> Any:
    found = _classes()[name]()
    found.ParseFromString(message)
    return found


@lru_cache(maxsize=1)
def _classes() -> Mapping[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="cel_tree.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            label = _Shape.LABEL_REPEATED if kind.endswith("*") else _Shape.LABEL_OPTIONAL
            bare = kind.rstrip("*")
            shape = message.field.add(name=field, number=number, label=label)
            if bare in _KINDS:
                shape.type = _KINDS[bare]
            else:
                shape.type, shape.type_name = _Shape.TYPE_MESSAGE, f".{_PACKAGE}.{bare}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }
