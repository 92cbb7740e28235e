"""The checker of bags: whole ones pass, and each that is broken is refused by the code of what is wrong with it."""

import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from support.handmade_bags import close_tags, manifest, write_bag

from archive.bags import codes as bagcodes
from archive.bags.check import BagReport, check_bag, is_bag
from archive.errors import NotAnArchive

Change = Callable[[Path], object]


def codes(report: BagReport, severity: str | None = None) -> set[str]:
    return {found.code for found in report.findings if severity in (None, found.severity)}


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    return write_bag(tmp_path / "bag")


def lines(name: str, *more: str) -> Change:
    """Append lines to a file."""
    return lambda bag: (bag / name).write_bytes((bag / name).read_bytes() + "".join(more).encode())


def written(name: str, body: str | bytes) -> Change:
    def change(bag: Path) -> None:
        (bag / name).parent.mkdir(parents=True, exist_ok=True)
        (bag / name).write_bytes(body.encode() if isinstance(body, str) else body)

    return change


def replaced(name: str, old: str, new: str) -> Change:
    def change(bag: Path) -> None:
        body = (bag / name).read_text()
        assert old in body
        (bag / name).write_text(body.replace(old, new))

    return change


ONE = manifest({"data/one.txt": b"one\n"}).decode()
SUM = ONE.split()[0]
DECLARED = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


# --- whole bags


def test_a_whole_bag_is_complete_and_valid(bag: Path):
    report = check_bag(bag)
    assert (report.complete, report.valid, report.findings) == (True, True, [])
    assert (report.payload_files, report.payload_bytes, report.files) == (3, 8, 7)
    assert report.read_bytes == sum(p.stat().st_size for p in bag.rglob("*") if p.is_file()) - len(
        (bag / "tagmanifest-sha256.txt").read_bytes()
    )


@pytest.mark.parametrize("version", ["0.93", "0.94", "0.95", "0.96", "0.97", "1.0"])
def test_every_version_is_read(tmp_path: Path, version: str):
    info = "bag-info.txt" if version >= "0.96" else "package-info.txt"
    more = {info: b"Payload-Oxum: 8.3\nSource-Organization : Here\n"} if version < "0.97" else {}
    report = check_bag(write_bag(tmp_path / "bag", version=version, info=None, more=more))
    assert codes(report, "error") == set()
    assert codes(report) == ({"info-whitespace-older"} if more else set())


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "sha3_256"])
def test_every_algorithm_is_read(tmp_path: Path, algorithm: str):
    folder = write_bag(tmp_path / "bag", algorithms=(algorithm,), tags=False)
    (folder / f"manifest-{algorithm}.txt").rename(folder / f"manifest-{algorithm.replace('_', '')}.txt")
    assert codes(check_bag(folder)) == ({"algorithm-weak"} if algorithm in ("md5", "sha1") else set())
    (folder / "data/one.txt").write_bytes(b"One\n")
    assert "manifest-mismatch" in codes(check_bag(folder))


@pytest.mark.parametrize("encoding", ["UTF-16", "ISO-8859-1", "UTF-8"])
def test_tag_files_are_read_in_their_encoding(tmp_path: Path, encoding: str):
    files = {"data/Núñez.txt": b"x"}
    folder = write_bag(tmp_path / "bag", files, version="0.97", encoding=encoding, info="Contact-Name: José\n")
    report = check_bag(folder)
    assert codes(report) == set()
    assert report.info[1].value == "José"


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_lines_may_end_in_any_way(tmp_path: Path, end: str):
    folder = write_bag(tmp_path / "bag", info="A: b\n  c\n")
    for path in folder.glob("*.txt"):
        path.write_bytes(path.read_bytes().replace(b"\n", end.encode()))
    close_tags(folder)
    report = check_bag(folder)
    assert codes(report) == set()
    assert report.info[1].value == "b c"


def test_names_with_percent_and_line_ends_are_decoded(tmp_path: Path):
    folder = write_bag(tmp_path / "bag", {"data/100%.txt": b"a", "data/a\nb\rc": b"b"})
    (folder / "manifest-sha256.txt").write_bytes(manifest({"data/100%25.txt": b"a", "data/a%0Ab%0dc": b"b"}))
    close_tags(folder)
    assert codes(check_bag(folder)) == {"path-not-portable"}


def test_without_tag_manifests_and_metadata_a_bag_is_whole(tmp_path: Path):
    assert codes(check_bag(write_bag(tmp_path / "bag", info=None, tags=False))) == set()


def test_an_empty_payload_is_one(tmp_path: Path):
    assert codes(check_bag(write_bag(tmp_path / "bag", {}))) == set()


def test_a_quick_check_reads_no_payload(bag: Path):
    (bag / "data/one.txt").write_bytes(b"One\n")
    assert codes(check_bag(bag, quick=True)) == set()
    assert codes(check_bag(bag)) == {"manifest-mismatch"}
    (bag / "data/one.txt").write_bytes(b"longer\n")
    assert codes(check_bag(bag, quick=True)) == {"oxum-differs"}


def test_all_that_is_wrong_is_found(bag: Path):
    (bag / "data/one.txt").write_bytes(b"One\n")
    (bag / "data/folder/two.txt").unlink()
    (bag / "data/three").write_bytes(b"")
    report = check_bag(bag)
    found = {(f.code, f.path) for f in report.findings}
    assert found == {
        ("manifest-mismatch", "data/one.txt"),
        ("file-missing", "data/folder/two.txt"),
        ("payload-not-listed", "data/three"),
        ("oxum-differs", "bag-info.txt"),
    }
    assert (report.complete, report.valid) == (False, False)


# --- one change, one code


BROKEN: dict[str, tuple[str, Change]] = {
    "no declaration": ("bag-declaration-missing", lambda bag: (bag / "bagit.txt").unlink()),
    "one line": ("bag-declaration-malformed", written("bagit.txt", "BagIt-Version: 1.0\n")),
    "three lines": ("bag-declaration-malformed", written("bagit.txt", DECLARED + "\n")),
    "small v": ("bag-declaration-malformed", replaced("bagit.txt", "BagIt-Version", "BagIt-version")),
    "order": ("bag-declaration-malformed", written("bagit.txt", "".join(reversed(DECLARED.splitlines(True))))),
    "space before the colon": ("bag-declaration-malformed", replaced("bagit.txt", "Version:", "Version :")),
    "two spaces": ("bag-declaration-malformed", replaced("bagit.txt", "Encoding: ", "Encoding:  ")),
    "not text": ("bag-declaration-malformed", written("bagit.txt", b"\xff\xfe")),
    "declaration with a BOM": ("bag-declaration-bom", written("bagit.txt", b"\xef\xbb\xbf" + DECLARED.encode())),
    "long declaration": ("tag-file-too-large", written("bagit.txt", DECLARED + " " * 5000)),
    "version 2": ("version-unknown", replaced("bagit.txt", "1.0", "2.0")),
    "version 1.00": ("version-unknown", replaced("bagit.txt", "1.0", "1.00")),
    "rot13": ("encoding-unknown", replaced("bagit.txt", "UTF-8", "rot13")),
    "unicode_escape": ("encoding-unknown", replaced("bagit.txt", "UTF-8", "unicode_escape")),
    "no such encoding": ("encoding-unknown", replaced("bagit.txt", "UTF-8", "UTF-9")),
    "manifest in Latin-1": ("encoding-wrong", lines("manifest-sha256.txt", "") and
        (lambda bag: (bag / "manifest-sha256.txt").write_bytes(b"\xe9" + (bag / "manifest-sha256.txt").read_bytes()))),
    "manifest with a BOM": ("tag-file-bom", lambda bag: (bag / "manifest-sha256.txt").write_bytes(
        b"\xef\xbb\xbf" + (bag / "manifest-sha256.txt").read_bytes())),
    "no payload": ("payload-missing", lambda bag: shutil.rmtree(bag / "data")),
    "no manifest": ("payload-manifest-missing", lambda bag: (bag / "manifest-sha256.txt").unlink()),
    "algorithm": ("algorithm-unknown", lambda bag: (bag / "manifest-sha256.txt").rename(bag / "manifest-sha9.txt")),
    "no checksum": ("manifest-malformed", lines("manifest-sha256.txt", "data/one.txt\n")),
    "no path": ("manifest-malformed", lines("manifest-sha256.txt", SUM + "\n")),
    "checksum too short": ("manifest-malformed-checksum", lines("manifest-sha256.txt", SUM[:-1] + "  data/one.txt\n")),
    "long line": ("tag-file-too-large", lines("manifest-sha256.txt", SUM + "  data/" + "x" * 70_000)),
    "parent": ("path-escapes", lines("manifest-sha256.txt", SUM + "  ../../etc/passwd\n")),
    "parent below data": ("path-escapes", lines("manifest-sha256.txt", SUM + "  data/../../etc/passwd\n")),
    "parent, decoded": ("path-escapes", lines("manifest-sha256.txt", SUM + "  data/..%2f..%25\n", SUM + "  data/..\n")),
    "absolute": ("path-escapes", lines("manifest-sha256.txt", SUM + "  /etc/passwd\n")),
    "home": ("path-escapes", lines("manifest-sha256.txt", SUM + "  ~/one\n")),
    "home of another": ("path-escapes", lines("manifest-sha256.txt", SUM + "  ~root/one\n")),
    "drive": ("path-escapes", lines("manifest-sha256.txt", SUM + "  C:\\one\n")),
    "share": ("path-escapes", lines("manifest-sha256.txt", SUM + "  \\\\server\\one\n")),
    "device path": ("path-escapes", lines("manifest-sha256.txt", SUM + "  \\\\?\\C:\\one\n")),
    "backslashes": ("path-escapes", lines("manifest-sha256.txt", SUM + "  data\\..\\..\\one\n")),
    "URL": ("path-escapes", lines("manifest-sha256.txt", SUM + "  file:///etc/passwd\n")),
    "tag file in a payload manifest": ("path-outside-payload", lines("manifest-sha256.txt", SUM + "  bagit.txt\n")),
    "payload in a tag manifest": ("path-is-payload", lines("tagmanifest-sha256.txt", ONE)),
    "tag manifest in itself": ("path-is-tag-manifest",
        lines("tagmanifest-sha256.txt", SUM + "  tagmanifest-sha256.txt\n")),
    "folder": ("path-is-folder", lines("manifest-sha256.txt", SUM + "  data/folder\n")),
    "twice": ("listed-twice", lines("manifest-sha256.txt", ONE)),
    "twice, otherwise": ("listed-twice", lines("manifest-sha256.txt", "0" * 64 + "  data/one.txt\n")),
    "not listed": ("payload-not-listed", written("data/three.txt", "three")),
    "hidden and not listed": ("payload-not-listed", written("data/.hidden", "")),
    "missing": ("file-missing", lambda bag: (bag / "data/empty").unlink()),
    "name in Latin-1": ("name-not-utf-8", lambda bag: (bag / "data" / os.fsdecode(b"\xe9")).mkdir()),
    "link out": ("link-escapes", lambda bag: (bag / "data/link").symlink_to("/etc/hostname")),
    "link out, relative": ("link-escapes", lambda bag: (bag / "data/link").symlink_to("../../../x")),
    "data is a link": ("link-escapes", lambda bag: ((bag / "data").rename(bag.parent / "payload"),
        (bag / "data").symlink_to("../payload"))),
    "linked folder": ("link-to-folder", lambda bag: (bag / "data/link").symlink_to("folder")),
    "broken link": ("special-file", lambda bag: (bag / "data/link").symlink_to("nothing")),
    "pipe": ("special-file", lambda bag: os.mkfifo(bag / "data/pipe")),
    "tag manifest lacks a manifest": ("tag-manifest-lacks-manifest", lambda bag: (bag / "tagmanifest-sha256.txt")
        .write_text("".join(line for line in (bag / "tagmanifest-sha256.txt").read_text().splitlines(True)
                            if "manifest-" not in line))),
    "tag file missing": ("tag-file-missing", lines("tagmanifest-sha256.txt", SUM + "  notes.txt\n")),
    "no colon": ("info-malformed", lines("bag-info.txt", "Source-Organization\n")),
    "no label": ("info-malformed", lines("bag-info.txt", ": value\n")),
    "continued from nothing": ("info-malformed", written("bag-info.txt", "  value\n")),
    "no space": ("info-whitespace", lines("bag-info.txt", "Source-Organization:x\n")),
    "space first": ("info-whitespace", lines("bag-info.txt", "Source-Organization : x\n")),
    "oxum is no number": ("oxum-malformed", lines("bag-info.txt", "Payload-Oxum: a.b\n")),
    "oxum twice": ("oxum-repeated", lines("bag-info.txt", "Payload-Oxum: 8.3\n")),
    "oxum, bytes": ("oxum-differs", replaced("bag-info.txt", "8.3", "9.3")),
    "oxum, files": ("oxum-differs", replaced("bag-info.txt", "8.3", "8.2")),
    "fetch, two words": ("fetch-malformed", written("fetch.txt", "http://x.example/ data/one.txt\n")),
    "fetch, length": ("fetch-malformed", written("fetch.txt", "http://x.example/ many data/one.txt\n")),
    "fetch, relative": ("fetch-url", written("fetch.txt", "one.txt 4 data/one.txt\n")),
    "fetch, not listed": ("fetch-not-listed", written("fetch.txt", "http://x.example/ - data/three\n")),
    "fetch, tag file": ("path-outside-payload", written("fetch.txt", "http://x.example/ - notes.txt\n")),
    "fetch, outside": ("path-escapes", written("fetch.txt", "http://x.example/ - ../one\n")),
    "fetch twice": ("fetch-twice", written("fetch.txt", "http://x.example/ 4 data/one.txt\n" * 2)),
    "fetch, other length": ("fetch-length-differs", written("fetch.txt", "http://x.example/ 5 data/one.txt\n")),
    "fetch, still to do": ("fetch-missing", lambda bag: (
        written("fetch.txt", "http://x.example/ 4 data/one.txt\n")(bag), (bag / "data/one.txt").unlink())),
    "changed": ("manifest-mismatch", written("data/one.txt", "One\n")),
    "cut short": ("manifest-mismatch", written("data/one.txt", "on")),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_bag_is_refused_by_its_code(bag: Path, what: str):
    code, change = BROKEN[what]
    change(bag)
    if not code.startswith(("tag-manifest", "path-is-")) and what != "tag file missing":
        close_tags(bag)
    report = check_bag(bag)
    assert code in codes(report, "error")
    assert not report.valid
    assert report.complete == (
        not bagcodes.CODES[code].incomplete if len(codes(report, "error")) == 1 else report.complete
    )


def test_a_changed_tag_file_is_refused(bag: Path):
    (bag / "bag-info.txt").write_bytes((bag / "bag-info.txt").read_bytes() + b"Contact-Name: x\n")
    report = check_bag(bag)
    assert [(f.code, f.path) for f in report.findings] == [("tag-manifest-mismatch", "bag-info.txt")]
    assert report.complete


def test_from_1_0_on_each_manifest_lists_each_file(tmp_path: Path):
    for version, code in (("1.0", "payload-not-in-every-manifest"), ("0.97", "manifests-differ")):
        folder = write_bag(tmp_path / version, version=version, algorithms=("sha256", "sha512"))
        short = "".join((folder / "manifest-sha512.txt").read_text().splitlines(True)[1:])
        (folder / "manifest-sha512.txt").write_text(short)
        close_tags(folder)
        report = check_bag(folder)
        assert codes(report) == {code}
        assert report.valid == (version == "0.97")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_named(bag: Path):
    (bag / "data/one.txt").chmod(0)
    assert codes(check_bag(bag)) == {"file-unreadable"}


# --- warnings


def in_form(form: str) -> Change:
    def change(bag: Path) -> None:
        name = unicodedata.normalize(form, "data/Núñez")
        (bag / unicodedata.normalize("NFC", "data/Núñez")).write_bytes(b"")
        lines("manifest-sha256.txt", manifest({name: b""}).decode())(bag)

    return change


WARNED: dict[str, tuple[set[str], str, Change]] = {
    "md5sum": ({"manifest-md5sum"}, "1.0", replaced("manifest-sha256.txt", "  data/one", " *data/one")),
    "dot and slash": ({"path-dot-slash"}, "1.0", replaced("manifest-sha256.txt", "  data/one", "  ./data/one")),
    "raw percent": ({"path-percent"}, "1.0", lambda bag: (written("data/a%7Eb", "")(bag),
        lines("manifest-sha256.txt", manifest({"data/a%7Eb": b""}).decode())(bag))),
    "percent as it is": ({"path-percent"}, "1.0", lambda bag: (written("data/a%25b", "")(bag),
        lines("manifest-sha256.txt", manifest({"data/a%25b": b""}).decode())(bag))),
    "raw percent before 1.0": (set(), "0.97", lambda bag: (written("data/a%25b", "")(bag),
        lines("manifest-sha256.txt", manifest({"data/a%25b": b""}).decode())(bag))),
    "another normalisation": ({"name-normalization"}, "0.97", in_form("NFD")),
    "the same normalisation": (set(), "0.97", in_form("NFC")),
    "both normalisations": ({"name-normalization", "listed-twice-normalized"}, "0.97",
        lambda bag: (in_form("NFC")(bag), in_form("NFD")(bag))),
    "two files, two normalisations": ({"names-differ-in-normalization"}, "0.97", lambda bag: [
        (written(name, "")(bag), lines("manifest-sha256.txt", manifest({name: b""}).decode())(bag))
        for name in (unicodedata.normalize(form, "data/é") for form in ("NFC", "NFD"))]),
    "two files, two cases": ({"names-differ-in-case"}, "1.0", lambda bag: (written("data/ONE.txt", "")(bag),
        lines("manifest-sha256.txt", manifest({"data/ONE.txt": b""}).decode())(bag))),
    "twice before 1.0": ({"listed-twice-alike"}, "0.97", lines("manifest-sha256.txt", ONE)),
    "a device of Windows": ({"path-not-portable"}, "1.0", lambda bag: (written("data/nul.txt", "")(bag),
        lines("manifest-sha256.txt", manifest({"data/nul.txt": b""}).decode())(bag))),
    "a line break of Unicode in a name": ({"name-misread"}, "1.0", lambda bag: (written("data/a\u2028b", "")(bag),
        lines("manifest-sha256.txt", manifest({"data/a\u2028b": b""}).decode())(bag))),
    "a blank at the end of a name": ({"name-misread"}, "1.0", lambda bag: (written("data/a\xa0", "")(bag),
        lines("manifest-sha256.txt", manifest({"data/a\xa0": b""}).decode())(bag))),
    "a mark that nobody sees in a name": ({"name-unseen"}, "1.0", lambda bag: (written("data/a\u200bb", "")(bag),
        lines("manifest-sha256.txt", manifest({"data/a\u200bb": b""}).decode())(bag))),
    "two slashes": ({"path-not-portable"}, "1.0", replaced("manifest-sha256.txt", "data/one", "data//one")),
    "BOM before 1.0": ({"tag-file-bom-older"}, "0.97", lambda bag: (bag / "manifest-sha256.txt").write_bytes(
        b"\xef\xbb\xbf" + (bag / "manifest-sha256.txt").read_bytes())),
    "unknown algorithm besides": ({"algorithm-unknown-besides"}, "1.0", lambda bag: shutil.copy(
        bag / "manifest-sha256.txt", bag / "manifest-sha9.txt")),
    "capitals": ({"manifest-name"}, "0.97",
        lambda bag: (bag / "manifest-sha256.txt").rename(bag / "manifest-SHA256.txt")),
    "link inside": ({"link"}, "1.0", lambda bag: ((bag / "data/empty").unlink(),
        (bag / "notes").write_bytes(b""), (bag / "data/empty").symlink_to("../notes"))),
    "no space before 1.0": ({"info-whitespace-older"}, "0.97", lines("bag-info.txt", "Source-Organization:x\n")),
    "twice in bag-info": ({"info-repeated"}, "1.0", lines("bag-info.txt", "Bag-Size: 1\nBag-Size: 2\n")),
    "count": ({"info-value"}, "1.0", lines("bag-info.txt", "Bag-Count: one of two\n")),
    "date": ({"info-value"}, "1.0", lines("bag-info.txt", "Bagging-Date: yesterday\n")),
    "fetch before 1.0": ({"fetch-not-listed-older"}, "0.97",
        written("fetch.txt", "http://x.example/ - data/three\n")),
    "fetch of a local file": ({"fetch-outside-payload-older"}, "0.97",
        written("fetch.txt", "file:///x/sachiel.png 42000 sachiel.png\n")),
    "filled": (set(), "1.0", written("fetch.txt", "http://x.example/ 4 data/one.txt\n")),
    "blank lines": (set(), "1.0", lines("manifest-sha256.txt", "\n \n")),
}  # fmt: skip


@pytest.mark.parametrize("what", WARNED)
def test_a_bag_to_be_warned_of_is_valid(tmp_path: Path, what: str):
    expected, version, change = WARNED[what]
    bag = write_bag(tmp_path / "bag", version=version)
    change(bag)
    size = sum(p.stat().st_size for p in (bag / "data").rglob("*") if p.is_file())
    count = sum(p.is_file() for p in (bag / "data").rglob("*"))
    replaced("bag-info.txt", "8.3", f"{size}.{count}")(bag)
    close_tags(bag)
    report = check_bag(bag)
    assert codes(report, "error") == set()
    assert codes(report) == expected
    assert (report.complete, report.valid) == (True, True)


def test_older_tag_manifests_and_what_none_lists(tmp_path: Path):
    bag = write_bag(tmp_path / "bag", version="0.97", algorithms=("sha256", "sha512"))
    (bag / "notes.txt").write_text("x")
    (bag / "tagmanifest-sha512.txt").write_bytes(manifest({"bagit.txt": (bag / "bagit.txt").read_bytes()}, "sha512"))
    report = check_bag(bag)
    assert codes(report) == {"tag-manifest-lacks-manifest-older", "tag-manifests-differ", "tag-file-not-listed"}
    assert report.valid


# --- hostile bags


def test_nothing_outside_of_a_bag_is_opened(bag: Path, monkeypatch: pytest.MonkeyPatch):
    secret = bag.parent / "secret"
    secret.write_text("secret")
    (bag / "data/link").symlink_to(secret)
    (bag / "fetch.txt").symlink_to(secret)
    (bag / "manifest-md5.txt").symlink_to(secret)
    lines("manifest-sha256.txt", SUM + "  ../secret\n", SUM + f"  {secret}\n", SUM + "  data/link\n")(bag)
    opened: list[str] = []
    really = os.open

    def spy(path: object, *more: int, **others: int) -> int:
        opened.append(os.path.realpath(os.fsdecode(path)))  # type: ignore[call-overload]
        return really(path, *more, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", spy)
    report = check_bag(bag)
    assert {"link-escapes", "path-escapes", "file-missing"} <= codes(report)
    assert opened
    assert all(path.startswith(f"{bag}/") for path in opened)


def test_findings_are_bounded(bag: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bagcodes, "KEPT_MOST", 10)
    lines("manifest-sha256.txt", *(f"{SUM}  data/x{number}\n" for number in range(50)))(bag)
    report = check_bag(bag)
    assert sum(found.code == "file-missing" for found in report.findings) == 10
    assert report.collected.counts["file-missing"] == 50


def test_a_finding_can_be_shown(bag: Path):
    (bag / "data/\x1b[31m").write_bytes(b"")
    lines("manifest-sha256.txt", SUM + "  ../\x1b[31mred\n")(bag)
    assert all(found.message.isprintable() for found in check_bag(bag).findings)


def test_what_is_no_folder_is_no_bag(tmp_path: Path):
    with pytest.raises(NotAnArchive):
        check_bag(tmp_path / "nothing")
    assert not is_bag(tmp_path)
    assert is_bag(write_bag(tmp_path / "bag"))
    (tmp_path / "bag/bagit.txt").unlink()
    assert is_bag(tmp_path / "bag")


# --- damage


def test_every_flipped_byte_and_every_cut_is_found(tmp_path: Path):
    bag = write_bag(tmp_path / "bag", info="Contact-Name: x\n")
    assert check_bag(bag).valid
    for path in sorted(p for p in bag.rglob("*") if p.is_file()):
        body = path.read_bytes()
        for place in range(len(body)):
            path.write_bytes(body[:place] + bytes([body[place] ^ 1 << place % 8]) + body[place + 1 :])
            name = path.relative_to(bag).as_posix()
            # nothing lists a tag manifest: a digit in another case is the same checksum, and white space is white space
            if check_bag(bag).valid:
                assert name == "tagmanifest-sha256.txt"
                assert path.read_bytes().lower().split() == body.lower().split()
            path.write_bytes(body[:place])
            if check_bag(bag).valid:
                assert name == "tagmanifest-sha256.txt"
                assert body[:place].endswith(b".txt") or place == len(body) - 1 or body[:place].endswith(b"\n")
        path.write_bytes(body)


# --- bags of others


CORPUS = {
    "badPayloadChecksum": set(), "badPayloadOxumByteSize/bag": {"oxum-differs", "tag-manifest-mismatch"},
    "badPayloadOxumFileCount/bag": {"oxum-differs", "tag-manifest-mismatch"},
    "corruptPayloadFile": {"manifest-mismatch"}, "corruptTagFile": {"tag-manifest-mismatch"},
    "dotKeepExampleBag": {"path-outside-payload", "payload-not-listed"},
    "filesInManifestDontExist": {"file-missing", "payload-not-listed"},
    "filesInPayloadDirAreNotInManifest": {"payload-not-listed"}, "payloadManifestsDiffer": {"file-missing"},
    "sha3Bag": set(), "tagManifestsDiffer": set(), "bagitProfileTestBags/profileConformantBag": set(),
    "bagitProfileTestBags/emailFieldMissingBag": set(), "bagitProfileTestBags/failFetchBag": set(),
    "bagitProfileTestBags/missingRequiredPayloadManifestBag": set(),
    "bagitProfileTestBags/missingRequiredTagFileBag": set(), "bagitProfileTestBags/repeatedMetadataBag": set(),
    "bagitProfileTestBags/missingRequiredTagManifestBag": set(), "bagitProfileTestBags/wrongBagitVersionBag": set(),
    "bagitProfileTestBags/wrongValueForContactNameBag": set(),
}  # fmt: skip


@pytest.mark.parametrize("name", CORPUS)
def test_bags_of_bagit_java(corpus: Path, name: str):
    report = check_bag(corpus / "bagit/bagit-java" / name)
    assert codes(report, "error") == CORPUS[name]
    assert report.valid == (not CORPUS[name])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("fileUrl", "path-escapes"),
        ("tildeReference", "path-escapes"),
        ("upAdirectoryReference", "path-escapes"),
        ("windowsSpecialDirectoryName", "path-escapes"),
    ],
)
def test_malicious_manifests_of_bagit_java(corpus: Path, tmp_path: Path, name: str, code: str):
    bag = write_bag(tmp_path / "bag", algorithms=("md5",), tags=False)
    bad = (corpus / "bagit/bagit-java/maliciousManifestFile" / f"{name}.txt").read_bytes()
    (bag / "manifest-md5.txt").write_bytes((bag / "manifest-md5.txt").read_bytes() + bad)
    assert codes(check_bag(bag), "error") == {code}


def test_every_code_has_a_bag():
    """A finding that no test can raise is one that nobody has seen work."""
    tested = {code for code, _ in BROKEN.values()} | {code for found, _, _ in WARNED.values() for code in found}
    elsewhere = {
        "algorithm-weak",
        "file-unreadable",
        "tag-manifest-mismatch",
        "payload-not-in-every-manifest",
        "manifests-differ",
        "tag-manifest-lacks-manifest-older",
        "tag-manifests-differ",
        "tag-file-not-listed",
        "profile-violated",
        "profile-not-named",
    }
    assert tested | elsewhere == set(bagcodes.CODES)
