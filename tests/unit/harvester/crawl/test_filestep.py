"""`files=` beside the words of a spider: two steps, and where they stand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import archive_builder

from harvester.crawl.arguments.base import parse_arguments
from harvester.crawl.filestep import run_steps, split
from harvester.errors import UsageError

WORDS = {"url": archive_builder.URL, "prefix": "oai_dc", "archive": "a", "hosts": "x.example", "files": "size<5kB"}


def test_the_words_of_two_steps_are_told_apart():
    records, files = split("oaipmh", WORDS)
    assert records == {name: value for name, value in WORDS.items() if name != "files"}
    assert files == {"archive": "a", "hosts": "x.example", "files": "size<5kB"}
    assert split("oaipmh", records) == (records, None)
    assert split("files", WORDS) == (WORDS, None)


def test_the_exporter_keeps_the_files_of_its_dump():
    only = {"archive": "a", "files": "records-json.tar.gz"}
    assert split("exporter", only) == (only, None)
    both = {"archive": "a", "files": "records-json.tar.gz,true"}
    assert split("exporter", both) == (only, {"archive": "a", "files": "true"})
    assert split("exporter", {"archive": "a", "files": "true"})[0] == {"archive": "a"}


@pytest.mark.parametrize("more", [{"files": "nonsense"}, {"mode": "census"}])
def test_words_that_make_no_sense_are_said_before_anything_is_asked(more: dict[str, str]):
    with pytest.raises(UsageError):
        split("oaipmh", {**WORDS, **more})


class Steps:
    """Two steps that leave a run each in the ledger of an archive, as spiders do."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.took = folder, list[str]()
        self.words, self.files = split("oaipmh", {**WORDS, "archive": str(folder)})
        self.arguments = parse_arguments(self.words)
        self.ends = {"oaipmh": "complete", "files": "complete"}

    def _run(self, spider: str, identity: dict[str, Any]) -> int:
        self.took.append(spider)
        writer = archive_builder.writer(self.folder)
        writer.begin(spider, "full", identity, archive_builder.SOFTWARE)
        channel = writer.ledger.channel(*archive_builder.CHANNEL)
        writer.open_windows([archive_builder.NewWindow(channel, "ListRecords", None, None)])
        writer.finish(self.ends[spider])
        writer.close()
        return {"complete": 0, "findings": 1, "unfinished": 3}[self.ends[spider]]

    def __call__(self) -> int:
        assert self.files is not None
        identity = {"files": "size<5000", "hosts": "x.example", "sample": None}
        return run_steps(
            "oaipmh",
            self.arguments,
            self.files,
            lambda: self._run("oaipmh", self.arguments.identity),
            lambda: self._run("files", identity),
        )


def test_the_records_come_first_and_then_their_files(tmp_path: Path):
    steps = Steps(tmp_path / "a")
    assert steps() == 0
    assert steps.took == ["oaipmh", "files"]
    assert steps() == 0
    assert steps.took == ["oaipmh", "files", "oaipmh", "files"]


def test_the_same_words_go_on_with_the_step_that_is_not_done(tmp_path: Path):
    steps = Steps(tmp_path / "a")
    steps.ends = {"oaipmh": "unfinished", "files": "unfinished"}
    assert (steps(), steps.took) == (3, ["oaipmh"])
    steps.ends["oaipmh"] = "findings"
    assert (steps(), steps.took[1:]) == (3, ["oaipmh", "files"])
    steps.ends["files"] = "complete"
    assert (steps(), steps.took[3:]) == (1, ["files"])


def test_a_usage_error_ends_both(tmp_path: Path):
    steps = Steps(tmp_path / "a")
    assert steps.files is not None
    arguments = replace(steps.arguments, mode="incremental")
    took: list[str] = []
    assert run_steps("oaipmh", arguments, steps.files, lambda: 2, lambda: took.append("files") or 0) == 2
    assert not took
