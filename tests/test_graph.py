"""`derive graph`: the object, its JSON, its documents and the command, with bad input."""

import json
import re
from fractions import Fraction
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, reject, settings, strategies as st
from overlaps import overlaps
from programs import point, texts

import derive
from derive.circuits.circuit import GATES, circuit
from derive.command.cli import main
from derive.documents.graph import render_graph
from derive.documents.graphs import Number, graph
from derive.expressions.errors import ProofError, SizeError, UnsupportedError
from derive.judges.chain import chains
from derive.language.parse import parse
from derive.pictures.drawing import draw

CIRCUIT = "q = x + y; f = q * z"
NEURON = "f = 1 / (1 + exp(-(w0 * x0 + w1 * x1 + w2)))"
AT = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}


def rounded(value: Number, places: int) -> str:
    return f"{float(value):.{places}f}"


# -- the reference cases ---------------------------------------------------------------------------


def test_the_add_and_multiply_circuit():
    found = derive.graph(CIRCUIT, values={"x": -2, "y": 5, "z": -4})
    assert found.forward == {"x": -2, "y": 5, "z": -4, "q": 3, "f": -12}
    assert found.gradients == {"x": -4, "y": -4, "z": 3, "q": -4, "f": 1}


@pytest.mark.parametrize("gates", ["written", "primitive", "named"])
def test_the_sigmoid_neuron(gates):
    found = derive.graph(NEURON, values=AT, gates=gates)
    assert rounded(found.forward["f"], 2) == "0.73"
    shown = {name: rounded(value, 2) for name, value in found.gradients.items()}
    assert shown == {"w0": "-0.20", "x0": "0.39", "w1": "-0.39", "x1": "-0.59", "w2": "0.20",
                     "f": "1.00"}  # fmt: skip
    backwards = [rounded(node.gradient, 2) for node in reversed(found.nodes)
                 if node.name is None]  # fmt: skip
    if gates == "named":
        assert backwards == ["0.20"] * 4
        (last,) = found.nodes[-1].contributions  # (1 - 0.73) 0.73
        assert rounded(last, 2) == "0.20"
    else:
        assert backwards == ["-0.53", "-0.53", "-0.20", "0.20", "0.20", "0.20", "0.20"]


def test_shopping():
    apples = derive.graph("total = price * number * tax", values="price=100,number=2,tax=1.1")
    assert apples.forward["total"] == 220
    assert [apples.gradients[x] for x in ("price", "number", "tax")] == [Fraction(11, 5), 110, 200]
    fruit = derive.graph(
        "total = (p1 * n1 + p2 * n2) * tax", values="p1=100,n1=2,p2=150,n2=3,tax=1.1"
    )
    assert fruit.forward["total"] == 715
    assert [str(fruit.gradients[x]) for x in ("p1", "p2", "n1", "n2", "tax")] == [
        "11/5", "33/10", "110", "165", "650"]  # fmt: skip


def test_one_neuron():
    found = derive.graph("f = x * w + b", values={"x": "2/3", "w": -7, "b": 5})
    assert found.gradients == {"x": -7, "w": Fraction(2, 3), "b": 1, "f": 1}


@pytest.mark.parametrize("text", ["y = x ** 2; z = 3 * y", "z = 3 * y; y = x ** 2"])
def test_the_chain_rule_in_either_order(text):
    program = parse(text)
    (chain,) = chains(circuit(program))
    (way,) = chain.ways
    assert [(str(f.of), str(f.by), str(f.value)) for f in way] == [
        ("z", "y", "3"), ("y", "x", "2 * x")]  # fmt: skip
    assert (str(chain.product), str(chain.result)) == ("3 * (2 * x)", "6 * x")
    document = render_graph(graph(text), "md")
    assert (r"in the order $y$ and $z$" in document) is program.reordered
    way = r"\frac{\partial z}{\partial y}\hspace{2pt}\frac{\partial y}{\partial x}"
    assert rf"{way} && \text{{chain rule}}" in document
    assert document.count("**The chain rule.**") == 1


def test_the_chain_rule_puts_the_intermediate_back():
    of_x, of_y = chains(circuit(parse("z = t ** 2; t = x + y")))
    assert str(of_x.product) == "2 * t * 1" and str(of_x.result) == "2 * t"
    assert str(of_x.inputs) == str(of_y.inputs) == "2 * (x + y)"


def test_every_line_of_a_chain_is_judged(monkeypatch):
    from derive.judges import chain as room

    monkeypatch.setattr(room, "mul", lambda a, b: a + b)
    with pytest.raises(ProofError, match="was not proved"):
        chains(circuit(parse("z = 3 * y; y = x ** 2")))


def test_both_readings_of_the_sigmoid_agree_and_the_document_proves_it():
    both = [graph(NEURON, values=AT, gates=kind) for kind in ("primitive", "named")]
    document = render_graph(both, "md", stem="g")
    assert (
        "## Why both agree" in document
        and "(g-graph.svg)" in document
        and "(g-graph2.svg)" in document
    )
    assert r"\sigma(s)\hspace{2pt}(1 - \sigma(s)) && \text{in whole functions}" in document


def test_a_lemma_that_is_false_is_not_printed(monkeypatch):
    from derive.judges import granularity as room

    monkeypatch.setattr(room, "primitive", lambda expr: 2 * expr)
    both = [graph(NEURON, values=AT, gates=kind) for kind in ("primitive", "named")]
    with pytest.raises(ProofError, match="was not proved"):
        render_graph(both, "md")


# -- the object ------------------------------------------------------------------------------------


def test_json_has_every_name_with_exact_and_decimal_values(capsys):
    command = ["graph", "price = 11 / 5 * n; total = exp(price)", "--values", "n=1", "--json"]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["forward"]["price"] == {"exact": "11/5", "decimal": "2.2"}
    total = found["forward"]["total"]
    assert total["exact"] is None and total["decimal"].startswith("9.02501349943412")
    assert set(found["gradients"]) == {"n", "price", "total"}
    last = found["nodes"][-1]
    assert last["gate"] == "exp" and last["operands"] == [1] and last["formula"] == "exp(price)"
    assert last["contributions"] == [found["gradients"]["price"]]


def test_matrices_are_nested_lists():
    found = graph("X: (1, 2); Y = 2 * X", values="X=[[1, 1/2]],dY=[[1, -1]]")
    assert found.forward["Y"] == [[2, 1]]
    assert found.plain()["gradients"]["X"] == [
        [{"exact": "2", "decimal": "2"}, {"exact": "-2", "decimal": "-2"}]
    ]


def test_a_graph_without_numbers_says_so_where_it_is_asked_for_them():
    found = graph(CIRCUIT)
    assert [node.formula for node in found.nodes] == ["x", "y", "z", "x + y", "q * z"]
    assert "forward" not in found.plain()
    with pytest.raises(UnsupportedError, match="this graph has no numbers"):
        _ = found.gradients


def test_a_number_compares_with_exact_numbers():
    third = Number(Fraction(1, 3), "0.33333333333333333")
    assert third == Fraction(1, 3) and third != 0 and repr(third) == "1/3"
    assert Number(None, "0.5") != 0.5 and float(Number(None, "0.5")) == 0.5


@pytest.mark.parametrize("values", [None, {"x": -2, "y": 5, "z": -4}])
def test_pictures_are_the_same_twice_and_well_formed(values):
    one, two = (graph(CIRCUIT, values=values) for _ in range(2))
    assert one.to_svg() == two.to_svg() == one._repr_svg_()
    assert one.to_tikz() == two.to_tikz() and r"\begin{tikzpicture}" in one.to_tikz()
    assert one.to_mermaid() == two.to_mermaid() and "flowchart LR" in one.to_mermaid()
    written = [node.text for node in ElementTree.fromstring(one.to_svg()).iter()
               if node.tag.endswith("text")]  # fmt: skip
    assert {"x", "y", "z", "+", "×"} <= set(written)
    if values:
        assert {"−12", "−4", "3", "5", "−2"} <= set(written)


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("A: (n, m); Y = A @ A.T + eye(n)", ["ᵀ", "@", "+I"]),
        ("X: (n, d); y = X @ ones(d, 1)", ["@ 𝟏"]),
        ("X: (n, d); y = ones(1, n) @ X", ["𝟏ᵀ @"]),
        ("f = 3 * x - 1 / x + max(x, 0) ** 2", ["×3", "1/x", "−", "max(x, 0)", "x²", "+"]),
        ("f = 2 - x / 4 + (x > 1)", ["÷4", "2−x", "[x>1]", "+"]),
    ],
)
def test_the_signs_of_gates(text, signs):
    gates = [v.text.plain[0][0] for v in graph(text).picture().vertices if v.kind == "gate"]
    assert gates == signs


def test_large_matrices_stand_by_their_shape():
    values = {"X": [[k + j for j in range(13)] for k in range(13)]}
    found = graph("X: (13, 13); f = sum(X * X)", values=values)
    assert "13×13" in found.to_svg()
    assert r"X \in \mathbf{R}^{13\times 13}" in render_graph(found, "md")


# -- documents -------------------------------------------------------------------------------------


def test_the_tables_of_a_document():
    document = render_graph(graph(CIRCUIT, values={"x": -2, "y": 5, "z": -4}), "md", stem="p")
    assert "| $q$ | $x + y$ | $-2 + 5$ | $3$ |" in document
    assert "to $q$: $1 \\cdot (-4) = -4$" in document and "](p-graph.svg)" in document
    assert "**multiply** switches its inputs" in document and "**add** distributes" in document
    assert "copy" not in document and "kink" not in document


def test_matrices_are_multiplied_on_paper():
    values = {"X": [[1, 2], [3, 4]], "W": [[1, 0], [2, 1]]}
    document = render_graph(graph("X: (2, 2); W: (2, 2); Y = X @ W", values=values), "md")
    one, two, product = (
        "\\begin{pmatrix}\n" + " \\\\\n".join(rows) + "\n\\end{pmatrix}"
        for rows in (("1 & 2", "3 & 4"), ("1 & 0", "2 & 1"), ("5 & 2", "11 & 4"))
    )
    assert f"Y = XW = {one}\\hspace{{2pt}}{two} = {product}" in document


def test_a_fork_adds_up_and_a_kink_is_told():
    document = render_graph(graph("f = x * relu(x - y)", values="x=2,y=2"), "md")
    assert "**a copy** adds" in document and "$0 + 0 = 0$" in document
    assert "by convention it is taken to be $0$" in document
    assert "central differences say nothing" in document


@pytest.mark.parametrize(
    ("text", "values", "words"),
    [
        ("f = max(x, y)", "x=1,y=1", "by convention each of the two receives one half"),
        ("X: (1, 2); f = max(X)", "X=[[1,1]]", "the winners share the gradient equally"),
        ("X: (1, 2); f = sum(relu(X))", "X=[[0,1]]", r"at the entries (1, 1)"),
        ("t = 2 * x; f = x ** 2", "x=3", "does not reach the output"),
        ("X: (1, 2); Y = 2 * X", "X=[[1,2]]", "is chosen here"),
        ("X: (1, 2); Y = 2 * X", "X=[[1,2]],dY=[[1,1]]", "is given"),
    ],
)
@pytest.mark.parametrize("form", ["md", "tex"])
def test_what_a_document_says(text, values, words, form):
    assert words in render_graph(graph(text, values=values), form)


def test_numbers_of_a_document_come_from_the_trace():
    """Change one number of the trace, and the printed local gradient no longer fits."""
    found = graph(CIRCUIT, values={"x": -2, "y": 5, "z": -4})
    flows = {**found.trace.flows, (4, 0): [[found.trace.flows[4, 0][0][0] + 1]]}
    from dataclasses import replace

    wrong = replace(found, trace=found.trace._replace(flows=flows))
    with pytest.raises(ProofError, match="is not what was handed back"):
        render_graph(wrong, "md")


# -- the command -----------------------------------------------------------------------------------


def test_files_are_written(tmp_path, capsys):
    arguments = ["graph", "circuit", "--values", "x=-2,y=5,z=-4", "-o", str(tmp_path)]
    assert main([*arguments, "-f", "md,tex,svg,mmd"]) == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"circuit-graph.{form}" for form in ("md", "mmd", "svg", "tex")]
    text = capsys.readouterr().out
    assert "z = −4    df/dz = 3" in text and "central differences agree to" in text
    assert main(["graph", "neuron", "--gates", "both", "-f", "md", "-o", str(tmp_path)]) == 0
    assert (tmp_path / "neuron-graph2.svg").exists()


def test_standard_output_takes_one_format(capsys):
    assert main(["graph", CIRCUIT, "-o", "-", "-f", "svg"]) == 0
    assert capsys.readouterr().out.startswith("<svg")
    assert main(["graph", CIRCUIT, "-o", "-"]) == 0
    assert capsys.readouterr().out.startswith("# The computation graph of")
    assert main(["graph", CIRCUIT, "-o", "-", "-f", "md,tex"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((CIRCUIT, "--values", "x=1,y=2"), "z has no value"),
        ((CIRCUIT, "--values", "x=1,y=2,z=3,w=4"), "there is no input w"),
        ((CIRCUIT, "--values", "x=1,y=two,z=3"), "y is 'two', a number is expected"),
        (("f = log(x)", "--values", "x=-1"), "f = log(x) does not exist at x = -1"),
        (("f = x * g; g = f + 1",), "the program is circular: f, which needs g, which needs f"),
        ((CIRCUIT, "-f", "docx"), "there is no format docx"),
        ((CIRCUIT, "--values", "missing.toml"), "cannot read missing.toml"),
    ],
)
def test_bad_input(arguments, message, capsys):
    assert main(["graph", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.out == ""


def test_thousands_of_gates_are_drawn_bare_and_more_are_refused():
    chain = "; ".join(f"x{k} = x{k - 1} * a" for k in range(1, 1501))
    found = graph(chain)
    assert not re.search(r"<text[^>]*>x7", found.to_svg())
    with pytest.raises(SizeError, match="5,000"):
        from derive.pictures.picture import Picture, Vertex, line

        draw(Picture(tuple(Vertex(str(k), "input", line("x")) for k in range(5001)), ()))


# -- pictures of random programs -------------------------------------------------------------------


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(texts(), st.sampled_from(GATES), st.booleans())
def test_pictures_of_random_programs_have_no_overlaps(text, gates, numbers):
    program = parse(text)
    values = None
    if numbers:
        sizes = dict(zip(program.dims, (2, 3, 4)))
        values = {name: [[str(x) for x in row] for row in rows]
                  for name, rows in point(program, sizes).items()
                  if name in program.inputs or name == f"d{program.output}"}  # fmt: skip
    try:
        found = graph(program, values=values, gates=gates)
    except derive.DomainError:  # of no value at this point
        reject()
    if len(found.circuit.gates) <= 30:
        assert overlaps(draw(found.picture())) == []


# -- signs of equality, and the checks behind a document -------------------------------------------


@pytest.mark.parametrize("form", ["md", "tex"])
def test_what_follows_a_rounded_number_is_near_to_it_and_not_equal(form):
    """The value 2000 is exact; the factor 2000/2999 is printed as 0.6669."""
    document = render_graph(graph("f = x * y", values={"x": "2000/2999", "y": 2999}), form)
    assert r"1 \cdot 0.6669 \approx 0.6669" in document
    matrices = {"X": [["2000/2999", 1]], "y": [2999, 0]}
    document = render_graph(graph("X: (1, 2); y: (2, 1); f = X @ y", values=matrices), form)
    assert r"f = Xy \approx \begin{pmatrix}" in document.replace(" &", " ")
    exact = {"X": [["1/3", 1]], "y": [3, 0]}
    document = render_graph(graph("X: (1, 2); y: (2, 1); f = X @ y", values=exact), form)
    assert r"\approx" not in document


def test_a_fork_of_rounded_parts_is_near_to_its_sum():
    found = graph("f = x * a + x * b", values={"x": 1, "a": "2000/2999", "b": "999/2999"})
    document = render_graph(found, "md")
    assert r"$0.3331 + 0.6669 \approx 1$" in document and r"a \approx 0.6669" in document


@pytest.mark.parametrize("gates", ["primitive", "named"])
def test_a_circuit_that_computes_something_else_is_not_shown(gates, monkeypatch):
    from derive.circuits import circuit as room

    monkeypatch.setattr(room, gates, lambda expr: expr + 1)
    with pytest.raises(ProofError, match="gate by gate f is not what the program says"):
        graph(NEURON, values=AT, gates=gates)


def test_a_function_that_is_not_its_gates_is_not_printed(monkeypatch):
    """The derivative is right, the constant is not."""
    from derive.judges import granularity as room

    whole = room.primitive
    monkeypatch.setattr(room, "primitive", lambda expr: whole(expr) + 1)
    both = [graph(NEURON, values=AT, gates=kind) for kind in ("primitive", "named")]
    with pytest.raises(ProofError, match="sigmoid was not proved to be"):
        render_graph(both, "md")


def test_two_readings_with_other_numbers_are_refused():
    from dataclasses import replace

    fine, coarse = (graph(NEURON, values=AT, gates=kind) for kind in ("primitive", "named"))
    moved = ([[fine.trace.gradients[0][0][0] + 1]], *fine.trace.gradients[1:])
    wrong = replace(fine, trace=fine.trace._replace(gradients=moved))
    with pytest.raises(ProofError, match="the two readings disagree about the gradient of w0"):
        render_graph([wrong, coarse], "md")


def test_the_checks_of_both_readings_are_counted():
    both = [graph(NEURON, values=AT, gates=kind) for kind in ("primitive", "named")]
    assert "Gradients that are irrational: 21." in render_graph(both, "md")


def test_twelve_numbers_in_a_row_are_shown_and_every_sign_is_explained():
    values = {"x": [list(range(12))], "M": [[k % 3 - 1] for k in range(12)]}
    document = render_graph(graph("x: (1, 12); M: (12, 1); y = 2 * (x @ M)", values=values), "tex")
    assert "0 & 1 & 2 & 3 & 4 & 5 & 6 & 7 & 8 & 9 & 10 & 11" in document
    assert r"\in \mathbf{R}" not in document
    document = render_graph(graph("X: (n, d); Y = tanh(X)"), "md")
    assert r"$\odot$ multiplies entry by entry" in document


def test_numbers_compared_together_are_not_said_to_be_compared_one_by_one():
    text = "; ".join(f"x{k} = x{k - 1} * a + {k}" for k in range(1, 150))
    document = render_graph(graph(text, values={"x0": "1/7", "a": "2/3"}), "md")
    assert "along two" not in document and "Each equals exactly" not in document
    assert "too many to be compared one by one" in document
