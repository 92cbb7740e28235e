"""Bags for tests, written by hand and in no way by the code under test."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

FILES = {"data/one.txt": b"one\n", "data/folder/two.txt": b"two\n", "data/empty": b""}


def manifest(files: Mapping[str, bytes], algorithm: str = "sha256") -> bytes:
    """The lines of a manifest."""
    lines = (f"{hashlib.new(algorithm, body).hexdigest()}  {name}\n" for name, body in files.items())
    return "".join(lines).encode()


def write_bag(
    folder: Path,
    files: Mapping[str, bytes] = FILES,
    *,
    version: str = "1.0",
    encoding: str = "UTF-8",
    algorithms: Sequence[str] = ("sha256",),
    info: str | None = "",
    tags: bool = True,
    more: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a whole bag. `info` is added to bag-info.txt, None for none; `more` are tag files, and win over ours."""
    codec = {"UTF-8": "utf-8"}.get(encoding, encoding)
    tag_files = {f"manifest-{a}.txt": manifest(files, a).decode().encode(codec) for a in algorithms}
    tag_files["bagit.txt"] = f"BagIt-Version: {version}\nTag-File-Character-Encoding: {encoding}\n".encode()
    if info is not None:
        size = sum(map(len, files.values()))
        tag_files["bag-info.txt"] = f"Payload-Oxum: {size}.{len(files)}\n{info}".encode(codec)
    tag_files |= more or {}
    written = dict(tag_files)
    if tags:
        for a in algorithms:
            written[f"tagmanifest-{a}.txt"] = manifest(tag_files, a).decode().encode(codec)
    (folder / "data").mkdir(parents=True)
    for name, body in {**files, **written}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


def close_tags(folder: Path) -> None:
    """Write the tag manifests anew, after a tag file was changed on purpose."""
    for old in folder.glob("tagmanifest-*.txt"):
        algorithm = old.name.removeprefix("tagmanifest-").removesuffix(".txt")
        old.unlink()
        rest = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_relative_to(folder / "data") and not path.name.startswith("tagmanifest-")
        }
        old.write_bytes(manifest(rest, algorithm))
