"""Derivations, judgements, circuits and sheets as pages, and their delivery as files.

Values that judges have seen come in; text of a format leaves. The law: a document proves nothing,
and files are written whole or not at all.
"""
