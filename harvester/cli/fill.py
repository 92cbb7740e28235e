"""`harvester fill`: fetch what a holey bag lacks."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harvester.cli.output import advancing, cell, counted, print_json, say
from harvester.cli.params import Size, command
from harvester.exits import DONE, FINDINGS, UNFINISHED

if TYPE_CHECKING:
    from harvester.http import Filling


@command()
@click.argument("bag", type=click.Path(path_type=Path))
@click.option("--allow-host", "allowed", metavar="HOST", multiple=True, help="this host may be asked; repeatable")
@click.option("--allow-all-hosts", is_flag=True, help="all that fetch.txt names may be, but for this machine's network")
@click.option(
    "--max-file-bytes",
    type=Size(),
    default="10GB",
    show_default=True,
    help="no more of a file whose length fetch.txt does not state",
)
@click.option("--tries", type=click.IntRange(1), default=4, show_default=True, help="so often without a new byte")
@click.option("--contact", default="", help="e-mail address or URL that goes into User-Agent")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def fill(
    bag: Path,
    allowed: tuple[str, ...],
    allow_all_hosts: bool,
    max_file_bytes: int,
    tries: int,
    contact: str,
    as_json: bool,
) -> int:
    """Fetch the files that BAG lacks and its fetch.txt names.

    Whoever made the bag chose the hosts: each must be allowed (as `host` or `host:port`, and those that a redirect
    leads to as well). A file gets its place when its length and every manifest agree; what came of it before a kill is
    not asked for again.

    Exit codes: 0 nothing is missing, 1 something cannot be had (not named in fetch.txt, gone, or what came is not the
    file), 2 usage, 3 no answer (run it again), 4 the bag's lists are damaged.
    """
    from archive.bags import read_holes
    from harvester.http import download_policy, hosts_to_ask, user_agent
    from harvester.http import fill as fill_holes
    from harvester.ratelimit import Gates, state_folder

    holes = read_holes(bag)
    hosts = hosts_to_ask(holes.to_fetch, frozenset(host.lower() for host in allowed), all_named=allow_all_hosts)
    gates = Gates(state_folder(None, os.environ), {}, lambda: True)
    agent = user_agent(hosts if holes.to_fetch else (), contact)
    policy = download_policy(agent, hosts, tries, remedy="allow it: --allow-host {host}")
    done: list[Filling] = []
    if holes.to_fetch:
        try:
            with advancing("filling", "bytes") as progress:
                done = fill_holes(bag, holes.to_fetch, policy, gates, unstated_most=max_file_bytes, progress=progress)
        finally:
            gates.close()
    bad = [one for one in done if one.state != "filled"]
    if as_json:
        print_json(
            {
                "bag": str(bag),
                "missing": len(done) + len(holes.nowhere),
                "filled": len(done) - len(bad),
                "nowhere": list(holes.nowhere),
                "problems": [
                    {"path": one.path, "url": one.url, "state": one.state, "reason": one.reason} for one in bad
                ],
            }
        )
    else:
        _show(bag, bad, holes.nowhere, len(done) - len(bad))
    if any(one.state == "lost" for one in bad):
        return UNFINISHED
    return FINDINGS if bad or holes.nowhere else DONE


def _show(bag: Path, bad: Sequence["Filling"], nowhere: Sequence[str], filled: int) -> None:
    for one in bad:
        say(f"{one.state}: {cell(one.path)}: {cell(one.reason)}")
    for path in nowhere:
        say(f"nowhere: {cell(path)}: it is missing, and fetch.txt does not name it")
    left = len(bad) + len(nowhere)
    what = f"{counted(left, 'file')} still missing" if left else "nothing is missing"
    say(f"{bag}: {counted(filled, 'file')} fetched, {what}")
