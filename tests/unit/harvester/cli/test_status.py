"""`harvester status`: what the provider states stands beside what was counted."""

from dataclasses import replace
from pathlib import Path

import pytest
from support import archive_builder

from archive.audits.result import Total
from archive.report.standing import read_standing
from harvester.cli import status


def test_a_stated_total_stands_beside_the_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    made = archive_builder.writer(tmp_path)
    made.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    made.finish("complete")
    made.close()
    totals = (Total(name="completeListSize, oaipmh:oai_dc", stated=1240, counted=1238),)
    standing = replace(read_standing(tmp_path), totals=totals)
    status._show(standing, None)
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("completeListSize"))
    assert row.split()[-3:] == ["1,240", "1,238", "NO"]
    assert status._standing_as_json(standing)["totals"] == [
        {"name": "completeListSize, oaipmh:oai_dc", "stated": 1240, "counted": 1238, "agrees": False},
    ]
