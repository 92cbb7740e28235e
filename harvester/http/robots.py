"""robots.txt (RFC 9309): which of a source's endpoints it closes, and how slowly a host wants to be asked.

It speaks to crawlers of pages and often closes a documented API as well (Zenodo: `Disallow: /api`). Such a path is
asked only where the source's file says so, in words; these words go into the log and the archive. Rules are judged
by values; `read_robots` asks for the file through whatever client it is given.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from protego import Protego

from harvester.errors import Unreachable, UsageError
from harvester.http.retries import pause_seconds
from harvester.sources import Idrange, Source

logger = logging.getLogger(__name__)

PRODUCT = "harvester"
# section 2.5: a parser reads at least so much; what follows is not read
SIZE_MOST = 500 << 10


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """What one host says. `text` "" allows everything; `closed` is why nothing may be asked though no rule says so,
    `remark` what the log should tell.
    """

    host: str
    text: str = ""
    closed: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """A URL that is closed, and by what: a line of robots.txt, or why there is none."""

    url: str
    by: str


@dataclass(frozen=True, slots=True)
class RobotsVerdict:
    """What is asked although it is closed, and Crawl-delays in seconds by host: to obey, and not to, as the source
    says (`sooner`). `remarks` are for the log.
    """

    asked_anyway: tuple[Closed, ...] = ()
    delays: Mapping[str, float] = field(default_factory=dict)
    sooner: Mapping[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """An answer to the request for robots.txt; a redirect that was not followed is one."""

    status: int
    media_type: str
    body: bytes
    location: str = ""


def parse_robots(host: str, said: Said) -> RobotsFile:
    """Judge an answer (section 2.3.1): 4xx allows everything, 5xx nothing.

    A redirect out of the source is not followed, and counts as no file; so does a page of HTML.
    """
    if said.status >= 500:
        return RobotsFile(host, closed=f"HTTP status {said.status}")
    if said.status >= 400:
        return RobotsFile(host)
    if said.status >= 300:
        where = urlsplit(said.location).netloc.rpartition("@")[2] or "nowhere"
        return RobotsFile(host, remark=f"robots.txt of {host} redirects to {where[:100]}: not followed, none is read")
    text = said.body[:SIZE_MOST].decode("utf-8-sig", "replace")
    if len(said.body) > SIZE_MOST:  # half a line is another rule
        text = text[: text.rfind("\n") + 1]
    if "html" in said.media_type.lower() or text.lstrip()[:1] == "<":
        return RobotsFile(host, remark=f"robots.txt of {host} is a page of HTML: it is no robots.txt")
    return RobotsFile(host, text)


def judge(files: Sequence[RobotsFile], source: Source, part: str) -> RobotsVerdict:
    """Decide on the endpoint `part` of a source by the files of its hosts.

    Raises UsageError for a rule that closes it, and Unreachable for a file that cannot be read, unless the source
    says that it asks anyway.
    """
    rules = {file.host: Protego.parse(file.text) for file in files}
    closed = []
    for template in endpoint_urls(source, part):
        url = template.replace("{id}", _sample_id(source))
        file = next(file for file in files if file.host == _host(url))
        if file.closed or not rules[file.host].can_fetch(url, PRODUCT):
            found = Closed(template, file.closed or closing_line(file.text, url))
            if not _path(template).startswith(source.robots.asks_anyway):
                raise _refusal(found, bool(file.closed))
            closed.append(found)
    delays = {host: delay for host, rule in rules.items() if (delay := rule.crawl_delay(PRODUCT))}
    obeyed = source.robots.crawl_delay == "obeyed"
    remarks = tuple(file.remark for file in files if file.remark)
    return RobotsVerdict(tuple(closed), delays if obeyed else {}, {} if obeyed else delays, remarks)


def endpoint_urls(source: Source, part: str) -> list[str]:
    """List one URL of each kind that the spider `part` asks for, with {id} where an id goes."""
    endpoint = source.parts[part]
    if isinstance(endpoint, Idrange):
        return list(dict.fromkeys([endpoint.url, *(channel.url for channel in endpoint.channels if channel.url)]))
    question = {"oaipmh": "verb=ListRecords", "search": "page=1"}.get(part)
    if question is None:
        return [endpoint.url]
    return [f"{endpoint.url}{'&' if '?' in endpoint.url else '?'}{question}"]


class FileRules:
    """What robots.txt says of URLs that no endpoint names: the files of records. Each host's is read once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._rules: dict[str, tuple[RobotsFile, Protego]] = {}

    def knows(self, url: str) -> bool:
        """Tell whether the file of a URL's host was added."""
        return _host(url) in self._rules

    def add(self, file: RobotsFile) -> float | None:
        """Take a host's file. Returns the Crawl-delay in seconds to obey, None where there is none."""
        rule = Protego.parse(file.text)
        self._rules[file.host] = file, rule
        return rule.crawl_delay(PRODUCT) if self._source.robots.crawl_delay == "obeyed" else None

    def closed(self, url: str) -> Closed | None:
        """Say what closes a URL that is asked anyway. Raises as `judge` does where the source does not say why."""
        file, rule = self._rules[_host(url)]
        if not file.closed and rule.can_fetch(url, PRODUCT):
            return None
        found = Closed(url, file.closed or closing_line(file.text, url))
        if not _path(url).startswith(self._source.robots.asks_anyway):
            raise _refusal(found, bool(file.closed))
        return found


def closing_line(text: str, url: str) -> str:
    """Find the line of a robots.txt that closes a URL: the longest that would alone."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    alone = [line for line in lines if not Protego.parse(f"User-agent: *\n{line}").can_fetch(url, PRODUCT)]
    return max(alone, key=len, default="a rule of robots.txt")


async def read_robots(
    ask: Callable[[str], Awaitable[Said]],
    source: Source,
    part: str,
    tries: int = 5,
    running: Callable[[], bool] = lambda: True,
) -> RobotsVerdict:
    """Ask each host of an endpoint for its robots.txt, and decide.

    `ask` raises Unreachable when no answer comes, which is tried again; anything else that it raises goes through.
    Raises as `judge` does, and Unreachable at once for a certificate that is not trusted.
    """
    origins = dict.fromkeys(f"{urlsplit(url).scheme}://{_host(url)}" for url in endpoint_urls(source, part))
    files = [await _read(ask, f"{origin}/robots.txt", tries, running) for origin in origins]
    return judge(files, source, part)


async def read_host(
    ask: Callable[[str], Awaitable[Said]], url: str, tries: int = 5, running: Callable[[], bool] = lambda: True
) -> RobotsFile:
    """Ask the host of a URL for its robots.txt. Raises as `read_robots` does for a certificate."""
    return await _read(ask, f"{urlsplit(url).scheme}://{_host(url)}/robots.txt", tries, running)


async def _read(ask: Callable[[str], Awaitable[Said]], url: str, tries: int, running: Callable[[], bool]) -> RobotsFile:
    file = RobotsFile(_host(url), closed="not asked")
    for attempt in range(1, tries + 1):
        try:
            file = parse_robots(_host(url), await ask(url))
        except Unreachable as error:
            if "certificate verify failed" in str(error):
                raise Unreachable(
                    f"{_host(url)} shows a certificate that is not trusted: nothing is asked; have it renewed there, "
                    "or give this machine the authority that signed it"
                ) from error
            file = RobotsFile(_host(url), closed=str(error)[:500])
        if not file.closed or not running() or attempt == tries:
            break
        await asyncio.sleep(pause_seconds(attempt))
    return file


def _refusal(closed: Closed, unread: bool) -> Exception:
    host, place = _host(closed.url), _path(closed.url).partition("?")[0].partition("{id}")[0]
    toml = f'[robots]\nasks_anyway = ["{place}"]\nbecause = "why this may be asked, in words"'
    if unread:
        return Unreachable(
            f"robots.txt of {host} cannot be read ({closed.by}), so nothing is asked (RFC 9309, 2.3.1.4); run the same "
            f"command later, or say in the source's file (-a source=FILE.toml) why {place} is asked anyway:\n{toml}"
        )
    return UsageError(
        f"robots.txt of {host} closes {place} ({closed.by}); where that is an interface made for programs, say so in "
        f"the source's file (-a source=FILE.toml):\n{toml}"
    )


def _sample_id(source: Source) -> str:
    return str(source.idrange.lowest) if source.idrange is not None else ""


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
