"""The story of an id for people: plain lines and tables, and one sentence that says how it stands and what to do."""

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from archive.crosswalks import normalise_doi
from archive.formats import reread
from archive.lookup import Asked, ChannelStory, FileOf, FilesOf, Range, Story, Version, Window, read_story
from harvester.cli.output import cell, counted, print_json, print_table, say, table
from harvester.cli.params import command
from harvester.errors import UsageError
from harvester.exits import DAMAGED, DONE, FINDINGS, UNFINISHED
from harvester.text import duration

# so many waits of a request are shown one by one; --json has all
WAITS_SHOWN = 5
# so many files, those that are not held before the others
FILES_SHOWN = 20
_MATCHED = {"local_id": "its local id", "doi": "its DOI"}


def show(story: Story, folder: Path) -> None:
    """All of it on stdout."""
    say(f"{_shown(story.asked_for)} in {folder}: {story.state}")
    _show_names(story)
    if not story.channels:
        _show_nearest(story)
    else:
        _show_channels(story)
        say()
        say("Requests")
        for asked in story.asked:
            _show_request(asked)
        _show_versions(story)
        if story.files is not None:
            _show_files(story.files)
        _show_findings(story)
    for sentence in story.damaged:
        say(f"damaged: {_shown(sentence)}")
    say()
    say(f"{_shown(next_step(story, folder))}")


def show_records(versions: Sequence[Version]) -> None:
    """The newest copy of each: its JSON text, in which only what would steer a terminal is escaped."""
    newest = {(v.asked.channel, v.asked.identifier): v.copy.text for v in versions if v.copy.text}
    for text in newest.values():
        say()
        say(re.sub(r"[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text.decode()))


def next_step(story: Story, folder: Path) -> str:
    """How the id stands and what to do, in one sentence."""
    name = shlex.quote(str(folder))
    if story.damaged:
        return f"damaged: harvester verify {name} names everything that is; take the files from a copy of the archive"
    if not story.channels:
        return _unseen(story, name)
    told = next((c for c in story.channels if c.last.state == story.state and not c.census), story.channels[-1])
    reason, since = _reason(told.last), told.since.at
    again = _again(name)
    if story.state == "read" and (wanting := _wanting(story, name)):
        return wanting
    return {
        "read": "held: " + ("its findings are above, nothing is missing" if story.troubled else "nothing to do"),
        "deleted": f"deleted at the provider, seen since {since}{_still_held(told, story)}; nothing to do",
        "moved": f"moved since {since}{reason}; ask for the id it moved to",
        "refused": f"refused since {since}{reason}; harvester retry {name} asks for it again",
        "forbidden": f"forbidden since {since}{reason}{_still_held(told, story)}; only the provider can give access",
        "absent": f"absent since {since}{reason}{_still_held(told, story)}; nothing to do",
        "lost": f"lost: no answer since {since}{reason}; {again}",
        "open": f"open: it was listed at {told.last.at} and is not asked for yet; {again}",
        "listed": "listed by a census, and never asked for: harvest it",
    }[story.state]


def numbered(versions: Iterable[Version]) -> list[tuple[int, Version]]:
    """Versions with their number in their channel; a copy that is the same has the number of the one before."""
    numbers: dict[tuple[str, str], int] = {}
    out = []
    for version in versions:
        place = (version.asked.channel, version.asked.identifier)
        numbers[place] = numbers.get(place, 0) + version.changed
        out.append((numbers[place], version))
    return out


def _show_names(story: Story) -> None:
    for identifier, how in story.found.identifiers.items():
        if how != "identifier":
            say(f"  {_shown(identifier)}, by {_MATCHED[how]}")
    for identifier in story.found.others:
        say(f"  {_shown(identifier)} is another id: it is of another namespace")
    if story.found.searched == "ledger" and normalise_doi(story.asked_for) is not None:
        say("  DOIs that stand in metadata only were not searched: that takes a current index (harvester index)")


def _show_channels(story: Story) -> None:
    say()
    say("Channels")
    made = table("channel", "identifier", "state", "since", "first listed", "by request", numbers=("by request",))
    for c in story.channels:
        name = f"{c.channel} (headers only)" if c.census else c.channel
        made.add_row(*map(cell, (name, c.identifier, c.last.state, c.since.at, c.first.at, c.first.request)))
    print_table(made)


def _show_request(asked: Asked) -> None:
    status = f", HTTP {asked.http_status}" if asked.http_status is not None else ""
    reason = f": {_shown(asked.reason)}" if asked.reason else ""
    say(
        f"  {asked.at}  request {asked.request} of run {asked.run}: {asked.state}{status}, "
        f"{counted(asked.attempts, 'try', 'tries')}{reason}"
    )
    say(f"      {_shown(asked.url)}")
    if asked.window is not None:
        say(f"      {_window(asked.window)} of {_shown(asked.channel)}")
    _show_waits(asked)


def _window(window: Window) -> str:
    bounds = " to ".join(_shown(bound) if bound else "…" for bound in (window.from_, window.until))
    ended = f"{window.state}, {window.end}" if window.end else window.state
    listed = "" if window.listed is None else f"; {window.listed:,} listed"
    stated = "" if window.stated is None else f" of {window.stated:,} stated"
    return f"window {window.window} ({window.verb} {bounds}; {_shown(ended)}{listed}{stated})"


def _show_waits(asked: Asked) -> None:
    if not asked.waits:
        return
    seconds = sum(wait.seconds for wait in asked.waits)
    say(f"      {counted(len(asked.waits), 'wait')} since {asked.since}, {duration(seconds)} together:")
    for wait in asked.waits[-WAITS_SHOWN:]:
        say(f"        {wait.began}  {wait.seconds:.1f} s  {_shown(wait.host)}: {_shown(wait.reason)}")
    if len(asked.waits) > WAITS_SHOWN:
        say(f"        and {counted(len(asked.waits) - WAITS_SHOWN, 'wait')} before; --json names each")


def _show_versions(story: Story) -> None:
    if story.versions:
        say()
        say("Held")
        numbers = ("version", "run", "frame", "offset", "position")
        made = table(
            "version", "run", "channel", "datestamp", "state", "sha256", "shard", *numbers[2:], numbers=numbers
        )
        for number, version in numbered(story.versions):
            asked, copy = version.asked, version.copy
            made.add_row(
                *map(
                    cell,
                    (
                        number,
                        asked.run,
                        asked.channel,
                        asked.datestamp,
                        asked.state,
                        copy.sha256,
                        copy.shard,
                        copy.frame,
                        copy.offset,
                        copy.position,
                    ),
                )
            )
        print_table(made)
    for body in story.refused:
        say(f"Refused, by request {body.request}: {body.path}, {counted(body.size_bytes, 'byte')}")


def _show_files(found: FilesOf) -> None:
    ended = ", ".join(f"{number:,} {state}" for state, number in found.states.items() if number)
    left_out = sum(one.left_out for one in found.lists)
    more = f"; {left_out:,} were not asked for" if left_out else ""
    say()
    say(f"Files: {ended or 'none'}{more}")
    files = sorted(found.files, key=lambda file: file.state == "read")
    if files:
        made = table("file", "run", "state", "bytes", "checksum", "where it is, or why not", numbers=("run", "bytes"))
        for file in files[:FILES_SHOWN]:
            size = file.bytes if file.bytes is not None else file.size
            name = file.key or "the list of its files"
            made.add_row(*map(cell, (name, file.run, file.state, size, file.checksum, _whereabouts(file))))
        print_table(made)
    if len(files) > FILES_SHOWN:
        say(f"  and {counted(len(files) - FILES_SHOWN, 'file')} more; --json names each")


def _whereabouts(file: FileOf) -> str:
    """Where the content of a file is; what came last instead of it."""
    if file.state == "read":
        return file.path or ""
    kept = f"; run {file.held_in} has read it: {file.path}" if file.path is not None else ""
    return f"{file.reason or 'not asked for yet'}{kept}"


def _show_findings(story: Story) -> None:
    if story.findings:
        say()
        say("Findings")
        made = table("run", "severity", "code", "message", numbers=("run",))
        for found in story.findings:
            made.add_row(*map(cell, (found.run, found.severity, found.code, found.message)))
        print_table(made)


def _show_nearest(story: Story) -> None:
    for near in story.nearest:
        say(f"  {range_told(near)}")
    for seen in story.elsewhere:
        unsettled = f", {seen.unsettled:,} of them open or lost" if seen.unsettled else ""
        say(f"  not in {_shown(seen.channel)}: {counted(seen.windows, 'window')}{unsettled}")


def range_told(near: Range) -> str:
    """A range of ids, and how an id is to it."""
    until = "on" if near.until is None else f"to {_shown(near.until)}"
    holds = "holds it" if near.covers else "is next to it"
    return (
        f"the range {_shown(near.from_)} {until} of {_shown(near.channel)} {holds}: window {near.window}, {near.state}"
    )


# --- the sentence


def _unseen(story: Story, name: str) -> str:
    if story.state == "open":
        return f"open: a range of ids that is not settled yet holds it; harvester status {name} shows what goes on"
    unsettled = sum(seen.unsettled for seen in story.elsewhere)
    if unsettled:
        return (
            f"never seen: {counted(unsettled, 'window')} may still bring it; harvester status {name} shows what goes on"
        )
    return "never seen: no list named it, and it was never asked for"


def _wanting(story: Story, name: str) -> str | None:
    """What a record that is held lacks of its files."""
    states = story.files.states if story.files is not None else {}
    refused, missing = states.get("refused", 0), states.get("lost", 0) + states.get("open", 0)
    if missing:
        return f"held, without {counted(missing, 'file')}: {_again(name)}"
    if refused:
        asks = f"harvester crawl files -a archive={name} asks again"
        return f"held, without {counted(refused, 'file')} that cannot be used; {asks}"
    return None


def _again(name: str) -> str:
    return f"run the same harvest again; harvester status {name} shows its command"


def _still_held(told: ChannelStory, story: Story) -> str:
    """What is held although the provider has it no more."""
    held = [v.asked for v in story.versions if v.asked.state == "read" and v.asked.identifier == told.identifier]
    return f"; the version of run {held[-1].run} is held" if held else ""


def _reason(asked: Asked) -> str:
    """Status and reason of an answer in brackets; a reason often names the status itself."""
    status = "" if asked.http_status in (None, 200) else f"HTTP {asked.http_status}"
    if asked.reason and str(asked.http_status) in asked.reason:
        status = ""
    said = ", ".join(filter(None, (status, asked.reason)))
    return f" ({said})" if said else ""


def _shown(text: str | None) -> str:
    """Text of a provider as a terminal can show it."""
    return cell(text).plain


CODES = {
    "read": DONE,
    "deleted": DONE,
    "moved": DONE,
    "refused": FINDINGS,
    "forbidden": FINDINGS,
    "absent": FINDINGS,
    "listed": FINDINGS,
    "unseen": FINDINGS,
    "lost": UNFINISHED,
    "open": UNFINISHED,
}


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
        "archive": str(folder),
        "id": story.asked_for,
        "state": story.state,
        "searched": story.found.searched,
        "identifiers": [{"identifier": i, "matched_by": how} for i, how in story.found.identifiers.items()],
        "others": list(story.found.others),
        "channels": [
            {
                "channel": c.channel,
                "identifier": c.identifier,
                "census": c.census,
                "state": c.last.state,
                "since": c.since.at,
                "first_listed": c.first.at,
                "first_request": c.first.request,
            }
            for c in story.channels
        ],
        "requests": [_request_json(asked) for asked in story.asked],
        "versions": [_version_json(*version, with_record) for version in numbered(story.versions)],
        "files": None if story.files is None else _files_json(story.files),
        "quarantine": [
            {"request": r.request, "path": str(r.path), "bytes": r.size_bytes, "problem": r.problem}
            for r in story.refused
        ],
        "findings": [
            {
                "run": f.run,
                "code": f.code,
                "severity": f.severity,
                "channel": f.channel,
                "message": f.message,
                "at": f.at,
                "current": f.current,
            }
            for f in story.findings
        ],
        "nearest": [
            {
                "covers": near.covers,
                "channel": near.channel,
                "run": near.run,
                "window": near.window,
                "from": near.from_,
                "until": near.until,
                "state": near.state,
            }
            for near in story.nearest
        ],
        "elsewhere": [
            {"channel": seen.channel, "windows": seen.windows, "unsettled": seen.unsettled} for seen in story.elsewhere
        ],
        "damaged": list(story.damaged),
        "next": next_step(story, folder),
    }


def _files_json(found: FilesOf) -> dict[str, Any]:
    return {
        "states": found.states,
        "lists": [
            {"identifier": one.identifier, "run": one.run, "listed": one.listed, "left_out": one.left_out, "at": one.at}
            for one in found.lists
        ],
        "files": [
            {
                "identifier": f.identifier,
                "key": f.key,
                "run": f.run,
                "state": f.state,
                "reason": f.reason,
                "at": f.at,
                "size": f.size,
                "checksum": f.checksum,
                "media_type": f.media_type,
                "url": f.url,
                "bytes": f.bytes,
                "sha256": f.sha256,
                "held_in": f.held_in,
                "path": f.path,
                "problem": f.problem,
            }
            for f in found.files
        ],
    }


def _request_json(asked: Asked) -> dict[str, Any]:
    return {
        "request": asked.request,
        "run": asked.run,
        "mode": asked.mode,
        "channel": asked.channel,
        "identifier": asked.identifier,
        "at": asked.at,
        "url": asked.url,
        "http_status": asked.http_status,
        "attempts": asked.attempts,
        "state": asked.state,
        "reason": asked.reason,
        "datestamp": asked.datestamp,
        "window": None if asked.window is None else _window_json(asked.window),
        "since": asked.since,
        "waited_seconds": sum(wait.seconds for wait in asked.waits),
        "waits": [{"host": w.host, "began": w.began, "seconds": w.seconds, "reason": w.reason} for w in asked.waits],
    }


def _window_json(window: Window) -> dict[str, Any]:
    return {
        "window": window.window,
        "verb": window.verb,
        "from": window.from_,
        "until": window.until,
        "state": window.state,
        "end": window.end,
        "listed": window.listed,
        "stated": window.stated,
    }


def _version_json(number: int, version: Version, with_record: bool) -> dict[str, Any]:
    asked, copy = version.asked, version.copy
    values = {
        "version": number,
        "run": asked.run,
        "channel": asked.channel,
        "identifier": asked.identifier,
        "datestamp": asked.datestamp,
        "deleted": asked.state == "deleted",
        "sha256": copy.sha256,
        "shard": copy.shard,
        "frame": copy.frame,
        "offset": copy.offset,
        "position": copy.position,
        "problem": copy.problem,
    }
    if with_record:
        values["record"] = reread(copy.text) if copy.text else None
    return values
