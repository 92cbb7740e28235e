"""Any history of an archive, indexed at any time in between: the index is the one that is made of all at once."""

import tempfile
from pathlib import Path

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st
from support.archive_builder import SOFTWARE, URL, answer, payload, writer

from archive.index import build as index
from archive.store.layout import Layout
from archive.store.writer import ArchiveWriter

RECORD = st.tuples(st.integers(0, 5), st.sampled_from(["2020", "2021-01-01", "2021-01-02"]), st.booleans())
STEP = st.one_of(
    st.lists(RECORD, min_size=1, max_size=4),
    st.sampled_from(["index", "index", "commit", "close", "census", "another run", "absent"]),
)


class History:
    """An archive that things happen to; a run is begun when something is harvested, and ended by `close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: ArchiveWriter | None = None
        self.mode = "full"

    def take(self, step: object) -> None:
        if step == "index":
            index.index(self.folder)
        elif step == "close" or step == "another run":
            self.end()
        elif step == "census":
            self.end()
            self.mode = "census"
        elif step == "commit" and self.made is not None:
            self.made.commit()
        elif step == "absent":
            self.put([("oai:x:0", None, "absent", None)], ())
        elif isinstance(step, list):
            for number, stamp, deleted in step:
                name = f"oai:x:{number}"
                bare = self.mode == "census"
                held = () if bare else payload([name], datestamp=stamp, deleted=deleted)
                self.put([(name, stamp, "deleted" if deleted else "read", None)], held)

    def put(self, outcomes: list[tuple[str, str | None, str, str | None]], held: tuple[tuple[bytes, int], ...]) -> None:
        if self.made is None:
            self.made = writer(self.folder)
            self.made.begin("oaipmh", self.mode, {"url": URL, "mode": self.mode}, SOFTWARE)
        channel = self.made.ledger.channel("oaipmh:oai_dc", "oai_dc", None)
        names = [name for name, *_ in outcomes]
        self.made.put(answer(channel, None, names, outcomes=outcomes, payload=held, bare=self.mode == "census"))

    def end(self) -> None:
        if self.made is not None:
            self.made.finish("complete")
            self.made.close()
        self.made, self.mode = None, "full"


@settings(max_examples=10)
@given(st.lists(STEP, max_size=10))
def test_an_index_that_is_renewed_is_the_index_made_at_once(steps: list[object]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "archive"
        writer(folder).close()
        history = History(folder)
        try:
            for step in ["index", *steps]:
                history.take(step)
            history.end()
            report = index.index(folder)
            assert index.check_index(folder) == []
            assert index.index(folder).read == 0
            with duckdb.connect(Layout(folder).index, read_only=True) as db:
                assert db.execute("SELECT count(*) FROM versions").fetchall() == [(report.versions,)]
                latest = db.execute("SELECT count(*) FROM records GROUP BY identifier, format").fetchall()
                assert all(row == (1,) for row in latest)
        finally:
            if history.made is not None:
                history.made.close()
