"""The licence of a release: stated as SPDX has it, known for a source only where the source says so."""

import pytest

from harvester.errors import UsageError
from harvester.licences import DEFAULT, licence_of, licence_values
from harvester.sources import Source


def test_a_licence_has_id_name_and_address():
    assert licence_values(DEFAULT) == {
        "id": "CC0-1.0", "name": "Creative Commons Zero v1.0 Universal",
        "url": "https://creativecommons.org/publicdomain/zero/1.0/",
    }  # fmt: skip
    assert licence_values("OGL-UK-3.0") == {
        "id": "OGL-UK-3.0", "name": "OGL-UK-3.0", "url": "https://spdx.org/licenses/OGL-UK-3.0.html",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "no licence", "../x", "<b>", "x" * 99])
def test_what_is_no_spdx_id_is_refused(text: str):
    with pytest.raises(UsageError):
        licence_values(text)


def test_a_source_has_the_licence_that_its_file_states():
    assert licence_of(["zenodo.org", "cdn.example"]) == "CC0-1.0"
    assert licence_of(["api.datacite.org"]) == "CC0-1.0"
    assert licence_of(["export.arxiv.org", "repository.example"]) is None
    assert licence_of([]) is None


def test_every_licence_that_a_source_states_has_a_fact_that_says_where_it_was_seen():
    for name in ("zenodo", "datacite"):
        source = Source.named(name)
        assert source.metadata_licence
        assert [fact for fact in source.facts if "licence" in fact.about]
    with pytest.raises(UsageError, match="metadata_licence"):
        Source.checked({"metadata_licence": "no id"}, "test")
