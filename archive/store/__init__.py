"""The archive folder: shards of records, the ledger that accounts for them, and the writer that keeps both in step.

The ledger (SQLite) is the only state a harvest resumes from. Records go into shards (zstd frames of JSON text
sequences) before the ledger mentions them: a crash may cost a page that is requested twice, never a page that is
believed and missing.
"""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "BASE64",
    "CONTENT_MOST",
    "DIGEST_FRAME_BYTES",
    "FORMAT",
    "FORMAT_VERSION",
    "FRAME_BYTES",
    "IDS",
    "INDEX_VERSION",
    "MAGIC",
    "MOVED_TO",
    "NOT_MODIFIED",
    "REST",
    "SHARD_NAME",
    "SPILL_BYTES",
    "STATES",
    "WHOLE_MOST",
    "Account",
    "Anew",
    "Answer",
    "ArchiveWriter",
    "Broken",
    "ChannelLoss",
    "Copy",
    "Difference",
    "Entry",
    "Files",
    "FolderFiles",
    "Frame",
    "FrameEntry",
    "FramesToSpill",
    "Kept",
    "LatestRecords",
    "Layout",
    "Ledger",
    "Looks",
    "Lookup",
    "LookupWriter",
    "NewFrame",
    "NewWindow",
    "NotJson",
    "Off",
    "Outcome",
    "ParsedJson",
    "Part",
    "Place",
    "Record",
    "RefusedBody",
    "Run",
    "RunWork",
    "Seal",
    "ShardCheck",
    "ShardToCheck",
    "ShardToRead",
    "ShardWriter",
    "Spill",
    "SplitList",
    "UnsizedList",
    "WindowCount",
    "WindowRow",
    "WriteLock",
    "balances",
    "check_alone",
    "check_current",
    "check_digest",
    "check_lookup",
    "check_names",
    "check_refused",
    "check_shard",
    "checksum",
    "compared",
    "content_of",
    "contradictions",
    "decode",
    "distinct_in_run",
    "encode_end",
    "envelope",
    "first_tag",
    "frames",
    "frames_to_spill",
    "has_record",
    "has_table",
    "ids",
    "in_bulk",
    "is_file_name",
    "is_held",
    "kept_in",
    "known_before",
    "left_over",
    "listed_in_run",
    "look_at_shard",
    "lost_ids",
    "matched",
    "members_counted",
    "moment",
    "newest",
    "newest_dump",
    "newest_of",
    "only_one",
    "open_lookup",
    "parse_description",
    "parse_json",
    "parse_xml",
    "parsed_original",
    "read_account",
    "read_accounts",
    "read_copies",
    "read_description",
    "read_looks",
    "read_loss",
    "read_off",
    "read_only",
    "read_piece",
    "read_stamp",
    "read_work",
    "refuse_links",
    "replace",
    "salvage",
    "sealed_otherwise",
    "seektable",
    "shard_file",
    "shards",
    "snapshot",
    "spilled",
    "splits",
    "stamp_digest",
    "stated_rights",
    "unsized_lists",
    "windows_in_run",
    "write_description",
    "write_digest",
]

if TYPE_CHECKING:
    from archive.store import contradictions, envelope, frames, ids, seektable, shards, splits
    from archive.store.accounting import (
        STATES,
        Account,
        Off,
        RunWork,
        balances,
        read_account,
        read_accounts,
        read_off,
        read_work,
    )
    from archive.store.check import ShardCheck, ShardToCheck, check_alone, check_shard, look_at_shard, sealed_otherwise
    from archive.store.envelope import (
        BASE64,
        NotJson,
        ParsedJson,
        Record,
        decode,
        first_tag,
        parse_json,
        parse_xml,
        parsed_original,
    )
    from archive.store.fingerprint import INDEX_VERSION, check_current, read_stamp, stamp_digest
    from archive.store.frames import CONTENT_MOST, MAGIC, Broken, checksum
    from archive.store.ids import (
        IDS,
        MOVED_TO,
        REST,
        distinct_in_run,
        is_held,
        listed_in_run,
        members_counted,
        newest_dump,
        windows_in_run,
    )
    from archive.store.layout import (
        FORMAT,
        FORMAT_VERSION,
        Layout,
        WriteLock,
        only_one,
        parse_description,
        read_description,
        refuse_links,
        write_description,
    )
    from archive.store.ledger import NOT_MODIFIED, Ledger, NewWindow, Outcome, Run, WindowCount, WindowRow, has_record
    from archive.store.lookup_file import Lookup, LookupWriter, Place, check_lookup
    from archive.store.losses import ChannelLoss, in_bulk, known_before, lost_ids, read_loss
    from archive.store.pairing import Difference, Kept, LatestRecords, Part, compared, kept_in, matched
    from archive.store.pieces import WHOLE_MOST, Files, FolderFiles, is_file_name, open_lookup, read_piece
    from archive.store.quarantine import RefusedBody, check_refused
    from archive.store.rewrite import SHARD_NAME, Anew, NewFrame, left_over, replace, shard_file
    from archive.store.rights import stated_rights
    from archive.store.schema import check_names, has_table
    from archive.store.seektable import DIGEST_FRAME_BYTES, Entry
    from archive.store.shard_salvage import salvage
    from archive.store.shards import FRAME_BYTES, Frame, FrameEntry, Seal, ShardWriter, encode_end
    from archive.store.snapshots import check_digest, read_only, snapshot, write_digest
    from archive.store.spill import SPILL_BYTES, FramesToSpill, ShardToRead, Spill, frames_to_spill, spilled
    from archive.store.splits import SplitList, UnsizedList, unsized_lists
    from archive.store.versions import Copy, Looks, content_of, moment, newest, newest_of, read_copies, read_looks
    from archive.store.writer import Answer, ArchiveWriter
else:
    __getattr__ = lazy.exports(__name__)
