"""Lists that overlap: each version of a record is stored once in a run, and every outcome counts all the same."""

import subprocess
from collections import Counter
from typing import Any

import pytest
from support import archive_builder, fork_server
from support.faulty_provider import PAGE, RECORDS, Provider
from support.harvest_runs import HARVESTER, Harvest, environment
from support.local_server import serving

from archive.lookup.story import read_story
from archive.store.accounting import read_account

NOT_MODIFIED = "SELECT count(*) FROM outcomes WHERE reason = 'not modified' AND state IN ('read', 'deleted')"


class Changing(Provider):
    """A provider whose first list gives its third record in another version than all later ones."""

    first = True

    def listed(self, verb: str, words: dict[str, str]) -> str:
        text = super().listed(verb, words)
        if verb == "ListRecords" and type(self).first:
            type(self).first = False
            return text.replace("<r>2</r>", "<r>old</r>")
        return text


class Tombstones(Provider):
    """A provider with deleted records."""

    def record(self, number: int) -> str:
        head = self.header(number).replace("<header>", '<header status="deleted">')
        return super().record(number) if number % 3 else f"<record>{head}</record>"


def copies(harvest: Harvest) -> Counter[tuple[Any, ...]]:
    return Counter(
        (r.identifier, r.datestamp, r.deleted, r.sha256) for _, _, r in archive_builder.stored(harvest.archive)
    )


def run(*words: str) -> subprocess.CompletedProcess[str]:
    done = fork_server.run(
        [HARVESTER, *words], capture_output=True, text=True, timeout=600, check=False, env=environment()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def check_whole(harvest: Harvest) -> None:
    archive_builder.check(harvest.archive)
    account = read_account(harvest.archive)
    assert account.balanced
    assert account.listed == RECORDS
    archive = str(harvest.archive)
    run("verify", archive)
    run("index", archive)
    run("index", archive, "--check")
    out = harvest.archive.with_name("release")
    run("dump", archive, str(out), "--licence-unknown")
    run("verify", str(out))


@pytest.mark.parametrize("fault", ["a token is an error of the request", "noRecordsMatch in mid-list"])
def test_a_list_that_was_cut_stores_each_version_once(fault: str, harvest: Harvest):
    handler = type("Handler", (Tombstones,), {"fault": fault, "asked": []})
    with serving(handler) as url:
        code = harvest.run(f"{url}/oai")
    assert code == 0, harvest.output[-3000:]
    assert len(copies(harvest)) == RECORDS
    assert set(copies(harvest).values()) == {1}
    [(again,)] = archive_builder.rows(harvest.archive, NOT_MODIFIED)
    assert again >= PAGE
    archive_builder.check(harvest.archive)
    assert read_account(harvest.archive).balanced
    story = read_story(harvest.archive, "oai:x:1")
    assert (story.state, len(story.versions)) == ("read", 1)
    assert read_story(harvest.archive, "oai:x:3").state == "deleted"


def test_a_version_that_changed_meanwhile_is_stored(harvest: Harvest):
    handler = type("Handler", (Changing,), {"fault": "a token is an error of the request", "asked": []})
    with serving(handler) as url:
        assert harvest.run(f"{url}/oai") == 0, harvest.output[-3000:]
    versions = copies(harvest)
    assert len(versions) == RECORDS + 1
    assert set(versions.values()) == {1}
    assert Counter(name for name, *_ in versions)["oai:x:2"] == 2
    check_whole(harvest)
    assert len(read_story(harvest.archive, "oai:x:2").versions) == 2


class Recent(Provider):
    """A provider whose records are all stamped later than its clock: the tail of the list brings each of them again."""

    def stamp(self, number: int) -> str:
        return f"2026-02-{number + 1:02}T00:00:00Z"


def test_the_tail_of_a_list_stores_nothing_twice(harvest: Harvest):
    handler = type("Handler", (Recent,), {"asked": []})
    with serving(handler) as url:
        harvest.run(f"{url}/oai")
    [(again,)] = archive_builder.rows(harvest.archive, NOT_MODIFIED)
    assert again == RECORDS
    assert set(copies(harvest).values()) == {1}
    assert len(copies(harvest)) == RECORDS
    archive_builder.check(harvest.archive)


class Dying(Provider):
    """A provider that ends the harvester while a list is read in parts."""

    fault = "a token is an error of the request"
    victim: subprocess.Popen[bytes] | None = None
    lists = 0

    def do_ListRecords(self, words: dict[str, str]) -> str:
        kind = type(self)
        kind.lists += 1
        if kind.lists > 5 and kind.victim is not None:
            kind.victim.kill()
            kind.victim.wait()
            kind.victim = None
        return super().do_ListRecords(words)


def test_a_run_that_was_killed_among_the_parts_of_a_list_loses_nothing(harvest: Harvest):
    handler: Any = type("Handler", (Dying,), {"asked": []})
    with serving(handler) as url:
        handler.victim = subprocess.Popen(
            harvest.command(f"{url}/oai"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
        )
        handler.victim.wait(300)
        assert harvest.run(f"{url}/oai") == 0, harvest.output[-3000:]
    assert len(copies(harvest)) == RECORDS
    check_whole(harvest)
