"""The files of the records: each content once, checked, and accounted for."""
