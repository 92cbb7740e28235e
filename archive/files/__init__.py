"""Files of records: which a record lists, each content stored once by its SHA-256, and an account of all of them."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "DOWNLOADS",
    "STATES",
    "Checksum",
    "FileDigests",
    "FileFault",
    "FileList",
    "FileRow",
    "FileStore",
    "FilesStanding",
    "NotAList",
    "RecordFile",
    "StoredFile",
    "check_files",
    "count_files",
    "file_accounts",
    "files_in",
    "files_of",
    "keep",
    "other_files",
    "parse_checksum",
    "parse_file_list",
    "path_of",
    "rank",
    "read_files",
    "stored_files",
]

if TYPE_CHECKING:
    from archive.files.account import (
        STATES,
        FileFault,
        FilesStanding,
        check_files,
        count_files,
        file_accounts,
        other_files,
        read_files,
    )
    from archive.files.checksums import Checksum, FileDigests, parse_checksum
    from archive.files.lists import FileList, NotAList, RecordFile
    from archive.files.metadata import files_in, files_of, parse_file_list, rank
    from archive.files.store import DOWNLOADS, FileRow, FileStore, StoredFile, keep, path_of, stored_files
else:
    __getattr__ = lazy.exports(__name__)
