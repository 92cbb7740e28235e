"""NAME=VALUE as options give it: arguments of a spider, settings of Scrapy."""

from harvester.errors import UsageError


def pairs(words: tuple[str, ...]) -> dict[str, str]:
    """Values by name, the last one where a name is given twice. Raises UsageError for a word of another form."""
    values = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"{word!r} is not of the form name=value")
        values[name] = value
    return values
