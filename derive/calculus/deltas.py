"""Deltas used up: a sum over an index of which a δ says what it is has one term left.

A `Scalar` enters and an equal one leaves. The law: a delta whose index is summed is gone, however
deep it stood; sizes that nothing depends on stand before a sum.
"""

from __future__ import annotations

from derive.calculus.index import (
    Index,
    Scalar,
    add,
    free_indices,
    function,
    mul,
    power,
    rename,
    size,
    total,
)
from derive.expressions.shape import Dim


def contract(term: Scalar) -> Scalar:
    """Return the same scalar with each summed delta used up: Σ_k δ_kc f(k) is f(c).

    >>> from derive.calculus.index import delta
    >>> contract(total("k", "d", mul(delta("k", "c"), delta("i", "k"))))
    Scalar(kind='delta', args=(), data=('i', 'c'))
    """
    match term.kind:
        case "sum":
            index, dim = term.data
            return _contract_sum(index, dim, contract(term.args[0]))
        case "add":
            return add(*(contract(arg) for arg in term.args))
        case "mul":
            return mul(*(contract(arg) for arg in term.args))
        case "pow":
            return power(contract(term.args[0]), term.data)
        case "fn":
            return function(term.data, *(contract(arg) for arg in term.args))
    return term


def _contract_sum(index: Index, dim: Dim, body: Scalar) -> Scalar:
    if index not in free_indices(body):
        return mul(size(dim), body)
    if body.kind == "add" and _has_delta(body, index):
        return add(*(_contract_sum(index, dim, arg) for arg in body.args))
    factors = body.args if body.kind == "mul" else (body,)
    for position, factor in enumerate(factors):
        rest = (*factors[:position], *factors[position + 1 :])
        if factor.kind == "delta" and index in factor.data:
            other = factor.data[0] if factor.data[1] == index else factor.data[1]
            return contract(rename(mul(*rest), {index: other}))
        if factor.kind == "add" and _has_delta(factor, index):
            spread = (mul(*factors[:position], t, *factors[position + 1 :]) for t in factor.args)
            return add(*(_contract_sum(index, dim, contract(t)) for t in spread))
        if factor.kind == "sum" and _has_delta(factor, index):
            # Σ_i Σ_k with a delta inside: exchange the sums, so that the delta meets its index
            (inner, inner_dim), inner_body = factor.data, factor.args[0]
            swapped = _contract_sum(index, dim, contract(mul(*rest, inner_body)))
            return contract(total(inner, inner_dim, swapped))
    outside = [f for f in factors if f.kind in ("num", "size") or _is_size_power(f)]
    inside = [f for f in factors if f not in outside]
    return mul(*outside, total(index, dim, mul(*inside)))


def _is_size_power(term: Scalar) -> bool:
    return term.kind == "pow" and term.args[0].kind == "size"


def _has_delta(term: Scalar, index: Index) -> bool:
    if term.kind == "delta":
        return index in term.data
    return any(_has_delta(arg, index) for arg in term.args)
