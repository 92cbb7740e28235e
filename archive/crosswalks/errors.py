"""Error of a crosswalk that cannot read an element of its own format."""


class ConversionError(ValueError):
    """The element is not what its name promises; the message says what is wrong with it."""
