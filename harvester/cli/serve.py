"""`harvester serve`: an archive as an OAI-PMH provider, and its records over REST."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archive.disk import durable
from archive.errors import StaleIndex
from harvester.cli.output import advancing, say
from harvester.cli.params import command
from harvester.errors import UsageError
from harvester.exits import DONE

if TYPE_CHECKING:
    from harvester.serving import ArchiveHoldings

# what adminEmail may be, by the protocol's schema
_EMAIL = re.compile(r"\S+@(\S+\.)+\S+")
_BASE_URL = re.compile(r"https?://[\x21\x24-\x3b\x3d\x40-\x7e]+")
# .invalid belongs to nobody (RFC 2606)
NOBODY = "nobody@example.invalid"


@command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="address to listen at")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="port to listen at; 0 takes any that is free",
)
@click.option(
    "--port-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="write the port into this file once it is listened at",
)
@click.option("--page-size", type=click.IntRange(1, 10_000), default=100, show_default=True, help="records in a page")
@click.option("--rate", metavar="N/S", help="grant each client N requests in S seconds; more are answered 429")
@click.option("--name", help="repositoryName; default: a mirror of the archive's source")
@click.option("--admin-email", help="adminEmail; default: HARVESTER_CONTACT, if that is an e-mail address")
@click.option("--base-url", help="baseURL that clients see, behind a proxy; default: the address listened at")
@click.option("--index", "with_index", is_flag=True, help="make the index first, if it is missing or stale")
def serve(
    folder: Path,
    host: str,
    port: int,
    port_file: Path | None,
    page_size: int,
    rate: str | None,
    name: str | None,
    admin_email: str | None,
    base_url: str | None,
    with_index: bool,
) -> int:
    """Serve the archive DIR, read only: OAI-PMH 2.0 at /oai, records at /api/records/ID as JSON or, by Accept, XML.

    It ends with SIGTERM or Ctrl-C. What is served is the index: after a harvest, harvester index DIR, and serve again.
    """
    from harvester.serving import Listening, Rate, Repository, Server

    email = _email(admin_email)
    if name is not None and not name.isprintable():
        raise UsageError(f"--name {name!r} has characters that no XML can hold")
    if base_url is not None and not _BASE_URL.fullmatch(base_url):
        raise UsageError(f"--base-url {base_url!r} is no http or https URL without a query")
    parsed = Rate.parse(rate) if rate is not None else None
    if port_file is not None and not port_file.parent.is_dir():
        raise UsageError(f"there is no folder {port_file.parent} to put the port file into")
    holdings = _open(folder, with_index)

    def repository(where: Listening) -> Repository:
        return Repository(
            name=name or f"Mirror of {holdings.description['source'].get('url', folder)}",
            base_url=base_url or f"{where.url}/oai",
            admin_emails=(email,),
            key=holdings.token_key,
            page_size=page_size,
        )

    def listening(where: Listening) -> None:
        if port_file is not None:
            durable.write_new(port_file, f"{where.port}\n".encode(), "port-file")
        say(f"{where.url}/oai")
        say(f"harvester: serving {folder}; records are at {where.url}/api/records/ID", err=True)

    try:
        Server(holdings, repository, parsed).run(host, port, listening)
    finally:
        holdings.close()
    return DONE


def _open(folder: Path, with_index: bool) -> "ArchiveHoldings":
    """The holdings of an archive; an index that is missing or stale is made when that was asked for."""
    from archive.index import index
    from harvester.serving import ArchiveHoldings

    try:
        return ArchiveHoldings(folder)
    except StaleIndex:
        if not with_index:
            raise
    with advancing("indexing", "records") as progress:
        index(folder, progress)
    return ArchiveHoldings(folder)


def _email(given: str | None) -> str:
    if given is not None and not _EMAIL.fullmatch(given):
        raise UsageError(f"{given!r} is no e-mail address")
    contact = os.environ.get("HARVESTER_CONTACT", "")
    return given or (contact if _EMAIL.fullmatch(contact) else NOBODY)
