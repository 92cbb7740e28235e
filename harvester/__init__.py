"""What we know of sources, protocols and the run."""

__version__ = "0.1.0"
