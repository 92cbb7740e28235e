"""Documentation files of a release: README.md, LICENSE.txt, CITATION.cff, and the RO-Crate with its page.

They depend on the manifest alone, so the same release gets the same files. Untrusted text (names, URLs, formats) is
escaped for the language of the file.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from archive.disk import durable
from archive.formats import size_text
from archive.releases import codecs, rocrate
from archive.releases.manifest import FileEntry, Manifest
from archive.store import STATES

README, LICENCE, CITATION = "README.md", "LICENSE.txt", "CITATION.cff"

# licences whose legal text is in templates/, word for word
_TEXTS = frozenset({"CC0-1.0", "CC-BY-4.0"})
# licences of data among the SPDX ids in the schema of the Citation File Format
_CITABLE = re.compile(r"CC0-1\.0|CC-BY(-NC)?(-ND|-SA)?-[1-4]\.0|CC-PDDC|ODbL-1\.0|ODC-By-1\.0|PDDL-1\.0")
_MEANINGS = {
    "read": "came as a record",
    "deleted": "the source says that it was deleted: a tombstone",
    "absent": "the source has no such id",
    "moved": "the source names another id instead",
    "forbidden": "the source does not give it away",
    "refused": "an answer came that could not be used",
    "lost": "no answer came",
    "open": "not asked for yet",
}
_UNPACKERS = {"zstd": "zstd", "xz": "xz", "gzip": "gzip"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&])")


def write_papers(folder: Path, manifest: Manifest) -> tuple[FileEntry, ...]:
    """Write the documentation files of a release whose manifest does not have them yet. Returns their entries."""
    manifest = replace(manifest, files=())
    papers = [(README, readme(manifest)), (LICENCE, licence_text(manifest)), (CITATION, citation(manifest))]
    entries = [_write(folder, name, text.encode()) for name, text in papers]
    entries.append(_write(folder, rocrate.PREVIEW, preview(manifest, entries).encode()))
    entries.append(_write(folder, rocrate.METADATA, rocrate.crate_bytes(manifest, entries)))
    return tuple(entries)


def readme(manifest: Manifest) -> str:
    """Render what a release is, how to read it, how to verify it, and what is not in it."""
    return _render("README.md", manifest, home=rocrate.home_of(manifest))


def licence_text(manifest: Manifest) -> str:
    """Return the legal text if it is known word for word; else the name and URL of the licence."""
    if manifest.licence["id"] in _TEXTS:
        texts = resources.files("archive.releases").joinpath("templates")
        return texts.joinpath(f"{manifest.licence['id']}.txt").read_text("utf-8")
    return _render("LICENSE.txt", manifest)


def citation(manifest: Manifest) -> str:
    """Render how to cite a release (Citation File Format 1.2.0)."""
    citable = _CITABLE.fullmatch(manifest.licence["id"]) is not None
    return _render("CITATION.cff", manifest, citable=citable, home=rocrate.home_of(manifest))


def preview(manifest: Manifest, files: list[FileEntry]) -> str:
    """Render the crate as a page: one file, without scripts, that loads nothing."""
    link = manifest.licence.get("url") or ""
    return _render(
        "preview.html",
        manifest,
        files=[*manifest.entries(), *files],
        home=rocrate.home_of(manifest),
        complete=rocrate.is_complete(manifest),
        link=link if link.startswith(("https://", "http://")) else None,
        records={part.name: f"{part.records:,}" for part in manifest.content.all_parts},
    )


# --- helpers


def _write(folder: Path, name: str, body: bytes) -> FileEntry:
    durable.write_new(folder / name, body, "paper")
    return FileEntry(name, len(body), hashlib.sha256(body).hexdigest(), hashlib.sha512(body).hexdigest())


@lru_cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("archive.releases", "templates"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters |= {
        "number": "{:,}".format,
        "md": _markdown,
        "yaml": _yaml,
        "line": _line,
        "size": size_text,
        "url": rocrate.as_uri,
    }
    return environment


def _render(name: str, manifest: Manifest, **more: Any) -> str:
    content = manifest.content
    endings = f"{codecs.LAYOUT_ENDINGS[content.making.layout]}.{codecs.ENDINGS[content.making.compression]}"
    values: Mapping[str, Any] = {
        "manifest": manifest,
        "content": content,
        "making": content.making,
        "source": rocrate.source_name(manifest),
        "description": rocrate.describe(manifest),
        "completeness": rocrate.completeness(manifest),
        "meanings": _MEANINGS,
        "states": STATES,
        "endings": endings,
        "unpack": _UNPACKERS[content.making.compression],
        "licensed": manifest.licence["id"] != rocrate.NO_LICENCE,
        "others": [
            f"records-*.{codecs.LAYOUT_ENDINGS[one.layout]}.{codecs.ENDINGS[content.making.compression]}"
            for one in content.others
        ],
        "kinds": sorted({part.kind for part in content.parts}),
        **more,
    }
    return _environment().get_template(f"{name}.j2").render(values)


def _shown(value: object) -> object:
    """Make a template's value harmless: no text controls a terminal or reverses the rest of its line."""
    return _line(value) if isinstance(value, str) and rocrate.STEERING.search(value) else value


def _line(text: object) -> str:
    """Make a text one line; control characters become U+FFFD."""
    return rocrate.STEERING.sub("\N{REPLACEMENT CHARACTER}", " ".join(str(text).split()))


def _markdown(text: object) -> str:
    """Escape a text as one line that Markdown shows unchanged."""
    return _MARKDOWN.sub(r"\\\1", _line(text))


def _yaml(text: object) -> str:
    """Encode a text as a quoted YAML scalar."""
    return rocrate.escaped(json.dumps(str(text), ensure_ascii=False))
