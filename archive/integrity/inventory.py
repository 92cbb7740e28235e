"""The files of an archive, a release or a bag, and the expected digest of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from archive.bags import ALGORITHMS, check_bag
from archive.disk import sha256_of
from archive.errors import NotAnArchive
from archive.files import stored_files
from archive.integrity.detect import ARCHIVE, BAG, RELEASE, recognise
from archive.queries import Queries
from archive.releases import MANIFEST, read_manifest
from archive.store import Layout, read_description, snapshot

_SQL = Queries(__package__)

# which algorithm to use if several are listed, the strongest first
_PREFERRED = ("sha512", "sha256", "sha384", "sha224", "sha1", "md5")


@dataclass(frozen=True, slots=True)
class Item:
    """A file to be checked; `name` is relative to the folder, `algorithm` hashlib's name of it.

    `digest` is None if nothing declares it: then the previous digest is expected.
    """

    name: str
    path: Path
    bytes: int
    algorithm: str
    digest: str | None


def inventory(path: Path) -> list[Item]:
    """List every file to be checked, in order of name; files that are still being written are left out.

    Raises as `recognise`, and Damaged if the list of the files is damaged itself.
    """
    kind = recognise(path)
    if kind == ARCHIVE:
        found = _of_archive(path)
    elif kind == RELEASE:
        found = _of_release(path)
    elif kind == BAG:
        found = _of_bag(path)
    else:
        raise NotAnArchive(f"{path} is a file; name the archive, release or bag that it is in")
    return sorted(found, key=lambda item: item.name)


def _of_archive(folder: Path) -> Iterator[Item]:
    """Yield the files of an archive, except derived ones, and the ledger only if it is at rest."""
    layout = Layout(folder)
    read_description(folder)
    yield _checked_by_itself(layout.description)
    if layout.ledger_digest.exists() and layout.ledger.exists():
        words = layout.ledger_digest.read_bytes().split()
        digest = words[0].decode("ascii", "replace") if words else ""
        yield Item("ledger.sqlite", layout.ledger, layout.ledger.stat().st_size, "sha256", digest)
    with snapshot(layout) as ledger:
        for _, name, state, _, _, size, _, sha256 in ledger.execute(_SQL["shards_to_check"]):
            if state == "sealed":
                yield Item(f"shards/{name}", layout.shards / name, size, "sha256", sha256)
        for name, sha256 in ledger.execute(_SQL["fixity_refused"]):
            yield from _of_refused(layout.quarantine, name, sha256)
        for stored in stored_files(ledger):
            yield Item(stored.path, folder / stored.path, stored.bytes, "sha256", stored.sha256)


def _of_refused(folder: Path, name: str, sha256: str) -> Iterator[Item]:
    """Yield a refused body and the description beside it, of which the ledger has the digest."""
    description, body = folder / f"{name}.json", folder / f"{name}.body"
    yield Item(f"quarantine/{name}.json", description, _size(description), "sha256", sha256)
    try:
        digest = orjson.loads(description.read_bytes())["sha256"]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        digest = ""  # the damage is found when the description is checked
    yield Item(f"quarantine/{name}.body", body, _size(body), "sha256", digest)


def _of_release(folder: Path) -> Iterator[Item]:
    manifest = read_manifest(folder)
    yield _checked_by_itself(folder / MANIFEST)
    for entry in manifest.entries():
        yield Item(entry.name, folder / Path(entry.name).name, entry.bytes, "sha256", entry.sha256)


def _of_bag(folder: Path) -> Iterator[Item]:
    """Yield every file except those still to be fetched; listed files that are missing are included."""
    bag = check_bag(folder, quick=True)
    digests: dict[str, dict[str, str]] = {}
    for listing in bag.listings:
        if listing.algorithm is not None:
            for name, checksums in listing.entries.items():
                digests.setdefault(name, {})[listing.algorithm] = checksums[0]
    unfetched = {finding.path for finding in bag.findings if finding.code == "fetch-missing"}
    for name in sorted({*bag.names, *digests} - unfetched):
        path = Path(bag.links.get(name) or folder / name)
        listed = digests.get(name)
        if listed is None:
            yield _as_it_is(path, name)
            continue
        algorithm = next((a for a in _PREFERRED if a in listed), next(iter(listed)))
        yield Item(name, path, _size(path), ALGORITHMS[algorithm], listed[algorithm])


def _checked_by_itself(path: Path) -> Item:
    """Make the item of a small file that was just verified against the digest in it."""
    return Item(path.name, path, _size(path), "sha256", sha256_of(path))


def _as_it_is(path: Path, name: str) -> Item:
    return Item(name, path, _size(path), "sha256", None)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
