"""Other people's objects: SymPy in and out, code for NumPy, PyTorch and JAX.

Programs go out and expressions of theirs come in. The law: what cannot be said on the other side
is an error that names it.
"""
