"""`harvester apply`: a release and a delta give the next release."""

from pathlib import Path

import click

from harvester.cli.output import advancing, counted, print_json, say
from harvester.cli.params import command
from harvester.exits import DONE


@command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("delta", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def apply(old: Path, delta: Path, out: Path, as_json: bool) -> int:
    """Make the release OUT of the release OLD and a DELTA since it (harvester dump --since OLD).

    OUT is the full release, byte for byte: every file is compared with the digests that the delta has of it, and
    only then is it there. OLD must hold the records that the delta was made against; both are read to their last
    byte, and left as they are.

    Exit codes: 0 done, 2 not a delta, or not one since OLD, 4 OLD or DELTA is damaged.
    """
    from archive.releases import apply_delta

    with advancing("applying", "records") as progress:
        manifest = apply_delta(old, delta, out, progress)
    content = manifest.content
    if as_json:
        print_json(
            {
                "path": str(out),
                "name": manifest.name,
                "root": content.root,
                "records": content.records,
                "tombstones": content.tombstones,
                "parts": len(content.all_parts),
                "bytes": sum(entry.bytes for entry in manifest.entries()),
            }
        )
    else:
        say(
            f"{out}: {counted(content.records, 'record')} and {counted(content.tombstones, 'tombstone')} in "
            f"{counted(len(content.all_parts), 'part')}, each file as the delta names it; root {content.root}"
        )
    return DONE
