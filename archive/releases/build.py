"""Build a release from an archive: its records in their latest version, and what others need to use and verify them.

It is built beside its destination and appears there whole (`archive.disk.durable`).
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from archive.disk import WORK, staged
from archive.errors import CannotDump, Damaged
from archive.queries import Queries
from archive.releases.assembly import assemble
from archive.releases.documents import write_papers
from archive.releases.entries import Entry
from archive.releases.manifest import Content, Making, Manifest, Selection, write_manifest
from archive.releases.sorting import Plan, iter_entries, make_plan
from archive.store import FORMAT_VERSION, Account, Layout, read_accounts, read_description, snapshot

_SQL = Queries(__package__)
_STORE_SQL = Queries("archive.store")

FULL = "full"
FRAME_BYTES = 4 << 20

Progress = Callable[[int, int], None]
Watch = Callable[[Iterator[Entry]], Iterator[Entry]]


@dataclass(frozen=True, slots=True)
class Options:
    """How to build a release. `licence` has id, name and url, `published` is a date; `software` names what built it.

    `others` are layouts besides that of `making`, in which the same records are also written.
    """

    making: Making
    selection: Selection
    name: str
    title: str
    published: str
    licence: dict[str, str]
    software: dict[str, Any]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stated:
    """Everything a manifest says of the archive, in one state of its ledger, and the plan to read its records."""

    source: dict[str, Any]
    archive: dict[str, Any]
    runs: tuple[dict[str, Any], ...]
    account: dict[str, Any]
    plan: Plan

    def manifest(self, options: Options, content: Content) -> Manifest:
        """Make the manifest of a full release, before it has files other than the content."""
        return Manifest(
            kind=FULL,
            name=options.name,
            title=options.title,
            published=options.published,
            content=content,
            files=(),
            source=self.source,
            archive=self.archive,
            runs=self.runs,
            account=self.account,
            software=options.software,
            licence=options.licence,
        )


def write_release(archive: Path, out: Path, options: Options, progress: Progress | None = None) -> Manifest:
    """Build a release of an archive, also during a harvest: it has what was counted when it started.

    `progress` is called with the records read and written so far, and their maximum. Raises NotAnArchive, CannotDump if
    `out` exists or a record has no text in that form, Damaged if a shard is not what was written or the account of the
    archive does not balance, Busy if another process builds this release.
    """
    with staged(out) as folder:
        work = folder / WORK
        stated = read_stated(archive, work, options)
        content = assemble_archive(stated.plan, folder, options, progress)
        manifest = stated.manifest(options, content)
        manifest = replace(manifest, files=write_papers(folder, manifest))
        write_manifest(folder, manifest)
    return manifest


def read_stated(archive: Path, work: Path, options: Options) -> Stated:
    """Read what a manifest says of an archive.

    Raises NotAnArchive, CannotDump without records, and Damaged if the account does not balance.
    """
    layout, description = Layout(archive), read_description(archive)
    with snapshot(layout) as ledger:
        account = _account(read_accounts(ledger)[-1], archive)
        plan = make_plan(ledger, layout, work, options.making.form, options.selection)
        runs = _runs(ledger)
    if not plan.records:
        raise CannotDump(f"{archive} holds no records yet; harvest it first")
    said = {"id": description["id"], "created": description["created"], "format_version": FORMAT_VERSION}
    # the name of a local source file is of no use to others
    source = {name: value for name, value in description["source"].items() if name not in ("source", "site")}
    return Stated(source, said, runs, account, plan)


def assemble_archive(
    plan: Plan, folder: Path, options: Options, progress: Progress | None = None, watch: Watch | None = None
) -> Content:
    """Read the records of an archive and write them as parts, index and lookup: see `assemble`.

    With `watch`, which passes on what it is given, no part is written.
    """
    total = 2 * plan.records

    def read(done: int, _: int) -> None:
        if progress is not None:
            progress(done, total)

    def written(done: int) -> None:
        if progress is not None:
            progress(plan.records + done, total)

    work = folder / WORK
    entries = iter_entries(plan, work, read)
    taken = entries if watch is None else watch(entries)
    return assemble(
        entries=taken,
        folder=folder,
        work=work,
        making=options.making,
        selection=options.selection,
        written=written,
        others=options.others,
        sink=watch is not None,
    )


def _account(account: Account, archive: Path) -> dict[str, Any]:
    if not account.balanced:
        off = account.off[0].message if account.off else "the states of its ids do not add up"
        raise Damaged(f"{archive}: {off}; what does not balance is not published, see harvester verify {archive}")
    return {"listed": account.listed, **account.states, "balanced": True, "complete": account.complete}


def _runs(ledger: sqlite3.Connection) -> tuple[dict[str, Any], ...]:
    """Describe each run: its work and its software."""
    cursor = ledger.execute(_STORE_SQL["work_of_runs"])
    names = [column[0] for column in cursor.description]
    runs = [dict(zip(names, row, strict=True)) for row in cursor]
    software = {run: software for run, _, _, _, software, *_ in ledger.execute(_STORE_SQL["ledger_runs"])}
    for run in runs:
        run["arguments"] = {key: _public(value) for key, value in orjson.loads(run["arguments"]).items()}
        run["software"] = orjson.loads(software[run["run"]])
    return tuple(runs)


def _public(value: Any) -> Any:
    """Remove local folders from an argument: `ids=@FILE` keeps only the name of the file."""
    return f"@{Path(value[1:]).name}" if isinstance(value, str) and value.startswith("@") else value
