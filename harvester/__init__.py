"""What we know of sources, protocols and the run."""

__version__ = "1.0.0"
