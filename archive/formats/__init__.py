"""Text formats: canonical JSON (RFC 8785), JSON text sequences (RFC 7464), delimited text; quantities for people."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "LF",
    "RS",
    "Number",
    "canonical",
    "delimiter_of",
    "encode_as_sent",
    "iter_lines",
    "iter_rows",
    "jsonseq",
    "open_text",
    "plain_name",
    "printable",
    "read_table",
    "reread",
    "size_text",
]

if TYPE_CHECKING:
    from archive.formats import canonical, jsonseq
    from archive.formats.canonical import Number, encode_as_sent, reread
    from archive.formats.delimited import delimiter_of, iter_lines, iter_rows, open_text, plain_name, read_table
    from archive.formats.jsonseq import LF, RS
    from archive.formats.printable import printable
    from archive.formats.quantities import size_text
else:
    __getattr__ = lazy.exports(__name__)
