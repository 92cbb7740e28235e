"""Sources: read from TOML, checked, and never with a password in them."""

from pathlib import Path

import pytest

from harvester.errors import UsageError
from harvester.sources import Source


def source(url: str = "https://x.example/oai", **more: object) -> Source:
    return Source.model_validate({"url": url, **more})


def written(folder: Path, text: str | bytes) -> str:
    path = folder / "x.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_source_is_read_from_its_file(tmp_path: Path):
    text = (
        'name = "X"\nurl = "https://x.example/oai"\nhosts = ["y.example"]\ndelay_seconds = 1.5\noverlap_seconds = 0\n'
    )
    found = Source.of(written(tmp_path, text), None)
    assert (found.name, found.hosts, found.delay_seconds, found.overlap_seconds) == ("X", ("y.example",), 1.5, 0)
    assert (found.prefixes, found.sets, found.windows, found.slices) == (("oai_dc",), (), 1, "auto")


def test_a_fragment_is_no_part_of_a_url_and_a_query_is():
    assert source("https://x.example/oai?a=1#top").url == "https://x.example/oai?a=1"


def test_the_hosts_of_a_source_are_its_own_and_those_it_names():
    assert source("https://X.example:8080/oai", hosts=["Y.example"]).allowed_hosts == {"x.example:8080", "y.example"}


@pytest.mark.parametrize(
    ("url", "here"),
    [("http://127.0.0.1:8000/", True), ("http://127.1.2.3/", True), ("http://localhost/oai", True),
     ("http://[::1]:80/", True),
     ("https://x.example/", False), ("http://128.0.0.1/", False), ("http://localhost.example/", False),
     ("http://127.example.org/", False)],
)  # fmt: skip
def test_a_source_on_this_machine_is_known_as_one(url: str, here: bool):
    assert source(url).loopback == here


def test_a_password_in_a_url_is_refused_and_not_repeated():
    for url in ("https://user:geheim@x.example/", "https://geheim@x.example/"):
        with pytest.raises(UsageError, match="environment") as caught:
            Source.of(None, url)
        assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "word"),
    [("url = 5", "url"), ('ulr = "https://x.example"', "say what"), ('url = "https://x.example"\nulr = 1', "ulr"),
     ('url = "https://x.example"\nwindows = 0', "windows"), ('url = "https://x.example"\nwindows = 65', "windows"),
     ('url = "https://x.example"\ndelay_seconds = -1', "delay_seconds"),
     ('url = "https://x.example"\nslices = "week"', "slices"),
     ("url = ", "TOML"), (b"\xff\xfe", "TOML")],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str | bytes, word: str):
    with pytest.raises(UsageError, match=word):
        Source.of(written(tmp_path, text), None)


def test_a_source_that_is_not_there_or_is_no_file_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match="no source nowhere"):
        Source.of("nowhere", None)
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(UsageError, match="folder"):
        Source.of(str(tmp_path / "folder.toml"), None)
    with pytest.raises(UsageError):
        Source.of(None, None)


def test_every_source_that_comes_with_the_project_can_be_read():
    for path in sorted((Path(__file__).parents[2] / "harvester" / "sources").glob("*.toml")):
        assert Source.of(path.stem, None).url
