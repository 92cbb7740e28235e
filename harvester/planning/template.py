"""A source file to begin with, from what a probe has seen. Pure: values in, TOML out, with comments where to decide."""

import json
import re
from urllib.parse import urlsplit

from archive.formats import printable
from harvester.planning.probing import EXPORTER_PATH, RestSeen, Seen, Verdict

# the richest of the known prefixes first
_PREFIXES = ("oai_datacite", "oai_ddi", "arXiv", "oai_dc")
# forms that are asked for, where they are served
_FORMS = (
    "application/vnd.inveniordm.v1+json",
    "application/json",
    "application/vnd.datacite.datacite+xml",
    "application/marcxml+xml",
)
# (hits a page, most hits of one query) as documented for each style; None is no limit that is known
_SIZES = {
    "invenio": (25, 10_000),
    "dspace": (20, None),
    "dataverse": (1000, None),
    "datacite": (1000, None),
    "figshare": (1000, 9_000),
}


def source_text(seen: Seen, verdict: Verdict, day: str) -> str:
    """A source file of what was found, with comments where a person must decide; `Source.checked` takes it."""
    host = urlsplit(seen.root).netloc
    name = seen.oai.name if seen.oai and seen.oai.name else host
    lines = [
        f"# Written by `harvester probe` on {day}, to begin with: read it, decide where it says so, then",
        "# `harvester plan FILE.toml` and `harvester crawl FILE.toml -a archive=DIR`.",
        f"name = {_quoted(name)}",
        f"platform = {_quoted(verdict.platform)}  # {verdict.sure}",
        f"homepage = {_quoted(seen.root)}",
        *(
            [f"# The same platform comes with us: `harvester sources {verdict.platform}` has its quirks."]
            if verdict.platform
            else []
        ),
    ]
    for part in (
        _oai_text(seen),
        _id_text(seen, verdict),
        _search_text(seen),
        _exporter_text(seen),
        _limits_text(seen),
        _robots_text(seen),
        _counts_text(seen, day),
        _facts_text(verdict, day),
    ):
        lines.extend(["", *part] if part else [])
    return "\n".join(lines) + "\n"


def _oai_text(seen: Seen) -> list[str]:
    if (oai := seen.oai) is None:
        return []
    prefix = next((prefix for prefix in _PREFIXES if prefix in oai.prefixes), (*oai.prefixes, "oai_dc")[0])
    deletions = {"no": "false", "persistent": "true"}.get(oai.deleted_record)
    sets = f"{oai.sets}{' and more' if oai.more_sets else ''} sets" if oai.sets else "no sets"
    return [
        "[oaipmh]",
        f"url = {_quoted(oai.url)}",
        f"# decide: one or more of {_comment(', '.join(oai.prefixes))}",
        f"prefixes = [{_quoted(prefix)}]",
        *([f"page_records = {oai.page_records}"] if oai.page_records else []),
        f"deletions = {deletions}  # deletedRecord {oai.deleted_record}"
        if deletions
        else f"# deletedRecord {_comment(oai.deleted_record)}: some deletions may show, others vanish",
        f"# granularity {_comment(oai.granularity)}, from {_comment(oai.earliest)}; {sets}",
        *([f"# Identify names another base URL: {_comment(oai.base_url)}"] if oai.base_url != oai.url else []),
    ]


def _id_text(seen: Seen, verdict: Verdict) -> list[str]:
    if seen.eprints_id is not None:
        return [
            "[idrange]",
            f"url = {_quoted(seen.root + '/cgi/export/eprint/{id}/JSON/export.js')}",
            'pattern = "[0-9]+"',
            "",
            "[[idrange.channels]]",
            'accept = "application/json"',
            'name = "eprints-json"',
            "",
            "[[mix]]",
            'spider = "idrange"',
            'arguments = { ids = "census" }',
            'because = "OAI-PMH lists the ids, the JSON export has the substance"',
        ]
    rest = seen.rest
    if rest is None or rest.template is None:
        return []
    lines = [
        "[idrange]",
        f"url = {_quoted(rest.template)}",
        f"pattern = {_quoted(_pattern(rest.record_id))}",
        "# decide: trust validators (etag, last-modified) only where each form of a record has its own",
        'validators = "none"',
    ]
    chosen = [media for media in _FORMS if media in rest.media_types] or ["application/json"]
    if {"application/json", "application/vnd.inveniordm.v1+json"} <= set(chosen) and not rest.legacy:
        chosen.remove("application/json")  # the same record without its ui block
    for media in chosen:
        name = _json_name(rest, verdict) if media == "application/json" else ""
        lines.extend(
            ["", "[[idrange.channels]]", f"accept = {_quoted(media)}", *([f'name = "{name}"'] if name else [])]
        )
    others = [media for media in rest.media_types if media not in chosen]
    return [
        *lines,
        *(
            [f"# decide: each form costs one request a record; {_comment(', '.join(others))} are served too"]
            if others
            else []
        ),
    ]


def _json_name(rest: RestSeen, verdict: Verdict) -> str:
    """What plain JSON is called here, so that two shapes under one media type are not taken for one."""
    if rest.style == "invenio":
        return "zenodo-json" if rest.legacy else ""
    return f"{verdict.platform}-json"


def _pattern(record_id: str | None) -> str:
    if record_id is None:
        return "[^/?#]+"
    if record_id.isdigit():
        return "[0-9]+"
    return "[0-9a-z]{5}-[0-9a-z]{5}" if re.fullmatch(r"[0-9a-z]{5}-[0-9a-z]{5}", record_id) else "[^?#]+"


def _search_text(seen: Seen) -> list[str]:
    if seen.rest is None:
        return []
    total = f"  # {seen.rest.total:,} found" if seen.rest.total is not None else ""
    size, window = _SIZES[seen.rest.style]
    return [
        "[search]",
        f"url = {_quoted(seen.rest.url)}{total}",
        f"style = {_quoted(seen.rest.style)}",
        f"size = {size}",
        *([f"window = {window}"] if window else []),
    ]


def _exporter_text(seen: Seen) -> list[str]:
    records = [key for key in seen.exporter_keys if re.fullmatch(r"records-(json|xml)\.tar\.gz", key)]
    if not records:
        return []
    deletions = next((key for key in seen.exporter_keys if key == "records-deleted.csv.gz"), "")
    return [
        "[exporter]",
        f"url = {_quoted(seen.root + EXPORTER_PATH)}",
        f"# decide: one of {', '.join(records)}",
        f"records = [{_quoted(records[0])}]",
        f"deletions = {_quoted(deletions)}" if deletions else "# no list of deletions is there",
    ]


def _limits_text(seen: Seen) -> list[str]:
    if not seen.budgets:
        return [
            "# No answer named a limit. Decide: what its documentation asks for, such as",
            "# [[budgets]]",
            "# requests = 60",
            "# seconds = 60",
        ]
    shown = [f"# {_comment(name)}: {_comment(value)}" for name, value in seen.budgets]
    return [
        "# Limits that answers named; the crawl reads them by itself. Decide: what the documentation says besides.",
        *shown,
    ]


def _robots_text(seen: Seen) -> list[str]:
    if not seen.closed and seen.crawl_delay is None:
        return []
    delay = (
        [f"# robots.txt asks for {seen.crawl_delay:g} s between requests, which is obeyed"] if seen.crawl_delay else []
    )
    if seen.closed and len(seen.asked_anyway) == len(seen.closed):
        _, said = seen.asked_anyway[0]
        paths = ", ".join(map(_quoted, said.asks_anyway))
        return [
            *delay,
            *(f"# robots.txt closes {_comment(url)} ({_comment(rule)})" for url, rule in seen.closed),
            "# As the source of the platform has it; decide whether that holds here, too.",
            "[robots]",
            f"asks_anyway = [{paths}]",
            f"because = {_quoted(said.because)}",
        ]
    closed = [f"# robots.txt closes {_comment(url)} ({_comment(rule)})" for url, rule in seen.closed]
    decide = (
        [
            "# Decide: leave that endpoint out, or say in words why it may be asked:",
            "# [robots]",
            '# asks_anyway = ["/path"]',
            '# because = "…"',
        ]
        if closed
        else []
    )
    return [*delay, *closed, *decide]


def _counts_text(seen: Seen, day: str) -> list[str]:
    listed = seen.oai.listed if seen.oai else None
    found = seen.rest.total if seen.rest else None
    if listed is None and found is None:
        return []
    return [
        "[counts]",
        f'seen = "{day}"',
        *([f"listed = {listed}"] if listed is not None else []),
        *([f"found = {found}"] if found is not None else []),
    ]


def _facts_text(verdict: Verdict, day: str) -> list[str]:
    lines = []
    for reason in verdict.reasons:
        lines += [
            "[[facts]]",
            'about = "platform"',
            f"says = {_quoted(reason)}",
            f'seen_in = "harvester probe, {day}"',
            "",
        ]
    return lines[:-1]


def _quoted(text: str) -> str:
    """A TOML basic string: that of JSON, and DEL written out too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    """Text of a provider in one line of a comment."""
    return printable(text)[:500]
