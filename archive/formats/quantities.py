"""Quantities as text for people, in decimal units (1 kB is 1000 bytes)."""

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def size_text(size_bytes: float) -> str:
    """Format a number of bytes: `999 bytes`, `2.1 GB`, `120 MB`."""
    size, unit = float(size_bytes), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:,.0f} {_UNITS[unit]}" if unit == 0 or size >= 100 else f"{size:.1f} {_UNITS[unit]}"
