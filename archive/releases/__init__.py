"""Releases and deltas: built, documented, verified, compared and applied.

A release is a folder that others use without this software; its root is a Merkle tree (RFC 6962) over its entries.
"""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "BARE",
    "DEAD",
    "ENVELOPE",
    "FRAME_BYTES",
    "INDEX",
    "LEVELS",
    "LOOKUP",
    "MANIFEST",
    "MIGRATOR",
    "Comparison",
    "Content",
    "Contents",
    "IndexRow",
    "Making",
    "Manifest",
    "ManifestComparison",
    "Options",
    "Selection",
    "Side",
    "Stretch",
    "Unpacker",
    "apply_delta",
    "check_index",
    "check_part",
    "check_release",
    "compare",
    "decode_frame",
    "digested",
    "is_release",
    "iter_entries",
    "iter_index",
    "iter_texts",
    "make_plan",
    "open_contents",
    "parse_manifest",
    "read_manifest",
    "read_texts",
    "write_delta",
    "write_release",
]

if TYPE_CHECKING:
    from archive.releases import compare
    from archive.releases.build import FRAME_BYTES, Options, write_release
    from archive.releases.codecs import LEVELS, Unpacker
    from archive.releases.compare import Comparison, ManifestComparison, Side, Stretch, digested
    from archive.releases.contents import Contents, check_index, open_contents
    from archive.releases.delta import apply_delta, write_delta
    from archive.releases.entries import BARE, ENVELOPE, MIGRATOR
    from archive.releases.manifest import (
        DEAD,
        INDEX,
        LOOKUP,
        MANIFEST,
        Content,
        IndexRow,
        Making,
        Manifest,
        Selection,
        is_release,
        parse_manifest,
        read_manifest,
    )
    from archive.releases.parts import decode_frame, iter_texts, read_texts
    from archive.releases.sorting import iter_entries, make_plan
    from archive.releases.verify import check_part, check_release
    from archive.releases.verify_index import iter_index
else:
    __getattr__ = lazy.exports(__name__)
