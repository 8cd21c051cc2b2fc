"""Normal forms: sums of monomials over atoms, and the laws that bring an entry to one.

Forms come in and one form leaves. The law: two entries of one normal form are equal for every
shape; what a law needs is checked before it is used.
"""
