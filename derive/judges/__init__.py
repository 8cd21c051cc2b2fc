"""Verdicts: every shape, at sizes, forwards, at points, modulo a prime.

Claims and derivations come in; verdicts with counterexamples leave. The law: a judge reads
definitions and never the rule that produced what it judges.
"""
