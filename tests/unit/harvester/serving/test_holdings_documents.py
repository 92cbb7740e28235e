"""Records that were sent as whole XML documents, in any encoding: served inside another document they are elements."""

from pathlib import Path

import pytest
from lxml import etree
from support import archive_builder

from archive.formats import jsonseq
from archive.index.build import index
from archive.store import envelope
from harvester.serving.holdings import ArchiveHoldings
from harvester.serving.provider import Selection

BODY = (
    '<?xml version="1.0" encoding="{}"?>\n<!-- é --><record xmlns="http://www.loc.gov/MARC21/slim">'
    "<leader>é</leader></record>\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "utf-16", "windows-1252"])
@pytest.mark.parametrize("known", [True, False])
def test_a_document_is_an_element_when_it_is_listed(tmp_path: Path, encoding: str, known: bool):
    body = BODY.format(encoding).encode(encoding)
    text = envelope.encode_bytes(
        "1",
        "2020-01-01T00:00:00Z",
        False,
        (),
        "marcxml",
        "application/marcxml+xml",
        "u",
        "2026-03-04T05:06:07Z",
        body,
        encoding if known else "no-such",
        None,
    )
    writer, channel, _ = archive_builder.begun(tmp_path / "a")
    writer.put(
        archive_builder.answer(
            channel,
            None,
            ["1"],
            outcomes=[("1", "2020-01-01T00:00:00Z", "read", None)],
            payload=((jsonseq.encode(text), 1),),
        )
    )
    writer.finish("complete")
    writer.close()
    index(tmp_path / "a")
    holdings = ArchiveHoldings(tmp_path / "a")
    (item,) = holdings.page(Selection("marcxml"), None, 10, bodies=True).items
    formats = holdings.formats()
    holdings.close()
    assert item.metadata is not None
    listed = etree.fromstring(f"<metadata>{item.metadata}</metadata>")
    assert listed.findtext(".//{http://www.loc.gov/MARC21/slim}leader") == "é"
    assert [found.prefix for found in formats or ()] == ["marcxml"]
