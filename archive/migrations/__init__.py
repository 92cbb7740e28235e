"""Migrations audited: a source against a target, under a rule."""
