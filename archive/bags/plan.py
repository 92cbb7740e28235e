"""Plan bags before anything is written: which files go into which bag, and how other tools will read their names."""

import fnmatch
import hashlib
import unicodedata
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from archive.bags.files import code_points, is_portable, misread, safe_path, unseen
from archive.bags.payload import Item, Payload
from archive.bags.tagfiles import PROFILE_IDENTIFIER, Info
from archive.errors import NotBaggable

_ENCODED = "the name has %, CR or LF: it is encoded as RFC 8493 says; bagit-python 1.9 reads % otherwise and misses it"

# how many names a message shows
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a bag. `date` is the Bagging-Date and `agent` the Bag-Software-Agent; the caller provides both.

    Files that are never written again are hard-linked unless `copy`; with `link` all are. With `fetch_url`, which
    stands for data/, files that match one of `fetch` (all, if it is empty) are left out and listed in fetch.txt.
    """

    date: str
    agent: str
    info: Info = ()
    copy: bool = False
    link: bool = False
    max_bytes: int | None = None
    fetch_url: str | None = None
    fetch: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """A note on a valid bag; `code` is for scripts."""

    code: str
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Share:
    """The content of one bag; `fetched` are paths below data/ that are listed in fetch.txt instead."""

    items: tuple[Item, ...]
    fetched: frozenset[str]

    @property
    def bytes(self) -> int:
        return sum(item.bytes for item in self.items)


def shares(payload: Payload, options: Options) -> list[Share]:
    """Divide a payload into bags, one or as many as `max_bytes` requires, in the order of the paths.

    Raises NotBaggable if one file is larger than that, or a pattern of `fetch` matches none.
    """
    fetched = _fetched(payload.items, options)
    parts: list[list[Item]] = [[]]
    size = 0
    for item in payload.items:
        if options.max_bytes is not None and item.bytes > options.max_bytes:
            raise NotBaggable(
                f"{item.source} has {item.bytes} bytes, more than a bag may have ({options.max_bytes}); a file is "
                "never cut, so allow more"
            )
        if options.max_bytes is not None and parts[-1] and size + item.bytes > options.max_bytes:
            parts.append([])
            size = 0
        parts[-1].append(item)
        size += item.bytes
    return [Share(tuple(part), fetched & {item.path for item in part}) for part in parts]


def _fetched(items: Sequence[Item], options: Options) -> frozenset[str]:
    if options.fetch_url is None:
        return frozenset()
    paths = [item.path for item in items]
    for pattern in options.fetch:
        if not fnmatch.filter(paths, pattern):
            raise NotBaggable(f"no file is called {pattern}; a pattern is compared with paths such as {paths[:1]}")
    patterns = options.fetch or ("*",)
    return frozenset(path for path in paths if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns))


def names(out: Path, count: int) -> list[str]:
    """Return the names of the bags: that of `out`, or with a number appended."""
    return [out.name] if count == 1 else [f"{out.name}-{number}-of-{count}" for number in range(1, count + 1)]


def fingerprint(payload: Payload, options: Options) -> str:
    """Return a fingerprint that is equal for two runs of the same command over the same files, on any day."""
    files = [(item.path, item.bytes, item.sha256, item.stamp) for item in payload.items]
    how = (options.agent, options.info, options.copy, options.link, options.max_bytes, options.fetch_url, options.fetch)
    return hashlib.sha256(orjson.dumps([str(payload.root.resolve()), files, how])).hexdigest()


def group_identifier(digests: Iterable[tuple[str, str]]) -> str:
    """Make a URI for the group of bags with these (path, SHA-256)."""
    whole = hashlib.sha256(orjson.dumps(sorted(digests))).hexdigest()
    return uuid.uuid5(uuid.UUID(PROFILE_IDENTIFIER.removeprefix("urn:uuid:")), whole).urn


def remarks(payload: Payload) -> list[Remark]:
    """Note names that other readers may have trouble with. Raises NotBaggable for names that become equal."""
    _refuse_misread(payload.items)
    found = [Remark("name-encoded", item.path, _ENCODED) for item in payload.items if set(item.path) & set("%\r\n")]
    for item in payload.items:
        if bad := unseen(item.path):
            found.append(Remark("name-unseen", item.path, f"has {code_points(bad)}; --safe-names renames it"))
        elif not is_portable(item.path) and not set(item.path) & set("\r\n"):
            found.append(Remark("name-not-portable", item.path, "is a name that other systems cannot hold"))
    found += _clashes(payload.items)
    found += [Remark("left-out", name, "belongs to nothing that is packed") for name in payload.left_out]
    return found + [Remark("empty-folder", name, "a bag cannot express it") for name in payload.empty]


def with_safe_names(payload: Payload) -> Payload:
    """Replace names that others misread by safe ones; a number is appended if the safe name is taken."""
    taken = {item.path for item in payload.items}
    items = []
    for item in payload.items:
        safe, number = safe_path(item.path), 1
        while safe != item.path and safe in taken:
            number += 1
            safe = f"{safe_path(item.path)}_{number}"
        taken.add(safe)
        items.append(item if safe == item.path else replace(item, path=safe, was=item.path))
    return replace(payload, items=tuple(sorted(items, key=lambda item: item.path.encode())))


def _refuse_misread(items: Sequence[Item]) -> None:
    """Raise NotBaggable, before anything is written, for names that other readers of manifests get wrong."""
    if not (bad := [item.path for item in items if misread(item.path)]):
        return
    named = [f"{path!a} ({code_points(misread(path))}), safe: {safe_path(path)!a}" for path in bad[:_SHOWN]]
    more = f"; and {len(bad) - _SHOWN:,} more" if len(bad) > _SHOWN else ""
    raise NotBaggable(
        f"names that other readers of a bag cut off or take for two: {'; '.join(named)}{more}; give them other names, "
        "or let --safe-names do it, which records them in the bag"
    )


def _clashes(items: Sequence[Item]) -> list[Remark]:
    found: list[Remark] = []
    forms: dict[str, str] = {}
    cases: dict[str, str] = {}
    for item in items:
        form = unicodedata.normalize("NFC", item.path)
        if (other := forms.setdefault(form, item.path)) != item.path:
            raise NotBaggable(f"{other!a} and {item.path!a} are one name on some file systems; give one another name")
        if (other := cases.setdefault(form.casefold(), item.path)) != item.path:
            found.append(Remark("name-case", item.path, f"differs from {other} in case alone"))
    return found
