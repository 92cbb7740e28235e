"""`harvester bag`: put an archive, a release or any folder into a bag."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from archive.bags import Bag, Made, SecondOpinion
from archive.findings import VerifyReport
from harvester import __version__
from harvester.cli.output import advancing, cell, counted, print_json, say
from harvester.cli.params import Size, command
from harvester.cli.second_opinion import opinion_lines
from harvester.cli.verify import show_report, verdict_line
from harvester.errors import UsageError
from harvester.exits import DAMAGED, DONE, FINDINGS
from harvester.http import email

# both verdicts on a bag, by its path
Checks = dict[str, tuple[VerifyReport, SecondOpinion]]


@command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--copy", is_flag=True, help="copy every file, also those that a hard link would do for")
@click.option("--link", is_flag=True, help="hard links for every file, also those that may be written to again")
@click.option("--max-bytes", type=Size(), help="split into OUT-1-of-N ..., each with at most so much payload (50GB)")
@click.option("--info", "infos", metavar="LABEL=VALUE", multiple=True, help="an element of bag-info.txt; repeatable")
@click.option("--contact", default="", help="e-mail address for Contact-Email; or HARVESTER_CONTACT")
@click.option("--bagging-date", metavar="YYYY-MM-DD", help="Bagging-Date; today in UTC without it")
@click.option("--with-index", is_flag=True, help="an archive's index as well, which can be made again")
@click.option(
    "--safe-names",
    is_flag=True,
    help="rename in the bag what readers of manifests misread; renamed-files.jsonl says which",
)
@click.option("--fetch-url", metavar="URL", help="list files in fetch.txt, as below this URL, and leave them out")
@click.option("--fetch", metavar="GLOB", multiple=True, help="only files of such a path below data/; repeatable")
@click.option("--second-opinion", is_flag=True, help="validate each bag, and have bagit-python validate it, too")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def bag(
    path: Path,
    out: Path,
    copy: bool,
    link: bool,
    max_bytes: int | None,
    infos: tuple[str, ...],
    contact: str,
    bagging_date: str | None,
    with_index: bool,
    safe_names: bool,
    fetch_url: str | None,
    fetch: tuple[str, ...],
    second_opinion: bool,
    as_json: bool,
) -> int:
    """Put PATH, an archive, a release or any folder, into the bag OUT (BagIt 1.0, SHA-256 and SHA-512).

    PATH stays as it is. Files that nobody writes to again (shards, refused bodies, files of records, parts of a
    release) are hard-linked where the file system can, all others copied. Digests that were recorded are used; only
    what has none is read, once. An archive that a harvest writes to is not packed.

    Names at which readers of manifests go wrong (line breaks of Unicode, blanks at the end) are refused before anything
    is written; --safe-names gives such files others, and renamed-files.jsonl in the bag has both.

    OUT has its name when it is whole: after a kill the same command goes on or begins anew.

    --second-opinion reads every bag back, twice: our check, and bagit-python, the validator of the Library of Congress.
    A bag with files to be fetched is valid for neither until `harvester fill` has fetched them.

    Exit codes: 0 done, 1 done and something was left out or will be read otherwise by others, 2 usage, 3 an archive
    that is being written to or was left open, or no room, 4 a file is not what was recorded, a bag that was read back
    is damaged, or the two validators disagree.
    """
    from archive.bags import Options, checked_date, checked_info, merged_info, payload_of, with_safe_names, write_bags

    if copy and link:
        raise UsageError("--copy and --link are the opposite of each other; leave out one")
    if fetch and not fetch_url:
        raise UsageError("--fetch says which files are left out, --fetch-url from where they can be had: name both")
    if with_index and not (path / "archive.json").exists():
        raise UsageError(f"{path} is no archive; --with-index is for one")
    if safe_names and fetch_url:
        raise UsageError(
            "--safe-names changes names and --fetch-url says where files of these names are: leave out one"
        )
    address = email(contact)
    named = checked_info([_pair(text) for text in infos])
    options = Options(
        date=checked_date(bagging_date or datetime.now(UTC).strftime("%Y-%m-%d")),
        agent=f"harvester {__version__}",
        info=merged_info([("Contact-Email", address)] if address else [], named),
        copy=copy,
        link=link,
        max_bytes=max_bytes,
        fetch_url=_base(fetch_url),
        fetch=fetch,
    )
    with payload_of(path, with_index=with_index) as payload, advancing("bagging", "bytes") as progress:
        made = write_bags(with_safe_names(payload) if safe_names else payload, out, options, progress)
    checks = _read_back(made) if second_opinion else {}
    if as_json:
        print_json(_as_json(payload.kind, made, checks))
    else:
        _show(made, checks)
    if any(report.damaged or opinion.agrees is False for report, opinion in checks.values()):
        return DAMAGED
    return FINDINGS if made.remarks else DONE


def _read_back(made: Made) -> Checks:
    """Validate every bag that was made, with both validators."""
    from archive.integrity import detect

    with advancing("validating", "bytes") as progress:
        return {one.path: detect.check_bag_twice(Path(one.path), progress) for one in made.bags}


def _pair(text: str) -> tuple[str, str]:
    label, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--info {text!r}: write it as LABEL=VALUE")
    return label, value


def _base(url: str | None) -> str | None:
    """The URL that stands for data/, with a slash at its end. Raises UsageError."""
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise UsageError("--fetch-url is the http or https URL of a folder, without a query or a user name")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError("--fetch-url: write other characters than printable ASCII percent-encoded")
    return url if url.endswith("/") else f"{url}/"


def _as_json(kind: str, made: Made, checks: Checks) -> dict[str, Any]:
    return {
        "kind": kind,
        "bags": [
            {
                "path": one.path,
                "files": one.files,
                "bytes": one.bytes,
                "linked": one.linked,
                "copied": one.copied,
                "to_fetch": one.fetched,
            }
            | (_checked(*checks[one.path]) if one.path in checks else {})
            for one in made.bags
        ],
        "remarks": [{"code": one.code, "path": one.path, "message": one.message} for one in made.remarks],
    }


def _checked(report: VerifyReport, opinion: SecondOpinion) -> dict[str, Any]:
    return {"damaged": report.damaged, "whole": report.whole, "second_opinion": asdict(opinion)}


def _show(made: Made, checks: Checks) -> None:
    for remark in made.remarks:
        say(f"{remark.code}: {cell(remark.path)}: {remark.message}", err=True)
    for one in made.bags:
        say(f"{one.path}: {counted(one.files, 'file')}, {counted(one.bytes, 'byte')}: {_ways(one)}")
        if one.path in checks:
            report, opinion = checks[one.path]
            if report.damaged:
                show_report(report)
            else:  # files to be fetched were asked for, and are not listed one by one
                say(verdict_line(report))
            for line in opinion_lines(one.path, opinion):
                say(line)


def _ways(one: Bag) -> str:
    ways = ((one.linked, "linked"), (one.copied, "copied"), (one.fetched, "to be fetched"))
    return ", ".join(f"{number:,} {way}" for number, way in ways if number) or "empty"
