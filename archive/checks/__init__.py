"""Everything read back: which check a path needs, at once or rolling over days."""
