"""Metadata made once more of what was sent, and held against schemas."""
