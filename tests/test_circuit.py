"""Circuits: what becomes a gate, which names gates get; no reading changes the function."""

import pytest
from hypothesis import HealthCheck, given, settings
from programs import texts

from derive.circuits.circuit import GATES, circuit, formula, named, primitive
from derive.expressions.errors import UnsupportedError
from derive.expressions.program import Program, Statement
from derive.judges.case import Case
from derive.language.parse import parse


def ops(text: str, gates: str = "written") -> str:
    return " ".join(gate.op for gate in circuit(parse(text), gates).gates if not gate.is_input)


@pytest.mark.parametrize(
    ("text", "gates", "expected"),
    [
        ("q = x + y; f = q * z", "written", "add mul"),
        ("f = x * x + 1", "written", "mul add"),
        ("f = 2 * x + 3 / y - 1", "written", "mul div add sub"),
        ("f = x", "written", "var"),
        ("f = sigmoid(x)", "written", "sigmoid"),
        ("f = sigmoid(x)", "primitive", "neg exp add div"),
        ("f = 1 / (1 + exp(-x))", "named", "sigmoid"),
        ("f = 1 / (exp(-1 * x) + 1)", "named", "sigmoid"),
        ("f = (1 + exp(-x)) ** -1", "named", "sigmoid"),
        ("f = 1 / (1 + exp(x))", "named", "exp add div"),
        ("f = 2 / (1 + exp(-x))", "named", "neg exp add div"),
        ("f = x / y", "primitive", "div mul"),
        ("X: (n, d); Y = softmax(X)", "primitive", "exp sum div broadcast_to mul"),
        ("X: (n, d); f = norm(X)", "primitive", "pow sum sqrt"),
        ("X: (n, d); f = mean(X)", "primitive", "sum div"),
        ("X: (n, d); B: (1, d); Y = X + B", "written", "broadcast_to add"),
        ("X: (n, d); Y = X + 1", "written", "add"),
        ("X: (n, d); y = X @ ones(d, 1)", "written", "matmul"),
    ],
)
def test_gates(text, gates, expected):
    assert ops(text, gates) == expected


def test_a_value_used_twice_is_one_gate_with_two_wires():
    found = circuit(parse("s = x + y; f = s * s + exp(s)"))
    uses = {found.gates[k].name: users for k, users in enumerate(found.uses())}
    assert len(uses["s"]) == 3 and [slot for _, slot in uses["s"][:2]] == [0, 1]


def test_labels_are_free_names_and_those_of_matrices_are_capital():
    assert circuit(parse("f = (x + y) * z")).labels() == ("x", "y", "z", "t_1", "f")
    assert circuit(parse("f = (t + y) * z")).labels()[3] == "u_1"
    assert circuit(parse("X: (n, d); f = sum(X * X)")).labels() == ("X", "T_1", "f")


def test_the_program_of_gates_is_the_same_function():
    found = circuit(parse("f = 1 / (1 + exp(-(w * x + b)))"))
    gates = found.as_program()
    assert [str(s) for s in gates.statements][:2] == ["t_1 = w * x", "t_2 = t_1 + b"]
    assert gates.composed(gates.output) is found.program.statements[0].expr


def test_an_unknown_reading_is_refused():
    with pytest.raises(UnsupportedError, match="there are no gates 'tiny'"):
        circuit(parse("f = x"), "tiny")


@pytest.mark.parametrize("rewrite", [primitive, named])
@pytest.mark.parametrize(
    "formula_",
    ["sigmoid(x)", "tanh(x)", "tan(x)", "sinh(x)", "cosh(x)", "softplus(x)", "silu(x)", "gelu(x)",
     "x / (1 + x ** 2)", "1 / (1 + exp(-x))", "1 / (1 + exp(-1 * (x + 1)))"],
)  # fmt: skip
def test_rewritten_scalars_have_the_gradient_of_the_original(rewrite, formula_):
    """Held against the definition of the rewritten program: the judge knows neither rewriting."""
    program = parse(f"f = {formula_}")
    expr = rewrite(program.statements[0].expr)
    leaves = dict(program.leaves)
    rewritten = Program("", "f", (Statement("f", expr),), leaves, program.inputs, (), {})
    assert Case(rewritten).proves("x", Case(program).truth("x"))


@settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
@given(texts())
def test_random_programs_become_circuits_that_compute_the_same(text):
    program = parse(text)
    for gates in GATES:
        found = circuit(program, gates)
        assert all(arg < gate.place for gate in found.gates for arg in gate.args)
        if gates == "written":
            whole = formula(found, found.output.place, named=False)
            assert program.composed(whole) is program.composed(program.output)
