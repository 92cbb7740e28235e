"""`harvester repair`: audit, ask for the gaps, audit again."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import orjson

from archive.disk import durable, translated
from archive.errors import Damaged
from archive.queries import Queries
from archive.report import read_standing
from archive.store import Layout, read_description, read_only
from harvester.cli.auditoptions import verdict_of
from harvester.cli.output import print_json, say
from harvester.cli.params import command, pairs
from harvester.cli.processes import output_of, run_again
from harvester.crawl import STALE, Filling, Gap, Told, fillings, full_identifier, summary
from harvester.errors import UsageError
from harvester.exits import DAMAGED, DONE, FINDINGS, UNFINISHED, USAGE
from harvester.sources import Source, own_source

_SQL = Queries(__package__)

# crawls that were begun, and their ids, until they are done
FOLDER = ".repair"


@dataclass(frozen=True, slots=True)
class Options:
    """What is handed on to the audits and to the crawls."""

    target: str
    audit: tuple[str, ...]
    crawl: tuple[str, ...]
    source: str | None
    site: str | None
    missing_only: bool


@command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--against", "target", required=True, metavar="TARGET", help="as `harvester audit` takes it")
@click.option("--via", type=click.Choice(["oaipmh", "search", "exporter"]), help="how a URL is asked by the audit")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="ask so often at most")
@click.option("--missing-only", is_flag=True, help="leave alone what is here in another version")
@click.option("--source", metavar="NAME", help="the source that says how a record is had by its id")
@click.option(
    "-a",
    "arguments",
    multiple=True,
    metavar="NAME=VALUE",
    help="argument for each of the crawls; site=URL is for the audits as well",
)
@click.option("-s", "settings", multiple=True, metavar="NAME=VALUE", help="Scrapy setting; may be repeated")
@click.option("--contact", metavar="ADDRESS", help="e-mail address or URL for User-Agent; or HARVESTER_CONTACT")
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def repair(
    folder: Path,
    target: str,
    via: str | None,
    rounds: int,
    missing_only: bool,
    source: str | None,
    arguments: tuple[str, ...],
    settings: tuple[str, ...],
    contact: str | None,
    as_json: bool,
) -> int:
    """Audit the archive DIR against TARGET, ask for what is missing or stale, and audit again.

    Ids are asked for as the archive was harvested: by the URL of a record where it was harvested by id, by GetRecord
    where there is only OAI-PMH. It ends when nothing is missing, when a round brings nothing, or after --rounds.
    Interrupted, the same command goes on.

    Exit codes: those of the last audit; 3 when a crawl did not come to its end.
    """
    read_description(folder)
    shared = [part for word in settings for part in ("-s", word)] + (["--contact", contact] if contact else [])
    given = pairs(arguments)
    site = given.pop("site", None)
    source = given.pop("source", source)
    options = Options(
        target=target,
        audit=(*(["--via", via] if via else []), *(["-a", f"site={site}"] if site else []), *shared),
        crawl=(*(part for name, value in given.items() for part in ("-a", f"{name}={value}")), *shared),
        source=source,
        site=site,
        missing_only=missing_only,
    )
    done: list[dict[str, Any]] = []
    code = _go_on(folder)
    report, gaps, audited = _audit(folder, options)
    first = report
    while code in (DONE, FINDINGS) and gaps and len(done) < rounds and audited in (DONE, FINDINGS):
        code = _ask(folder, gaps, options)
        before = gaps
        report, gaps, audited = _audit(folder, options)
        done.append({"asked": len(before), "left": len(gaps), "missing": report["missing"], "stale": report["stale"]})
        if set(gaps) == set(before):
            say("harvester: a round has brought nothing; see harvester why DIR ID", err=True)
            break
    if as_json:
        print_json({"rounds": done, "before": first, "after": report})
    else:
        _show(first, report, done)
    return code if code in (USAGE, UNFINISHED, DAMAGED) else audited


# --- one step


def _audit(folder: Path, options: Options) -> tuple[dict[str, Any], list[Gap], int]:
    """The numbers of an audit, what of it is to be asked for, and its exit code."""
    place = _folder(folder) / "differences.jsonl"
    words = ["audit", str(folder), "--against", options.target, "--json", "--differences", str(place), *options.audit]
    code, printed = output_of(words)
    if code in (USAGE, DAMAGED) or not printed:
        error = Damaged if code == DAMAGED else UsageError
        raise error(f"the audit ended with {code}: harvester {shlex.join(words)}")
    with translated(place, "reading"), place.open("rb") as lines:
        found = [orjson.loads(line) for line in lines]
    durable.remove(place)
    _empty(folder)
    wanted = [
        row
        for row in found
        if row["mark"] == "+" or (row["mark"] == "*" and not options.missing_only and row["reason"] in STALE)
    ]
    counts = Counter(row["reason"] for row in wanted)
    say(f"harvester: to ask for: {summary(counts)}", err=True)
    report: dict[str, Any] = orjson.loads(printed)
    return report, [_gap(row) for row in wanted], code


def _gap(row: dict[str, Any]) -> Gap:
    return Gap(row["channel"], row["identifier"], (row["datestamp_there"] or "") if row["deleted_there"] else None)


def _ask(folder: Path, gaps: Sequence[Gap], options: Options) -> int:
    """Ask for the gaps. Returns the worst exit code. Raises UsageError when nobody can be asked for them."""
    standing = read_standing(folder)
    runs = [
        Told(
            spider=run.spider,
            mode=run.mode,
            arguments=run.arguments,
            state=run.state,
            newest=run.newest,
            channels=tuple(channel.channel for channel in run.account.channels),
        )
        for run in standing.runs
    ]
    naming = _naming(folder, options)
    try:
        source = Source.named(naming["source"], naming.get("site")) if naming else None
    except UsageError as error:
        raise UsageError(f"the source of {folder}: {error}; name it with --source NAME-or-FILE.toml") from None
    planned, rest = fillings(gaps, runs, source)
    if rest and not planned:
        raise UsageError(
            f"{folder}: nothing is known by which single records could be asked for; name a source that has them by "
            "their ids: --source NAME-or-FILE.toml"
        )
    codes = [DONE]
    for number, filling in enumerate(planned):
        words = [*_words(folder, filling, number, naming), *options.crawl]
        codes.append(_crawl(folder, number, words))
    return max(codes, key=lambda code: (DONE, FINDINGS, UNFINISHED, USAGE, DAMAGED).index(code))


def _naming(folder: Path, options: Options) -> dict[str, str]:
    """Return the arguments that name the source: as given, else those of the archive; none where neither names one."""
    site = {"site": options.site} if options.site else {}
    if options.source:
        return {"source": options.source, **site}
    own = own_source(read_description(folder)["source"])
    return {**own, **site} if own else {}


def _words(folder: Path, filling: Filling, number: int, naming: Mapping[str, str]) -> list[str]:
    """Write down the ids of a crawl, and what it is told."""
    file = _folder(folder) / f"{number}.jsonl"
    sample = _sample(folder) if filling.whole else ""
    # what the target lists as deleted may be closed by its id: then that is what is known of it
    ids = {
        full_identifier(gap.identifier, sample) if filling.whole else gap.identifier: gap.deleted
        for gap in filling.gaps
    }
    lines = [
        orjson.dumps({"identifier": identifier} | ({} if gone is None else {"deleted": True, "datestamp": gone}))
        for identifier, gone in ids.items()
    ]
    durable.remove(file)
    durable.write_new(file, b"".join(line + b"\n" for line in lines), "repair")
    words = {"archive": str(folder), **filling.words, "ids": f"@{file}", **naming}
    return ["crawl", filling.spider, *(part for key, value in words.items() for part in ("-a", f"{key}={value}"))]


def _crawl(folder: Path, number: int, words: Sequence[str]) -> int:
    """Run a crawl, and keep its words for as long as it is not done."""
    kept = _folder(folder) / f"{number}.json"
    durable.remove(kept)
    durable.write_new(kept, orjson.dumps(list(words)), "repair")
    say(f"harvester: harvester {shlex.join(words)}", err=True)
    code = run_again(words)
    if code in (DONE, FINDINGS):
        durable.remove(kept)
        _remove_ids(kept)
        _empty(folder)
    return code


def _go_on(folder: Path) -> int:
    """Finish the crawls that an interrupted repair has begun. Returns the worst exit code."""
    codes = [DONE]
    for kept in sorted(_folder(folder).glob("*.json")) if (folder / FOLDER).is_dir() else ():
        with translated(kept, "reading"):
            words = orjson.loads(kept.read_bytes())
        if _is_open(folder):
            codes.append(_crawl(folder, int(kept.stem), words))
        else:
            durable.remove(kept)
            _remove_ids(kept)
    _empty(folder)
    return max(codes)


def _remove_ids(kept: Path) -> None:
    """Remove the ids of a crawl; releases before this one wrote them as text."""
    for suffix in (".jsonl", ".txt"):
        durable.remove(kept.with_suffix(suffix))


def _is_open(folder: Path) -> bool:
    """Whether a run over a file of ids is unfinished."""
    with closing(read_only(Layout(folder).ledger)) as ledger:
        query = _SQL["sample_is_open"]
        return ledger.execute(query).fetchone() is not None


def _sample(folder: Path) -> str:
    """One of the identifiers that OAI-PMH gave, "" without any."""
    with closing(read_only(Layout(folder).ledger)) as ledger:
        row = ledger.execute(_SQL["an_oai_identifier"]).fetchone()
    return str(row[0]) if row else ""


def _folder(folder: Path) -> Path:
    durable.make_folder(folder / FOLDER)
    return folder / FOLDER


def _empty(folder: Path) -> None:
    """Leave no empty folder behind."""
    place = folder / FOLDER
    if place.is_dir() and not any(place.iterdir()):
        place.rmdir()


def _show(before: dict[str, Any], after: dict[str, Any], rounds: Sequence[dict[str, Any]]) -> None:
    for number, one in enumerate(rounds, 1):
        say(f"round {number}: {one['asked']:,} asked for, {one['left']:,} left")
    for word in ("missing", "stale", "extra"):
        say(f"{word}: {before[word]:,} before, {after[word]:,} now")
    say(verdict_of(after))
