"""Releases and deltas: made, described, checked, compared and applied."""
