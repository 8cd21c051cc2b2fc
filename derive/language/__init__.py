"""The user's text to programs: syntax through a whitelist, spellings, assumptions.

Text comes in; programs and what is assumed of their inputs leave. The law: an error has a place,
says what was found and what was expected, and nothing is ever evaluated as Python.
"""
