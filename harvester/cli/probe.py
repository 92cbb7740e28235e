"""`harvester probe URL`: find out which platform answers, and write a source file to begin with."""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import orjson
from protego import Protego

from harvester.cli.output import cell, counted, fold_lines, print_json, print_table, say, table
from harvester.cli.params import command
from harvester.errors import HarvestError, MalformedPage, ProviderError, Unreachable, UsageError
from harvester.exits import DONE, FINDINGS
from harvester.http import Asker, PoliteSickle, Response, mediatypes, robots, user_agent
from harvester.oaipmh import protocol
from harvester.planning import OaiSeen, RestSeen, Seen, Verdict, probing, source_text
from harvester.sources import Robots, Source, checked_url, single_sites, source_names

IDENTIFY = ("repositoryName", "baseURL", "deletedRecord", "granularity", "earliestDatestamp")
# a media type that nobody serves: the 406 for it often lists those that are
NO_TYPE = "application/x-nothing-is-served-as-this"


@command()
@click.argument("url")
@click.option("--out", type=click.Path(path_type=Path), help="write the source file there; else it is printed")
@click.option("--contact", default="", help="e-mail address or URL that goes into User-Agent")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def probe(url: str, out: Path | None, contact: str, as_json: bool) -> int:
    """Ask the site, OAI-PMH base URL or API at URL who it is: one question after the other, some twenty in all.

    Prints what was found with the evidence for it, and a source file to begin with, which has comments where a
    person must decide.

    Exit codes: 0 found, 1 nothing that can be harvested, 2 usage, 3 no answer.
    """
    if out is not None and out.exists():
        raise UsageError(f"{out} is there already; name another file")
    url = checked_url(url)
    host = urlsplit(url).netloc.lower()
    with Asker(user_agent([host], contact), frozenset({host})) as asker:
        seen = look(asker, url)
    verdict = probing.judge(seen, single_sites())
    seen = replace(seen, asked_anyway=asked_anyway(seen, verdict))
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    text = source_text(seen, verdict, day) if seen.oai or seen.rest or seen.eprints_id else None
    if text is not None:
        Source.checked(tomllib.loads(text), "the source file that was written")
    _print(seen=seen, verdict=verdict, answers=asker.answers, text=text, out=out, as_json=as_json)
    return FINDINGS if text is None else DONE


def asked_anyway(seen: Seen, verdict: probing.Verdict) -> tuple[tuple[str, Robots], ...]:
    """Which of the URLs that robots.txt closes the platform's own source asks for anyway, and why."""
    name = verdict.source or verdict.platform
    if not seen.closed or name not in source_names():
        return ()
    said = Source.named(name, seen.root).robots
    return tuple((url, said) for url, _ in seen.closed if urlsplit(url).path.startswith(said.asks_anyway))


def look(asker: Asker, url: str) -> Seen:
    """Ask all questions. Raises Unreachable when the first one brings no answer at all."""
    oai = _oai(asker, url)
    root = probing.site_root(oai.url if oai else url)
    rest = _rest(asker, root, oai)
    number = probing.eprint_id(oai.identifier) if oai and rest is None else None
    eprint = _json(_try(asker, f"{root}/cgi/export/eprint/{number}/JSON/export.js")) if number else None
    keys = probing.exporter_keys(_json(_try(asker, root + probing.EXPORTER_PATH))) if _is_invenio(rest) else ()
    found = Seen(
        root=root,
        oai=oai,
        rest=rest,
        eprints_id=number if _is_eprint(eprint) else None,
        exporter_keys=keys,
        budgets=_budgets(asker.answers),
    )
    return _with_robots(asker, found)


def _is_invenio(rest: RestSeen | None) -> bool:
    return rest is not None and rest.style == "invenio"


def _is_eprint(body: Any) -> bool:
    return isinstance(body, dict) and "eprintid" in body


# --- OAI-PMH, through sickle


def _oai(asker: Asker, url: str) -> OaiSeen | None:
    """The first candidate that says who it is."""
    for candidate in probing.oai_candidates(url):
        if (identify := _identify(asker, candidate)) is None:
            continue
        # software that answers at any path names the one it means
        base = str(identify.baseURL).strip()
        if candidate != url and base != candidate and _same_site(base, candidate) and (named := _identify(asker, base)):
            candidate, identify = base, named
        return _described(asker, PoliteSickle(asker, candidate), candidate, identify)
    return None


def _identify(asker: Asker, url: str) -> Any:
    """Identify as sickle has it; None where there is no OAI-PMH. Raises Unreachable when nothing answers at all."""
    try:
        identify = PoliteSickle(asker, url).ask(lambda client: client.Identify())
    except (MalformedPage, ProviderError):
        return None
    except Unreachable:
        if not asker.answers:
            raise
        return None
    return identify if getattr(identify, "baseURL", None) else None


def _same_site(url: str, other: str) -> bool:
    try:
        return urlsplit(checked_url(url))[:2] == urlsplit(other)[:2]
    except UsageError:
        return False


def _described(asker: Asker, sickle: PoliteSickle, url: str, identify: Any) -> OaiSeen:
    prefixes, _, status = _names(asker, sickle, "ListMetadataFormats", "metadataPrefix")
    sets, more, set_status = _names(asker, sickle, "ListSets", "setSpec")
    page = _first_page(asker, url, prefixes)
    whole = page is not None and page.token is None
    said = {name: str(getattr(identify, name, None) or "") for name in IDENTIFY}
    return OaiSeen(
        url=url,
        name=said["repositoryName"],
        base_url=said["baseURL"],
        deleted_record=said["deletedRecord"],
        granularity=said["granularity"],
        earliest=said["earliestDatestamp"],
        prefixes=tuple(prefixes),
        sets=len(sets),
        more_sets=more,
        identifier=page.records[0].identifier if page and page.records else None,
        page_records=None if page is None or whole else len(page.records),
        listed=None if page is None else len(page.records) if whole else page.complete_list_size,
        token=(page.token or "") if page else "",
        error_status=status or set_status,
    )


def _names(asker: Asker, sickle: PoliteSickle, verb: str, element: str) -> tuple[list[str], bool, int | None]:
    """The names on the first page of a verb, whether there is another page, and the HTTP status of an OAI error."""
    try:
        page = sickle.ask(lambda client: next(getattr(client, verb)()))
        found = [item.text.strip() for item in page.xml.iterfind(f".//{sickle.oai_namespace}{element}") if item.text]
        token = page.xml.findtext(f".//{sickle.oai_namespace}resumptionToken")
    except ProviderError:
        return [], False, asker.answers[-1].status
    except (MalformedPage, Unreachable):
        return [], False, None
    return found, bool(token and token.strip()), None


def _first_page(asker: Asker, url: str, prefixes: list[str]) -> protocol.ListPage | None:
    """The first page of records, read strictly; that of headers where the records cannot be read."""
    prefix = "oai_dc" if "oai_dc" in prefixes or not prefixes else prefixes[0]
    for make, parse in (
        (protocol.list_records_url, protocol.parse_list_records),
        (protocol.list_identifiers_url, protocol.parse_list_identifiers),
    ):
        try:
            return parse(asker.get(make(url, prefix, None, None, None)).body)
        except HarvestError:
            continue
    return None


# --- REST


def _rest(asker: Asker, root: str, oai: OaiSeen | None) -> RestSeen | None:
    """The first REST interface whose answer has the shape it should have; the likely one is asked first."""
    habit = "" if oai is None else urlsplit(oai.url).path
    likely = next((name for path, name in probing.OAI_PATHS.items() if habit.endswith(path)), "")
    styles = sorted(probing.REST_QUESTIONS, key=lambda style: not likely.startswith(style))
    for style in styles:
        url = root + probing.REST_QUESTIONS[style]
        found = probing.rest_of(style, url, _json(_try(asker, url, "application/json")))
        if found is not None:
            return _with_types(asker, found)
    return None


def _with_types(asker: Asker, rest: RestSeen) -> RestSeen:
    """With the media types that one record is served in: those that a 406 lists, or those known that it answers."""
    if rest.record_id is None or rest.template is None or rest.style != "invenio":
        return rest
    url = rest.template.replace("{id}", rest.record_id)
    refusal = _try(asker, url, NO_TYPE)
    listed = probing.listed_types(_message(refusal)) if refusal is not None and refusal.status == 406 else ()
    asked = (NO_TYPE,) if listed else probing.INVENIO_TYPES
    served = listed or tuple(media for media in asked if _serves(_try(asker, url, media), media))
    return replace(rest, media_types=served)


def _message(answer: Response) -> str:
    """What an error says: the message of a JSON body, else all of it."""
    body = _parsed(answer)
    return str(body.get("message", "")) if isinstance(body, dict) else answer.body.decode("utf-8", "replace")


def _serves(answer: Response | None, media: str) -> bool:
    return answer is not None and answer.status == 200 and mediatypes.same(media, answer.media_type)


def _try(asker: Asker, url: str, accept: str = "*/*") -> Response | None:
    try:
        return asker.get(url, accept)
    except Unreachable:
        return None


def _json(answer: Response | None) -> Any:
    return _parsed(answer) if answer is not None and answer.status == 200 else None


def _parsed(answer: Response) -> Any:
    """The JSON of a body, None for what is none."""
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None


# --- limits and robots.txt


def _budgets(answers: list[Response]) -> tuple[tuple[str, str], ...]:
    """The headers about limits, each with the first value that was seen. Retry-After alone is none."""
    found: dict[str, str] = {}
    for answer in answers:
        for name in probing.BUDGET_HEADERS:
            if name in answer.headers:
                found.setdefault(name, f"{answer.headers[name]}  ({urlsplit(answer.url).path})")
    return tuple(found.items()) if set(found) - {"retry-after"} else ()


def _with_robots(asker: Asker, seen: Seen) -> Seen:
    """With what robots.txt closes of what was found."""
    parts = urlsplit(seen.root)
    answer = _try(asker, f"{parts.scheme}://{parts.netloc}/robots.txt")
    if answer is None:
        return seen
    said = robots.Said(answer.status, answer.media_type, answer.body)
    file = robots.parse_robots(parts.netloc, said)
    rules = Protego.parse(file.text)
    record = (
        seen.rest.template.replace("{id}", seen.rest.record_id or "1") if seen.rest and seen.rest.template else None
    )
    export = f"{seen.root}/cgi/export/eprint/{seen.eprints_id}/JSON/export.js" if seen.eprints_id else None
    urls = [url for url in (seen.oai and seen.oai.url, seen.rest and seen.rest.url, record, export) if url]
    closed = [
        (url, file.closed or robots.closing_line(file.text, url))
        for url in urls
        if file.closed or not rules.can_fetch(url, robots.PRODUCT)
    ]
    return replace(seen, closed=tuple(closed), crawl_delay=rules.crawl_delay(robots.PRODUCT))


# --- what is printed


def _print(
    seen: Seen, verdict: Verdict, answers: list[Response], text: str | None, out: Path | None, as_json: bool
) -> None:
    if as_json:
        print_json(_as_json(seen, verdict, answers, text))
    else:
        _show(seen, verdict, answers)
    if text is None:
        say(f"harvester: nothing at {seen.root} that can be harvested", err=True)
    elif out is not None:
        out.write_text(text, encoding="utf-8")
        say(f"harvester: wrote {out}; harvester plan {out} is next", err=True)
    elif not as_json:
        say(f"\n{text}", nl=False, keep="\n\t")


def _as_json(seen: Seen, verdict: Verdict, answers: list[Response], text: str | None) -> dict[str, Any]:
    oai, rest = seen.oai, seen.rest
    return {
        "site": seen.root,
        "platform": verdict.platform or None,
        "sure": verdict.sure,
        "source": verdict.source,
        "reasons": list(verdict.reasons),
        "oaipmh": None
        if oai is None
        else {
            "url": oai.url,
            "name": oai.name,
            "base_url": oai.base_url,
            "deleted_record": oai.deleted_record,
            "granularity": oai.granularity,
            "earliest": oai.earliest,
            "prefixes": list(oai.prefixes),
            "sets": oai.sets,
            "more_sets": oai.more_sets,
            "page_records": oai.page_records,
            "listed": oai.listed,
        },
        "rest": None
        if rest is None
        else {
            "style": rest.style,
            "url": rest.url,
            "total": rest.total,
            "record": rest.template,
            "media_types": list(rest.media_types),
            "version": rest.version or None,
        },
        "exporter": list(seen.exporter_keys),
        "limits": dict(seen.budgets),
        "robots": {
            "closed": dict(seen.closed),
            "crawl_delay": seen.crawl_delay,
            "asked_anyway": {url: said.because for url, said in seen.asked_anyway},
        },
        "asked": [
            {
                "url": answer.requested,
                "status": answer.status,
                "media_type": answer.media_type,
                "bytes": len(answer.body),
                "seconds": round(answer.seconds, 3),
            }
            for answer in answers
        ],
        "source_file": text,
    }


def _show(seen: Seen, verdict: Verdict, answers: list[Response]) -> None:
    say(f"{seen.root}: {verdict.platform or 'no platform that is known'}, {verdict.sure}")
    for reason in verdict.reasons:
        say(fold_lines(f"  because {cell(reason)}", "    "), keep="\n")
    if verdict.source:
        say(f"  this is the source {verdict.source}: harvester sources {verdict.source}")
    made = table("found", "what", "where")
    for row in _found(seen):
        made.add_row(*map(cell, row))
    print_table(made)
    say()
    say(f"Asked {counted(len(answers), 'question')}")
    asked = table("status", "seconds", "bytes", "media type", "url", numbers=("seconds", "bytes"))
    for answer in answers:
        size = f"{len(answer.body):,}"
        asked.add_row(*map(cell, (answer.status, f"{answer.seconds:.3f}", size, answer.media_type, answer.requested)))
    print_table(asked)


def _found(seen: Seen) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    add = rows.append
    if (oai := seen.oai) is not None:
        size = f"{oai.listed:,} listed" if oai.listed is not None else "no list size"
        page = f", {oai.page_records} a page" if oai.page_records else ""
        add(("OAI-PMH", f"{oai.name}; {size}{page}; deletedRecord {oai.deleted_record}; {oai.granularity}", oai.url))
        add(("formats", ", ".join(oai.prefixes), ""))
        add(("sets", f"{oai.sets}{' on the first page' if oai.more_sets else ''}", ""))
    if (rest := seen.rest) is not None:
        total = f"{rest.total:,} found" if rest.total is not None else "no total"
        add(("REST", f"{rest.style}; {total}{f'; {rest.version}' if rest.version else ''}", rest.url))
        add(("record", f"{rest.record_id or 'none seen'}", rest.template or ""))
        if rest.media_types:
            add(("media types", ", ".join(rest.media_types), ""))
    if seen.eprints_id is not None:
        add(("JSON export", f"eprint {seen.eprints_id}", f"{seen.root}/cgi/export/eprint/{{id}}/JSON/export.js"))
    if seen.exporter_keys:
        add(("exporter", ", ".join(seen.exporter_keys), seen.root + probing.EXPORTER_PATH))
    rows.extend(("limit", f"{name}: {value}", "") for name, value in seen.budgets)
    anyway = dict(seen.asked_anyway)
    for url, rule in seen.closed:
        because = f"; the source that comes with us asks anyway: {anyway[url].because}" if url in anyway else ""
        add(("robots.txt", f"closed by {rule}{because}", url))
    if seen.crawl_delay is not None:
        add(("robots.txt", f"Crawl-delay {seen.crawl_delay:g} s", ""))
    return rows
