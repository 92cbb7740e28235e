"""NAME=VALUE as options give it: arguments of a spider, settings of Scrapy."""

from harvester.errors import UsageError


def pairs(words: tuple[str, ...]) -> dict[str, str]:
    """Values by name. Raises UsageError for a word of another form, and for a name that is given two values."""
    values: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"{word!r} is not of the form name=value")
        if values.setdefault(name, value) != value:
            raise UsageError(f"{name} is given twice, as {values[name]!r} and as {value!r}; only one can count")
    return values
