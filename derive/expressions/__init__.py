"""What can be said: shapes, operators and expressions, programs, the boxes of a formula.

Sizes, entries and names come in; frozen, interned values with a shape leave. The law: what is
ill-shaped cannot be built, and `str` of an expression is text that can be parsed again.
"""
