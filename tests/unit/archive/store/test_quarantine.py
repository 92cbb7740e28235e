"""Refused bodies are kept byte for byte, and a change of one is found."""

from pathlib import Path

import orjson
import pytest

from archive.errors import Damaged
from archive.store.quarantine import RefusedBody, check_refused, write_refused

REFUSED = RefusedBody(
    "https://x.example/oai?verb=ListRecords",
    500,
    (("Content-Type", "text/xml"), ("X", "1"), ("X", "2")),
    b"<OAI-PMH>\xff\x00",
    "2026-03-04T05:06:07Z",
    "not well-formed",
)


def test_a_body_is_kept_as_it_came_with_what_came_with_it(tmp_path: Path):
    kept = write_refused(tmp_path / "quarantine", 7, REFUSED)
    assert (kept.name, kept.size_bytes) == ("000007", len(REFUSED.body))
    assert (tmp_path / "quarantine" / "000007.body").read_bytes() == REFUSED.body
    described = orjson.loads((tmp_path / "quarantine" / "000007.json").read_bytes())
    assert described["headers"] == [["Content-Type", "text/xml"], ["X", "1"], ["X", "2"]]
    assert (described["url"], described["http_status"], described["bytes"]) == (REFUSED.url, 500, len(REFUSED.body))
    check_refused(tmp_path / "quarantine", kept.name, kept.sha256)


def test_a_number_that_is_used_again_is_written_over(tmp_path: Path):
    write_refused(tmp_path, 1, REFUSED)
    kept = write_refused(tmp_path, 1, RefusedBody("u", None, (), b"", "t", "no answer"))
    assert (tmp_path / "000001.body").read_bytes() == b""
    check_refused(tmp_path, "000001", kept.sha256)


@pytest.mark.parametrize("ending", ["body", "json"])
def test_every_change_of_either_file_is_found_and_names_it(tmp_path: Path, ending: str):
    kept = write_refused(tmp_path, 1, REFUSED)
    path = tmp_path / f"000001.{ending}"
    body = path.read_bytes()
    for place in range(len(body)):
        path.write_bytes(body[:place] + bytes([body[place] ^ 4]) + body[place + 1 :])
        with pytest.raises(Damaged, match=path.name):
            check_refused(tmp_path, kept.name, kept.sha256)
    path.unlink()
    with pytest.raises(Damaged, match=f"{path.name} is missing"):
        check_refused(tmp_path, kept.name, kept.sha256)
