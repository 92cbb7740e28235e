"""`files=` beside the words of a spider of records: the records first, then their files, as two steps of one command.

The same command again goes on where it stopped, by the ledger alone: with the records, or with the files of a harvest
of records that is done.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from archive.store import read_work
from harvester.crawl.arguments import SHARED, identity_of, named_in, parse_filter, split_files
from harvester.errors import UsageError
from harvester.planning import plan

logger = logging.getLogger(__name__)

SPIDER = "files"


def split(spider: str, words: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str] | None]:
    """The words of the spider of records, and those of the files spider, None where no files are asked for.

    Raises UsageError for a filter that cannot be read, before anything is asked.
    """
    records, wanted = dict(words), words.get("files", "")
    if spider == SPIDER or "files" not in words:
        return records, None
    del records["files"]
    if spider == "exporter":
        named, wanted = split_files(wanted)
        records |= {"files": named} if named else {}
        if not wanted:
            return dict(words), None
    if words.get("mode") == "census":
        raise UsageError("mode=census lists headers only, which name no files; leave out files=")
    parse_filter(wanted)
    shared = {name: words[name] for name in SHARED if words.get(name)}
    return records, {**shared, "files": wanted}


def run_steps(
    spider: str,
    arguments: Any,
    files: Mapping[str, str],
    take_records: Callable[[], int],
    take_files: Callable[[], int],
) -> int:
    """Take what is left to do, the records (`arguments` are their spider's) and then the files. The worst exit code."""
    # the ledger keeps JSON: tuples are lists there
    written = [
        plan.Words(spider, arguments.mode, orjson.loads(orjson.dumps(arguments.identity))),
        plan.Words(SPIDER, "full", identity_of(parse_filter(files["files"]), named_in(files), None)),
    ]
    past = [
        plan.PastRun(work.run, plan.Words(work.spider, work.mode, work.arguments), work.state)
        for work in read_work(Path(files["archive"]))
    ]
    place = plan.place_in(written, past)
    if place.next == 1 and not place.over:
        logger.info("the records of run %d are in; their files follow", place.runs[0].run)
        code = plan.code_of(place.runs[0])
    else:
        code = take_records()
    return code if code in plan.ENDS_ROUND else plan.worst([code, take_files()])
