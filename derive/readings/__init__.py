"""One definition, several meanings: forms over indices, written-out entries, numbers.

An expression comes in, and what its entries are in a world of that kind leaves. The law: an
operator is known by the definition in its table entry, and by nothing else.
"""
