"""The files of a record according to its metadata: key, URL, size, checksum. Pure: a record in, values out.

Supported are InvenioRDM and Zenodo (both of its JSON formats, and MARC 856), EPrints (JSON and XML), Dataverse,
figshare, schema.org, and the XML formats of `archive.files.xml`. DataCite and Dublin Core name no files.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from archive.crosswalks import marc_in_json
from archive.files.checksums import parse_checksum, stated_checksum
from archive.files.lists import (
    SILENT,
    FileList,
    NotAList,
    RecordFile,
    file_list,
    is_http,
    joined,
    last_part,
    or_silent,
    path_of_url,
    size_of,
)
from archive.files.xml import in_xml, names_files
from archive.store import Record

Json = dict[str, Any]

# formats that say most about files come first: of several formats of an id, the first with a list is used
_RANKS = ("inveniordm-json", "zenodo-json", "eprints-json", "ep3-xml", "json", "jsonld", "xoai", "mets", "marc", "ore")
_PAGES = frozenset({"htm", "html", "xhtml", "php", "asp", "aspx", "jsp", "do", "cgi"})
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,5})$")


def rank(format_: str) -> int:
    """Return how much a format says about files; 0 is the most."""
    return next((n for n, name in enumerate(_RANKS) if format_.startswith(name)), len(_RANKS))


def files_of(record: Record) -> FileList:
    """List the files that a record names, each key once; none for a deleted record or a format without files."""
    if record.deleted:
        return FileList()
    return files_in(record.metadata, record.url, record.original if record.encoding == "utf-8" else None)


def files_in(metadata: Json | None, url: str, original: str | None) -> FileList:
    """List the files that a live record names, from its JSON, its URL, and the XML it was sent as, if any."""
    found = _in_json(metadata, url) if isinstance(metadata, dict) else SILENT
    if not found.files and found.ask is None and original and names_files(original):
        found = file_list(in_xml(original, url))
    return found


def parse_file_list(body: bytes, url: str) -> FileList:
    """Parse the response to `FileList.ask`: InvenioRDM's entries, or Dataverse's data. Raises NotAList."""
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as cause:
        raise NotAList(f"no JSON ({cause})") from None
    entries = values.get("entries") if isinstance(values, dict) else None
    data = values.get("data") if isinstance(values, dict) else None
    if isinstance(entries, dict | list):
        return file_list(_rdm_entries(entries, url))
    if isinstance(values, dict) and values.get("enabled") is False:
        return FileList()
    if isinstance(data, list):
        return file_list(_dataverse(data, url))
    raise NotAList("JSON without a list of files")


# --- one function for each JSON format


def _in_json(metadata: Json, url: str) -> FileList:
    files, links = metadata.get("files"), _dict(metadata.get("links"))
    if isinstance(files, dict):
        return _rdm(metadata, files, links, url)
    if isinstance(documents := metadata.get("documents"), list):
        return file_list(_eprints(documents, url))
    if isinstance(version := _dataset_version(metadata), dict):
        return file_list(_dataverse(_list(version.get("files")), url))
    if metadata.get("global_id") and metadata.get("fileCount"):
        where = f"/api/datasets/:persistentId/versions/:latest-published/files?persistentId={metadata['global_id']}"
        return FileList(ask=joined(url, where))
    if isinstance(files, list):
        found = file_list(_listed(files, url))
        closed = _dict(metadata.get("metadata")).get("access_right", "open") != "open"
        return FileList(ask=listed_at) if not files and closed and (listed_at := _text(links.get("files"))) else found
    if isinstance(metadata.get("fields"), list):
        return or_silent(file_list(_marc(marc_in_json(metadata), url)))
    found = file_list(_schema_org(metadata, url))
    # EPrints without documents, Dataverse without files, a closed record of Zenodo: these do say that there are none
    said = "eprintid" in metadata or "fileCount" in metadata or "access_right" in _dict(metadata.get("metadata"))
    return found if said else or_silent(found)


def _rdm(metadata: Json, files: Json, links: Json, url: str) -> FileList:
    """Read InvenioRDM's entries by key; a search result, or a record with restricted files, has only a link to them."""
    if not files.get("enabled", True):
        return FileList()
    entries, count = files.get("entries"), files.get("count")
    own = _text(links.get("self")) or url.partition("?")[0]
    listed_at = _text(links.get("files")) or f"{own}/files"
    if not isinstance(entries, dict | list) or (isinstance(count, int) and count > len(entries)):
        return FileList(ask=listed_at)
    return file_list(_rdm_entries(entries, listed_at))


def _rdm_entries(entries: Json | Sequence[Any], listed_at: str) -> Iterator[RecordFile | None]:
    for entry in entries.values() if isinstance(entries, dict) else entries:
        key = _text(_dict(entry).get("key"))
        if key is None:
            yield None
        else:
            content = _text(_dict(entry.get("links")).get("content"))
            at = content or f"{listed_at.partition('?')[0]}/{quote(key)}/content"
            yield RecordFile(
                key,
                joined(listed_at, at),
                size_of(entry.get("size")),
                stated_checksum((entry.get("checksum"), None)),
                _text(entry.get("mimetype")),
            )


def _listed(files: Sequence[Any], url: str) -> Iterator[RecordFile | None]:
    """Read the files of Zenodo's legacy JSON, in each of its dialects, and of figshare."""
    for file in map(_dict, files):
        links = _dict(file.get("links"))
        key = _text(file.get("key")) or _text(file.get("filename")) or _text(file.get("name"))
        at = _text(links.get("content")) or _text(links.get("download")) or _text(links.get("self"))
        at = at or _text(file.get("download_url"))
        if key is None or at is None:
            yield None
        else:
            size = next((s for name in ("size", "filesize") if (s := size_of(file.get(name))) is not None), None)
            checksum = stated_checksum(
                (file.get("checksum"), file.get("checksum_algorithm")),
                (file.get("computed_md5"), "md5"),
                (file.get("supplied_md5"), "md5"),
            )
            media_type = _text(file.get("mimetype"))
            yield RecordFile(key, joined(url, at), size, checksum, media_type, file.get("is_link_only") is True)


def _eprints(documents: Sequence[Any], url: str) -> Iterator[RecordFile | None]:
    """Read EPrints' JSON export: files of documents, which may have the same name in two of them."""
    for document in map(_dict, documents):
        for file in map(_dict, _list(document.get("files"))):
            # EP3 XML has both: uri is the id of the file, url its location
            name, at = file.get("filename"), _text(file.get("url")) or _text(file.get("uri"))
            if name is None or at is None:
                yield None
            else:
                checksum = stated_checksum((file.get("hash"), file.get("hash_type")))
                media_type = _text(file.get("mime_type")) or _text(document.get("mime_type"))
                yield RecordFile(str(name), joined(url, at), size_of(file.get("filesize")), checksum, media_type)


def _dataset_version(metadata: Json) -> Any:
    """Find Dataverse's version of a dataset: in an export, in a response of its API, or by itself."""
    found = metadata.get("datasetVersion")
    if found is None:
        data = _dict(metadata.get("data"))
        found = data.get("latestVersion") or data.get("datasetVersion")
    return found


def _dataverse(files: Sequence[Any], url: str) -> Iterator[RecordFile | None]:
    """Read Dataverse's files; an ingested table is requested as it was uploaded, because its checksum is of that."""
    for file in map(_dict, files):
        data = _dict(file.get("dataFile"))
        if not isinstance(number := data.get("id"), int):
            yield None
            continue
        table = data.get("tabularData") is True and data.get("originalFileName") is not None
        name = data["originalFileName"] if table else file.get("label") or data.get("filename") or number
        folder = (_text(file.get("directoryLabel")) or "").strip("/")
        checksum = _dict(data.get("checksum"))
        yield RecordFile(
            f"{folder}/{name}" if folder else str(name),
            joined(url, f"/api/access/datafile/{number}" + ("?format=original" if table else "")),
            size_of(data.get("originalFileSize" if table else "filesize")),
            stated_checksum((checksum.get("value"), checksum.get("type")), (data.get("md5"), "md5")),
            _text(data.get("originalFileFormat" if table else "contentType")),
        )


def _schema_org(metadata: Json, url: str) -> Iterator[RecordFile]:
    parts = metadata.get("distribution")
    for part in map(_dict, parts if isinstance(parts, list) else [parts]):
        at = _text(part.get("contentUrl"))
        if at is not None and is_http(at := joined(url, at)):
            checksum = stated_checksum(*((part.get(name), name) for name in ("sha512", "sha256", "md5")))
            media_type = _text(part.get("encodingFormat")) or _text(part.get("fileFormat"))
            name = _text(part.get("name")) or last_part(at)
            yield RecordFile(name, at, size_of(part.get("contentSize")), checksum, media_type, is_link=True)


def _marc(metadata: Json, url: str) -> Iterator[RecordFile]:
    """Read MARC 856: $u URL, $s size, and in InvenioRDM's $z the MD5.

    With neither size nor MD5, the name must look like that of a file.
    """
    for field in (value for entry in metadata["fields"] for name, value in _dict(entry).items() if name == "856"):
        pairs = [pair for entry in _list(_dict(field).get("subfields")) for pair in _dict(entry).items()]
        parts = {name: value for name, value in reversed(pairs) if isinstance(value, str)}
        at, size = parts.get("u", "").strip(), size_of(parts.get("s"))
        checksum = parse_checksum(parts["z"]) if ":" in parts.get("z", "") else None
        if is_http(at) and _dict(field).get("ind2") != "2" and (size is not None or checksum or _is_file_name(at)):
            yield RecordFile(last_part(at), at, size, checksum, parts.get("q"), is_link=True)


# --- helpers


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _is_file_name(url: str) -> bool:
    found = _EXTENSION.search(last_part(url)) if path_of_url(url).strip("/") else None
    return found is not None and found[1].lower() not in _PAGES and not found[1].isdigit()
