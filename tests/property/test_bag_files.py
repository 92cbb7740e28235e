"""Whatever a file is called and bag-info says: our reader, which shares no code, makes of it what was meant."""

import io
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from archive.bags import tagfiles
from archive.bags.codes import BagFindings
from archive.bags.files import read_path

part = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="/\x00"), min_size=1, max_size=20).filter(
    lambda text: text not in (".", "..") and "\\" not in text
)
paths = st.lists(part, min_size=1, max_size=4).map(lambda parts: "data/" + "/".join(parts))
words = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1, max_size=100)
labels = st.from_regex(r"[A-Za-z][A-Za-z-]{0,30}[A-Za-z]", fullmatch=True)


def lines(text: str, findings: BagFindings) -> list[tuple[int, str]]:
    return list(tagfiles.iter_lines(io.BytesIO(text.encode()), "x", tagfiles.Declaration(), findings))


@given(st.lists(paths, unique=True, max_size=10))
def test_manifests_are_read_as_they_were_meant(named: list[str]):
    findings = BagFindings()
    text = tagfiles.manifest((f"{number:064x}", path) for number, path in enumerate(named))
    found = list(tagfiles.parse_manifest(iter(lines(text, findings)), "x", 64, findings))
    listed = [read_path(line.path, percent=True) for line in found]
    assert [path.name for path in listed if path is not None] == named
    assert [int(line.checksum, 16) for line in found] == list(range(len(named)))
    assert findings.kept == []


@given(st.lists(st.tuples(paths, st.integers(0, 1 << 60)), max_size=5))
def test_fetch_txt_is_read_as_it_was_meant(named: list[tuple[str, int]]):
    findings = BagFindings()
    text = "".join(tagfiles.fetch_line("https://example.org/a/", path, size) for path, size in named)
    found = list(tagfiles.parse_fetch(iter(lines(text, findings)), "x", findings))
    listed = [read_path(line.path, percent=True) for line in found]
    assert [(path.name, line.length) for path, line in zip(listed, found, strict=True) if path is not None] == named
    assert findings.kept == []


@given(st.lists(st.tuples(labels, st.lists(words, min_size=1, max_size=30).map(" ".join)), max_size=5))
def test_bag_info_is_read_as_it_was_meant(named: list[tuple[str, str]]):
    findings = BagFindings()
    text = tagfiles.bag_info(named)
    found = tagfiles.parse_info(iter(lines(text, findings)), "x", tagfiles.Declaration(), findings)
    assert [(element.label, element.value) for element in found] == named
    assert findings.kept == []
    for line in text.splitlines():
        assert len(line) <= tagfiles.TAG_LINE_MOST or " " not in line.split(": ", 1)[-1].strip()


@given(paths)
def test_a_path_is_encoded_only_where_it_must_be(path: str):
    encoded = tagfiles.encoded_path(path)
    assert not set(encoded) & set("\r\n")
    assert encoded.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%") == path
    assert unicodedata.normalize("NFC", encoded) == tagfiles.encoded_path(unicodedata.normalize("NFC", path))
