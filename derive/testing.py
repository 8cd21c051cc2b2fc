"""For tests: a backward pass that somebody wrote by hand, held against the proved gradients."""

from derive.bridges.backward import assert_backward as assert_backward

__all__ = ["assert_backward"]
