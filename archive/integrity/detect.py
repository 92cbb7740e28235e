"""Find the right check for a path, and run it: archive, shard, release, delta, part of a release, or bag."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from archive.bags import CODES, BagReport, SecondOpinion, ask_bagit, check_bag, is_bag
from archive.disk import Checked
from archive.errors import NotAnArchive
from archive.findings import Problem, VerifyReport
from archive.releases import INDEX, MANIFEST
from archive.store import Layout

ARCHIVE, SHARD, RELEASE, PART, BAG = "archive", "shard", "release", "part", "bag"
# findings in a bag -> kinds of problems; every other error is damage
_MISSING = (
    "file-missing",
    "tag-file-missing",
    "payload-missing",
    "bag-declaration-missing",
    "payload-manifest-missing",
)

Progress = Callable[[int, int], None]


def recognise(path: Path) -> str:
    """Detect whether `path` is an archive, release, shard or bag. Raises NotAnArchive otherwise."""
    if path.is_dir():
        if Layout(path).description.exists():
            return ARCHIVE
        if is_bag(path):
            return BAG
        if (path / MANIFEST).is_file() or (path / INDEX).is_file():
            return RELEASE
        raise NotAnArchive(f"{path} is no archive, release or bag: it has no archive.json, manifest.json or bagit.txt")
    if not path.exists():
        raise NotAnArchive(f"{path} does not exist; name an archive, a release, a bag, or a file of one")
    if (path.parent / MANIFEST).is_file():
        return PART
    return SHARD


def check(
    path: Path,
    progress: Progress | None = None,
    *,
    quick: bool = False,
    inside: bool = False,
    checked: Checked | None = None,
) -> VerifyReport:
    """Verify anything that this software writes, and any bag.

    All bytes are read and all checksums verified, unless `quick`: then only names and sizes. With `inside` the archive
    or release in a bag is verified as such, too. Raises NotAnArchive, OtherArchive; everything else is in the report.
    """
    kind = recognise(path)
    if kind == BAG:
        return _bag_report(check_bag(path, quick=quick, progress=progress, checked=checked), progress, inside=inside)
    # importing these takes as long as checking a bag of many small files
    from archive.integrity.verify import verify
    from archive.releases import check_part, check_release

    if kind == RELEASE:
        return check_release(path, progress, quick=quick, checked=checked)
    if kind == PART:
        return check_part(path)
    return verify(path, progress, quick=quick, checked=checked)


def check_bag_twice(
    path: Path,
    progress: Progress | None = None,
    *,
    quick: bool = False,
    inside: bool = False,
    checked: Checked | None = None,
) -> tuple[VerifyReport, SecondOpinion]:
    """Check a bag as `check` does, and have bagit-python validate it as well."""
    bag = check_bag(path, quick=quick, progress=progress, checked=checked)
    return _bag_report(bag, progress, inside=inside), ask_bagit(bag)


def _bag_report(bag: BagReport, progress: Progress | None, *, inside: bool) -> VerifyReport:
    report = as_report(bag)
    if inside:
        _look_inside(bag.path / "data", report, progress, bag.quick)
    return report


def as_report(bag: BagReport) -> VerifyReport:
    """Convert the report on a bag to the form of the other checks."""
    report = VerifyReport(bag.path, kind=BAG, quick=bag.quick, files=bag.files, file_bytes=bag.bytes)
    for found in bag.findings:
        file = found.path or bag.path.name
        report.problems.append(Problem(_kind(found.code, found.severity), file, found.message, code=found.code))
    kept: dict[str, int] = {}
    for found in bag.findings:
        kept[found.code] = kept.get(found.code, 0) + 1
    for code, count in bag.collected.counts.items():
        if count > kept[code]:
            message = f"there are {count - kept[code]} more of {code}"
            report.problems.append(Problem(_kind(code, CODES[code].severity), bag.path.name, message, code=code))
    return report


def _kind(code: str, severity: str) -> str:
    if severity == "warning":
        return "warning"
    if code == "fetch-missing":
        return "unfetched"
    return "missing" if code in _MISSING else "damaged"


def _look_inside(data: Path, report: VerifyReport, progress: Progress | None, quick: bool) -> None:
    """Verify the content of a bag, and add the result to its report."""
    found = check(data, progress, quick=quick)
    for name in ("shards", "frames", "records", "bytes", "refused"):
        setattr(report, name, getattr(found, name))
    report.problems += (replace(problem, file=f"data/{problem.file}") for problem in found.problems)
