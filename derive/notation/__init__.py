"""Mathematics to text: boxes of layout, displays that fit a line, numerals, LaTeX.

Expressions, steps and numbers come in; LaTeX or plain text leaves. The law: what is printed can be
read back, and no text of the user's gets through unescaped.
"""
