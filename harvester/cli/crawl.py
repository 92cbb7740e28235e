"""`harvester crawl`: `scrapy crawl` from any folder, with a progress display; of a source, all steps of its mix."""

from collections.abc import Mapping, Sequence

import click

from harvester.cli.output import say
from harvester.cli.params import command, pairs
from harvester.cli.processes import run_again
from harvester.crawl import run_steps, split
from harvester.errors import UsageError
from harvester.planning import ENDS_ROUND, worst
from harvester.sources import source_names


@command()
@click.argument("spider", metavar="SPIDER|SOURCE")
@click.option("-a", "arguments", multiple=True, metavar="NAME=VALUE", help="argument of the spider; may be repeated")
@click.option("-s", "settings", multiple=True, metavar="NAME=VALUE", help="Scrapy setting; may be repeated")
@click.option("--contact", metavar="ADDRESS", help="e-mail address or URL for User-Agent; or HARVESTER_CONTACT")
@click.option(
    "--progress",
    type=click.Choice(["auto", "rich", "plain", "none"]),
    default="auto",
    show_default=True,
    help="display on stderr; auto is rich on a terminal",
)
@click.option("-v", "--verbose", is_flag=True, help="show the log as well")
@click.option("--again", is_flag=True, help="begin a new round of a source's mix that is done")
def crawl(
    spider: str,
    arguments: tuple[str, ...],
    settings: tuple[str, ...],
    contact: str | None,
    progress: str,
    verbose: bool,
    again: bool,
) -> int:
    """Harvest with SPIDER into an archive, or all of a SOURCE. The same command resumes what was left unfinished.

    A SOURCE (`harvester sources` lists them; or a FILE.toml) is harvested by its mix, step by step; `harvester plan`
    shows it. `-a oaipmh.from=...` is an argument for one of its spiders.

    \b
    harvester crawl oaipmh -a url=https://repository.example/oai -a archive=DIR
    -a prefix=oai_dc,oai_datacite   metadata prefixes, each stored and counted apart
    -a set=SPEC,SPEC                only these sets
    -a from=2020-01-01 -a until=... bounds of the datestamps, both included
    -a mode=full|incremental|census everything, what changed since the last complete run, or headers only;
                                    retry asks again for what is refused, lost or open
    -a windows=N                    lists walked at once (default 1, more only where the provider allows it)
    -a slices=auto|day|month|year   cut the list by size, or at calendar borders
    -a sample=N  -a shard=i/n       only some N records; the i-th of n parts of the time line
    -a source=NAME-or-FILE.toml     all of this from a file; -a site=URL for a platform that many run

    \b
    harvester crawl idrange -a url='https://repository.example/api/records/{id}' -a ids=1-5000,7001- -a archive=DIR
    -a ids=@FILE|census|gaps        ids of a file; listed by OAI-PMH first (-a oai=URL); what the ledger lacks
    -a accept=TYPE,TYPE             media types, each stored and counted apart
    -a connections=N                requests open at once (default 1)
    -a mode=full|incremental|retry  incremental asks with ETag or Last-Modified, where the source trusts them

    \b
    harvester crawl search -a source=NAME -a archive=DIR     its search, in slices of time  [query=, from=, until=]
    harvester crawl exporter -a source=zenodo -a archive=DIR its own dump  [files=, version=]

    \b
    harvester crawl files -a archive=DIR                     the files of the records that an archive holds
    -a files=true                   of each spider and of a source: its records, and then their files
    -a 'files=size<=100MB,type=application/pdf,set=SPEC,key=*.csv'
                                    only files of which all of this holds; of several type=, set= or key= one is
                                    enough, and each also takes !=; sizes in B kB MB GB TB KiB MiB GiB TiB
    -a downloads=N                  files fetched at once (default 4; of the files spider)
    """
    from harvester.crawl import crawl as run
    from harvester.crawl import spider_class, spider_names

    options = [*(part for word in settings for part in ("-s", word)), "--progress", progress]
    options += [*(["--contact", contact] if contact is not None else []), *(["-v"] if verbose else [])]
    if spider not in spider_names():
        if not spider.endswith(".toml") and spider not in source_names():
            known = f"there are the spiders {', '.join(spider_names())} and the sources {', '.join(source_names())}"
            raise UsageError(f"there is no spider and no source {spider!r}; {known}")
        from harvester.cli.crawl_plan import run_mix

        given, files = split("mix", {"source": spider, **pairs(arguments)})
        del given["source"]
        named = contact if contact is not None else pairs(settings).get("HARVEST_CONTACT")
        code = run_mix(spider, given, options, named, again)
        return worst([code, take_files(files, options)]) if files and code not in ENDS_ROUND else code
    if again:
        raise UsageError("--again is for a source's mix; a spider begins anew by itself when its last run is complete")
    values = {"HARVEST_PROGRESS": progress, "LOG_LEVEL": "INFO" if verbose else "WARNING", **pairs(settings)}
    if contact is not None:
        values["HARVEST_CONTACT"] = contact
    given, files = split(spider, pairs(arguments))

    def take_records() -> int:
        ending = run(spider, given, values)
        if ending.sentence:
            say(f"harvester: {ending.sentence}", err=True)
        return ending.code

    if files is None:
        return take_records()
    read = spider_class(spider).read_arguments(given)
    return run_steps(spider, read, files, take_records, lambda: take_files(files, options))


def take_files(words: Mapping[str, str], options: Sequence[str]) -> int:
    """The files spider, in a process of its own: Scrapy's reactor starts once a process."""
    given = [part for name, value in words.items() for part in ("-a", f"{name}={value}")]
    return run_again(["crawl", "files", *given, *options])
