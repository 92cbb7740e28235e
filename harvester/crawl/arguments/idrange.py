"""Arguments of the idrange spider: which ids, in which forms."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harvester.crawl.arguments.base import (
    COMMON,
    RETRY,
    Arguments,
    choice,
    digest_of,
    flag,
    number,
    shard_of,
    source_and_archive,
)
from harvester.errors import UsageError
from harvester.http import essence, short_name
from harvester.rest import IdRanges
from harvester.sources import IdChannel, Idrange

KNOWN = COMMON | {"ids", "accept", "connections", "oai", "prefix", "set"}
CENSUS, GAPS, FILE, RANGES = "census", "gaps", "file", "ranges"


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a record: `name` is its format and channel, `accept` what is asked for, `url` has {id} in it."""

    name: str
    accept: str
    url: str

    @property
    def channel(self) -> str:
        return f"idrange:{self.name}"


@dataclass(frozen=True, slots=True)
class IdrangeArguments(Arguments):
    """A harvest by id. `kind` says where the ids come from: ranges, file, census or gaps.

    `oai` is the OAI-PMH base URL of a census, `prefix` and `set_spec` what is listed there; `named` are the words that
    named the source.
    """

    endpoint: Idrange
    kind: str
    ranges: IdRanges | None
    file: Path | None
    file_sha256: str | None
    forms: tuple[Form, ...]
    oai: str | None
    prefix: str | None
    set_spec: str | None
    named: dict[str, str]

    @property
    def identity(self) -> dict[str, Any]:
        ids = {RANGES: str(self.ranges), FILE: f"sha256:{self.file_sha256}"}.get(self.kind, self.kind)
        own = self.endpoint.url
        forms = [form.accept if form.url == own else f"{form.accept} at {form.url}" for form in self.forms]
        return {
            "url": own,
            "ids": ids,
            "accept": forms,
            "oai": self.oai,
            "prefix": self.prefix,
            "set": self.set_spec,
            "sample": self.sample,
            "shard": list(self.shard) if self.shard else None,
        }


def parse_idrange_arguments(words: Mapping[str, str]) -> IdrangeArguments:
    """Read the arguments of the idrange spider. Raises UsageError naming the argument and what it takes."""
    source, archive = source_and_archive(words, "idrange", KNOWN)
    endpoint = source.idrange
    assert endpoint is not None
    mode = choice(words, "mode", ("full", "incremental", RETRY))
    kind, ranges, file = _ids(words.get("ids", GAPS if mode == RETRY else ""))
    oai = words.get("oai") or (source.oaipmh.url if source.oaipmh else None)
    if kind == CENSUS and oai is None:
        raise UsageError("ids=census lists the ids by OAI-PMH first: say where, -a oai=URL")
    if kind != CENSUS and (set(words) & {"oai", "prefix", "set"}):
        raise UsageError("oai=, prefix= and set= say what ids=census lists; leave them out")
    sample = number(words, "sample")
    if sample is not None and ranges is not None and ranges.open_from is not None:
        raise UsageError(
            f"sample={sample} of a range without an end: give it one, such as ids=1-{endpoint.highest or 1000}"
        )
    forms = _forms(words.get("accept", ""), endpoint)
    if mode == RETRY and (kind != GAPS or len(forms) != 1):
        raise UsageError("mode=retry asks again what one channel lost: leave out ids=, and name one type with accept=")
    prefixes = source.oaipmh.prefixes if source.oaipmh else ("oai_dc",)
    return IdrangeArguments(
        source=source,
        archive=archive,
        mode=mode,
        sample=sample,
        shard=shard_of(words),
        windows=number(words, "connections") or endpoint.connections,
        endpoint=endpoint,
        kind=kind,
        ranges=ranges,
        file=file,
        file_sha256=digest_of(file) if file else None,
        forms=forms,
        oai=oai if kind == CENSUS else None,
        prefix=(words.get("prefix") or prefixes[0]) if kind == CENSUS else None,
        set_spec=words.get("set") or None,
        named={name: words[name] for name in ("source", "site") if words.get(name)},
        accept_loss=flag(words, "accept-loss"),
    )


def _ids(text: str) -> tuple[str, IdRanges | None, Path | None]:
    if not text.strip():
        raise UsageError("say which ids: -a ids=1-5000,7001- or ids=@FILE, ids=census, ids=gaps")
    if text in (CENSUS, GAPS):
        return text, None, None
    if text.startswith("@"):
        return FILE, None, Path(text[1:])
    return RANGES, IdRanges.parse(text), None


def _forms(accept: str, endpoint: Idrange) -> tuple[Form, ...]:
    """The forms that are asked for: those that `accept` names, or all that the source names."""
    known = {essence(channel.accept) + channel.accept: channel for channel in endpoint.channels}
    by_name = {channel.name or short_name(channel.accept): channel for channel in endpoint.channels}
    asked = _split(accept) or [channel.accept for channel in endpoint.channels]
    channels = [by_name.get(text) or known.get(essence(text) + text) or _channel(text) for text in asked]
    forms = tuple(_form(channel, endpoint) for channel in dict.fromkeys(channels))
    names = [form.name for form in forms]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(
            f"accept={accept}: two media types are called {twice!r}; ask for one of them, or name them in a source"
        )
    return forms


def _channel(text: str) -> IdChannel:
    if not essence(text):
        raise UsageError(f"accept={text[:60]!r} is no media type; write TYPE/SUBTYPE[,TYPE/SUBTYPE...]")
    return IdChannel(accept=text)


def _form(channel: IdChannel, endpoint: Idrange) -> Form:
    return Form(channel.name or short_name(channel.accept), channel.accept, channel.url or endpoint.url)


def _split(text: str) -> list[str]:
    """Media types between commas; a parameter in quotation marks may hold one."""
    parts, quoted, start = [], False, 0
    for place, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            parts.append(text[start:place])
            start = place + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]
