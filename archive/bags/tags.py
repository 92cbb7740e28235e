"""Tag files of a bag that is being created: bag-info.txt, manifests, fetch.txt, and the profile of these bags."""

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from archive.bags import tagfiles
from archive.bags.payload import Item, Payload
from archive.bags.plan import Options, Share
from archive.disk import durable

# the original names of files with safe names: a line of JSON each, in ASCII
RENAMED = "renamed-files.jsonl"


@dataclass(frozen=True, slots=True)
class Placed:
    """A file of the payload that is in its bag, or in its fetch.txt. `how` is linked, copied or fetched."""

    item: Item
    sha256: str
    sha512: str
    how: str


def tag_files(
    files: list[Placed], share: Share, options: Options, payload: Payload, grouped: tagfiles.Info
) -> dict[str, str]:
    """Make the texts of all tag files except the tag manifests, by name."""
    paths = [f"data/{file.item.path}" for file in files]
    counted = (
        ("Bagging-Date", options.date),
        ("Bag-Size", tagfiles.shown_size(share.bytes)),
        ("Payload-Oxum", f"{share.bytes}.{len(files)}"),
        *grouped,
        ("Bag-Software-Agent", options.agent),
        ("BagIt-Profile-Identifier", tagfiles.PROFILE_IDENTIFIER),
    )
    texts = {
        tagfiles.PROFILE_FILE: profile_text(),
        "bag-info.txt": tagfiles.bag_info((*tagfiles.merged_info(payload.info, options.info), *counted)),
        "manifest-sha256.txt": tagfiles.manifest(zip((file.sha256 for file in files), paths, strict=True)),
        "manifest-sha512.txt": tagfiles.manifest(zip((file.sha512 for file in files), paths, strict=True)),
    }
    if renamed := [file.item for file in files if file.item.was is not None]:
        lines = [json.dumps({"path": f"data/{item.path}", "was": f"data/{item.was}"}) + "\n" for item in renamed]
        texts |= {RENAMED: "".join(lines)}
    if base := options.fetch_url:
        fetched = [file.item for file in files if file.how == "fetched"]
        lines = [tagfiles.fetch_line(base, f"data/{item.path}", item.bytes) for item in fetched]
        texts |= {"fetch.txt": "".join(lines)} if lines else {}
    return texts | {"bagit.txt": tagfiles.DECLARATION}


def profile_text() -> str:
    """Read the BagIt profile of these bags, a JSON document."""
    return resources.files("archive.bags").joinpath(tagfiles.PROFILE_FILE).read_text(encoding="utf-8")


def write_tags(folder: Path, texts: dict[str, str]) -> None:
    """Write tag files and their tag manifests; bagit.txt, which makes the folder a bag, comes last."""
    bodies = {name: text.encode() for name, text in texts.items()}
    declaration = bodies.pop("bagit.txt")
    for name, body in bodies.items():
        _write(folder / name, body)
    listed = sorted([*bodies.items(), ("bagit.txt", declaration)])
    for algorithm in tagfiles.ALGORITHMS:
        entries = ((hashlib.new(algorithm, body).hexdigest(), name) for name, body in listed)
        _write(folder / f"tagmanifest-{algorithm}.txt", tagfiles.manifest(entries).encode())
    _write(folder / "bagit.txt", declaration)


def _write(path: Path, body: bytes) -> None:
    file = durable.AppendFile(path, "bag-tag", truncate=True)
    try:
        file.write(body)
        file.sync()
    finally:
        file.close()
