"""Typst's source to PDF, by the `typst` wheel: no program beside Python is asked for.

Text enters, bytes leave. The law: the same text gives the same bytes, on every machine, since no
font but those in the wheel is looked for, unless a language needs one that is not there.
"""

from __future__ import annotations

from derive.expressions.errors import OutputError
from derive.notation.messages import fonts, language


def pdf(source: str) -> bytes:
    """Return a document of Typst as PDF.

    >>> pdf("Hello")[:5]
    b'%PDF-'

    Raises `OutputError` where the wheel is missing, or every font of a language, or somebody's
    template wrote what is no Typst.
    """
    try:
        import typst
    except ImportError:
        raise OutputError(
            "PDF is made by the package typst, which is not installed",
            hint="pip install 'derive-proofs[pdf]'; -f typ writes the source, -f tex that of LaTeX",
        ) from None
    wanted = fonts()
    if wanted and not {*wanted} & {*typst.Fonts().families()}:
        raise OutputError(
            f"no font that was found has the letters of the language {language()}",
            hint=f"install one of {', '.join(wanted[:3])}; -f tex brings its own",
        )
    try:
        made = typst.compile(source.encode(), format="pdf", ignore_system_fonts=not wanted)
    except typst.TypstError as error:
        raise OutputError(f"Typst cannot read what the templates wrote: {error}") from None
    assert isinstance(made, bytes)
    return made
