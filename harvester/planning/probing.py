"""Which platform answers: from what a few questions brought to a name, and how sure it is.

Pure: values in, values out. `harvester.cli.probe` asks the questions; `harvester.planning.template` writes the file.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from harvester.http import essence
from harvester.rest import read_count
from harvester.sources import Robots, Source

# where software puts its OAI-PMH endpoint, and whose habit that is
OAI_PATHS = {
    "/oai2d": "invenio-rdm",
    "/cgi/oai2": "eprints",
    "/server/oai/request": "dspace",
    "/oai/request": "dspace",
    "/oai": "",
    "/index.php/index/oai": "ojs",
    "/v2/oai": "figshare",
    "/oai2": "",
}
# a question to each kind of REST interface; the shape of the answer decides
REST_QUESTIONS = {
    "invenio": "/api/records?size=1",
    "dspace": "/server/api",
    "dataverse": "/api/search?q=*&type=dataset&per_page=1",
    "datacite": "/dois?page%5Bsize%5D=1",
    "figshare": "/v2/articles?page_size=1",
}
EXPORTER_PATH = "/api/exporter"
# asked for one by one where a 406 does not list what is served
INVENIO_TYPES = (
    "application/json",
    "application/vnd.inveniordm.v1+json",
    "application/vnd.zenodo.v1+json",
    "application/vnd.datacite.datacite+json",
    "application/vnd.datacite.datacite+xml",
    "application/marcxml+xml",
    "application/x-dc+xml",
    "application/dcat+xml",
    "application/ld+json",
)
BUDGET_HEADERS = (
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "retry-after",
)
_STYLES = {"invenio": "invenio-rdm"}
_MEDIA_TYPE = re.compile(r"(?<![\w./])(?:application|text)/[\w.+-]*\w(?:;\s*profile=\"[^\"]+\")?", re.ASCII)


@dataclass(frozen=True, slots=True)
class OaiSeen:
    """An OAI-PMH endpoint. `sets` counts those on the first page, `more_sets` whether there were others; `token` is
    that of a list of records, `listed` its completeListSize, `identifier` the first one on the page.
    """

    url: str
    name: str
    base_url: str
    deleted_record: str
    granularity: str
    earliest: str
    prefixes: tuple[str, ...] = ()
    sets: int = 0
    more_sets: bool = False
    identifier: str | None = None
    page_records: int | None = None
    listed: int | None = None
    token: str = ""
    error_status: int | None = None


@dataclass(frozen=True, slots=True)
class RestSeen:
    """A REST interface: whose shape it has, how many records it counts, and one of them (`record_id`).

    `template` is the URL of a record with {id} in it, `media_types` are those that one record was served in.
    """

    style: str
    url: str
    total: int | None = None
    record_id: str | None = None
    template: str | None = None
    media_types: tuple[str, ...] = ()
    version: str = ""
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """All that was found at a site. `budgets` are (header, value) as sent, `closed` (URL, rule) by robots.txt.

    `asked_anyway` are those of the closed URLs that the source of the platform asks for, with what it says of it.
    """

    root: str
    oai: OaiSeen | None = None
    rest: RestSeen | None = None
    eprints_id: str | None = None
    exporter_keys: tuple[str, ...] = ()
    budgets: tuple[tuple[str, str], ...] = ()
    closed: tuple[tuple[str, str], ...] = ()
    crawl_delay: float | None = None
    asked_anyway: tuple[tuple[str, Robots], ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The platform ("" for none that is known), how sure, and why. `source` is a source that comes with us and is
    this very site.
    """

    platform: str
    sure: str
    reasons: tuple[str, ...]
    source: str | None = None


# --- which URLs to ask


def site_root(url: str) -> str:
    """The root of a site, by any of its URLs: without the path of an endpoint that is known."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    known = [*OAI_PATHS, *(question.partition("?")[0] for question in REST_QUESTIONS.values()), EXPORTER_PATH]
    ending = max((end for end in known if path.endswith(end)), key=len, default="")
    return urlunsplit((parts.scheme, parts.netloc, path[: len(path) - len(ending)], "", ""))


def oai_candidates(url: str) -> list[str]:
    """Where OAI-PMH may be: at the URL itself, then at the usual paths of its site, then of its host."""
    parts = urlsplit(url)
    roots = dict.fromkeys((site_root(url), urlunsplit((parts.scheme, parts.netloc, "", "", ""))))
    rest = tuple(question.partition("?")[0] for question in REST_QUESTIONS.values())
    given = [] if parts.path in ("", "/") or parts.path.rstrip("/").endswith(rest) else [url]
    return list(dict.fromkeys([*given, *(root + path for root in roots for path in OAI_PATHS)]))


# --- what an answer is


def rest_of(style: str, url: str, body: Any) -> RestSeen | None:
    """What a JSON answer to a question of REST_QUESTIONS shows; None when it has another shape."""
    base = url.partition("?")[0]
    try:
        return _SHAPES[style](base, body)
    except (KeyError, IndexError, TypeError, AttributeError):
        return None


def _total(found: Any) -> int:
    """Read a total in any form that searches state it in. Raises TypeError where there is none."""
    try:
        total = read_count(found)
    except ValueError:
        total = None
    if total is None:
        raise TypeError("no total")
    return total.value


def _invenio(base: str, body: Any) -> RestSeen:
    hits, total = body["hits"]["hits"], _total(body["hits"]["total"])
    first = hits[0] if hits else {}
    found = str(first["id"]) if "id" in first else None
    return RestSeen("invenio", base, total, found, base + "/{id}", legacy="conceptrecid" in first)


def _dspace(base: str, body: Any) -> RestSeen:
    return RestSeen(
        "dspace",
        f"{base}/discover/search/objects",
        template=f"{base}/core/items/{{id}}",
        version=str(body["dspaceVersion"]),
    )


def _dataverse(base: str, body: Any) -> RestSeen:
    data, items = body["data"], body["data"]["items"]
    site = base.removesuffix("/api/search")
    found = items[0].get("global_id") if items else None
    template = f"{site}/api/datasets/:persistentId/?persistentId={{id}}"
    return RestSeen("dataverse", base, _total(data["total_count"]), found, template)


def _datacite(base: str, body: Any) -> RestSeen:
    total, rows = _total(body["meta"]["total"]), body["data"]
    if rows and rows[0]["type"] != "dois":
        raise KeyError("dois")
    return RestSeen("datacite", base, total, rows[0]["id"] if rows else None, base + "/{id}")


def _figshare(base: str, body: Any) -> RestSeen:
    first = body[0]
    return RestSeen("figshare", base, None, str(first["id"]) if first["url_public_api"] else None, base + "/{id}")


_SHAPES = {
    "invenio": _invenio,
    "dspace": _dspace,
    "dataverse": _dataverse,
    "datacite": _datacite,
    "figshare": _figshare,
}


def listed_types(message: str) -> tuple[str, ...]:
    """The media types that a 406 says it expects one of, in its order."""
    return tuple(dict.fromkeys(found for found in _MEDIA_TYPE.findall(message) if essence(found)))


def eprint_id(identifier: str | None) -> str | None:
    """The number in an identifier of EPrints, `oai:HOST:NUMBER`; None when it is no such identifier."""
    match = re.fullmatch(r"oai:[^:]+:(\d+)", identifier or "")
    return match[1] if match else None


def exporter_keys(body: Any) -> tuple[str, ...]:
    """The files of a Zenodo-like exporter; () when the answer is no such listing."""
    if not isinstance(body, dict):
        return ()
    return tuple(
        key
        for key, versions in body.items()
        if isinstance(versions, list)
        and versions
        and isinstance(versions[0], dict)
        and {"version_id", "checksum"} <= versions[0].keys()
    )


# --- which platform it is


def judge(seen: Seen, known: Mapping[str, Source]) -> Verdict:
    """Name the platform: by the shape of what answered, which is certain, else by habits, which are clues.

    `known` are the sources that come with us, by name.
    """
    certain, clues = list(_certain(seen)), list(_clues(seen))
    host = urlsplit(seen.root).netloc.lower()
    source = next((name for name, source in known.items() if host in source.own_hosts), None)
    if certain:
        platform = certain[0][0]
        return Verdict(platform, "certain", _reasons([*certain, *clues], platform), source)
    if not clues:
        return Verdict("", "unknown", (), source)
    counts = {platform: sum(name == platform for name, _ in clues) for platform, _ in clues}
    platform = max(counts, key=lambda name: counts[name])
    return Verdict(platform, "likely" if counts[platform] > 1 else "a guess", _reasons(clues, platform), source)


def _reasons(clues: Sequence[tuple[str, str]], platform: str) -> tuple[str, ...]:
    return tuple(reason for name, reason in clues if name == platform)


def _certain(seen: Seen) -> Any:
    """(platform, reason) by the JSON that answered: no two platforms share these shapes."""
    if seen.eprints_id is not None:
        yield "eprints", f"/cgi/export/eprint/{seen.eprints_id}/JSON/ answers with the JSON of an eprint"
    if seen.rest is not None:
        platform = _STYLES.get(seen.rest.style, seen.rest.style)
        version = f", which says it is {seen.rest.version}" if seen.rest.version else ""
        yield platform, f"{urlsplit(seen.rest.url).path} answers in the shape of {platform}{version}"


def _clues(seen: Seen) -> Any:
    """(platform, reason) by habits, which other software may share."""
    if (oai := seen.oai) is None:
        return
    habit = next((name for path, name in OAI_PATHS.items() if name and urlsplit(oai.url).path.endswith(path)), None)
    if habit is not None:
        yield habit, f"OAI-PMH at {urlsplit(oai.url).path}"
    if oai.error_status == 422:
        yield "invenio-rdm", "OAI-PMH errors come with HTTP 422"
    for platform, pattern in _TOKENS.items():
        if re.match(pattern, oai.token):
            yield platform, f"resumption tokens as {platform} makes them"
    for platform, pattern in _IDENTIFIERS.items():
        if oai.identifier and re.match(pattern, oai.identifier):
            yield platform, f"identifiers as {platform} makes them: {oai.identifier}"
    for platform, prefix in (
        ("dspace", "xoai"),
        ("eprints", "oai_bibl"),
        ("eprints", "rem_rdf"),
        ("ojs", "nlm"),
        ("dataverse", "oai_ddi"),
        ("arxiv", "arXivRaw"),
        ("figshare", "cerif"),
        ("invenio-rdm", "oai_datacite4"),
    ):
        if prefix in oai.prefixes:
            yield platform, f"metadata prefix {prefix}"


_TOKENS = {
    "dspace": r"[A-Za-z_]+/[^/]*/[^/]*/[^/]*/\d+$",
    "dataverse": r"MTo",
    "invenio-rdm": r"\.?eJ",
    "eprints": r"metadataPrefix%3D.*offset%3D",
    "datacite": r"metadataPrefix=.*paging_cursor",
}
_IDENTIFIERS = {
    "ojs": r"oai:[^:]+:article/\d+",
    "dataverse": r"(doi|hdl|perma):",
    "arxiv": r"oai:arXiv\.org:",
    "figshare": r"oai:figshare\.com:article/",
}
