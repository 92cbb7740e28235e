"""One id: its record, and its whole story."""
