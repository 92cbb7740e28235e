"""The few cheap questions that a plan needs: who is there, how long are its lists, what does its search find.

What brings no answer is named and stays unknown; the source's own dated counts stand in for it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from archive.crosswalks import local_id
from harvester.errors import HarvestError, MalformedPage, Unreachable
from harvester.http import Asker, PoliteSickle, Response
from harvester.oaipmh import protocol
from harvester.planning.forecast import Answers, from_counts
from harvester.ratelimit import Budget, covers
from harvester.rest import STYLES, Count, inside, read_count, style_of
from harvester.sources import Exporter, Oaipmh, Search, Source

# more sets than this are not counted one by one
SETS_MOST = 20
# one member of RateLimit-Policy: q requests in w seconds
_POLICY = re.compile(r";\s*q=(\d{1,9})\b[^,]*;\s*w=(\d{1,9})\b", re.ASCII)
_COUNTS = {
    "invenio": "size=1&allversions=true&q={query}",
    "datacite": "page%5Bsize%5D=1&disable-facets=true&query={query}",
    "dataverse": "per_page=1&type=dataset&q={query}",
    "dspace": "size=1&query={query}",
}


def survey(source: Source, asker: Asker, has_token: bool = False) -> Answers:
    """Ask. Raises Unreachable when nothing at all brought an answer."""
    answers, unanswered = from_counts(source), []
    questions: dict[str, Callable[[Answers], Answers]] = {
        "Identify": lambda known: _identify(source, asker, known),
        "the list's size": lambda known: _lists(source, asker, known),
        "one record": lambda known: _record(source, asker, known),
        "the search's total": lambda known: _total(source, asker, known),
        "the exporter's listing": lambda known: _dump(source, asker, known),
        "what changed since the dump": lambda known: _tail(source, asker, known),
    }
    for what, question in questions.items():
        try:
            answers = question(answers)
        except HarvestError as error:
            unanswered.append(f"{what}: {error}")
    if source.parts and not asker.answers:
        raise Unreachable("; ".join(unanswered)[:500] or "nothing was asked")
    budgets = source.host_budgets(has_token)
    seen = [seen_budget(answer, budgets.get(urlsplit(answer.url).netloc.lower(), ())) for answer in asker.answers]
    words = [limit_words(answer) for answer in asker.answers]
    return replace(
        answers,
        budgets=tuple(dict.fromkeys(budget for budget in seen if budget is not None)),
        limits=tuple(dict.fromkeys(filter(None, words))),
        unanswered=tuple(unanswered),
    )


def seen_budget(answer: Response, known: Sequence[Budget]) -> Budget | None:
    """The limit that an answer's headers name for its path, as far as they say in which time.

    RateLimit-Policy does. X-RateLimit-Limit does not: it is taken for the shortest of the limits that are `known`
    for the path, unless it is one of them; None where none is known.
    """
    path = urlsplit(answer.url).path
    if policy := _POLICY.search(answer.headers.get("ratelimit-policy", "")):
        return Budget(int(policy[1]), float(policy[2]), path)
    text = answer.headers.get("x-ratelimit-limit", "").strip()
    limit = int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0
    mine = sorted((budget for budget in known if covers(budget.path, path)), key=lambda budget: budget.seconds)
    if not limit or not mine or limit in [budget.requests for budget in mine]:
        return None
    return Budget(limit, mine[0].seconds, path)


def limit_words(answer: Response) -> str:
    """The limit that an answer names, as it names it; "" for none."""
    names = ("ratelimit-policy", "ratelimit", "x-ratelimit-limit", "ratelimit-limit")
    found = [f"{name}: {answer.headers[name][:100]}" for name in names if name in answer.headers]
    return f"{urlsplit(answer.url).path}: {found[0]}" if found else ""


# --- the questions


def _identify(source: Source, asker: Asker, known: Answers) -> Answers:
    if not isinstance(endpoint := source.oaipmh, Oaipmh):
        return known
    identify = PoliteSickle(asker, endpoint.url).ask(lambda client: client.Identify())
    return replace(known, deleted_record=getattr(identify, "deletedRecord", None))


def _lists(source: Source, asker: Asker, known: Answers) -> Answers:
    """The first page of each list in the first prefix: its size, and how large pages and records are."""
    if (endpoint := source.oaipmh) is None:
        return known
    if len(endpoint.sets) > SETS_MOST:
        raise MalformedPage(f"{len(endpoint.sets)} sets are too many to be counted one by one")
    pages = [_page(asker, endpoint, spec) for spec in endpoint.sets or (None,)]
    first, answer = pages[0]
    sizes = [page.complete_list_size if page.token is not None else len(page.records) for page, _ in pages]
    many = first.token is not None and bool(first.records)
    return replace(
        known,
        listed=sum(size for size in sizes if size is not None) if None not in sizes else known.listed,
        counted="now" if None not in sizes else known.counted,
        page_records=len(first.records) if many else known.page_records,
        list_record_bytes=len(answer.body) / len(first.records) if first.records else known.list_record_bytes,
        page_seconds=answer.seconds,
        sample=next((record.identifier for record in first.records if not record.deleted), None),
    )


def _page(
    asker: Asker, endpoint: Oaipmh, spec: str | None, from_: str | None = None
) -> tuple[protocol.ListPage, Response]:
    answer = asker.get(protocol.list_records_url(endpoint.url, endpoint.prefixes[0], from_, None, spec))
    return protocol.parse_list_records(answer.body), answer


def _record(source: Source, asker: Asker, known: Answers) -> Answers:
    """One record by its id, in the first form: how long it takes and how large it is."""
    endpoint, local = source.idrange, local_id(known.sample) if known.sample else None
    if endpoint is None or local is None or not re.fullmatch(endpoint.pattern, local):
        return known
    form = endpoint.channels[0]
    url = (form.url or endpoint.url).replace("{id}", quote(local, safe=""))
    answer = asker.get(url, form.accept)
    if answer.status != 200:
        raise Unreachable(f"{url} answers with HTTP status {answer.status}")
    return replace(known, record_seconds=answer.seconds, record_bytes=len(answer.body))


def _total(source: Source, asker: Asker, known: Answers) -> Answers:
    if not isinstance(endpoint := source.search, Search) or endpoint.style not in _COUNTS:
        return known
    query = _COUNTS[endpoint.style].format(query=quote(endpoint.query, safe=""))
    answer = asker.get(f"{endpoint.url}{'&' if '?' in endpoint.url else '?'}{query}", endpoint.accept)
    total = _count_in(endpoint, _parsed(answer))
    # a search that stops counting states its window, or says itself that there is more
    least = not total.exact or total.value in (endpoint.window, STYLES[endpoint.style].window)
    return replace(known, found=total.value, found_least=least)


def _count_in(endpoint: Search, body: Any) -> Count:
    """Read the total of an answer. Raises MalformedPage when it is not where it should be."""
    try:
        total = read_count(inside(body, STYLES[style_of(endpoint.style, endpoint.url)].total or ()))
    except ValueError:
        total = None
    if total is None:
        raise MalformedPage(f"{endpoint.url} does not answer as a search of the style {endpoint.style}")
    return total


def _dump(source: Source, asker: Asker, known: Answers) -> Answers:
    """The sizes of the newest files of the exporter, and when its records were dumped."""
    if not isinstance(endpoint := source.exporter, Exporter):
        return known
    listing = _parsed(asker.get(endpoint.url, "application/json"))
    try:
        wanted = [key for key in (*endpoint.records, endpoint.deletions) if key in listing]
        heads = {key: max(listing[key], key=lambda version: bool(version["is_head"])) for key in wanted}
        size = sum(int(head["size"]) for head in heads.values())
        made = min(str(heads[key]["created"]) for key in endpoint.records if key in heads)
    except (KeyError, TypeError, ValueError):
        raise MalformedPage(f"{endpoint.url} does not list {', '.join(endpoint.records)} as an exporter does") from None
    return replace(known, dump_bytes=size, dump_made=f"{made[:19]}Z")


def _tail(source: Source, asker: Asker, known: Answers) -> Answers:
    """How many records the list has since the dump was made."""
    if source.exporter is None or source.oaipmh is None or known.dump_made is None:
        return known
    page, _ = _page(asker, source.oaipmh, None, known.dump_made)
    return replace(known, tail=page.complete_list_size if page.token is not None else len(page.records))


def _parsed(answer: Response) -> Any:
    if answer.status != 200:
        raise Unreachable(f"{answer.requested} answers with HTTP status {answer.status}")
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise MalformedPage(f"{answer.requested} is not JSON: {error}") from None
