"""Commands, options, exit codes; with `harvester.crawl.progress` the only code that prints.

Results go to stdout, everything else to stderr. A command lives in the module named beside it in
`COMMANDS` and is imported when it is asked for, so that `harvester --help` starts at once.
"""

import importlib
import io
import sys
from collections.abc import Sequence

import click

from archive.disk import close_to_others
from archive.errors import ArchiveError
from archive.formats import printable
from harvester import __version__
from harvester.errors import HarvestError
from harvester.exits import DONE, UNFINISHED, USAGE, exit_code
from harvester.printable import check_text

_KEPT = "\n\t"

COMMANDS = {
    "crawl": ("harvester.cli.crawl", "harvest a repository into an archive; the same command resumes"),
    "sources": ("harvester.cli.sources", "the repositories and platforms that are known, and what is known of them"),
    "probe": ("harvester.cli.probe", "find out which platform answers at a URL, and write a source file"),
    "plan": ("harvester.cli.plan", "what a harvest would take: requests, hours, bytes, and what it cannot see"),
    "status": ("harvester.cli.status", "where an archive stands: runs, windows, the account, findings"),
    "why": ("harvester.cli.why", "one id's whole story: requests, waits, state, versions, shard and frame"),
    "get": ("harvester.cli.get", "one record by its id: of an archive or a release, here or over HTTP"),
    "retry": ("harvester.cli.retry", "ask again for what is refused, lost or open, and only that"),
    "index": ("harvester.cli.index", "make index.duckdb and index.lookup from the shards and the ledger"),
    "sql": ("harvester.cli.sql", "ask the index a question in SQL, or many at a prompt"),
    "profile": ("harvester.cli.profile", "which fields are filled how often, with what; what drifted since a release"),
    "audit": ("harvester.cli.audit", "compare an archive with a provider, a list of ids, or its own ledger"),
    "repair": ("harvester.cli.repair", "audit against a target, ask for the gaps, audit again"),
    "report": ("harvester.cli.report", "what an archive holds and misses, as a page, as Markdown or as JSON"),
    "sketch": ("harvester.cli.sketch", "a small file by which two mirrors name each other's differences"),
    "verify": ("harvester.cli.verify", "read anything written here, or any bag, back and check every byte"),
    "fixity": ("harvester.cli.fixity", "read all of it again within so many days, a share in each run"),
    "mend": ("harvester.cli.mend", "repair a damaged archive as far as the data allows, and say what is done"),
    "dump": ("harvester.cli.dump", "make a release: parts, tombstones, index, manifest, papers"),
    "diff": ("harvester.cli.diff", "what changed between two releases, also by their manifests alone"),
    "apply": ("harvester.cli.apply", "an old release and a delta give the new release, byte for byte"),
    "convert": ("harvester.cli.convert", "make the JSON of an archive anew, or write records in another format"),
    "validate": ("harvester.cli.validate", "check records against their schemas, and against each other"),
    "bag": ("harvester.cli.bag", "put an archive, a release or any folder into a bag (BagIt)"),
    "fill": ("harvester.cli.fill", "fetch what a holey bag lacks, checked against its manifests"),
    "serve": ("harvester.cli.serve", "serve an archive as an OAI-PMH provider"),
    "demo": ("harvester.cli.demo", "all of it, on this machine, in a minute"),
}


class _Lazy(click.Group):
    """A group that knows its commands by name and imports the one that is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="harvester")
def harvester() -> None:
    """Mirror a research repository's records, and prove which ones are missing.

    Exit codes: 0 done and complete, 1 done with findings, 2 usage, 3 unfinished (run it again),
    4 the archive is damaged.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave with its exit code; an error of ours is one line on stderr."""
    close_to_others()
    try:
        check_text(sys.argv[1:] if arguments is None else arguments)
        code = harvester.main(arguments, standalone_mode=False)
    except (ArchiveError, HarvestError) as error:
        click.echo(f"harvester: {printable(str(error))}", err=True)
        sys.exit(exit_code(error))
    except click.ClickException as error:
        # what the message quotes comes from anybody; the lines of the usage above it are click's own
        shown, message = io.StringIO(), error.format_message()
        error.show(file=shown)
        usage = shown.getvalue().removesuffix(f"Error: {message}\n")
        click.echo(f"{printable(usage, _KEPT)}Error: {printable(message)}", err=True)
        sys.exit(USAGE)
    except OSError as error:
        # what nobody nearer has better words for: a file that is in use, a disk that fails
        what = " ".join(str(part) for part in (error.filename, error.filename2) if part is not None)
        said = f"{what}: {error.strerror}" if what else str(error)
        click.echo(f"harvester: {printable(said)}; when that is mended, run the same command again", err=True)
        sys.exit(UNFINISHED)
    except (click.Abort, KeyboardInterrupt):
        click.echo("harvester: interrupted; the same command goes on from here", err=True)
        sys.exit(UNFINISHED)
    sys.exit(code if isinstance(code, int) else DONE)
