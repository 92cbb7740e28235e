"""What can go wrong on our own disk.

ArchiveError
├── Damaged            bytes on disk are not the bytes we wrote (exit 4)
├── NotAnArchive       the folder holds something else, or nothing (exit 2)
├── OtherArchive       an archive, but of another source or a newer format (exit 2)
├── Busy               another process is writing here (exit 3)
├── DiskFull           no room, or over quota: nothing is lost, free some and run again (exit 3)
├── DiskFailed         the system refused a read or a write for another reason (exit 4)
├── StaleIndex         index.duckdb does not match the shards: make it again (exit 3)
├── NotAtRest          written to, or left open by a process that was killed, and must be neither (exit 3)
├── NotBaggable        what is there cannot be put into a bag, or not under that name (exit 2)
├── CannotDump         what was asked for cannot be made of this archive, or not there (exit 2)
├── BadIdFile          a file of ids that cannot be read as one (exit 2)
├── NoSchemas          nothing is installed or named to validate with (exit 2)
└── BadQuery           the SQL a person gave does not run (exit 2)
"""


class ArchiveError(Exception):
    """Base class: `str(error)` says what was found, where, and what to do."""


class Damaged(ArchiveError):
    """Bytes on disk are not the bytes we wrote."""


class NotAnArchive(ArchiveError):
    """The folder is not an archive."""


class OtherArchive(ArchiveError):
    """An archive of another source, or of a format newer than this software reads."""


class Busy(ArchiveError):
    """Another process holds the archive."""


class DiskFull(ArchiveError):
    """No room on the device, or a quota is used up (ENOSPC, EDQUOT)."""


class DiskFailed(ArchiveError):
    """The system refused a read, a write or a sync (EIO and others)."""


class StaleIndex(ArchiveError):
    """The index does not describe these shards."""


class NotAtRest(ArchiveError):
    """Something changes, or was left open by a process that was killed."""


class NotBaggable(ArchiveError):
    """A bag cannot hold this, or cannot be made there."""


class CannotDump(ArchiveError):
    """No release can be made of what was asked for, or not there; the message says why and what can."""


class BadIdFile(ArchiveError):
    """A file of ids that cannot be read as one: the message names the line."""


class NoSchemas(ArchiveError):
    """Nothing is installed, or named, to validate records with."""


class BadQuery(ArchiveError):
    """The query does not run; the message is DuckDB's."""
