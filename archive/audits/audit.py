"""Audits: compare every id that a target names with every id that an archive lists, in one pass.

The archive's side comes from its ledger, whose outcomes match the records in the shards one for one (law 1, which is
checked). Both sides are loaded in bulk into DuckDB, which needs little memory for 100 million ids.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from archive.audits.counts import Stated, count_sides
from archive.audits.idfiles import iter_ids
from archive.audits.result import AuditReport, Row, Total, Wish, list_doubts, list_totals
from archive.audits.sides import CHANNEL, FORMAT, HERE, IDENTIFIER, LOCAL, THERE, Sides, useful_indexes
from archive.duck import translated_duckdb
from archive.errors import NotAnArchive, OtherArchive
from archive.findings import Finding
from archive.queries import Queries
from archive.releases import INDEX, MANIFEST, check_index, read_manifest
from archive.store import Layout, balances, read_description, snapshot

_SQL = Queries(__package__)

NOTHING_MORE = Wish()
_FIRST = ("channel", "identifier", "reason", "datestamp_there", "datestamp_here", "deleted_there", "deleted_here")


@dataclass(slots=True)
class Comparison:
    """Both sides, compared; open until its block ends. `sides.db` has the views `every` and `marked`."""

    target: str
    sides: Sides
    report: AuditReport = field(init=False)

    def lines(self) -> Iterator[tuple[str, str, str, str | None]]:
        """Yield (channel, mark, identifier, reason) of every id, in the order of identifiers."""
        for row in self.details():
            yield row[:4]

    def details(self) -> Iterator[tuple[Any, ...]]:
        """Yield the same, and datestamp_there, datestamp_here, deleted_there, deleted_here."""
        yield from self.sides.rows("audit_lines")

    def differences(self) -> Iterator[tuple[Any, ...]]:
        """Yield the same for the ids that differ between the sides."""
        yield from self.sides.rows("audit_differences")

    def missing(self) -> Iterator[str]:
        """Yield each missing id once, in order, however many channels lack it."""
        for (identifier,) in self.sides.rows("audit_gaps"):
            yield identifier

    def duplicates(self, limit: int | None = None) -> Iterator[tuple[str, str, str, int]]:
        """Yield (here or there, channel, identifier, times) of ids that occur more than once."""
        for side, channel, identifier, times in self.sides.rows("audit_duplicates", {"limit": limit}):
            yield ("here", "there")[side], channel, identifier, times

    def first(self, mark: str, limit: int = 10) -> list[Row]:
        """Return some ids of one mark, with both sides."""
        rows = self.sides.rows("audit_first", {"mark": mark, "limit": limit})
        return [dict(zip(_FIRST, row, strict=True)) for row in rows]


# --- targets


@dataclass(frozen=True, slots=True)
class _Target:
    """The target that an archive is compared with.

    `by` is what is compared, only in these `formats` if any are named; `fill` loads its side, `census` is its run if it
    is in the archive's own ledger. `other` is another archive, whose index may know more; `hashed`: its ids come with
    digests. `totals` are the lengths that it declares.
    """

    name: str
    by: str = CHANNEL
    formats: tuple[str, ...] | None = None
    fill: Callable[[Sides], object] = lambda sides: None
    census: int | None = None
    own: bool = False
    finished: bool = True
    stamped: bool = True
    only_newer: bool = False
    other: Path | None = None
    hashed: bool = False
    totals: tuple[Total, ...] = ()
    doubts: tuple[Finding, ...] = ()


@contextmanager
def against_ledger(folder: Path, wish: Wish = NOTHING_MORE) -> Iterator[Comparison]:
    """Compare every id that was listed or requested with what is held."""
    with snapshot(Layout(folder)) as ledger:
        totals = tuple(list_totals(ledger, None))
    with _compared(folder, _Target("ledger", own=True, totals=totals), wish) as found:
        yield found


@contextmanager
def against_census(
    folder: Path,
    target: str,
    census: Path,
    run: int,
    *,
    finished: bool,
    together: bool = False,
    stamped: bool = True,
    wish: Wish = NOTHING_MORE,
) -> Iterator[Comparison]:
    """Compare what census `run` of the archive at `census`, which may be the same archive, listed with what is held.

    `together`: in any channel, by local ids, where datestamps may be of several kinds. `stamped`: the datestamps of
    deleted records there can be compared.
    """
    read_description(census)
    with snapshot(Layout(census)) as ledger:
        totals, doubts = tuple(list_totals(ledger, run)), tuple(list_doubts(ledger, run))
    same = census.resolve() == folder.resolve()

    def fill(sides: Sides) -> None:
        if not same:
            sides.add_ledger(Layout(census), lambda number, mode: THERE if number == run else None)

    made = _Target(
        target,
        LOCAL if together else CHANNEL,
        None,
        fill,
        run if same else None,
        finished=finished,
        stamped=stamped,
        only_newer=together,
        totals=totals,
        doubts=doubts,
    )
    with _compared(folder, made, wish) as found:
        yield found


@contextmanager
def against_archive(folder: Path, other: Path, wish: Wish = NOTHING_MORE) -> Iterator[Comparison]:
    """Compare what another archive holds with what is held here; channels are matched by prefix and set.

    If both have a current index, the digests of what was sent are compared too.
    """
    read_description(other)

    def fill(sides: Sides) -> None:
        sides.add_ledger(Layout(other), lambda number, mode: THERE if mode != "census" else None)

    with _compared(folder, _Target(str(other), fill=fill, other=other), wish) as found:
        yield found


@contextmanager
def against_release(folder: Path, release: Path, wish: Wish = NOTHING_MORE) -> Iterator[Comparison]:
    """Compare the records and tombstones of a release (its folder or manifest) with what is held in their formats.

    Raises NotAnArchive if the manifest has no release beside it, OtherArchive for a delta, Damaged.
    """
    manifest = read_manifest(release)
    index = (release if release.is_dir() else release.parent) / INDEX
    content = manifest.content
    if manifest.kind != "full":
        raise OtherArchive(
            f"{release} is a {manifest.kind}, no release; make one of it: harvester apply OLD {release} OUT"
        )
    if not index.exists():
        raise NotAnArchive(
            f"{release} names no record, {INDEX} beside it would; take it from the release, or compare the numbers "
            f"alone: --stated {content.records}"
        )
    check_index(index, manifest)
    formats = tuple(content.by_format)
    made = _Target(str(release), FORMAT, formats, lambda sides: sides.add_release(index, formats))
    with _compared(folder, made, wish, (("manifest", content.records, None),)) as found:
        yield found


@contextmanager
def against_file(folder: Path, path: Path, wish: Wish = NOTHING_MORE) -> Iterator[Comparison]:
    """Compare the ids in a file with what is held in any channel.

    They are compared with identifiers as the provider writes them if some begin with "oai:", as in OAI-PMH, else with
    the local part of the identifiers.
    """
    first = [wanted for wanted, _ in zip(iter_ids(path), range(10_000), strict=False)]
    local = not any(wanted.identifier.startswith("oai:") for wanted in first)
    hashed = any(wanted.sha256 for wanted in first)
    made = _Target(str(path), LOCAL if local else IDENTIFIER, fill=lambda s: s.add_ids(path), hashed=hashed)
    with _compared(folder, made, wish) as found:
        yield found


def is_release(path: Path) -> bool:
    """Return whether a path is a release, or the manifest of one."""
    return (path / MANIFEST if path.is_dir() else path).name == MANIFEST and (
        path.is_file() or (path / MANIFEST).exists()
    )


# --- helpers


@contextmanager
def _compared(folder: Path, target: _Target, wish: Wish, stated: Sequence[Stated] = ()) -> Iterator[Comparison]:
    """Load both sides and join them, in a temporary folder inside the archive."""
    read_description(folder)
    indexes = useful_indexes(folder, target.other, wish, hashed=target.hashed)
    work = Path(tempfile.mkdtemp(prefix=".audit-", dir=folder))
    try:
        with translated_duckdb(work), ThreadPoolExecutor(1, thread_name_prefix="account") as pool:
            account = pool.submit(_account, folder)  # runs in SQLite while DuckDB loads
            sides = Sides(work, target.by)
            try:
                _fill(sides, folder, target, wish, indexes)
                comparison = Comparison(target.name, sides)
                balanced, lost = account.result()
                comparison.report = count_sides(
                    sides,
                    target.name,
                    target.totals,
                    (*stated, *wish.stated),
                    wish.by,
                    balanced=balanced,
                    finished=target.finished,
                    lost_windows=lost,
                )
                comparison.report = replace(comparison.report, doubts=target.doubts)
                yield comparison
            finally:
                sides.db.close()
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _account(folder: Path) -> tuple[bool, int]:
    """Return whether the account balances, and how many windows of the last harvest have unknown content."""
    with snapshot(Layout(folder)) as ledger:
        (lost,) = ledger.execute(_SQL["audit_lost_windows"]).fetchone()
        return balances(ledger), int(lost)


def _fill(sides: Sides, folder: Path, target: _Target, wish: Wish, indexes: dict[int, Path]) -> None:
    def side_of(run: int, mode: str) -> int | None:
        if mode == "census":
            return THERE if run == target.census else None
        return HERE

    windows = "window" in wish.by
    sides.add_ledger(Layout(folder), side_of, target.formats, windows=windows)
    target.fill(sides)
    for side, index in indexes.items():
        sides.add_index(index, side)
    sides.settle(
        finished=target.finished,
        own=target.own,
        stamped=target.stamped,
        only_newer=target.only_newer,
        by_window=windows,
    )
    sides.compare()
