"""Pictures to draw: the graphs that courses draw, and some that they do not."""

from __future__ import annotations

import random

from derive.pictures.picture import Picture, Text, Vertex, Wire, line

_TEX = {
    "×": r"\times ",
    "−": "-",
    "σ": r"\sigma ",
    "∂": r"\partial ",
    "·": r"\cdot ",
    "⊙": r"\odot ",
}
_TEX |= {"ᵀ": r"^{\top}", "₁": "_1", "₂": "_2", "₀": "_0", "θ": r"\theta ", "²": "^2", "′": "'"}


def tex(plain: str) -> str:
    if plain.isidentifier() and plain.isascii() and len(plain) > 1:
        return rf"\mathrm{{{plain}}}".replace("_", r"\_")
    return "".join(_TEX.get(char, char) for char in plain).replace(" @", r"\,")


def text(plain: str | list[list[str]] | None) -> Text | None:
    if plain is None:
        return None
    if isinstance(plain, str):
        return line(plain, tex(plain))
    rows = tuple(map(tuple, plain))
    return Text(rows, tuple(tuple(map(tex, row)) for row in rows), brackets=True)


class Board:
    """A picture that is being put together."""

    def __init__(self, title: str):
        self.title = title
        self.vertices: list[Vertex] = []
        self.wires: list[Wire] = []

    def put(self, key, sign=None, *sources, value=None, gradient=None, **more):
        """A vertex and the wires into it; a source may be a key or (key, gradient[, value])."""
        kind = more.pop("kind", "gate" if sources else "input")
        name = text(more.pop("name", None))
        self.vertices.append(
            Vertex(key, kind, text(sign or key), name, text(value), text(gradient), **more)
        )
        for port, source in enumerate(sources):
            start, *branch = (source,) if isinstance(source, str) else source
            self.wires.append(Wire(start, key, port, *map(text, branch)))
        return self

    def picture(self) -> Picture:
        kinds = [vertex.kind for vertex in self.vertices]
        about = f"{kinds.count('input')} inputs and {kinds.count('gate')} gates"
        return Picture(tuple(self.vertices), tuple(self.wires), self.title, about)


def product_of_a_sum() -> Picture:
    board = Board("f = (x + y) z")
    board.put("x", value="−2", gradient="−4").put("y", value="5", gradient="−4")
    board.put("z", value="−4", gradient="3")
    board.put("q", "+", "x", "y", name="q", value="3", gradient="−4")
    board.put("f", "×", "q", "z", name="f", value="−12", gradient="1", output=True)
    return board.picture()


def neuron() -> Picture:
    board = Board("the sigmoid neuron, gate by gate")
    for key, value, gradient in [
        ("w₀", "2", "−0.20"),
        ("x₀", "−1", "0.39"),
        ("w₁", "−3", "−0.39"),
        ("x₁", "−2", "−0.59"),
        ("w₂", "−3", "0.20"),
    ]:
        board.put(key, value=value, gradient=gradient)
    board.put("a", "×", "w₀", "x₀", value="−2", gradient="0.20")
    board.put("b", "×", "w₁", "x₁", value="6", gradient="0.20")
    board.put("c", "+", "a", "b", value="4", gradient="0.20")
    board.put("d", "+", "c", "w₂", value="1", gradient="0.20")
    board.put("e", "×(−1)", "d", value="−1", gradient="−0.20")
    board.put("g", "exp", "e", value="0.37", gradient="−0.53")
    board.put("h", "+1", "g", value="1.37", gradient="−0.53")
    board.put("f", "1/x", "h", value="0.73", gradient="1.00", name="f", output=True)
    return board.picture()


def diamond() -> Picture:
    board = Board("x is used three times")
    board.put("x", value="3", gradient="27")
    board.put("a", "×", ("x", "6"), ("x", "6"), value="9", gradient="2", name="a")
    board.put("b", "+", ("x", "15"), "a", value="12", gradient="1", name="b")
    board.put("c", "×2", ("a", "2"), value="18", gradient="1")
    board.put("f", "+", "b", "c", value="30", gradient="1", name="f", output=True)
    return board.picture()


def affine() -> Picture:
    board = Board("Y = X W + B with numbers")
    board.put("X", value=[["1", "2"], ["0", "−1"]], gradient=[["5", "−2"], ["3", "10"]])
    board.put(
        "W",
        value=[["2", "0", "1"], ["−1", "3", "1"]],
        gradient=[["1", "0", "2"], ["4", "−4", "10"]],
    )
    board.put("B", value=[["1", "0", "−1"]], gradient=[["2", "−1", "11"]])
    board.put(
        "M",
        "@",
        "X",
        "W",
        value=[["0", "6", "3"], ["1", "−3", "−1"]],
        gradient=[["1", "0", "2"], ["−3", "2", "7"]],
    )
    board.put(
        "Y",
        "+",
        "M",
        "B",
        value=[["1", "6", "2"], ["2", "−3", "−2"]],
        gradient=[["1", "0", "2"], ["−3", "2", "7"]],
        name="Y",
        output=True,
    )
    return board.picture()


def maximum() -> Picture:
    board = Board("max and relu")
    board.put("x", value="3", gradient="8").put("y", value="−4", gradient="6")
    board.put("z", value="2", gradient="2").put("w", value="−1", gradient="0")
    board.put("two", "2", kind="constant", value="2")
    board.put("p", "×", "x", "y", value="−12", gradient="2")
    board.put("m", "max", "z", "w", value="2", gradient="2", name="m")
    board.put("r", "ReLU", "p", value="0", gradient="0", name="r")
    board.put("s", "+", "r", "m", value="−10", gradient="2")
    board.put("f", "×", "s", "two", value="−20", gradient="1", name="f", output=True)
    return board.picture()


def long_names() -> Picture:
    board = Board("long names")
    for name in ("theta_1", "W₁", "learning_rate", "x"):
        board.put(name, value="0.12345678901", gradient="−1234567.89")
    board.put("u", "softmax", "theta_1", "W₁", name="hidden_layer_1", value="0.5", gradient="2.25")
    board.put("v", "×", "u", "learning_rate", name="scaled_output", value="3/7", gradient="−22/7")
    board.put("f", "−", "v", "x", name="total_loss", value="1/3", gradient="1", output=True)
    return board.picture()


def chain() -> Picture:
    board = Board("a chain of eight")
    last = "x"
    board.put("x", value="0.5", gradient="0.018")
    for number, sign in enumerate(["sin", "exp", "×2", "+1", "log", "tanh", "x²", "1/x"]):
        key = f"g{number}"
        board.put(key, sign, last, value=f"{number}.25", gradient=f"−0.{number}1")
        last = key
    board.vertices[-1] = Vertex(last, "gate", text("1/x"), text("f"), text("7.25"), text("1"), True)
    return board.picture()


def cell() -> Picture:
    """A long short-term memory: four gates, a state that is kept, an output."""
    board = Board("a memory cell")
    for key in ("x", "h", "c"):
        board.put(key, value="0.50", gradient="0.07")
    for gate in "ifog":
        board.put(f"W{gate}", value="0.30", gradient="0.02")
        board.put(f"U{gate}", value="−0.20", gradient="0.01")
    for gate, sign in (("i", "σ"), ("f", "σ"), ("o", "σ"), ("g", "tanh")):
        board.put(f"wx{gate}", "×", ("x", "0.01"), f"W{gate}", value="0.15", gradient="0.03")
        board.put(f"uh{gate}", "×", ("h", "0.02"), f"U{gate}", value="−0.10", gradient="0.03")
        board.put(f"s{gate}", "+", f"wx{gate}", f"uh{gate}", value="0.05", gradient="0.03")
        board.put(gate, sign, f"s{gate}", value="0.51", gradient="0.12", name=gate)
    board.put("keep", "×", "f", "c", value="0.26", gradient="0.44")
    board.put("write", "×", "i", "g", value="0.03", gradient="0.44")
    board.put("c2", "+", "keep", "write", value="0.28", gradient="0.44", name="c′", output=True)
    board.put("t", "tanh", ("c2", "0.44"), value="0.27", gradient="0.51")
    board.put("h2", "×", "o", "t", value="0.14", gradient="1", name="h′", output=True)
    return board.picture()


def symbols() -> Picture:
    board = Board("local gradients")
    board.put("x", gradient="∂f/∂x = z").put("y", gradient="∂f/∂y = z")
    board.put("z", gradient="∂f/∂z = q")
    board.put("q", "+", ("x", "1"), ("y", "1"), value="x + y", gradient="∂f/∂q = z", name="q")
    board.put("f", "×", ("q", "z"), ("z", "q"), value="q · z", gradient="1", name="f", output=True)
    return board.picture()


def symbolic_layer() -> Picture:
    board = Board("a layer in symbols")
    board.put("X", gradient="dY @ Wᵀ").put("W", gradient="Xᵀ @ dY").put(
        "B", gradient="sum(dY, axis=0)"
    )
    board.put("M", "@", ("X", "dM @ Wᵀ"), ("W", "Xᵀ @ dM"), value="X @ W", gradient="dY", name="M")
    board.put(
        "Y",
        "+",
        ("M", "dY"),
        ("B", "sum(dY, axis=0)"),
        value="M + B",
        gradient="dY",
        name="Y",
        output=True,
    )
    return board.picture()


def network() -> Picture:
    """Two layers with matrices on the wires."""
    small = [["0.1", "−0.2"], ["0.33", "0.44"]]
    board = Board("a network of two layers")
    for key in ("X", "W₁", "b₁", "W₂", "b₂", "T"):
        board.put(key, value=small, gradient=small)
    board.put("M", "@", "X", "W₁", value=small, gradient=small)
    board.put("Z", "+", "M", "b₁", value=small, gradient=small, name="Z₁")
    board.put("H", "ReLU", "Z", value=small, gradient=small, name="H")
    board.put("N", "@", "H", "W₂", value=small, gradient=small)
    board.put("Y", "+", "N", "b₂", value=small, gradient=small, name="Y")
    board.put("E", "−", "Y", "T", value=small, gradient=small, name="E")
    board.put("S", "x²", "E", value=small, gradient=small)
    board.put("L", "sum", "S", value="0.42", gradient="1", name="L", output=True)
    return board.picture()


def many_operands() -> Picture:
    board = Board("a sum of seven")
    for number in range(7):
        board.put(f"x{number}", value=str(number), gradient="1")
    keys = [f"x{number}" for number in range(7)]
    board.put("s", "+", *keys, value="21", gradient="2", name="s")
    board.put("p", "×", *((key, "10") for key in keys[:4]), ("s", "2"), value="0", gradient="1")
    board.put("f", "−", "p", "s", value="−21", gradient="1", output=True)
    return board.picture()


def random_graph(seed: int = 7, count: int = 30, inputs: int = 6) -> Picture:
    chance = random.Random(seed)
    board = Board(f"a random graph, {seed}")
    keys: list[str] = []
    for number in range(count):
        key = f"v{number}"
        value, gradient = f"{chance.uniform(-9, 9):.2f}", f"{chance.uniform(-99, 99):.3f}"
        if number < inputs:
            board.put(key, f"x{number}", value=value, gradient=gradient)
        else:
            sources = chance.sample(keys[-9:], chance.choice([1, 1, 2, 2, 2, 3]))
            sign = chance.choice(["+", "×", "exp", "×(−1)", "σ", "max", "ReLU"])
            branches = [(source, "1.5") if chance.random() < 0.3 else source for source in sources]
            board.put(
                key, sign, *branches, value=value, gradient=gradient, output=number > count - 3
            )
        keys.append(key)
    return board.picture()


PICTURES = {
    made.__name__: made()
    for made in (
        product_of_a_sum, neuron, diamond, affine, maximum, long_names, chain, cell, symbols,
        symbolic_layer, network, many_operands, random_graph,
    )
}  # fmt: skip
