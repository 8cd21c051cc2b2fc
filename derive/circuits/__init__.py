"""A program as gates with numbers: values, passes forwards and backwards, points.

A program and numbers come in; each gate's value and gradient leave. The law: a point satisfies
what is assumed of the inputs, or there is none.
"""
