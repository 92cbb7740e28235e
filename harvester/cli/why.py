"""`harvester why`: one id's whole story, and what to do about it."""

from pathlib import Path
from typing import Any

import click

from archive.canonical import reread
from archive.lookups.filesof import FilesOf
from archive.lookups.story import Asked, Story, Version, Window, read_story
from harvester.cli import DAMAGED, DONE, FINDINGS, UNFINISHED
from harvester.cli.command import command
from harvester.cli.output import print_json
from harvester.cli.telling import next_step, numbered, show, show_records
from harvester.errors import UsageError

CODES = {
    "read": DONE, "deleted": DONE, "moved": DONE, "refused": FINDINGS, "forbidden": FINDINGS, "absent": FINDINGS,
    "listed": FINDINGS, "unseen": FINDINGS, "lost": UNFINISHED, "open": UNFINISHED,
}  # fmt: skip


@command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("asked_for", metavar="ID")
@click.option("--record", "with_record", is_flag=True, help="show the record itself, as the shard has it")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def why(folder: Path, asked_for: str, with_record: bool, as_json: bool) -> int:
    """Tell the story of one id in the archive DIR: what listed it, each request and wait, its state, versions, files.

    ID is an identifier, its local id (123 of oai:host:123), or a DOI in any spelling; DOIs that stand in metadata only
    are known once the archive has an index. It is read from the ledger, also while a harvest is at work.

    Exit codes: 0 settled, 1 refused, absent, forbidden, never seen or with findings, 3 it or a file of it is open or
    lost, 4 damaged.
    """
    # what the shell passes on that is no UTF-8 has lone surrogates here
    if not asked_for.strip() or any("\ud800" <= character <= "\udfff" for character in asked_for):
        raise UsageError(f"{asked_for!r} is no id; name one: harvester why DIR oai:repository.example:123")
    story = read_story(folder, asked_for.strip())
    if as_json:
        print_json(_as_json(story, folder, with_record))
    else:
        show(story, folder)
        if with_record:
            show_records(story.versions)
    return _code(story)


def _code(story: Story) -> int:
    if story.damaged:
        return DAMAGED
    unsettled = story.files is not None and story.files.unsettled
    return max(CODES[story.state], UNFINISHED if unsettled else FINDINGS if story.troubled else DONE)


# --- as JSON


def _as_json(story: Story, folder: Path, with_record: bool) -> dict[str, Any]:
    return {
        "archive": str(folder), "id": story.asked_for, "state": story.state, "searched": story.found.searched,
        "identifiers": [{"identifier": i, "matched_by": how} for i, how in story.found.identifiers.items()],
        "others": list(story.found.others),
        "channels": [
            {"channel": c.channel, "identifier": c.identifier, "census": c.census, "state": c.last.state,
             "since": c.since.at, "first_listed": c.first.at, "first_request": c.first.request}
            for c in story.channels
        ],
        "requests": [_request_json(asked) for asked in story.asked],
        "versions": [_version_json(*version, with_record) for version in numbered(story.versions)],
        "files": None if story.files is None else _files_json(story.files),
        "quarantine": [{"request": r.request, "path": str(r.path), "bytes": r.size_bytes, "problem": r.problem}
                       for r in story.refused],
        "findings": [{"run": f.run, "code": f.code, "severity": f.severity, "channel": f.channel, "message": f.message,
                      "at": f.at, "current": f.current} for f in story.findings],
        "nearest": [{"covers": near.covers, "channel": near.channel, "run": near.run, "window": near.window,
                     "from": near.from_, "until": near.until, "state": near.state} for near in story.nearest],
        "elsewhere": [{"channel": seen.channel, "windows": seen.windows, "unsettled": seen.unsettled}
                      for seen in story.elsewhere],
        "damaged": list(story.damaged),
        "next": next_step(story, folder),
    }  # fmt: skip


def _files_json(found: FilesOf) -> dict[str, Any]:
    return {
        "states": found.states,
        "lists": [{"identifier": one.identifier, "run": one.run, "listed": one.listed, "left_out": one.left_out,
                   "at": one.at} for one in found.lists],
        "files": [
            {"identifier": f.identifier, "key": f.key, "run": f.run, "state": f.state, "reason": f.reason, "at": f.at,
             "size": f.size, "checksum": f.checksum, "media_type": f.media_type, "url": f.url, "bytes": f.bytes,
             "sha256": f.sha256, "held_in": f.held_in, "path": f.path, "problem": f.problem}
            for f in found.files
        ],
    }  # fmt: skip


def _request_json(asked: Asked) -> dict[str, Any]:
    return {
        "request": asked.request, "run": asked.run, "mode": asked.mode, "channel": asked.channel,
        "identifier": asked.identifier, "at": asked.at, "url": asked.url, "http_status": asked.http_status,
        "attempts": asked.attempts, "state": asked.state, "reason": asked.reason, "datestamp": asked.datestamp,
        "window": None if asked.window is None else _window_json(asked.window),
        "since": asked.since, "waited_seconds": sum(wait.seconds for wait in asked.waits),
        "waits": [{"host": w.host, "began": w.began, "seconds": w.seconds, "reason": w.reason} for w in asked.waits],
    }  # fmt: skip


def _window_json(window: Window) -> dict[str, Any]:
    return {
        "window": window.window, "verb": window.verb, "from": window.from_, "until": window.until,
        "state": window.state, "end": window.end, "listed": window.listed, "stated": window.stated,
    }  # fmt: skip


def _version_json(number: int, version: Version, with_record: bool) -> dict[str, Any]:
    asked, copy = version.asked, version.copy
    values = {
        "version": number, "run": asked.run, "channel": asked.channel, "identifier": asked.identifier,
        "datestamp": asked.datestamp, "deleted": asked.state == "deleted", "sha256": copy.sha256, "shard": copy.shard,
        "frame": copy.frame, "offset": copy.offset, "position": copy.position, "problem": copy.problem,
    }  # fmt: skip
    if with_record:
        values["record"] = reread(copy.text) if copy.text else None
    return values
