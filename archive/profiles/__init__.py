"""Profiles: what fields records have, and how that drifts."""
