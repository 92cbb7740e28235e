"""Export the tables of an index as Parquet, for any other engine: a folder for each table, partitioned as in Hive.

`records` and `versions` are partitioned by format and by the month in which a version came, so that a later harvest
adds partitions and changes none; the contents of records (identifiers, creators and so on) by format. `tables.json`
describes them. Every table is read back and compared with the index before the folder gets its name.
"""

import json
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from archive.disk import WORK, durable, staged
from archive.duck import MEMORY_LIMIT, translated_duckdb
from archive.errors import Damaged
from archive.index.file import open_index, release_index
from archive.index.fill import LEDGER_TABLES, quoted
from archive.queries import Queries
from archive.releases import is_release
from archive.store import Layout

_SQL = Queries(__package__)

TABLES = "tables.json"
_RECORDS = ("records", "versions")
_INSIDE = ("identifiers", "creators", "subjects", "relations", "files")
_PLAIN = (*LEDGER_TABLES, "outcomes", "downloads", "census", "account", "tombstones", "proofs")
# rows of records: some kilobytes each, so that a row group is some ten megabytes
_RECORD_ROWS, _ROWS = 16_384, 122_880
# rows kept in memory until their partition is written
_FLUSHED_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class Exported:
    """A table that was written: its columns with DuckDB's types, in order, and those that only the paths have."""

    table: str
    rows: int
    partitioned_by: tuple[str, ...]
    columns: dict[str, str]


def write_parquet(folder: Path, out: Path) -> list[Exported]:
    """Write the tables of the index of an archive or a release into the new folder `out`.

    Raises as `open_index`, CannotDump if `out` exists, Damaged if what was written differs from the index.
    """
    open_index(folder).close()
    path = release_index(folder) if is_release(folder) else Layout(folder).index
    with staged(out) as made, translated_duckdb(out):
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(made / WORK),
            "preserve_insertion_order": False,
        }
        with closing(duckdb.connect(path, read_only=True, config=config)) as db:
            db.execute(f"SET partitioned_write_flush_threshold = {_FLUSHED_ROWS}")
            exported = [
                *(
                    _write(
                        db,
                        made,
                        name,
                        _SQL["parquet_records"].format(table=name),
                        ("format", "month"),
                    )
                    for name in _RECORDS
                ),
                *(_write(db, made, name, f"FROM {name}", ("format",)) for name in _INSIDE),
                *(_write(db, made, name, f"FROM {name}", ()) for name in _PLAIN),
            ]
            described = {"stamp": dict(db.execute(_SQL["stamp"]).fetchall())}
        text = json.dumps({**described, "tables": [asdict(one) for one in exported]}, indent=2, ensure_ascii=False)
        durable.write_new(made / TABLES, f"{text}\n".encode(), "parquet-tables")
    return exported


def _write(
    db: duckdb.DuckDBPyConnection, out: Path, table: str, query: str, partitioned_by: tuple[str, ...]
) -> Exported:
    columns = {name: kind for name, kind, *_ in db.execute(f"DESCRIBE ({query})").fetchall()}
    rows = _RECORD_ROWS if table in _RECORDS else _ROWS
    cut = f"PARTITION_BY ({', '.join(partitioned_by)})" if partitioned_by else "FILE_SIZE_BYTES '1GB'"
    options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {rows}, {cut}"
    db.execute(f"COPY ({query}) TO {quoted(out / table)} ({options})")
    said = _summed(db, columns, f"({query})")
    if not said[0] and partitioned_by:  # without rows there is no partition: write a file with the columns
        durable.make_folder(out / table)
        place = quoted(out / table / "data_0.parquet")
        db.execute(f"COPY ({query}) TO {place} (FORMAT parquet, COMPRESSION zstd)")
    elif (found := _summed(db, columns, _written(out / table, partitioned_by))) != said:
        raise Damaged(f"{out / table}: {found[0]} rows can be read back, the index has {said[0]}; write it again")
    return Exported(table, said[0], partitioned_by, columns)


def _written(folder: Path, partitioned_by: tuple[str, ...]) -> str:
    kinds = ", ".join(f"'{name}': VARCHAR" for name in partitioned_by)
    hive = f"hive_partitioning = true, hive_types = {{{kinds}}}" if partitioned_by else "hive_partitioning = false"
    return f"read_parquet({quoted(folder / '**' / '*.parquet')}, {hive})"


def _summed(db: duckdb.DuckDBPyConnection, columns: dict[str, str], source: str) -> tuple[int, int | None]:
    """Return the number of rows and the sum of their hashes."""
    names = ", ".join(f'"{name}"::VARCHAR' if kind == "JSON" else f'"{name}"' for name, kind in columns.items())
    query = f"SELECT count(*), sum(hash(row({names}))::HUGEINT) FROM {source}"
    [(rows, hashes)] = db.execute(query).fetchall()
    return rows, hashes
