"""`harvester crawl`: `scrapy crawl` from any folder, with a progress display."""

import click

from harvester.errors import UsageError


@click.command()
@click.argument("spider")
@click.option("-a", "arguments", multiple=True, metavar="NAME=VALUE", help="argument of the spider; may be repeated")
@click.option("-s", "settings", multiple=True, metavar="NAME=VALUE", help="Scrapy setting; may be repeated")
@click.option("--progress", type=click.Choice(["auto", "rich", "plain", "none"]), default="auto", show_default=True,
              help="display on stderr; auto is rich on a terminal")  # fmt: skip
@click.option("-v", "--verbose", is_flag=True, help="show the log as well")
def crawl(spider: str, arguments: tuple[str, ...], settings: tuple[str, ...], progress: str, verbose: bool) -> int:
    """Harvest with SPIDER (oaipmh) into an archive. The same command resumes what was left unfinished.

    \b
    harvester crawl oaipmh -a url=https://repository.example/oai -a archive=DIR
    -a prefix=oai_dc,oai_datacite   metadata prefixes, each stored and counted apart
    -a set=SPEC,SPEC                only these sets
    -a from=2020-01-01 -a until=... bounds of the datestamps, both included
    -a mode=full|incremental|census everything, what changed since the last complete run, or headers only
    -a windows=N                    lists walked at once (default 1, more only where the provider allows it)
    -a slices=auto|day|month|year   cut the list by size, or at calendar borders
    -a sample=N  -a shard=i/n       only some N records; the i-th of n parts of the time line
    -a source=FILE.toml             all of this from a file
    """
    from harvester.crawling import crawl as run
    from harvester.crawling import spider_names

    if spider not in spider_names():
        raise UsageError(f"there is no spider {spider!r}; there are {', '.join(spider_names())}")
    values = {"HARVEST_PROGRESS": progress, "LOG_LEVEL": "INFO" if verbose else "WARNING", **pairs(settings)}
    ending = run(spider, pairs(arguments), values)
    if ending.sentence:
        click.echo(f"harvester: {ending.sentence}", err=True)
    return ending.code


def pairs(words: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"{word!r} is not of the form name=value")
        pairs[name] = value
    return pairs
