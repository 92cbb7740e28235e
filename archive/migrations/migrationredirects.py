"""The map from old URLs to new ones: as CSV, and as lines for a `map` of nginx.

nginx compares keys without case, takes a `$` in a value for a variable, and refuses a key that comes twice.
"""

import csv
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from archive.durable import translated

# printable ASCII that a quoted word of nginx takes as it is
_SAFE = "!#%&'()*+,-./:;<=>?@[]^_`{|}~"

# parameters of a query that are known in every order
_ORDERED = 3


@dataclass(slots=True)
class Redirects:
    """What was written; `conflicts` are old URLs that lead to several places, of which the first was taken."""

    written: int = 0
    conflicts: list[str] = field(default_factory=list)


def write_csv(path: Path, redirects: Iterable[tuple[str, str]]) -> Redirects:
    """Write `old_url,new_url`, an old URL once."""
    done = Redirects()
    with translated(path, "writing"), path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["old_url", "new_url"])
        for old, new in _once(redirects, done):
            writer.writerow([old, new])
            done.written += 1
    return done


def write_nginx(path: Path, redirects: Iterable[tuple[str, str]]) -> Redirects:
    """Write lines for `map $host$request_uri $moved_to { include FILE; }`, each old URL with and without last slash.

    A second map of the path alone, which docs/migrations.md shows, leads those that add a query of their own.
    """
    done = Redirects()
    with translated(path, "writing"), path.open("w", encoding="ascii") as file:
        # nginx compares without case
        for key, value in _once(((key.lower(), value) for key, value in _nginx(redirects)), done):
            file.write(f'"{key}" "{value}";\n')
            done.written += 1
    return done


def nginx_keys(url: str) -> tuple[str, ...]:
    """`$host$request_uri` of requests for a URL: the host without its port, the path and query as sent.

    Up to three parameters are known in every order.
    """
    parts = urlsplit(url)
    host, path = (parts.hostname or "").lower(), _ascii(parts.path or "/")
    if parts.query:
        given = parts.query.split("&")
        orders = itertools.permutations(given) if len(given) <= _ORDERED else [given]
        return tuple(dict.fromkeys(f"{host}{path}?{_ascii('&'.join(order))}" for order in orders))
    return tuple(dict.fromkeys((f"{host}{path}", f"{host}{path.rstrip('/') or '/'}", f"{host}{path.rstrip('/')}/")))


def _nginx(redirects: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for old, new in redirects:
        for key in nginx_keys(old):
            yield key, _ascii(new).replace("$", "%24")


def _ascii(text: str) -> str:
    """Percent-encode what must not stand in a quoted word; what is encoded stays."""
    return quote(text, safe=_SAFE)


def _once(redirects: Iterable[tuple[str, str]], done: Redirects) -> Iterator[tuple[str, str]]:
    """Each key once."""
    seen: dict[str, str] = {}
    for old, new in redirects:
        if (known := seen.get(old)) is None:
            seen[old] = new
            yield old, new
        elif known != new:
            done.conflicts.append(old)
