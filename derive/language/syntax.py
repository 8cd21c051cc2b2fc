"""Text to the statements of Python's syntax tree, each with its place; nothing is ever evaluated.

What enters is the user's text, what leaves is a `Source`: declarations, assignments, and a value
that may stand alone. The law: whatever is refused here is refused with its place, before anything
else is done with the text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from derive.expressions.errors import DeriveError, ParseError, Place

#: A longer or deeper text is refused before anything else is done with it.
LONGEST, DEEPEST = 50_000, 200
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")

Located = ast.stmt | ast.expr
_CHARACTER_HINTS = {
    "ᵀ": "for a transpose write X.T",
    "²": "for an entrywise power write X ** 2",
    "×": "for a product write @ (matrices) or * (entrywise)",
    "·": "for a product write @ (matrices) or * (entrywise)",
    "⊙": "for the entrywise product write *",
    "−": "this is a typographic minus; write -",
    "\ufeff": "this is a byte order mark; save the text as UTF-8 without one",
    "\\": "LaTeX commands are not read; write alpha for a Greek letter",
}


class Source(NamedTuple):
    """A text that is short and shallow enough to be read, and its statements.

    >>> [type(statement).__name__ for statement in Source.read("X: (n, d); Y = 2 * X").body]
    ['AnnAssign', 'Assign']
    """

    text: str
    lines: tuple[str, ...]
    body: list[ast.stmt]
    used: Mapping[ast.stmt, list[ast.Name]]

    @classmethod
    def read(cls, text: str) -> Source:
        """Return the source of a text; raises `ParseError` where it leaves the language."""
        if len(text) > LONGEST:
            raise ParseError(
                f"the text has {len(text):,} characters, more than the {LONGEST:,} that are read"
            )
        _check_characters(text)
        code = [line.partition("#")[0].lstrip() for line in text.splitlines()]
        _check_brackets("".join(code))
        try:
            body = ast.parse("\n".join(code)).body
        except SyntaxError as error:
            raise _unreadable(text, error) from None
        except (RecursionError, MemoryError, ValueError):
            raise _too_deep() from None
        found = cls(text, tuple(text.splitlines()), body, {s: _names(s) for s in body})
        found._check()
        return found

    def _check(self) -> None:
        for node in self.body:
            match node:
                case ast.Assign(targets=[ast.Name()]) | ast.AnnAssign() | ast.Expr():
                    continue
                case ast.Assign():
                    raise self.error(node, "one name stands on the left: Y = ...")
            raise self.error(node, "only shapes (X: (n, d)) and assignments (Y = ...) are read")

    def place(self, node: Located) -> Place:
        """Return where a part of the tree stands in the text."""
        line = self.lines[node.lineno - 1]
        source = line.lstrip()
        encoded = source.encode(errors="surrogatepass")  # a comment may hold anything
        start = len(encoded[: node.col_offset].decode(errors="ignore"))
        end = len(source)
        if node.end_lineno == node.lineno:
            end = len(encoded[: node.end_col_offset].decode(errors="ignore"))
        lead = len(line) - len(source)
        return Place(self.text, node.lineno, lead + start + 1, max(1, end - start))

    def written(self, node: Located) -> str:
        """Return what stands in the text at a part of the tree."""
        place = self.place(node)
        line = self.lines[place.line - 1]
        return line[place.column - 1 : place.column - 1 + place.width]

    def error(
        self,
        node: Located,
        message: str,
        kind: type[DeriveError] = ParseError,
        hint: str | None = None,
    ) -> DeriveError:
        """Return an error with the place of a part of the tree."""
        return kind(message, place=self.place(node), hint=hint)

    def names(self) -> Iterator[ast.Name]:
        """Yield every name in the text."""
        return (node for statement in self.body for node in self.used[statement])

    def in_order(self) -> Source:
        """Return the source with each statement after those whose names it uses.

        An order that is one already is kept. Otherwise the output, which is the last name written
        down that no other statement uses, comes last, and all else as late as it was written.
        """
        body = self.body
        assigned = [s for s in body if isinstance(s, ast.Assign)]
        meant: dict[str, ast.stmt] = {target(s): s for s in assigned}
        needed: dict[ast.stmt, list[ast.stmt]] = {
            s: [meant[n.id] for n in self.used[s] if isinstance(n.ctx, ast.Load) and n.id in meant]
            for s in body if isinstance(s, ast.Assign | ast.Expr)
        }  # fmt: skip
        place = {statement: k for k, statement in enumerate(body)}
        twice = len(meant) < len(assigned)  # refused later on
        if twice or all(place[one] < place[s] for s, used in needed.items() for one in used):
            return self
        used_somewhere = {one for used in needed.values() for one in used}
        *_, last = [None, *(s for s in needed if s not in used_somewhere)]
        order: dict[ast.stmt, None] = {s: None for s in body if isinstance(s, ast.AnnAssign)}
        for statement in sorted(needed, key=lambda s: s is last):
            self._place_after(statement, needed, order)
        return self._replace(body=list(order))

    def _place_after(
        self,
        statement: ast.stmt,
        needed: dict[ast.stmt, list[ast.stmt]],
        order: dict[ast.stmt, None],
    ) -> None:
        """Append a statement to an order, what it needs before it."""
        path = {statement: iter(needed[statement])}
        while path:
            current, rest = next(reversed(path.items()))
            one = next((s for s in rest if s not in order), None)
            if one is None:
                order[current] = None
                del path[current]
            elif one in path:
                ring = list(path)[list(path).index(one) :]
                raise self._circular(one, [target(s) for s in ring if isinstance(s, ast.Assign)])
            else:
                path[one] = iter(needed[one])

    def _circular(self, statement: ast.stmt, names: list[str]) -> DeriveError:
        message = f"{names[0]} is defined by itself"
        if len(names) > 1:
            message = "the program is circular: " + ", which needs ".join([*names, names[0]])
        hint = "every name must come down to inputs; give a new value a new name"
        return self.error(statement, message, hint=hint)


def target(node: ast.Assign) -> str:
    """Return the name that a statement assigns."""
    (found,) = node.targets
    assert isinstance(found, ast.Name)  # `Source.read` let nothing else through
    return found.id


# -- what can be read ------------------------------------------------------------------------------

#: Signs of the language; beside them stands no prime, which may be meant for a transpose.
_PLAIN = re.compile(r"[ -#&(->@-\[\]-_a-}\t]*")


def _check_characters(text: str) -> None:
    for line, source in enumerate(text.splitlines(), 1):
        code = source.partition("#")[0]
        if len(code) <= 300 and _PLAIN.fullmatch(code):
            continue
        for column, character in enumerate(code, 1):
            if character in "\\$?`%~" or not (" " <= character <= "~" or character == "\t"):
                shown = "a backslash" if character == "\\" else f"the character {character!r}"
                raise ParseError(
                    f"{shown} is not in the language",
                    place=Place(text, line, column),
                    hint=_character_hint(character),
                )
        if digits := re.search(r"\d{301,}", code):
            place = Place(text, line, digits.start() + 1, 60)
            raise too_many_digits().at(place)
        quote = re.search(r"(?<=[\w)\]])'", code)
        if quote and "'" not in code[: quote.start()]:
            raise ParseError(
                "a prime is not read as a transpose",
                place=Place(text, line, quote.start() + 1),
                hint="write X.T",
            )


def too_many_digits() -> ParseError:
    return ParseError("this number has too many digits", hint="a name can stand for it")


def _character_hint(character: str) -> str | None:
    import unicodedata

    if character in _CHARACTER_HINTS:
        return _CHARACTER_HINTS[character]
    words = unicodedata.name(character, "").lower().split()
    if words[:2] == ["greek", "small"]:
        return f"write {words[-1]}, which is printed as the Greek letter"
    if "\ud800" <= character <= "\udfff":
        return "this is not Unicode text; save it as UTF-8"
    return None


def _check_brackets(code: str) -> None:
    depth = 0
    for bracket in re.findall(r"[()\[\]{}]", code):
        depth += 1 if bracket in "([{" else -1
        if depth >= DEEPEST // 2:  # the reader of Python stops there too
            raise _too_deep()


def _names(statement: ast.stmt) -> list[ast.Name]:
    """Return the names in a statement, which is shallow enough to be read."""
    found: list[ast.Name] = []
    level: list[ast.AST] = [statement]
    for _ in range(DEEPEST):
        found += [node for node in level if isinstance(node, ast.Name)]
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return found
    raise _too_deep()


def _too_deep() -> ParseError:
    return ParseError(
        "the formula is nested too deeply, or has too many terms",
        hint="give parts of it names: Z = ..., then Y = ... Z ...",
    )


def _unreadable(text: str, error: SyntaxError) -> ParseError:
    lines = text.splitlines() or [""]
    line = min(max(error.lineno or 1, 1), len(lines))
    source = lines[line - 1].lstrip()
    column = min(max(error.offset or 1, 1), len(source) + 1)
    word = re.match(r"\w+", source[column - 1 :])
    found = word.group() if word else source[column - 1 : column]
    message = f"{found!r} was not expected here" if found.strip() else "the text ends too early"
    if error.msg.endswith("was never closed"):
        message = f"{found!r} is never closed"
    hint = "write lam: lambda is a word of Python" if re.search(r"\blambda\b", text) else None
    column += len(lines[line - 1]) - len(source)
    return ParseError(message, place=Place(text, line, column, len(found) or 1), hint=hint)
