"""Messages: what a judge has found, as a key with its facts, and the plain text of it.

What enters are facts, what leaves is a text that remembers them: a document chooses words of its
own by the key. The law: here alone stands what a terminal says of a judgement.
"""

from __future__ import annotations

from typing import Any

#: The words of each message, with places for its facts.
WORDS = {
    # why a claim is refuted or undecided
    "another-shape": "d{name} is {own}, the claim is {other}",
    "another-order": "{why}, whose entries stand in another order",
    "order-of-entries": "{why}: another order of the entries",
    "false-where-equal": "{why}; it fits where {equal}, and is false there",
    "no-point": "the forms agree, but no point was found at which all hypotheses hold and both "
    "sides have a value",
    "forms-differ": "the normal forms differ, and no counterexample was found",
    "too-large": "the normal form is too large",
    "divides-by-zero": "the claim divides by zero",
    "differ-modulo": "both sides are different numbers at random integers modulo {prime}",
    "equal-at": "both sides are equal {sizes}, written out",
    "agree-modulo": "they agree {place}modulo a prime, with a chance of error of at most "
    "{chance:.0e}",
    "agree-to": "they agree to {digits} digits at the points that were tried",
    "stopped": "stopped after {seconds:g} seconds, {stage}",
    "too-deep": "the formulas are nested too deeply for the judges",
    "no-memory": "the judges ran out of memory",
    # where a false claim is true
    "where-assumed": "where {what}",
    "where-one": "where {dim} = 1",
    "where-all-one": "where every dimension is 1",
    "where-equal": "where {equal}",
    # what the author of a false claim may have meant
    "meant": "true is {truth}; yours {slip}",
    "takes-symmetric": "takes {0} to be symmetric",
    # what a claim does wrong
    "is-transpose": "is its transpose",
    "sign": "has the wrong sign",
    "sign-before": "has the wrong sign before {0}",
    "sign-in": "has the wrong sign in {0}",
    "sign-inside": "has the wrong sign inside {0}",
    "sign-and-factor-missing": "has the wrong sign and lacks a factor of {0}",
    "sign-and-factor-extra": "has the wrong sign and a factor of {0} too many",
    "factor-of-missing": "lacks a factor of {0}",
    "factor-of-extra": "has a factor of {0} too many",
    "factor-of-missing-before": "lacks a factor of {0} before {1}",
    "factor-of-extra-before": "has a factor of {0} too many before {1}",
    "factor-missing": "lacks the factor {0}",
    "factor-missing-before": "lacks the factor {0} before {1}",
    "division-missing": "lacks the division by {0}",
    "division-missing-of": "lacks the division of {0} by {1}",
    "division-twice": "divides by {0} once too often",
    "term-missing": "lacks the term {0}",
    "transpose-extra": "has a transpose of {0} too many",
    "transpose-missing": "lacks the transpose of {0}",
    "transpose-elsewhere": "has the transpose on the wrong factor",
    "transposes-elsewhere": "has the transposes on the wrong factors",
    "each-turned": "has each {0} the wrong way round",
    "each-transpose-missing": "lacks each transpose of {0}",
    "transposes-missing": "lacks the transposes of {0} and {1}",
    "transposes-wrong": "has the transposes of {0} and {1} wrong",
    "exchanged": "has {0} and {1} exchanged",
    "order": "has the factors in the wrong order",
    "order-and-transposes": "has the factors in the wrong order and wrong transposes",
    "kronecker-order": "has the factors of the Kronecker product in the wrong order",
    "matrix-product": "has a matrix product for an entrywise one",
    "entrywise": "has an entrywise product for a matrix product",
    "sum-for-mean": "has a sum for a mean",
    "mean-for-sum": "has a mean for a sum",
    "wrong-axis": "sums over the wrong axis",
    "sum-extra": "sums over {0}, which stays as it is",
    "sum-of-all-for-cols": "sums over all entries, not over the columns alone",
    "sum-of-all-for-rows": "sums over all entries, not over the rows alone",
    "sum-missing-cols": "lacks the sum over the columns",
    "sum-missing-rows": "lacks the sum over the rows",
    "sum-missing-all": "lacks the sum over all entries",
    "sum-missing-of-cols": "lacks the sum of {0} over the columns",
    "sum-missing-of-rows": "lacks the sum of {0} over the rows",
    "sum-missing-of-all": "lacks the sum of {0} over all entries",
    "mean-missing-of-cols": "lacks the mean of {0} over the columns",
    "mean-missing-of-rows": "lacks the mean of {0} over the rows",
    "mean-missing-of-all": "lacks the mean of {0} over all entries",
    "mask": "has the comparison the wrong way round",
    "mask-missing": "has {0} for the mask {0} > 0",
    "other-function": "has {0} for {1}",
    "other-dimension": "has {0} for {1}",
    "cases-exchanged": "has the two cases exchanged",
    "power": "has the wrong power of {0}",
    "square-missing": "lacks the square of {0}",
    "root-missing": "lacks the square root of {0}",
    "ones-for-identity": "has ones for the identity matrix",
    "identity-for-ones": "has the identity matrix for ones",
}


class Message(str):
    """A text that knows its key and its facts.

    >>> found = say("where-one", dim="n")
    >>> str(found), found.key, found.facts
    ('where n = 1', 'where-one', {'dim': 'n'})
    """

    key: str
    about: tuple[Any, ...]
    facts: dict[str, Any]

    def __reduce__(self) -> tuple:
        return _again, (self.key, self.about, self.facts)


def say(key: str, *about: Any, **facts: Any) -> Message:
    """Return a message in plain text.

    Raises `KeyError` for a key without words, or a fact that these ask for and that is not given.
    """
    found = Message(WORDS[key].format(*about, **facts))
    found.key, found.about, found.facts = key, about, facts
    return found


def _again(key: str, about: tuple, facts: dict[str, Any]) -> Message:
    return say(key, *about, **facts)
