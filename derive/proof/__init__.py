"""Derivations: steps, what they cite, the hypotheses they need, and the writer of them.

A swept program comes in; a derivation leaves, every line of which a judge can read alone. The
law: nothing here says that a line is true.
"""
