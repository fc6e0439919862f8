"""A recursive-descent parser for the SOQL subset this stand-in speaks.

Raises ``MALFORMED_QUERY`` with the vendor's "unexpected token" words and position. GROUP BY,
HAVING, TYPEOF, FOR and aggregate functions other than ``COUNT()`` are refused as such.
"""

from __future__ import annotations

import re
from dataclasses import replace

from sandbox.salesforce.errors import SfError
from sandbox.salesforce.instants import read_date, read_instant
from sandbox.salesforce.soql_ast import Among, Both, Compare, Condition, Literal, Not, Order, Path, Query
from sandbox.salesforce.soql_rules import check, placed

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<datetime>\d{4}-\d\d-\d\d[Tt][0-9:.]+(?:[Zz]|[+-]\d\d:?\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d(?![0-9T]))"
    r"|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*(?::\d+)?)"
    r"|(?P<op><=|>=|!=|<>|=|<|>)"
    r"|(?P<mark>[(),])"
    r"|(?P<bad>\S))"
)
_WRONG_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*(\\(?!u[0-9a-fA-F]{4}|[nNrRtTbBfF\"'\\_%]).)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_ABSENT = {"GROUP", "HAVING", "FOR", "WITH", "USING", "TYPEOF", "ALL", "UPDATE"}
_MAX_OFFSET = 2000


class _Token:
    __slots__ = ("at", "kind", "text")

    def __init__(self, kind: str, text: str, at: int) -> None:
        self.kind, self.text, self.at = kind, text, at


def _tokens(text: str) -> list[_Token]:
    found = []
    position = 0
    while match := _TOKEN.match(text, position):
        kind = match.lastgroup or "bad"
        at = match.start(kind)
        if kind == "bad":
            words = f"line {text.count(chr(10), 0, at) + 1}:{at} "
            words += f"no viable alternative at character '{match[kind]}'"
            raise SfError("MALFORMED_QUERY", words)
        found.append(_Token(kind, match[kind], at))
        position = match.end()
    found.append(_Token("end", "<EOF>", len(text)))
    return found


def parse(text: str) -> Query:
    """Return the query ``text`` says. Raises SfError MALFORMED_QUERY."""
    parser = _Parser(text)
    query = parser.query()
    parser.expect_end()
    check(query)
    return query


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.index = 0

    @property
    def here(self) -> _Token:
        return self.tokens[self.index]

    def take(self) -> _Token:
        token = self.here
        self.index += 1 if token.kind != "end" else 0
        return token

    def is_word(self, *words: str) -> bool:
        return self.here.kind == "word" and self.here.text.upper() in words

    def accept(self, *words: str) -> bool:
        if self.is_word(*words) or (self.here.kind in ("mark", "op") and self.here.text in words):
            self.index += 1
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise self.unexpected()

    def unexpected(self) -> SfError:
        token = self.here
        words = "unexpected end of query" if token.kind == "end" else f"unexpected token: '{token.text}'"
        if token.kind == "word" and token.text.upper() in _ABSENT:
            words += " (this stand-in does not speak this clause)"
        return placed(self.text, token.at, words, "MALFORMED_QUERY")

    def expect_end(self) -> None:
        if self.here.kind != "end":
            raise self.unexpected()

    def query(self) -> Query:
        self.expect("SELECT")
        select, count, children, fields_of = self.select()
        self.expect("FROM")
        source = self.path()
        if len(source.parts) > 1:
            raise placed(self.text, source.at, f"unexpected token: '{source.text}'", "MALFORMED_QUERY")
        query = Query(
            self.text, select, count, source.parts[0], source.at, children=children, fields_of=fields_of
        )
        return self.tail(query)

    def tail(self, query: Query) -> Query:
        if self.accept("WHERE"):
            query = replace(query, where=self.condition())
        if self.accept("ORDER"):
            self.expect("BY")
            query = replace(query, order=tuple(self.order_terms()))
        if self.accept("LIMIT"):
            query = replace(query, limit=self.whole())
        if self.accept("OFFSET"):
            query = replace(query, offset=self.whole())
            if query.offset > _MAX_OFFSET:
                words = "Maximum SOQL offset allowed is 2000"
                raise SfError("NUMBER_OUTSIDE_VALID_RANGE", words)
        return query

    def select(self) -> tuple[tuple[Path, ...], bool, tuple[Query, ...], tuple[str, ...]]:
        if self.is_word("COUNT") and self.tokens[self.index + 1].text == "(":
            self.index += 2
            self.expect(")")
            return (), True, (), ()
        paths: list[Path] = []
        children: list[Query] = []
        fields_of: list[str] = []
        while True:
            if self.accept("("):
                children.append(self.query())
                self.expect(")")
            elif self.is_word("FIELDS"):
                fields_of.append(self.fields_function())
            else:
                paths.append(self.path())
            if not self.accept(","):
                return tuple(paths), False, tuple(children), tuple(fields_of)

    def fields_function(self) -> str:
        self.take()
        self.expect("(")
        which = self.take().text.upper()
        if which not in ("ALL", "STANDARD", "CUSTOM"):
            raise self.unexpected()
        self.expect(")")
        return which

    def path(self) -> Path:
        token = self.here
        if token.kind != "word" or ":" in token.text or token.text.upper() in ("FROM", "WHERE", "SELECT"):
            raise self.unexpected()
        self.index += 1
        if self.here.text == "(":
            raise self.unexpected()
        return Path(tuple(token.text.split(".")), token.at)

    def order_terms(self) -> list[Order]:
        found = [self.order_term()]
        while self.accept(","):
            found.append(self.order_term())
        return found

    def order_term(self) -> Order:
        path = self.path()
        descending = self.accept("DESC")
        if not descending:
            self.accept("ASC")
        nulls_last = False
        if self.accept("NULLS"):
            nulls_last = self.accept("LAST")
            if not nulls_last:
                self.expect("FIRST")
        return Order(path, descending, nulls_last)

    def whole(self) -> int:
        token = self.take()
        if token.kind != "number" or not token.text.isdigit():
            self.index -= 1
            raise self.unexpected()
        return int(token.text)

    def condition(self) -> Condition:
        first = self.term()
        if not self.is_word("AND", "OR"):
            return first
        op = self.here.text.upper()
        parts = [first]
        while self.accept(op):
            parts.append(self.term())
        if self.is_word("AND", "OR"):  # AND and OR side by side need parentheses.
            raise self.unexpected()
        return Both(op, tuple(parts))

    def term(self) -> Condition:
        if self.accept("NOT"):
            return Not(self.term())
        if self.accept("("):
            inner = self.condition()
            self.expect(")")
            return inner
        return self.comparison()

    def comparison(self) -> Condition:
        path = self.path()
        if self.accept("NOT"):
            self.expect("IN")
            return self.among(path, negated=True)
        if self.accept("IN"):
            return self.among(path, negated=False)
        if self.accept("LIKE"):
            return Compare(path, "LIKE", self.literal())
        if self.here.kind != "op":
            raise self.unexpected()
        op = self.take().text
        return Compare(path, "!=" if op == "<>" else op, self.literal())

    def among(self, path: Path, *, negated: bool) -> Among:
        self.expect("(")
        if self.is_word("SELECT"):
            inner = self.query()
            self.expect(")")
            return Among(path, negated, (), inner)
        values = [self.literal()]
        while self.accept(","):
            values.append(self.literal())
        self.expect(")")
        return Among(path, negated, tuple(values))

    def literal(self) -> Literal:
        token = self.here
        found = _literal(token)
        if found is None:
            raise self.unexpected()
        self.index += 1
        return found


def _literal(token: _Token) -> Literal | None:
    if token.kind == "string":
        if wrong := _WRONG_ESCAPE.search(token.text):
            words = f"Invalid string literal {token.text}. Illegal character sequence '{wrong[1]}' in "
            raise SfError("MALFORMED_QUERY", words + "string literal.")
        return Literal("string", _unescaped(token.text[1:-1]), token.at)
    if token.kind == "number":
        return Literal("number", float(token.text), token.at)
    if token.kind == "date" and (day := read_date(token.text)):
        return Literal("date", day, token.at)
    if token.kind == "datetime" and (instant := read_instant(token.text.upper())):
        return Literal("datetime", instant, token.at)
    if token.kind != "word":
        return None
    word = token.text.upper()
    if word in ("TRUE", "FALSE"):
        return Literal("boolean", word == "TRUE", token.at)
    return Literal("null", None, token.at) if word == "NULL" else Literal("range", word, token.at)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", _escape, text)


def _escape(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    return _ESCAPES.get(code.lower(), "\\" + code if code in "%_" else code)
