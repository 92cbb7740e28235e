"""What each run of an archive took, as its ledger says."""

from pathlib import Path

from support import archive_builder

from archive.store.accounting import read_work


def test_no_archive_has_done_no_work(tmp_path: Path):
    assert read_work(tmp_path / "nothing") == []


def test_each_run_has_its_own_requests_records_and_bytes(tmp_path: Path):
    writer = archive_builder.writer(tmp_path / "a")
    writer.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = writer.ledger.channel(*archive_builder.CHANNEL)
    writer.put(archive_builder.answer(channel, None, ["a", "b", "c"], attempts=4))
    writer.commit()
    writer.finish("complete")
    writer.begin("oaipmh", "incremental", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    writer.put(archive_builder.answer(channel, None, ["d"]))
    # a line that names ids and asked for nothing is no request
    writer.put(
        archive_builder.answer(channel, None, [], http_status=None, outcomes=[("e", None, "open", None)], payload=())
    )
    writer.commit()
    writer.finish("findings")
    writer.close()
    first, second = read_work(tmp_path / "a")
    assert (first.mode, first.state, first.requests, first.records) == ("full", "complete", 4, 3)
    assert (second.mode, second.state, second.requests, second.records) == ("incremental", "findings", 1, 1)
    assert first.content_bytes > second.content_bytes > 0
    assert first.arguments == {"url": archive_builder.URL}
    assert first.seconds == 0
