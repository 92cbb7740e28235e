"""`harvester dump`: make a release of an archive."""

import re
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
import duckdb
import orjson
import zstandard

from archive.releases import FRAME_BYTES, LEVELS, Making, Manifest, Options, Selection, write_release
from archive.store import read_description
from harvester import __version__
from harvester.cli.output import advancing, counted, print_json, say
from harvester.cli.params import Size, command
from harvester.errors import UsageError
from harvester.exits import DONE, FINDINGS
from harvester.planning import is_known
from harvester.sources import is_loopback

# the first of those that are asked for is what index and lookup are of
LAYOUTS = ("jsonseq", "jsonl", "tar")
DEFAULT_LEVELS = {"zstd": 10, "xz": 6, "gzip": 6}
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?", re.ASCII)


@command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--form",
    type=click.Choice(["envelope", "bare"]),
    default="envelope",
    show_default=True,
    help="each record with what the archive knows of it, or its metadata alone",
)
@click.option("--bare", is_flag=True, help="the same as --form bare")
@click.option(
    "--invenio-migrator", is_flag=True, help="JSON lines that the record stream of invenio-rdm-migrator reads"
)
@click.option("--format", "formats", multiple=True, metavar="FORMAT", help="only records of this format (repeatable)")
@click.option("--media-type", "media_types", multiple=True, metavar="TYPE", help="only records of this media type")
@click.option("--set", "sets", multiple=True, metavar="SET", help="only records in this set, or in a set within it")
@click.option("--from", "from_", metavar="DATE", help="only records whose datestamp is not before this")
@click.option("--until", metavar="DATE", help="only records whose datestamp is not after this; a day is all of it")
@click.option("--compression", type=click.Choice(list(DEFAULT_LEVELS)), default="zstd", show_default=True)
@click.option("--level", type=int, help="of the compression; default: zstd 10, xz 6, gzip 6")
@click.option(
    "--layout",
    "layouts",
    multiple=True,
    type=click.Choice(LAYOUTS),
    help="JSON text sequences (jsonseq, the default), JSON lines, or a tar archive with a file a record; "
    "several for all of them in one release",
)
@click.option("--part-bytes", type=Size(), default="50GB", show_default=True, metavar="SIZE", help="no part is larger")
@click.option("--part-records", type=click.IntRange(1), metavar="N", help="no part has more records")
@click.option("--name", metavar="NAME", help="of the release; default: of its source and day")
@click.option("--title", metavar="TEXT", help="of the release, for people")
@click.option("--licence", metavar="SPDX-ID", help="of the metadata; without it that of the source, where it is known")
@click.option("--licence-url", metavar="URL", help="address of a licence that SPDX does not list; --licence names it")
@click.option("--licence-unknown", is_flag=True, help="make a release that states no licence")
@click.option("--published", metavar="DATE", help="default: today")
@click.option("--since", type=click.Path(path_type=Path), metavar="RELEASE", help="write only what changed since then")
@click.option(
    "--accept-loss",
    is_flag=True,
    help="of --since: write the delta even if three or more of the live records of RELEASE, and a tenth or "
    "more of them, are deleted or gone",
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def dump(folder: Path, out: Path, since: Path | None, accept_loss: bool, as_json: bool, **words: Any) -> int:
    """Make OUT, a release of the archive DIR: its records, each in its latest version, for others to use.

    The same records give the same bytes in parts and index, whatever the machine and the order of the harvest. OUT
    appears when all of it is on the disk; when a dump is interrupted, the same command begins anew.

    The licence is what --licence says, or else what the source's file or the provider's Identify states. Where nothing
    states one, nothing is written unless --licence-unknown accepts a release without one. Only an archive of a server
    on this machine needs no such word: a test, or files served to be read. Its release states NOASSERTION.

    Exit codes: 0 done, 1 done and the archive is not complete (the manifest says so), 2 usage, no licence is known, or
    a delta that deletes in bulk without --accept-loss, 3 no room or another process makes OUT, 4 the archive is damaged
    or its account does not balance.
    """
    began = time.monotonic()
    options = _options(folder, words)
    if accept_loss and since is None:
        raise UsageError("--accept-loss is for --since: a full release deletes nothing")
    with advancing("dumping", "records read and written") as progress:
        if since is None:
            manifest = write_release(folder, out, options, progress)
        else:
            from archive.releases import write_delta

            manifest = write_delta(folder, since, out, options, progress, accept_loss=accept_loss)
    seconds = time.monotonic() - began
    if as_json:
        print_json(_values(manifest, out, seconds))
    else:
        _show(manifest, out, seconds)
    if not (words["licence_unknown"] or is_known(manifest.licence)):
        say(f"harvester: no licence of these metadata is known, and {out} states none (NOASSERTION)", err=True)
    if not manifest.account.get("complete"):
        say(
            f"harvester: the archive is not complete, and the manifest says so; see harvester status {folder}", err=True
        )
        return FINDINGS
    return DONE


# --- options


def _options(folder: Path, words: dict[str, Any]) -> Options:
    _check_text(words)
    source = read_description(folder)["source"]
    published = _published(words["published"])
    label = source.get("name") or next(iter(source.get("hosts") or ()), "") or source.get("url", "")
    slug = re.sub(r"[^a-z0-9.]+", "-", label.lower()).strip("-.") or "archive"
    return Options(
        making=_making(words),
        selection=_selection(words),
        name=words["name"] or f"{slug}-{published}",
        title=words["title"] or f"Metadata of {label}, {published}",
        published=published,
        licence=_licence(folder, source, words),
        software=software(),
        others=() if words["invenio_migrator"] else _layouts(words)[1:],
    )


def _check_text(words: dict[str, Any]) -> None:
    """The manifest is UTF-8, and what a terminal hands over need not be."""
    for name in ("title", "name", "sets", "formats", "media_types"):
        for text in words[name] if isinstance(words[name], tuple) else (words[name] or "",):
            if any("\ud800" <= character <= "\udfff" for character in text):
                raise UsageError(f"--{name.rstrip('s').replace('_', '-')} {text!a} is not UTF-8")


def _making(words: dict[str, Any]) -> Making:
    form = "bare" if words["bare"] else words["form"]
    layout, compression = _layouts(words)[0], words["compression"]
    if words["invenio_migrator"]:
        if form == "bare" or set(words["layouts"]) - {"jsonl"}:
            raise UsageError("--invenio-migrator has a form and layout of its own; leave out --form, --bare, --layout")
        form, layout = "migrator", "jsonl"
    lowest, highest = LEVELS[compression]
    level = DEFAULT_LEVELS[compression] if words["level"] is None else words["level"]
    if not lowest <= level <= highest:
        raise UsageError(f"--level {level}: {compression} has levels {lowest} to {highest}")
    return Making(
        form=form,
        layout=layout,
        compression=compression,
        level=level,
        frame_bytes=FRAME_BYTES,
        part_bytes=words["part_bytes"],
        part_records=words["part_records"] or 0,
    )


def _layouts(words: dict[str, Any]) -> tuple[str, ...]:
    """Those that are asked for, in one order whatever the order of the options."""
    return tuple(layout for layout in LAYOUTS if layout in words["layouts"]) or LAYOUTS[:1]


def _selection(words: dict[str, Any]) -> Selection:
    for name in ("from_", "until"):
        if words[name] is not None and _STAMP.fullmatch(words[name]) is None:
            given = f"--{name.rstrip('_')} {words[name]}"
            raise UsageError(f"{given} is no datestamp; write YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ (UTC)")
    if words["from_"] and words["until"] and words["from_"][: len(words["until"])] > words["until"]:
        raise UsageError(f"--from {words['from_']} is after --until {words['until']}")
    formats, media_types, sets = (tuple(sorted(set(words[name]))) for name in ("formats", "media_types", "sets"))
    return Selection(formats, media_types, sets, words["from_"], words["until"])


def _published(text: str | None) -> str:
    if text is None:
        return datetime.now(UTC).date().isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise UsageError(f"--published {text} is no date; write YYYY-MM-DD") from None


def _licence(folder: Path, source: dict[str, Any], words: dict[str, Any]) -> dict[str, str]:
    """What the words say, else what is known of the source. Raises UsageError."""
    from archive.store import stated_rights
    from harvester.planning import UNKNOWN, known_licence, licence_at, licence_values

    name, url, unknown = words["licence"], words["licence_url"], words["licence_unknown"]
    if unknown and (name is not None or url is not None):
        raise UsageError("--licence-unknown says that none is known; leave it out, or --licence and --licence-url")
    if url is not None:
        return licence_at(url, name)
    if name is not None:
        return licence_values(name)
    known = None if unknown else known_licence(source, stated_rights(folder))
    if known is None and not unknown and not _is_of_this_machine(source):
        raise UsageError(
            f"no licence of the metadata in {folder} is known: neither the source's file nor Identify states one; name "
            "it with --licence SPDX-ID or --licence-url URL, or make a release without one with --licence-unknown"
        )
    return known or UNKNOWN


def _is_of_this_machine(source: dict[str, Any]) -> bool:
    """Return whether every host of the source is this machine: a test, or files that somebody serves to read them."""
    hosts: list[str] = source.get("hosts") or []
    return bool(hosts) and all(map(is_loopback, hosts))


def software() -> dict[str, Any]:
    """What makes the bytes of a release: names and versions."""
    zstd = ".".join(map(str, zstandard.ZSTD_VERSION))
    return {
        "harvester": __version__,
        "zstandard": zstandard.__version__,
        "zstd": zstd,
        "duckdb": duckdb.__version__,
        "orjson": orjson.__version__,
    }


# --- results


def _values(manifest: Manifest, out: Path, seconds: float) -> dict[str, Any]:
    content = manifest.content
    return {
        "path": str(out),
        "kind": manifest.kind,
        "name": manifest.name,
        "records": content.records,
        "tombstones": content.tombstones,
        "identifiers": content.identifiers,
        "by_format": content.by_format,
        "root": content.root,
        "parts": [part.name for part in content.all_parts],
        "bytes": sum(entry.bytes for entry in manifest.entries()),
        "licence": manifest.licence["id"],
        "complete": bool(manifest.account.get("complete")),
        "seconds": round(seconds, 3),
    }


def _show(manifest: Manifest, out: Path, seconds: float) -> None:
    content = manifest.content
    size = sum(entry.bytes for entry in manifest.entries())
    say(
        f"{out}: {counted(content.records, 'record')} and {counted(content.tombstones, 'tombstone')} of "
        f"{counted(content.identifiers, 'identifier')} in {counted(len(content.all_parts), 'part')}; "
        f"{counted(size, 'byte')} in {seconds:.1f} s"
    )
    say(f"root {content.root}")
