"""Text that a user wrote, made safe for a format: one function for each place it can stand in.

Text enters as it is, what leaves has no sign that the format would read as its own; control
characters and line ends become spaces.
"""

from __future__ import annotations

import re
from urllib.parse import quote

_LATEX = {c: rf"\{c}" for c in "{}_#&%$"} | {
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "\\": r"\textbackslash{}",
    "`": r"\textasciigrave{}", "×": r"\texttimes{}", "−": "-", "≠": r"$\ne$",
}  # fmt: skip


def one_line(program: str) -> str:
    """Return statements on one line, without their comments.

    >>> one_line("Z = X @ W  # a layer\\ndX = dZ @ W.T")
    'Z = X @ W; dX = dZ @ W.T'
    """
    code = (line.partition("#")[0] for line in program.splitlines())
    statements = (part for line in code for part in line.split(";"))
    return "; ".join(" ".join(part.split()) for part in statements if part.strip())


def markdown(text: str) -> str:
    """Return text between words of Markdown.

    >>> markdown("a_1 * <b>")
    'a\\\\_1 \\\\* \\\\<b\\\\>'
    """
    return re.sub(r"([\\`*_{}\[\]<>|~$&#!])", r"\\\1", _visible(text))


def markdown_code(text: str) -> str:
    """Return text as code in a line of Markdown, between more backticks than it has in a row.

    >>> markdown_code("a `b`")
    '`` a `b` ``'
    """
    text = _visible(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    air = " " if "`" in (text[:1], text[-1:]) else ""
    return f"{fence}{air}{text}{air}{fence}"


def latex(text: str, letters: str = "") -> str:
    """Return text between words of LaTeX; what no font of ours has is named by its number.

    The document's fonts have some `letters` as well, as in a pattern: `가-힣`.

    >>> latex("50 % of a_1")
    '50 \\\\% of a\\\\_1'
    """
    apart = re.sub(r"([-<>,'])(?=\1)", "\\1\0", _visible(text))  # two of them would be one sign
    known = set(re.findall(f"[{letters}]", apart)) if letters else ()
    safe = (_LATEX.get(c, c) if c < "\x7f" or c in _LATEX or c in known else f"[U+{ord(c):04X}]"
            for c in apart)  # fmt: skip
    return "".join(safe).replace("\0", "{}")


def latex_code(text: str, letters: str = "") -> str:
    """Return text as typewriter in a line of LaTeX."""
    return rf"\texttt{{{latex(text, letters)}}}"


def typst(text: str) -> str:
    """Return text between words of Typst; a dollar, which mathematics begins with, by its number.

    >>> typst("50 % of a_1 for $1")
    '50 \\\\% of a\\\\_1 for \\\\u{24}1'
    """
    return re.sub(r"([!-#%-/:-@[-`{-~])", r"\\\1", _visible(text)).replace("$", r"\u{24}")


def typst_string(text: str) -> str:
    """Return text as a string of Typst's own language.

    >>> typst_string('say "x"')
    '"say \\\\"x\\\\""'
    """
    return '"' + re.sub(r'(["\\])', r"\\\1", text).replace("$", r"\u{24}") + '"'


def typst_code(text: str) -> str:
    """Return text as code in a line of Typst."""
    return f"#raw({typst_string(_visible(text))});"


_XML = str.maketrans({
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;",
})  # fmt: skip


def xml(text: str) -> str:
    """Return text for XML, SVG and HTML."""
    return "".join(c if c.isprintable() else " " for c in text).translate(_XML)


def html(text: str) -> str:
    """Return text between words of HTML, where dollars stand around mathematics until the end.

    >>> html("<b> for $5")
    '&lt;b&gt; for &#36;5'
    """
    return xml(text).replace("$", "&#36;")


def html_code(text: str) -> str:
    """Return text as code in a line of HTML."""
    return f"<code>{html(text)}</code>"


def mermaid(text: str) -> str:
    """Return text for Mermaid inside Markdown; every sign of theirs is its number."""
    plain = frozenset(" ,.=/':!?^%")
    return "".join(
        c if c.isalnum() or c in plain or ord(c) > 126 else f"#{ord(c)};" for c in _visible(text)
    )


def link(path: str) -> str:
    """Return the name of a file for a link of Markdown, or a comment of LaTeX."""
    return quote(path)


def one_piece(text: str) -> str:
    """Return text for what takes no sign of it for its own.

    >>> one_piece("a\\nb \\x10")
    'a b  '
    """
    return _visible(text)


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
