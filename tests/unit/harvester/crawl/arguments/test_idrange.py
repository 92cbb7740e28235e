"""Arguments of a harvest by id: read or refused before anything is asked."""

from pathlib import Path

import pytest

from harvester.crawl.arguments.idrange import Form, parse_idrange_arguments
from harvester.errors import UsageError

URL = "https://x.example/api/records/{id}"
LEAST = {"url": URL, "archive": "a", "ids": "1-10"}


def test_the_least_is_a_url_with_its_id_and_the_ids():
    found = parse_idrange_arguments(LEAST)
    assert (found.kind, str(found.ranges), found.mode, found.windows) == ("ranges", "1-10", "full", 1)
    assert found.forms == (Form("json", "application/json", URL),)
    assert found.forms[0].channel == "idrange:json"


def test_media_types_are_channels_of_their_own():
    accept = 'application/vnd.zenodo.v1+json, application/x-datacite+xml,application/ld+json;profile="https://x/a,b/"'
    found = parse_idrange_arguments(LEAST | {"accept": accept})
    assert [form.name for form in found.forms] == ["zenodo-json", "datacite-xml", "jsonld-a-b"]
    assert found.forms[2].accept == 'application/ld+json;profile="https://x/a,b/"'


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"ids": ""}, "which ids"),
        ({"ids": "x"}, "ids="),
        ({"url": "https://x.example/"}, "{id}"),
        ({"accept": "nonsense"}, "media type"),
        ({"mode": "census"}, "mode"),
        ({"ids": "census"}, "oai="),
        ({"oai": "https://x.example/oai"}, "census"),
        ({"ids": "@no-such-file"}, "no-such-file"),
        ({"ids": "1-", "sample": "5"}, "without an end"),
        ({"from": "2020-01-01"}, "from"),
        ({"accept": "application/x-datacite+xml,application/vnd.datacite.datacite+xml"}, "datacite-xml"),
        ({"url": "https://{id}.example/"}, "host"),
        ({"connections": "0"}, "connections"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, str], word: str):
    with pytest.raises(UsageError, match=word):
        parse_idrange_arguments(LEAST | wrong)


def test_a_harvest_is_resumed_by_the_same_words_and_the_same_file(tmp_path: Path):
    file = tmp_path / "ids.txt"
    file.write_text("1\n2\n")
    words = LEAST | {"ids": f"@{file}"}
    one = parse_idrange_arguments(words).identity
    assert one == parse_idrange_arguments(words | {"connections": "5", "archive": "b"}).identity
    file.write_text("1\n3\n")
    assert one != parse_idrange_arguments(words).identity
    assert parse_idrange_arguments(LEAST | {"ids": "6-10,1-5"}).identity == parse_idrange_arguments(LEAST).identity
    assert (
        parse_idrange_arguments(LEAST | {"accept": "application/marcxml+xml"}).identity
        != parse_idrange_arguments(LEAST).identity
    )


def test_a_source_names_forms_and_where_each_is(tmp_path: Path):
    file = tmp_path / "x.toml"
    file.write_text(
        '[idrange]\nurl = "https://x.example/{id}/JSON"\nconnections = 3\n'
        '[[idrange.channels]]\naccept = "application/json"\nname = "eprints-json"\n'
        '[[idrange.channels]]\naccept = "application/vnd.eprints.data+xml"\nurl = "https://x.example/{id}/XML"\n'
    )
    words = {"source": str(file), "archive": "a", "ids": "1"}
    found = parse_idrange_arguments(words)
    assert [(form.name, form.url) for form in found.forms] == [
        ("eprints-json", "https://x.example/{id}/JSON"),
        ("ep3-xml", "https://x.example/{id}/XML"),
    ]
    assert found.windows == 3
    for accept in ("ep3-xml", "application/vnd.eprints.data+xml"):
        assert parse_idrange_arguments(words | {"accept": accept}).forms == found.forms[1:]
