"""The account of what was asked: each id in one end state, and sums that agree."""
