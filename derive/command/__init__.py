"""The command line: one file a subcommand, the options they share, delivery.

Words of a shell come in; files, text and a status leave. The law: `main` returns a status and
shows no traceback.
"""
