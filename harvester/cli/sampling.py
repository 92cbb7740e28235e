"""`harvester audit --sample N`: completeness by some random ids, when listing everything is too dear."""

import os
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from archive.audits import Drawn, Here, Interval, Knowledge
from archive.disk import translated
from archive.store import read_description
from harvester.cli.auditoptions import AuditOptions
from harvester.cli.estimate import estimate
from harvester.cli.output import advancing, cell, counted, print_json, print_table, say, table
from harvester.cli.params import pairs
from harvester.crawl.arguments import names
from harvester.errors import UsageError
from harvester.exits import DONE, FINDINGS, UNFINISHED
from harvester.sampling import (
    DIFFERS,
    EXTRA,
    MISSING,
    SAME,
    UNTOLD,
    Compared,
    Frame,
    Share,
    Target,
    There,
    compare,
    frame_of,
    numbers_drawn,
    shares,
    takes_of,
)
from harvester.sources import Source, own_source, own_source_at, source_names

if TYPE_CHECKING:
    from harvester.rest import Question, RecordAsker

SHOWN = 10
# channels whose datestamps mean the same as those of GetRecord, and those of a record's own JSON
_LIKE = {"oaipmh": ("oaipmh", "exporter"), "idrange": ("idrange", "search")}
_WORDS = {SAME: "same", MISSING: "missing", EXTRA: "extra", DIFFERS: "stale", UNTOLD: "unchecked"}


def run(folder: Path, target: str, options: AuditOptions) -> int:
    """Ask a sample of the target, or estimate what no channel saw; returns the exit code."""
    if options.estimate:
        return estimate(folder, options)
    assert options.sample is not None
    by = options.by or ("all",)
    if len(by) > 1 or by[0] not in ("all", "year", "set"):
        raise UsageError(f"a sample has one kind of strata: --by year or --by set, not {', '.join(by)}")
    seed = secrets.randbelow(1 << 31) if options.seed is None else options.seed
    asked = target_of(target, options.via, read_description(folder)["source"], options.words)
    with closing(Knowledge(folder)) as known:
        frame, drawn = _drawn(known, options.sample, by[0], seed)
        contact = options.contact or pairs(options.settings).get("HARVEST_CONTACT", "")
        answers = _asked(known, drawn, asked, contact)
        here = known.here([one.local_id for one in drawn], _LIKE[asked.part])
    found = [compare(one, there, here.get(one.local_id, Here())) for one, there in zip(drawn, answers, strict=True)]
    whole, parts = shares(found, frame, by[0])
    if options.lines is not None:
        _write_lines(found, options.lines)
    if options.gaps is not None:
        with translated(options.gaps, "writing"), options.gaps.open("w", encoding="utf-8") as file:
            file.writelines(f"{one.drawn.local_id}\n" for one in found if one.mark == MISSING)
    _tell(target=target, seed=seed, frame=frame, found=found, whole=whole, parts=parts, options=options)
    return _code(found, whole, options.fail_under)


def target_of(target: str, via: str | None, own: Mapping[str, Any], words: Mapping[str, str] | None = None) -> Target:
    """Who is to be asked, and how; `own` is the source in archive.json, `words` are arguments (`site`, `hosts`).

    A URL with {id} in it, or one that ends in /api/records, is asked by id; any other is an OAI-PMH endpoint. What is
    known of a source (budgets, robots.txt, its token) holds for a URL at its hosts. Raises UsageError.
    """
    words = words or {}
    more = names(words.get("hosts", ""))
    if target in source_names() or target.endswith(".toml"):
        mine = own_source(own)
        site = words.get("site") or (mine.get("site") if mine.get("source") == target else None)
        source = Source.named(target, site).with_hosts(more)
        part = "oaipmh" if (via == "oaipmh" or source.idrange is None) else "idrange"
        if part not in source.parts:
            raise UsageError(f"{target} can be asked neither by id nor by OAI-PMH: there is nothing to sample")
        return _target(source, part)
    parts = urlsplit(target)
    if parts.scheme not in ("http", "https"):
        raise UsageError(f"--sample asks a live target: an OAI-PMH URL, a URL with {{id}}, or a source; not {target}")
    by_id = "{id}" in target or via == "search" or (via is None and parts.path.rstrip("/").endswith("/api/records"))
    part, url = "oaipmh", target
    if by_id:
        part, url = "idrange", target if "{id}" in target else f"{target.rstrip('/')}/{{id}}"
    mine = own_source_at(own, parts.netloc)
    return _target(Source.of(mine.get("source"), url, part, mine.get("site")).with_hosts(more), part)


def _target(source: Source, part: str) -> Target:
    if part == "oaipmh":
        return Target(source, part, "text/xml, application/xml;q=0.9, */*;q=0.1")
    assert source.idrange is not None
    return Target(source, part, source.idrange.channels[0].accept)


def _drawn(known: Knowledge, count: int, by: str, seed: int) -> tuple[Frame, list[Drawn]]:
    families, ids = known.families()
    frame = frame_of(families, ids, known.strata(by))
    if not frame.size:
        raise UsageError("this archive has named no ids to draw from: harvest something first")
    if frame.mode == "numbers":
        return frame, numbers_drawn(frame, count, seed)
    return frame, known.draw(by, seed, takes_of(frame.strata, count))


# --- asking


def _asked(known: Knowledge, drawn: Sequence[Drawn], target: Target, contact: str) -> list[There]:
    from harvester.http import Credentials, user_agent
    from harvester.ratelimit import Gates, state_folder
    from harvester.rest import RecordAsker

    credentials = Credentials.of(target.source)
    agent = user_agent(target.source.own_hosts, contact)
    gates = Gates(state_folder(None, os.environ), target.source.host_budgets(credentials.has_token), lambda: True)
    for host in target.source.allowed_hosts:
        gates.set_delay(host, target.source.delay_seconds)
    asker = RecordAsker(target, gates, agent, credentials)
    try:
        with advancing("asking", "ids") as progress:
            return asker.ask(_questions(known, drawn, target, asker), progress)
    finally:
        gates.close()


def _questions(known: Knowledge, drawn: Sequence[Drawn], target: Target, asker: "RecordAsker") -> list["Question"]:
    """Where each id is asked for, by the name that the target knows it by."""
    from harvester.http import IdUrls
    from harvester.oaipmh import get_record_url
    from harvester.rest import Question

    if target.part == "idrange":
        assert target.source.idrange is not None
        urls = IdUrls(target.source.idrange.url, target.source.idrange.pattern, target.source.allowed_hosts)
        return [Question(one.local_id, urls.url(one.local_id)) for one in drawn]
    assert target.source.oaipmh is not None
    before, prefix = known.naming() or _naming_there(asker, target.source.oaipmh.prefixes[0])
    names = [
        one.identifier if (one.identifier or "").startswith(before) and one.identifier else before + one.local_id
        for one in drawn
    ]
    return [Question(name, get_record_url(target.source.oaipmh.url, name, prefix)) for name in names]


def _naming_there(asker: "RecordAsker", prefix: str) -> tuple[str, str]:
    """What stands before local ids at a target that this archive has never listed, by the first page of its list."""
    from archive.crosswalks import local_id

    befores = Counter(name.removesuffix(local_id(name)) for name in asker.first_identifiers(prefix))
    return (befores.most_common(1)[0][0] if befores else ""), prefix


# --- telling


def _write_lines(found: Sequence[Compared], path: Path) -> None:
    with translated(path, "writing"), path.open("w", encoding="utf-8") as file:
        file.writelines(f"{one.mark} {one.drawn.local_id}\t{one.reason}\n" for one in found)


def _code(found: Sequence[Compared], whole: Share, fail_under: float | None) -> int:
    """With a bound that is to be shown, the low end of the interval must reach it.

    A target that lets nobody in has told nothing, though it shows as little as is held.
    """
    if any(one.there.state == "lost" for one in found):
        return UNFINISHED
    if fail_under is not None:
        return FINDINGS if 100 * whole.interval.low < fail_under else DONE
    told = any(one.there.state != "forbidden" for one in found)
    return DONE if told and all(one.mark == SAME for one in found) else FINDINGS


def _tell(
    target: str,
    seed: int,
    frame: Frame,
    found: Sequence[Compared],
    whole: Share,
    parts: Sequence[Share],
    options: AuditOptions,
) -> None:
    counts = Counter(one.mark for one in found)
    if options.as_json:
        print_json(
            {
                "target": target,
                "sample": len(found),
                "seed": seed,
                "drawn_from": frame.mode,
                "ids": frame.size,
                "population": frame.population,
                "expected": whole.live,
                "held": whole.held,
                **{word: counts[mark] for mark, word in _WORDS.items()},
                "states": dict(sorted(Counter(one.there.state for one in found).items())),
                **_percents(whole.interval),
                "strata": [
                    {"name": part.name, "expected": part.live, "held": part.held, **_percents(part.interval)}
                    for part in parts
                ],
            }
        )
        return
    say(f"asked {target} for {counted(len(found), 'id')} at random (--seed {seed}); about {frame.population}")
    states = Counter(one.there.state for one in found)
    say(f"there: {', '.join(f'{number:,} {state}' for state, number in sorted(states.items()))}")
    if parts:
        made = table("part", "live there", "held", "completeness", "95 % interval", numbers=("live there", "held"))
        for part in parts:
            made.add_row(cell(part.name), f"{part.live:,}", f"{part.held:,}", *_shown(part.interval, part.live))
        print_table(made)
    for mark in (MISSING, DIFFERS, EXTRA, UNTOLD):
        those = [one for one in found if one.mark == mark]
        for one in those[:SHOWN]:
            say(f"{mark} {cell(one.drawn.local_id)}  {cell(one.reason)}")
        if len(those) > SHOWN:
            say(f"  and {len(those) - SHOWN:,} more {_WORDS[mark]}; --lines FILE names them all")
    if not whole.live:
        say("none of the ids is live there: of the completeness nothing can be said")
        return
    estimate, ends = _shown(whole.interval, whole.live)
    say(f"{whole.held:,} of {whole.live:,} that are live there are held: {estimate} complete, 95 % interval {ends}")


def _percents(interval: Interval) -> dict[str, float]:
    return {
        "completeness": round(100 * interval.estimate, 4),
        "low": round(100 * interval.low, 4),
        "high": round(100 * interval.high, 4),
    }


def _shown(interval: Interval, live: int) -> tuple[str, str]:
    if not live:
        return "", ""
    return f"{100 * interval.estimate:.2f} %", f"{100 * interval.low:.2f} to {100 * interval.high:.2f} %"
