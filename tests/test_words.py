"""All words of a document are messages: with a word file of keys alone, no English is left."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from programs import FEW

import derive
from derive.catalogue import load
from derive.documents import page
from derive.documents.check import render_check
from derive.documents.graph import render_graph
from derive.documents.graphs import graph
from derive.documents.page import SHARED, WORDS, template_folder
from derive.documents.pipeline import Proof
from derive.documents.runnable import CHECK
from derive.judges.claim import Court
from derive.language.parse import parse
from derive.notation import messages
from derive.proof.explain import explain
from derive.proof.verdict import JSON

OURS = WORDS.format("en")
FORMS = ("md", "tex")
MACRO = re.compile(r"<% macro (\w+)(\(.*?\)) -?%>")
#: What is no word of ours: keys, a user's code, names of files, mathematics, commands.
NO_WORDS = (
    r"\\csname.*?\\endcsname|\\\w+=[\d.]+[a-z]{2}",
    r"⟦[\w-]*⟧", r"(`+) ?.*?\1(?!`)", r"\\texttt\{(?:[^{}\\]|\\.|\{\})*\}", r"\]\([^)]*\)",
    r"\\(?:begin|end|label|eqref|resizebox)\{[^}]*\}", r"%.*|<!--.*?-->",
    r"\{@\{\}\w*@\{\}\}|\\setlength.*|\\if.*|\\renewcommand.*|\\(?:right|all)\w+", r"\\[A-Za-z]+",
    r"[a-z]+\{|em\b",
)  # fmt: skip


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> Path:
    """A folder whose word file says each message by its key."""
    folder = tmp_path_factory.mktemp("keys")
    ours = "".join((template_folder() / file).read_text("utf-8") for file in (OURS, SHARED))
    macros = MACRO.findall(ours)
    assert len(macros) == ours.count("<% macro ")
    assert len(macros) == len(dict(macros))  # of two of one name the second one would be said
    said = (f"<% macro {name}{facts} %>⟦{name}⟧<% endmacro %>\n" for name, facts in macros)
    (folder / OURS).parent.mkdir()
    (folder / OURS).write_text("".join(said), "utf-8")
    return folder


def stray(text: str) -> list[str]:
    """The words of a document that no message said."""
    body = text.partition("\\begin{document}")[2].partition("\\end{document}")[0] or text
    body = re.sub(r"\\definecolor.*?\\end\{tikzpicture\}", " ", body, flags=re.S)
    code = r"```python\n.*?```|\\begin\{verbatim\}.*?\\end\{verbatim\}"
    body = re.sub(code, " ", body, flags=re.S)
    said = " ".join(re.findall(r"\\text\{((?:[^{}]|\{[^{}]*\})*)\}", body))
    body = re.sub(r"\$\$.*?\$\$|(?<!\\)\$.*?(?<!\\)\$", " ", body, flags=re.S)
    rows = r"\\begin\{((?:align|equation|gather)\w*\*?)\}.*?\\end\{\1\}"
    body = re.sub(rows, " ", body, flags=re.S)
    for pattern in NO_WORDS:
        body, said = re.sub(pattern, " ", body), re.sub(pattern, " ", said)
    return re.findall(r"[A-Za-z]{2,}", f"{body} {said}")


@pytest.fixture
def with_keys(keys, monkeypatch):
    """Every document is printed with the keys."""
    real = page.Press.__init__

    def press(self, form, templates=None, flavour="", **facts):
        real(self, form, keys, flavour, **facts)

    monkeypatch.setattr(page.Press, "__init__", press)


def proof(name: str, form: str) -> str:
    entry = load(name)
    return Proof(explain(parse(entry.program), at=entry.at)).render(form)


def graphs(name: str, form: str) -> str:
    return render_graph(graph(name), form, stem="a")


def judgement(name: str, form: str) -> str:
    court = Court(load(name).program)
    x = court.program.inputs[0]
    return render_check(court.case, court.judge(f"d{x} = 3 * {x}"), form)


def worked(name: str, form: str) -> str:
    return derive.example(name).render(form)


def sheet(name: str, form: str) -> str:
    return derive.exercise(name, count=8, seed=7).render(form, solutions=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize(
    "made", [proof, graphs, judgement, worked, sheet], ids=lambda made: made.__name__
)
def test_every_word_is_a_message(made, name, form, with_keys):
    text = made(name, form)
    assert text.count("⟦") > 3 and stray(text) == [], text


@pytest.mark.parametrize(("made", "name"), [
    (proof, "affine"), (proof, "layer-norm"), (graphs, "circuit"), (judgement, "affine"),
    (worked, "circuit"), (sheet, "affine"),
])  # fmt: skip
def test_a_page_for_a_browser_has_no_other_words(made, name, with_keys):
    text = re.sub(
        r"<(style|math|code|svg)\b.*?</\1>|<!--.*?-->", " ", made(name, "html"), flags=re.S
    )
    told = [*re.findall(r'(?:aria-label|alt|title)="([^"]*)"', text), re.sub(r"<[^>]*>", " ", text)]
    assert re.findall(r"[A-Za-z]{2,}", re.sub(r"⟦[\w-]*⟧", " ", " ".join(told))) == []
    assert text.count("⟦") > 3


CIRCUIT = "q = x + y; f = max(q, z) * sigmoid(q)"


@pytest.mark.parametrize("form", FORMS)
def test_numbers_and_verdicts_have_their_words_as_well(form, with_keys):
    both = [graph(CIRCUIT, values="x=1,y=1,z=2", gates=kind) for kind in ("primitive", "named")]
    layer = graph("affine", values="X=[[1,2]],W=[[1],[2]],B=[[1]],dY=[[2]]")
    proved = derive.prove("A: (n, n); f = logdet(A)")
    court = Court("X: (n, d); Y = 2 * X")
    true = render_check(court.case, court.judge("dX = dY + dY"), form, derive.prove(court.program))
    texts = [render_graph(both, form), render_graph(layer, form), proved.render(form), true]
    assert [stray(text) for text in texts] == [[]] * 4


def test_a_stray_word_is_seen(keys, with_keys):
    own = keys / "markdown" / "paragraph.md"
    own.parent.mkdir()
    own.write_text("\n\nHello << b.words | join >>\n\n", "utf-8")
    page._environment.cache_clear()
    try:
        assert set(stray(proof("affine", "md"))) == {"Hello"}
    finally:
        own.unlink()
        page._environment.cache_clear()
    assert stray(r"$$ x && \text{left over} $$") == ["left", "over"]


#: Texts of two words that are no sentence of a document: JSON's words and its keys and trees, code,
#: formats, and what errors are made of.
STABLE = {
    *JSON.values(), "where …", "central differences", "reason line", "written out: …",
    "the arithmetic written for entry … of …", "the formula … with its matrices put in",
    " for … in range(1, … + 1)", "for … in range(…, 0, -1):", "[… for …]", "def …(…):",
    "return float(….sum(…))", CHECK, '<div style="overflow-x: auto" tabindex="0">…</div>',
    "<Graph …>", "derive … …", "tuple[Expr, tuple[Because, ...]] | None", "<Judgement …: …>",
    "partial … …", "~u of …", "~v of …", "the node",
    "an object", "a list", "true or false", "something else", "standard input", "identity …: …",
    "line …, byte … cannot be read", "… was not expected here", "the line ends too early",
    "a line is one object", "\n  hint: …", "…: too large to be read (…)", "true is …",
    "a fault of derive: …: …", "what it is taken of", "a power that is not whole",
    "a … of …", "the entries of …", " in the theorem of …", "from … to …",
    "the graph has … vertices, and the limit of a drawing is …",
}  # fmt: skip
#: What a picture is drawn with.
DRAWN = re.compile(
    r"[<\\=]|^ *(?:v…|class|every node)|circle|rectangle|controls|sans-serif|rounded"
)
PAIR = re.compile(r"[a-z]{2,}[,:;]? (?:[a-z]{2,}|…)|… [a-z]{2,}")


def sentences(source: str) -> list[str]:
    """The texts of a module with two words in a row, a value in them being a word as well, and all
    that is told of progress; apart from docstrings, errors and lists."""
    tree = ast.parse(source)
    left: set[ast.AST] = set()
    found: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Raise() | ast.Assert():
                left |= set(ast.walk(node))
            case ast.Call(func=ast.Attribute(attr="split")):
                left |= set(ast.walk(node))
            case ast.Call(func=ast.Name(id=name)) if name.endswith("Error"):
                left |= set(ast.walk(node))
            case ast.Expr(value=ast.Constant() as text):
                left.add(text)
            case ast.Call(func=ast.Attribute(attr="progress"), args=[ast.Constant() as text]):
                found.append(str(text.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and node not in left:
            left |= set(ast.walk(node))
            parts = (x.value if isinstance(x, ast.Constant) else "…" for x in node.values)
            found += [x for x in ["".join(map(str, parts))] if PAIR.search(x)]
        elif isinstance(node, ast.Constant) and node not in left and PAIR.search(str(node.value)):
            found.append(str(node.value))
    return found


@pytest.mark.parametrize("wing", ["documents", "judges", "pictures", "proof"])
def test_python_has_no_sentences(wing):
    rooms = (Path(derive.__file__).parent / wing).glob("*.py")
    found = {x for room in rooms for x in sentences(room.read_text("utf-8"))}
    drawn = {x for x in found if wing == "pictures" and DRAWN.search(x)}
    assert found - drawn <= STABLE


@pytest.mark.parametrize(("source", "seen"), [
    ('def f():\n    """A text."""\n    return "it is true"', ["it is true"]),
    ('return_ = f"entry {i}, {j} differs", False', ["entry …, … differs"]),
    ('def f(self):\n    self.progress("numbers")', ["numbers"]),
    ('method = "index normal form"', ["index normal form"]),
    ('raise ValueError("it is wrong")', []),
    ('error = ShapeError(f"it is {wrong}")', []),
    ('x = "one two".split()', []),
])  # fmt: skip
def test_a_sentence_in_python_is_seen(source, seen):
    assert sentences(source) == seen


def test_what_is_being_checked_is_told_in_messages():
    told: list[str] = []
    derive.prove("X: (n, d); Z = exp(X); Y = Z * Z", detail="lecture", progress=told.append)
    assert told and all(isinstance(one, messages.Message) for one in told)
    assert len({one.key for one in told}) == 4
    for one in told:
        assert not re.search("[a-z]{2,}", messages.translated(one, "ko")), one
