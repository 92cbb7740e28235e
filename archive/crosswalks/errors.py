"""What a crosswalk says when it cannot read an element of its own kind."""


class ConversionError(ValueError):
    """The element is not what its name promises; the message says what is wrong with it."""
