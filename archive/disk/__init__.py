"""Durable writes, digests and work on several cores.

Every file of the project gets its final name here, by a rename after its content is synced. The crash points that tests
kill a process at are named in `durable`.
"""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "BLOCK_BYTES",
    "WORK",
    "AppendFile",
    "Checked",
    "Digests",
    "Hashed",
    "ToHash",
    "close_to_others",
    "digests_of",
    "durable",
    "hash_all",
    "hash_file",
    "is_sha256",
    "read_lines",
    "rename",
    "seal",
    "sha256_of",
    "spread",
    "staged",
    "sync_folder",
    "translated",
    "write_new",
]

if TYPE_CHECKING:
    from archive.disk import durable
    from archive.disk.checkpoints import Checked, read_lines, seal
    from archive.disk.digests import (
        BLOCK_BYTES,
        Digests,
        Hashed,
        ToHash,
        digests_of,
        hash_all,
        hash_file,
        is_sha256,
        sha256_of,
    )
    from archive.disk.durable import (
        WORK,
        AppendFile,
        close_to_others,
        rename,
        staged,
        sync_folder,
        translated,
        write_new,
    )
    from archive.disk.parallel import spread
else:
    __getattr__ = lazy.exports(__name__)
