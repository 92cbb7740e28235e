"""The latest version of each live record of an archive, one after the other, whatever their number."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from archive import envelope, shards
from archive.envelope import Record
from archive.folder import Layout
from archive.generations import shard_file
from archive.indexes.index import open_index
from archive.questions import question


def iter_live(folder: Path) -> Iterator[Record]:
    """Records in the order of the shards, by the index; their numbers have all their digits.

    Raises StaleIndex without a current index; Damaged.
    """
    layout = Layout(folder)
    with closing(open_index(folder)) as index:
        places = index.execute(question("live_places"))
        while rows := places.fetchmany(1000):
            for name, state, frame, offset, length, positions in rows:
                path = shard_file(layout, name, sealed=state == "sealed")
                texts = shards.read_frame_at(path, frame, offset, length).texts()
                yield from (envelope.decode_as_sent(texts[position]) for position in sorted(positions))
