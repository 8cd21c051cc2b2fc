"""The subcommand that prints gradients alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from derive.command import options
from derive.command.options import option
from derive.command.terminal import say, say_document, say_json, working
from derive.expressions.errors import UnsupportedError
from derive.notation import messages
from derive.notation.messages import translated

if TYPE_CHECKING:
    pass


@options.subcommand(
    options.SHAPES,
    options.WRT,
    options.DATA,
    options.ASSUME,
    option("--expanded", is_flag=True, help="Each gradient as one formula of the inputs."),
    option("--latex", is_flag=True, help="Formulas in LaTeX."),
    option("--code", metavar="numpy|torch|jax", help="A Python function that computes them."),
    option("--json", "as_json", is_flag=True, help="Statements and gradients as one JSON object."),
)
def gradient(target: str, latex: bool, code: str | None, as_json: bool, **given: Any) -> int:
    """Print the gradients of TARGET alone, each proved first."""
    if latex + as_json + (code is not None) > 1:
        raise UnsupportedError("choose one of --latex, --code and --json")
    from derive.bridges.code import in_latex, library, to_code
    from derive.documents.pipeline import prove

    if code is not None:
        library(code)
    words = ("wrt", "assume", "data", "expanded")
    with working() as progress:
        asked = options.asked(target, given, *words)
        proof = prove(**asked, detail="brief", progress=progress)
    if code is not None:
        say_document(to_code(proof, code))
        return 0
    if as_json:
        where = {"where": proof.hypotheses} if proof.hypotheses else {}
        say_json(
            {"statements": proof.statements, "gradients": proof.gradients, **where}, indent=None
        )
        return 0
    gradients = {f"d{name}": formula for name, formula in proof.gradients.items()}
    shown = in_latex(proof) if latex else {**dict(proof.statements), **gradients}
    for left, right in shown.items():
        say(f"{left} = {right}")
    for hypothesis in proof.hypotheses:
        told = translated(messages.say("told.where", what=hypothesis))
        say(f"{'%' if latex else ' '} {told}")
    return 0
