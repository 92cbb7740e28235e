"""An archive as a release would be made of it now, to be compared with one: its root and its index, and no parts."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archive.releases.comparing import Side
from archive.releases.dumps import FRAME_BYTES, Options, Progress, assemble_archive, read_stated
from archive.releases.entries import ENVELOPE
from archive.releases.release import INDEX, Content, Making, Selection
from archive.staging import WORK

# what is packed is thrown away: as fast as can be
_LEVEL = 1


@contextmanager
def digested(archive: Path, like: Content | None, progress: Progress | None = None) -> Iterator[Side]:
    """The side that an archive is, with the form and the selection of the release that it is compared with.

    What is needed meanwhile is in a folder inside the archive, which has the room for it. Raises as `write_release`.
    """
    form, selection = (like.making.form, like.selection) if like is not None else (ENVELOPE, Selection())
    options = Options(
        Making(form, "jsonseq", "zstd", _LEVEL, FRAME_BYTES, 0, 0), selection, archive.name, "", "", {}, {}
    )
    folder = Path(tempfile.mkdtemp(prefix=".audit-", dir=archive))
    try:
        (folder / WORK).mkdir()
        stated = read_stated(archive, folder / WORK, options)
        content = assemble_archive(stated.plan, folder, options, progress, watch=lambda entries: entries)
        yield Side(archive, stated.manifest(options, content), folder / INDEX)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
