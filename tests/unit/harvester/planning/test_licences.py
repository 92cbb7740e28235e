"""The licence of a release: in SPDX's spelling, and only where the source or whoever makes the release states one."""

import pytest

from harvester.errors import UsageError
from harvester.oaipmh.protocol import parse_identify
from harvester.planning.licences import UNKNOWN, is_known, known_licence, licence_at, licence_of, licence_values
from harvester.sources.model import Source

IDENTIFY = b"""<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-01-01T00:00:00Z</responseDate>
<request verb="Identify">http://x/oai</request><Identify><repositoryName>R</repositoryName><baseURL>http://x/oai</baseURL>
<protocolVersion>2.0</protocolVersion><adminEmail>a@x</adminEmail><earliestDatestamp>2020-01-01</earliestDatestamp>
<deletedRecord>no</deletedRecord><granularity>YYYY-MM-DD</granularity><description>
<rightsManifest xmlns="http://www.openarchives.org/OAI/2.0/rights/"
 appliesTo="http://www.openarchives.org/OAI/2.0/entity#metadata"><rights>
<rightsReference ref="http://creativecommons.org/licenses/by-sa/4.0/rdf"/></rights></rightsManifest>
</description></Identify></OAI-PMH>"""


def test_a_licence_has_id_name_and_address():
    assert licence_values("CC0-1.0") == {
        "id": "CC0-1.0",
        "name": "Creative Commons Zero v1.0 Universal",
        "url": "https://creativecommons.org/publicdomain/zero/1.0/",
    }
    assert licence_values("OGL-UK-3.0") == {
        "id": "OGL-UK-3.0",
        "name": "OGL-UK-3.0",
        "url": "https://spdx.org/licenses/OGL-UK-3.0.html",
    }


@pytest.mark.parametrize("text", ["cc-by-4.0", "CC-by-4.0", " Cc-By-4.0 "])
def test_an_id_has_the_spelling_of_spdx_whatever_its_case(text: str):
    assert licence_values(text)["id"] == "CC-BY-4.0"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no licence",
        "../x",
        "<b>",
        "x" * 99,
        "proprietary",
        "cc-by",
        "MIT OR CC0-1.0",
        "(MIT)",
        "LicenseRef-x",
        "CC0",
        "NOASSERTION",
    ],
)
def test_what_is_no_spdx_id_is_refused(text: str):
    with pytest.raises(UsageError, match="--licence-url"):
        licence_values(text)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
        ("http://creativecommons.org/licenses/by-nc-nd/3.0", "CC-BY-NC-ND-3.0"),
        ("http://www.creativecommons.org/licenses/by-sa/4.0/legalcode.de", "CC-BY-SA-4.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/deed.en", "CC0-1.0"),
        ("https://spdx.org/licenses/ODbL-1.0.html", "ODbL-1.0"),
    ],
)
def test_the_address_of_a_licence_of_spdx_is_that_licence(url: str, found: str):
    assert licence_at(url)["id"] == found


def test_another_licence_is_stated_by_its_address_and_its_name():
    assert licence_at("https://data.example/licence", "Our Data Licence 2") == {
        "id": "LicenseRef-Our-Data-Licence-2",
        "name": "Our Data Licence 2",
        "url": "https://data.example/licence",
    }
    assert licence_at("https://data.example/licence")["name"] == "https://data.example/licence"
    for text in ("", "data.example/licence", "ftp://x/y", "https://x/a b", "https://x/\ty"):
        with pytest.raises(UsageError):
            licence_at(text)


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
    for text in ("no id", "proprietary"):
        with pytest.raises(UsageError, match="metadata_licence"):
            Source.checked({"metadata_licence": text}, "test")
    assert Source.checked({"metadata_licence": "cc-by-4.0"}, "test").metadata_licence == "CC-BY-4.0"


def test_what_identify_states_of_metadata_is_taken_where_nothing_else_is_known():
    (stated,) = parse_identify(IDENTIFY).rights
    known = known_licence({"hosts": ["x"]}, [stated])
    assert known is not None
    assert known["id"] == "CC-BY-SA-4.0"
    other = parse_identify(IDENTIFY.replace(b"entity#metadata", b"set#x"))
    assert other.rights == ()
    assert known_licence({"hosts": ["x"], "licence": "CC0-1.0"}, [stated]) == licence_values("CC0-1.0")
    assert known_licence({"hosts": ["x"]}, [stated, "http://other"]) is None
    assert known_licence({"hosts": ["x"]}, ["see our policy"]) is None
    assert known_licence({"hosts": ["x"]}) is None
    assert is_known(licence_values("MIT")) and not is_known(UNKNOWN)  # noqa: PT018 - both ways of one thing
