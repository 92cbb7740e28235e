"""Archives: whatever the order of windows, pages and commits, the same records are held and the sums agree."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support import archive_builder

# windows, each with pages, each with identifiers; the same one may stand in several
WINDOWS = st.lists(
    st.lists(st.lists(st.sampled_from([f"oai:x:{n}" for n in range(12)]), max_size=4), max_size=3),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25)
@given(WINDOWS, st.data())
def test_any_order_of_windows_pages_and_commits_gives_the_same_archive(
    windows: list[list[list[str]]], data: st.DataObject
):
    truth = {identifier for pages in windows for page in pages for identifier in page}
    order = data.draw(st.permutations([(number, page) for number, pages in enumerate(windows) for page in pages]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "archive"
        writer, channel, rows = archive_builder.begun(
            folder, len(windows), shard_bytes=data.draw(st.sampled_from([300, 1 << 20]))
        )
        for number, page in order:
            writer.put(archive_builder.answer(channel, rows[number].window, page))
            if data.draw(st.booleans()):
                writer.commit()
        for row, pages in zip(rows, windows, strict=True):
            count = writer.count_window(row.window, 1)
            listed = [identifier for page in pages for identifier in page]
            assert (count.listed, count.distinct) == (len(listed), len(set(listed)))
        writer.finish("complete")
        writer.close()
        archive_builder.check(folder)
        held = archive_builder.stored(folder)
        assert {record.identifier for _, _, record in held} == truth
        assert len(held) == sum(len(page) for pages in windows for page in pages)
