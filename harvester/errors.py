"""What can go wrong between us, the provider and the operator.

HarvestError
├── UsageError          the operator asked for something that cannot be (exit 2)
├── DecodersBroken      the processes that decode pages cannot start here (exit 3)
├── WireError           no usable answer came
│   ├── MalformedPage   an answer that is not one whole OAI-PMH response
│   │   └── NamelessRecords  a whole response with records that have no identifier
│   └── Unreachable     no answer after all tries
├── ProviderError       the provider answered with an OAI-PMH <error>
└── Unreadable          a file, or the rest of it, from which no record can be had (exit 1, where it is one of many)
"""


class HarvestError(Exception):
    """Base class: `str(error)` says what was found, where, and what to do."""


class UsageError(HarvestError):
    """The operator asked for something that cannot be."""


class DecodersBroken(HarvestError):
    """The processes that decode pages cannot start; no page could be read."""


class WireError(HarvestError):
    """No usable answer came."""


class MalformedPage(WireError):
    """The body is not one whole OAI-PMH response; its bytes go to quarantine."""


class NamelessRecords(MalformedPage):
    """Records without an identifier; other questions for the same records may name them."""


class Unreachable(WireError):
    """No answer after all tries."""


class ProviderError(HarvestError):
    """An OAI-PMH <error>: `code` as in section 3.6 of the protocol, or whatever the provider wrote there."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type["ProviderError"], tuple[str, str]]:
        """Errors cross the border of the decoding processes: made again from what they were made of."""
        return type(self), (self.code, self.message)


class Unreadable(HarvestError):
    """A file, or the rest of it, from which no record can be had."""
