"""BagIt profiles: a bag conforms, or each requirement that is not met is named."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.handmade_bags import write_bag

from archive.bags.check import check_bag
from archive.bags.profile import check_profile

URI = "https://profiles.example/p.json"
INFO = f"BagIt-Profile-Identifier: {URI}\nSource-Organization: Here\n"


def found(bag: Path, **rules: Any) -> list[tuple[str, str]]:
    profile = {"BagIt-Profile-Info": {"BagIt-Profile-Identifier": URI}, **rules}
    return [(finding.severity, finding.message) for finding in check_profile(check_bag(bag), profile).kept]


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    return write_bag(tmp_path / "bag", info=INFO, more={"notes/a.txt": b"x"})


KEPT: list[dict[str, Any]] = [
    {},
    {"Accept-BagIt-Version": ["0.97", "1.0"]},
    {"Bag-Info": {"source-organization": {"required": True, "values": ["Here"], "repeatable": False}}},
    {"Bag-Info": {"Contact-Name": {"required": False, "values": ["A"]}}},
    {"Manifests-Required": ["sha256"], "Manifests-Allowed": ["sha256", "sha512"]},
    {"Tag-Manifests-Required": ["sha256"], "Tag-Manifests-Allowed": ["sha256"]},
    {"Allow-Fetch.txt": False},
    {"Tag-Files-Required": ["notes/a.txt"], "Tag-Files-Allowed": ["notes/*"]},
    {"Tag-Files-Required": ["notes/"], "Tag-Files-Allowed": ["notes"]},
    {"Payload-Files-Required": ["data/one.txt"], "Payload-Files-Allowed": ["data/*"]},
    {"Serialization": "optional"},
]
BROKEN: list[dict[str, Any]] = [
    {"Accept-BagIt-Version": ["0.97"]},
    {"Serialization": "required"},
    {"Bag-Info": {"Contact-Name": {"required": True}}},
    {"Bag-Info": {"Source-Organization": {"values": ["There"]}}},
    {"Manifests-Required": ["sha512"]},
    {"Manifests-Allowed": ["sha512"]},
    {"Tag-Manifests-Required": ["md5"]},
    {"Tag-Manifests-Allowed": ["md5"]},
    {"Fetch.txt-Required": True},
    {"Data-Empty": True},
    {"Tag-Files-Required": ["notes/b.txt"]},
    {"Tag-Files-Allowed": ["other/*"]},
    {"Payload-Files-Required": ["data/four.txt"]},
    {"Payload-Files-Allowed": ["data/*.txt"]},
    {"Bag-Info": "nonsense"},
]


@pytest.mark.parametrize("rules", KEPT, ids=json.dumps)
def test_a_bag_that_conforms(bag: Path, rules: dict[str, Any]):
    assert found(bag, **rules) == []


@pytest.mark.parametrize("rules", BROKEN, ids=json.dumps)
def test_a_bag_that_does_not_conform(bag: Path, rules: dict[str, Any]):
    assert [severity for severity, _ in found(bag, **rules)] == ["error"]


def test_a_repeated_element_and_a_forbidden_fetch(tmp_path: Path):
    bag = write_bag(
        tmp_path / "bag",
        info=INFO + "Source-Organization: There\n",
        more={"fetch.txt": b"http://x.example/ 4 data/one.txt\n"},
    )
    assert len(found(bag, **{"Bag-Info": {"Source-Organization": {"repeatable": False}}})) == 1
    assert len(found(bag, **{"Allow-Fetch.txt": False})) == 1
    assert found(bag, **{"Fetch.txt-Required": True}) == []


def test_an_empty_payload_may_have_one_empty_file(tmp_path: Path):
    for number, files in enumerate(({}, {"data/.keep": b""})):
        assert found(write_bag(tmp_path / str(number), files, info=INFO), **{"Data-Empty": True}) == []


def test_a_bag_that_does_not_name_its_profile_is_warned_of(tmp_path: Path):
    assert [severity for severity, _ in found(write_bag(tmp_path / "bag"))] == ["warning"]


CORPUS = {
    "profileConformantBag": None,
    "emailFieldMissingBag": "Contact-Email",
    "failFetchBag": "fetch.txt",
    "missingRequiredPayloadManifestBag": "md5",
    "missingRequiredTagFileBag": "DPN/dpnFirstNode.txt",
    "missingRequiredTagManifestBag": "md5",
    "repeatedMetadataBag": "Bagging-Date",
    "wrongBagitVersionBag": "0.97",
    "wrongValueForContactNameBag": "Contact-Name",
}


@pytest.mark.parametrize("name", CORPUS)
def test_profile_bags_of_bagit_java(corpus: Path, name: str):
    base = corpus / "bagit/bagit-java"
    profile = json.loads((base / "bagitProfiles/exampleProfile.json").read_bytes())
    findings = check_profile(check_bag(base / "bagitProfileTestBags" / name), profile)
    errors = [finding.message for finding in findings.kept if finding.severity == "error"]
    part = CORPUS[name]
    assert (not errors) if part is None else any(part in error for error in errors)
    assert findings.valid == (part is None)
