"""Audits: what a target names against what an archive lists; samples, estimates, sketches."""
