"""The URLs of a record's files: all those that readers know a document by, and the best one to redirect them to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from archive.crosswalks import form_of, number, objects, text
from archive.files import files_in
from archive.migrations.names import urls_of

Json = dict[str, Any]
# how Zenodo, InvenioRDM and EPrints request that a document is saved rather than shown
_AS_DOWNLOAD = "?download=1"


@dataclass(frozen=True, slots=True)
class Document:
    """A file of a record: `urls` lead to it, `place` is the best of them; `name` and `checksum` are as declared."""

    urls: tuple[str, ...]
    place: str
    name: str
    checksum: str | None = None


def documents_of(metadata: Json | None) -> tuple[Document, ...]:
    """List the files that a record names, in order; empty for a format without files."""
    if not metadata:
        return ()
    form, inside = form_of(metadata)
    if form == "eprints":
        return tuple(_of_eprints(inside))
    return tuple(_listed(metadata, urls_of(metadata), form in ("rdm", "zenodo")))


def _listed(metadata: Json, pages: tuple[str, ...], below_pages: bool) -> Iterator[Document]:
    """Yield the listed files and, of files that a record only links to, those on a host of its own pages."""
    hosts = {urlsplit(page).netloc.lower() for page in pages}
    for file in files_in(metadata, "", None).files:
        urls = [f"{page.rstrip('/')}/files/{quote(file.key)}" for page in pages] if below_pages else []
        if not file.is_link or urlsplit(file.url).netloc.lower() in hosts:
            urls.append(file.url)
        if urls := list(filter(_is_web, urls)):
            yield _document(file.key, urls, str(file.checksum) if file.checksum else None)


def _of_eprints(eprint: Json) -> Iterator[Document]:
    """Yield the files of EPrints.

    The abstract page links `/ID/POS/NAME` (Apache/Rewrite.pm); `/id/file/N` is the URI of the file.
    """
    name = text(eprint.get("eprintid"))
    uri = text(eprint.get("uri")) or ""
    root = uri.removesuffix(f"/id/eprint/{name}") if name is not None and uri.endswith(f"/id/eprint/{name}") else None
    checksums = {file.url: str(file.checksum) for file in files_in(eprint, "", None).files if file.checksum}
    for document in objects(eprint.get("documents")):
        files = objects(document.get("files"))
        position = number(document.get("pos"))
        for file in files:
            called, own = file.get("filename"), text(file.get("uri"))
            if not isinstance(called, str) or not called:
                continue
            urls = [f"{root}/{name}/{position}/{quote(called)}"] if root is not None and position is not None else []
            # a document with a single file is that file
            urls += filter(None, (own, text(document.get("uri")) if len(files) == 1 else None))
            if urls := list(filter(_is_web, urls)):
                yield _document(called, urls, checksums.get(own or ""))


def _document(name: str, urls: list[str], checksum: str | None) -> Document:
    """Make a document with and without the query for a download; a URL with another query stays as it is."""
    known: list[str] = []
    for url in urls:
        bare = url.partition("?")[0] if url.endswith(_AS_DOWNLOAD) else url
        known += [bare, bare + _AS_DOWNLOAD] if "?" not in bare else [bare]
    return Document(tuple(dict.fromkeys(known)), known[0], name, checksum)


def _is_web(url: str) -> bool:
    return re.match(r"https?://[^/]", url, re.IGNORECASE) is not None
