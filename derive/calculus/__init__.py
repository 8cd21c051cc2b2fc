"""Gradients and their rewriting: the sweep, the calculus of indices, the textbook's rules.

A program comes in; gradients leave as expressions, each change to them a named rewrite. The law:
no operator is known by name to the sweep, its theorem is the table's.
"""
