"""Tokens to nodes: the grammar of the language, bounded in size and depth."""

from __future__ import annotations

from capstan.apiserver.cel.errors import CelError, Issue
from capstan.apiserver.cel.lexer import Token, tokens_of
from capstan.apiserver.cel.macros import MacroError, expand
from capstan.apiserver.cel.nodes import Call, Entry, Ident, ListNode, Literal, MapNode, Node, Select, Struct, path_of
from capstan.apiserver.cel.values import INT_MAX, Uint

#: Code points of the longest expression.
MAX_TEXT = 100_000
#: How deep parentheses, brackets and calls nest, and how deep the tree of nodes may be.
MAX_NESTING = 100
MAX_TREE = 200

_RESERVED = frozenset(
    (
        *("as", "break", "const", "continue", "else", "false", "for", "function", "if"),
        *("import", "in", "let", "loop", "namespace", "null", "package", "return", "true"),
        *("var", "void", "while"),
    )
)
_RELATIONS = frozenset({"<", "<=", ">", ">=", "==", "!=", "in"})
_EXPECTED = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)


def parse(text: str) -> Node:
    """The tree of an expression with its macros expanded. Errors: CelError."""
    if len(text) > MAX_TEXT:
        raise CelError("", [Issue(0, f"expression code point size exceeds limit: size: {len(text)}, limit {MAX_TEXT}")])
    parser = _Parser(text, tokens_of(text))
    try:
        return parser.whole()
    except RecursionError:
        raise CelError(text, [Issue(0, f"expression recursion limit exceeded: {MAX_NESTING}")]) from None


class _Parser:
    def __init__(self, text: str, tokens: list[Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._place = 0
        self._depth = 0
        self._deep: dict[int, int] = {}

    def whole(self) -> Node:
        found = self._expression()
        if self._next.kind != "end":
            raise self._error(f"Syntax error: mismatched input '{self._next.text}' expecting <EOF>")
        return found

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._tokens[self._place]
        if token.kind != "end":
            self._place += 1
        return token

    def _accept(self, kind: str) -> Token | None:
        return self._take() if self._next.kind == kind else None

    def _expect(self, kind: str) -> Token:
        if self._next.kind != kind:
            wanted = "IDENTIFIER" if kind == "ident" else f"'{kind}'"
            raise self._error(f"Syntax error: mismatched input '{self._next.text}' expecting {wanted}")
        return self._take()

    def _error(self, message: str, position: int | None = None) -> CelError:
        return CelError(self._text, [Issue(self._next.position if position is None else position, message)])

    def _made(self, node: Node, *below: Node | None) -> Node:
        """A node whose depth is one more than that of what is below it."""
        depth = 1 + max((self._deep.get(id(part), 0) for part in below if part is not None), default=0)
        if depth > MAX_TREE:
            raise self._error(f"expression recursion limit exceeded: {MAX_TREE}", node.position)
        self._deep[id(node)] = depth
        return node

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise self._error(f"expression recursion limit exceeded: {MAX_NESTING}")
        condition = self._or()
        if mark := self._accept("?"):
            yes = self._or()
            self._expect(":")
            no = self._expression()
            condition = self._made(Call(mark.position, "_?_:_", [condition, yes, no]), condition, yes, no)
        self._depth -= 1
        return condition

    def _or(self) -> Node:
        terms, marks = [self._and()], []
        while mark := self._accept("||"):
            marks.append(mark)
            terms.append(self._and())
        return self._balanced("_||_", terms, marks)

    def _and(self) -> Node:
        terms, marks = [self._relation()], []
        while mark := self._accept("&&"):
            marks.append(mark)
            terms.append(self._relation())
        return self._balanced("_&&_", terms, marks)

    def _balanced(self, function: str, terms: list[Node], marks: list[Token]) -> Node:
        """A chain of `&&` as a tree of little depth: the order of evaluation stays."""
        if len(terms) == 1:
            return terms[0]
        middle = len(terms) // 2
        left = self._balanced(function, terms[:middle], marks[: middle - 1])
        right = self._balanced(function, terms[middle:], marks[middle:])
        return self._made(Call(marks[middle - 1].position, function, [left, right]), left, right)

    def _relation(self) -> Node:
        left = self._sum()
        while self._next.kind in _RELATIONS:
            mark = self._take()
            right = self._sum()
            name = "@in" if mark.kind == "in" else f"_{mark.kind}_"
            left = self._made(Call(mark.position, name, [left, right]), left, right)
        return left

    def _sum(self) -> Node:
        left = self._product()
        while self._next.kind in ("+", "-"):
            mark = self._take()
            right = self._product()
            left = self._made(Call(mark.position, f"_{mark.kind}_", [left, right]), left, right)
        return left

    def _product(self) -> Node:
        left = self._unary()
        while self._next.kind in ("*", "/", "%"):
            mark = self._take()
            right = self._unary()
            left = self._made(Call(mark.position, f"_{mark.kind}_", [left, right]), left, right)
        return left

    def _unary(self) -> Node:
        first = self._next
        if first.kind not in ("!", "-"):
            return self._member(self._primary())
        count = 0
        while self._next.kind == first.kind:
            self._take()
            count += 1
        if first.kind == "-" and self._next.kind == "number" and not isinstance(self._next.value, Uint):
            count -= 1
            negative = self._take()
            operand: Node = self._member(self._made(Literal(negative.position - 1, -negative.value)))
        else:
            operand = self._member(self._primary())
        if count % 2 == 0:
            return operand
        return self._made(Call(first.position, f"{first.kind}_", [operand]), operand)

    def _member(self, node: Node) -> Node:
        while True:
            kind = self._next.kind
            if kind in (".", ".?"):
                node = self._select(node)
            elif kind in ("[", "[?"):
                node = self._index(node)
            elif kind == "{" and path_of(node):
                node = self._struct(path_of(node))
            else:
                return node

    def _select(self, node: Node) -> Node:
        mark = self._take()
        name = self._accept("quoted") or self._expect("ident")
        field = str(name.value) if name.kind == "quoted" else name.text
        if mark.kind == ".?":
            key = self._made(Literal(name.position, field))
            return self._made(Call(mark.position, "_?._", [node, key]), node, key)
        if name.kind == "ident" and self._next.kind == "(":
            return self._call(field, node)
        return self._made(Select(mark.position, node, field), node)

    def _index(self, node: Node) -> Node:
        mark = self._take()
        key = self._expression()
        self._expect("]")
        function = "_[?_]" if mark.kind == "[?" else "_[_]"
        return self._made(Call(mark.position, function, [node, key]), node, key)

    def _call(self, name: str, target: Node | None) -> Node:
        opening = self._expect("(")
        args = self._items(")")
        self._expect(")")
        try:
            macro = expand(name, target, args, opening.position)
        except MacroError as error:
            raise self._error(str(error), error.position) from None
        if macro is not None:
            # A macro's own nodes add a few levels to what it was given.
            node = self._made(macro, target, *args)
            self._deep[id(node)] += 3
            return node
        return self._made(Call(opening.position, name, args, target), target, *args)

    def _items(self, closing: str) -> list[Node]:
        found: list[Node] = []
        while self._next.kind != closing:
            found.append(self._expression())
            if self._next.kind == closing:
                break
            self._expect(",")
            if self._next.kind == closing and closing == ")":
                raise self._error(f"Syntax error: mismatched input '{closing}' expecting {_EXPECTED}")
        return found

    def _primary(self) -> Node:
        token = self._next
        if token.kind in ("literal", "number"):
            self._take()
            if token.value.__class__ is int and token.value > INT_MAX:
                raise self._error("invalid int literal", token.position)
            return self._made(Literal(token.position, token.value))
        if token.kind in ("ident", "."):
            return self._name()
        if token.kind == "(":
            self._take()
            found = self._expression()
            self._expect(")")
            return found
        if token.kind in ("[", "[?"):
            return self._list()
        if token.kind == "{":
            return self._map()
        raise self._error(f"Syntax error: mismatched input '{token.text}' expecting {_EXPECTED}")

    def _name(self) -> Node:
        leading = self._accept(".")
        token = self._expect("ident")
        if token.text in _RESERVED:
            raise self._error(f"reserved identifier: {token.text}", token.position)
        if self._next.kind == "(":
            return self._call(token.text, None)
        return self._made(Ident((leading or token).position, f".{token.text}" if leading else token.text))

    def _list(self) -> Node:
        opening = self._take()
        items: list[Node] = []
        optional: set[int] = set()
        while self._next.kind != "]":
            if (not items and opening.kind == "[?") or self._accept("?"):
                optional.add(len(items))
            items.append(self._expression())
            if self._next.kind != "]":
                self._expect(",")
        self._expect("]")
        return self._made(ListNode(opening.position, items, frozenset(optional)), *items)

    def _map(self) -> Node:
        opening = self._take()
        entries: list[Entry] = []
        while self._next.kind != "}":
            optional = self._accept("?") is not None
            key = self._expression()
            colon = self._expect(":")
            entries.append(Entry(colon.position, key, self._expression(), optional))
            if self._next.kind != "}":
                self._expect(",")
        self._expect("}")
        below = [part for entry in entries for part in (entry.key, entry.value)]
        return self._made(MapNode(opening.position, entries), *below)

    def _struct(self, name: str) -> Node:
        opening = self._take()
        entries: list[Entry] = []
        while self._next.kind != "}":
            optional = self._accept("?") is not None
            field = self._accept("quoted") or self._expect("ident")
            colon = self._expect(":")
            key = str(field.value) if field.kind == "quoted" else field.text
            entries.append(Entry(colon.position, key, self._expression(), optional))
            if self._next.kind != "}":
                self._expect(",")
        self._expect("}")
        return self._made(Struct(opening.position, name.lstrip("."), entries), *(entry.value for entry in entries))
