"""`harvester index`: make the index of an archive or a release, check it, or write it as Parquet."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archive.releases import is_release
from harvester.cli.output import advancing, counted, print_json, print_table, say, table
from harvester.cli.params import command
from harvester.exits import DAMAGED, DONE

if TYPE_CHECKING:
    from archive.index import Difference, IndexReport


def _print_macro(ctx: click.Context, _: click.Parameter, given: bool) -> None:
    if given:
        from archive.queries import Queries

        click.echo(Queries("archive.index")["shard_records"], nl=False)
        ctx.exit(DONE)


@command()
@click.argument("folder", metavar="PATH", type=click.Path(path_type=Path))
@click.option("--full", is_flag=True, help="read everything, also what an index that is there holds already")
@click.option("--check", is_flag=True, help="compare the index with shards and ledger, row by row; change nothing")
@click.option(
    "--parquet",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="make the index, then write its tables as Parquet into the new folder OUT",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="of a release: where its index goes; without it RELEASE.duckdb",
)
@click.option(
    "--macro",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_macro,
    help="print shard_records, by which any DuckDB reads shards without an index, and leave",
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def index(folder: Path, full: bool, check: bool, parquet: Path | None, out: Path | None, as_json: bool) -> int:
    """Make the index of an archive (index.duckdb and index.lookup in it) or of a release (RELEASE.duckdb beside it).

    They are derived: deleting them loses nothing. Every byte that goes into them is checked. Of an archive only what
    came since is read. `harvester sql` asks the one, `harvester get` the other.
    """
    if out is not None and (check or parquet is not None or not is_release(folder)):
        raise click.UsageError("--out is for the index of a release, alone")
    if check:
        return _check(folder, as_json)
    report = _make(folder, out, full)
    if parquet is not None:
        return _write_parquet(folder, parquet, as_json)
    if as_json:
        print_json(
            {
                "path": str(report.path),
                "records": report.records,
                "versions": report.versions,
                "harvested": report.harvested,
                "outcomes": report.outcomes,
                "shards": report.shards,
                "read": report.read,
                "bytes": report.size_bytes,
                "seconds": round(report.seconds, 3),
            }
        )
    else:
        say(
            f"{report.path}: {counted(report.records, 'record')}, {counted(report.versions, 'version')}, "
            f"{counted(report.outcomes, 'outcome')} from {counted(report.shards, 'shard')}; "
            f"{counted(report.read, 'record')} read, {counted(report.size_bytes, 'byte')} in {report.seconds:.1f} s"
        )
    return DONE


def _make(folder: Path, out: Path | None, full: bool) -> "IndexReport":
    with advancing("indexing", "records") as progress:
        if is_release(folder):
            from archive.index import index_release

            return index_release(folder, out, progress)
        from archive.index import index as make

        return make(folder, progress, full=full)


def _check(folder: Path, as_json: bool) -> int:
    with advancing("comparing", "records") as progress:
        if is_release(folder):
            from archive.index import check_release_index

            found = check_release_index(folder, progress)
        else:
            from archive.index import check_index

            found = check_index(folder, progress)
    _print_differences(folder, found, as_json)
    return DAMAGED if found else DONE


def _print_differences(folder: Path, found: list["Difference"], as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "equal": not found,
                "differences": [
                    {"table": d.table, "shard": d.shard, "found": d.found, "expected": d.expected, "first": d.first}
                    for d in found
                ],
            }
        )
    elif not found:
        say(f"{folder}: the index is equal to what it was made of")
    else:
        made = table("table", "shard", "found", "expected", "first", numbers=("shard", "found", "expected"))
        for d in found:
            made.add_row(d.table, str(d.shard or ""), str(d.found), str(d.expected), d.first or "")
        print_table(made)
        say(f"harvester: make it again: harvester index {folder} --full", err=True)


def _write_parquet(folder: Path, out: Path, as_json: bool) -> int:
    from archive.index import write_parquet

    written = write_parquet(folder, out)
    if as_json:
        print_json({"path": str(out), "tables": {one.table: one.rows for one in written}})
    else:
        made = table("table", "rows", "partitioned by", numbers=("rows",))
        for one in written:
            made.add_row(one.table, f"{one.rows:,}", ", ".join(one.partitioned_by))
        print_table(made)
    return DONE
