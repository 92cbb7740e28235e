"""Check a bag against a BagIt profile (BagIt Profiles 1.4.0): every requirement that is not met is a finding."""

import posixpath
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from archive.bags.check import FETCH, BagReport, info_name
from archive.bags.codes import BagFindings


def check_profile(report: BagReport, profile: dict[str, Any]) -> BagFindings:
    """Return findings `profile-violated` and `profile-not-named`, which alone is a warning; none if it conforms.

    `profile` is the profile's JSON, `report` the result of checking the bag: its serialisation is not available by then
    and is ignored, unless the profile requires one. Raises nothing: a malformed profile is violated.
    """
    findings = BagFindings()
    try:
        identifier = profile["BagIt-Profile-Info"]["BagIt-Profile-Identifier"]
        if not any(e.value == identifier for e in report.info if e.label.lower() == "bagit-profile-identifier"):
            findings.add("profile-not-named", info_name(report.declared), reason=identifier)
        for sentence in _violations(report, profile):
            findings.add("profile-violated", "", reason=sentence)
    except (TypeError, AttributeError, KeyError) as cause:
        findings.add("profile-violated", "", reason=f"the profile cannot be read as one ({cause!r})")
    return findings


def _violations(report: BagReport, profile: dict[str, Any]) -> Iterator[str]:
    version = ".".join(map(str, report.declared.version))
    if (accepted := profile.get("Accept-BagIt-Version")) is not None and version not in accepted:
        yield f"BagIt version {version} is not among {_some(accepted)}"
    if profile.get("Serialization") == "required":
        yield "the profile requires a bag that is serialised as one file"
    yield from _info(report, profile)
    yield from _manifests(report, profile)
    yield from _fetch(report, profile)
    yield from _files(report, profile)


def _info(report: BagReport, profile: dict[str, Any]) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for element in report.info:
        found.setdefault(element.label.lower(), []).append(element.value)
    for label, rule in profile.get("Bag-Info", {}).items():
        values = found.get(label.lower(), [])
        if rule.get("required", False) and not values:
            yield f"{label} is required and is not there"
        if not rule.get("repeatable", True) and len(values) > 1:
            yield f"{label} is there {len(values)} times, once is allowed"
        allowed = rule.get("values") or values
        for value in values:
            if value not in allowed:
                yield f"{label} is {value!r}, which is not among {_some(allowed)}"


def _manifests(report: BagReport, profile: dict[str, Any]) -> Iterator[str]:
    for of_tags, key, kind in ((False, "Manifests", "payload"), (True, "Tag-Manifests", "tag")):
        here = {listing.algorithm for listing in report.listings if listing.of_tags == of_tags}
        for algorithm in profile.get(f"{key}-Required", ()):
            if algorithm not in here:
                yield f"a {kind} manifest with {algorithm} is required and is not there"
        if (allowed := profile.get(f"{key}-Allowed")) is not None:
            for name in sorted(str(algorithm) for algorithm in here if algorithm not in allowed):
                yield f"a {kind} manifest with {name} is not allowed"


def _fetch(report: BagReport, profile: dict[str, Any]) -> Iterator[str]:
    there = FETCH in report.names
    if there and not profile.get("Allow-Fetch.txt", True):
        yield "fetch.txt is not allowed"
    if not there and profile.get("Fetch.txt-Required", False):
        yield "fetch.txt is required and is not there"
    if profile.get("Data-Empty", False) and (report.payload_files > 1 or report.payload_bytes > 0):
        yield "the payload must be empty, or one file of no bytes"


def _files(report: BagReport, profile: dict[str, Any]) -> Iterator[str]:
    payload = [name for name in report.names if name.startswith("data/")]
    own = {listing.name for listing in report.listings} | {"bagit.txt", info_name(report.declared), FETCH}
    tags = [name for name in report.names if not name.startswith("data/") and name not in own]
    for key, names, there in (("Tag-Files", tags, set(report.names)), ("Payload-Files", payload, set(payload))):
        for required in profile.get(f"{key}-Required", ()):
            wanted = required.rstrip("/")
            if wanted not in there and not any(name.startswith(f"{wanted}/") for name in there):
                yield f"{required} is required and is not there"
        if (allowed := profile.get(f"{key}-Allowed")) is not None:
            for name in names:
                if not any(_matches(name, pattern) for pattern in allowed):
                    yield f"{name} is not allowed"


def _matches(name: str, pattern: str) -> bool:
    """Match a file, or a folder that the file is in, against a glob."""
    parts = name.split("/")
    above = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    return any(fnmatchcase(posixpath.normpath(path), pattern.rstrip("/")) for path in above)


def _some(values: list[str]) -> str:
    return ", ".join(map(str, values[:10])) + (" and others" if len(values) > 10 else "")
