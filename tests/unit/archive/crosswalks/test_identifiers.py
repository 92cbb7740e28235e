"""One form for each identifier: the same as idutils says, where it is installed and right."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.crosswalks.schemes import local_id, normalise, normalise_doi, normalise_orcid, normalise_ror

CORPUS = Path(__file__).resolve().parents[5] / "shared" / "corpus"
with_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the sample files are not beside the repository")
DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s?)?10\.\d{4,9}/[^<>\"\s\\]+")
ORCID = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]")
ROR = re.compile(r"https?://ror\.org/\w{9}")


def found_in_corpus(pattern: re.Pattern[str]) -> list[str]:
    """What real files have of a kind, each once."""
    found: set[str] = set()
    for path in CORPUS.rglob("*"):
        if path.suffix in (".xml", ".json") and path.is_file():
            found.update(pattern.findall(path.read_text(errors="replace")))
    return sorted(found)


# --- DOI


@pytest.mark.parametrize(
    "text",
    [
        "https://doi.org/doi:10.1234/A",
        "http://doi.org/http://dx.doi.org/10.1234/a",
        "info:doi/10.1234/a",
        "doi:https://doi.org/10.1234/a",
        "DOI:10.1234/a",
        "doi.org/10.1234/a",
        "\t10.1234/A ",
    ],
)
def test_resolvers_and_schemes_are_taken_off_however_many_there_are(text: str):
    assert normalise_doi(text) == "10.1234/a"


SICI = "10.1002/(sici)1097-4571(199806)49:8<693::aid-asi4>3.0.co;2-o"


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        (SICI.upper(), SICI),
        ("https://doi.org/10.1002/(SICI)1097-4571(199806)49:8%3C693::AID-ASI4%3E3.0.CO;2-O", SICI),
        ("http://dx.doi.org/10.1002/%28SICI%291097-4571%28199806%2949%3a8%3c693::aid-asi4%3e3.0.co;2-o", SICI),
        ("10.1234/a%3Cb", "10.1234/a%3cb"),
        ("doi:10.1234/a%3Cb", "10.1234/a%3cb"),
        ("https://doi.org/10.1234/%C3%89", "10.1234/%c3%89"),
        ("https://doi.org/10.1234/100%", "10.1234/100%"),
        ("10.1234/ÄÉİ", "10.1234/ÄÉİ"),
    ],
)
def test_a_doi_is_decoded_behind_a_resolver_and_folded_in_ascii_alone(text: str, doi: str):
    assert normalise_doi(text) == doi


@pytest.mark.parametrize(
    "text", ["hdl:10.1234/a", "doi:", "https://doi.org/", "10.1234", "ark:/10.1234/a", "doi10.1234/a"]
)
def test_what_only_looks_like_a_doi_is_none(text: str):
    assert normalise_doi(text) is None


@given(st.text(min_size=1, max_size=12).filter(lambda text: not re.search(r"\s", text)))
def test_a_doi_that_is_in_its_one_form_stays_as_it_is(suffix: str):
    doi = normalise_doi(f"https://doi.org/10.1234/{suffix}")
    assert doi is not None
    assert normalise_doi(doi) == normalise_doi(f"DOI: {doi}") == doi


@with_corpus
def test_dois_of_real_files_are_what_idutils_says():
    idutils = pytest.importorskip("idutils")
    found = found_in_corpus(DOI)
    assert len(found) > 1_000
    assert all(normalise_doi(text) == idutils.normalize_doi(text).lower() for text in found)


# --- ORCID, ROR


@pytest.mark.parametrize(
    "text",
    [
        "0000-0002-1825-0097",
        "https://orcid.org/0000-0002-1825-0097",
        "http://orcid.org/0000-0002-1825-0097/",
        "0000000218250097",
        "orcid:0000-0002-1825-0097",
        "ORCID: 0000-0002-1825-0097 ",
        "www.orcid.org/0000-0002-1825-0097",
    ],
)
def test_every_way_to_write_an_orcid_is_one(text: str):
    assert normalise_orcid(text) == "0000-0002-1825-0097"


def test_the_check_character_of_an_orcid_may_be_x():
    assert normalise_orcid("0000-0002-7285-027x") == "0000-0002-7285-027X"
    assert normalise_orcid("0000-0002-7285-0270") is None


@pytest.mark.parametrize(
    "text", [None, "", "0000-0002-1825-0098", "0000-0002-1825", "x0000-0002-1825-0097", "٠000-0002-1825-0097"]
)
def test_what_is_no_orcid_is_none(text: str | None):
    assert normalise_orcid(text) is None


@with_corpus
def test_orcids_of_real_files_are_what_idutils_says():
    idutils = pytest.importorskip("idutils")
    found = found_in_corpus(ORCID)
    assert len(found) > 250
    for text in found:
        # idutils asks as well whether ORCID gives out such numbers; an ISNI in the same form has the same check
        assert normalise_orcid(text) == (idutils.normalize_orcid(text) if idutils.is_isni(text) else None)


@pytest.mark.parametrize("text", ["https://ror.org/04wxnsj81", "ror.org/04wxnsj81/", "04WXNSJ81", "ROR: 04wxnsj81"])
def test_every_way_to_write_a_ror_is_one(text: str):
    assert normalise_ror(text) == "https://ror.org/04wxnsj81"


@pytest.mark.parametrize(
    "text", [None, "", "https://ror.org/04wxnsj82", "04wxnsj8", "14wxnsj81", "04wxnsi81", "grid.4wxnsj81"]
)
def test_what_is_no_ror_is_none(text: str | None):
    assert normalise_ror(text) is None


@with_corpus
def test_rors_of_real_files_have_the_right_check_digits():
    found = found_in_corpus(ROR)
    made_up = {text for text in found if normalise_ror(text) is None}
    assert len(found) > 40
    assert {text[-9:] for text in made_up} <= {"00qj9e848", "012345678", "05f9q8d28", "0abcdef00", "123456789"}


# --- any scheme, and local ids


@pytest.mark.parametrize(
    ("scheme", "text", "wanted"),
    [
        ("DOI", "https://doi.org/10.1234/A", "10.1234/a"),
        ("orcid", "0000000218250097", "0000-0002-1825-0097"),
        ("ROR", "04wxnsj81", "https://ror.org/04wxnsj81"),
        ("doi", "no DOI", "no DOI"),
        ("url", "HTTP://X", "HTTP://X"),
        (None, "10.1234/A", "10.1234/A"),
    ],
)
def test_an_identifier_is_put_in_the_form_of_its_scheme(scheme: str | None, text: str, wanted: str):
    assert normalise(scheme, text) == wanted


@pytest.mark.parametrize(
    ("identifier", "local"),
    [
        ("oai:zenodo.org:123", "123"),
        ("123", "123"),
        ("doi:10.5281/ZENODO.1", "10.5281/zenodo.1"),
        ("10.5281/Zenodo.1", "10.5281/zenodo.1"),
        ("https://doi.org/10.5281/zenodo.1", "10.5281/zenodo.1"),
        ("oai:x:10.5281/Zenodo.1", "10.5281/zenodo.1"),
        ("oai:x:doi:10.5281/Zenodo.1", "10.5281/zenodo.1"),
        ("oai:arXiv.org:0710.0001", "0710.0001"),
        ("oai:x:A10.B", "A10.B"),
        ("12345-ABCDE", "12345-ABCDE"),
    ],
)
def test_a_record_has_one_local_id_whatever_channel_named_it(identifier: str, local: str):
    assert local_id(identifier) == local
    assert local_id(local) == local
