"""Sources: read from TOML, checked, and never with a password in them."""

import re
import tomllib
from pathlib import Path

import pytest

from harvester.crawl.arguments.idrange import parse_idrange_arguments
from harvester.errors import UsageError
from harvester.ratelimit.headers import Budget
from harvester.sources.model import Source, checked_url, is_loopback, read_values, single_sites, source_names

OAI = '[oaipmh]\nurl = "https://x.example/oai"\n'


def source(url: str = "https://x.example/oai", **more: object) -> Source:
    return Source.model_validate({"oaipmh": {"url": url}, **more})


def written(folder: Path, text: str | bytes) -> str:
    path = folder / "x.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_source_is_read_from_its_file(tmp_path: Path):
    text = (
        'name = "X"\nhosts = ["y.example"]\ndelay_seconds = 1.5\n'
        '[oaipmh]\nurl = "https://x.example/oai"\noverlap_seconds = 0\n'
    )
    found = Source.of(written(tmp_path, text), None)
    assert found.oaipmh is not None
    assert (found.name, found.hosts, found.delay_seconds) == ("X", ("y.example",), 1.5)
    endpoint = found.oaipmh
    assert (endpoint.prefixes, endpoint.sets, endpoint.windows, endpoint.slices) == (("oai_dc",), (), 1, "auto")
    assert endpoint.overlap_seconds == 0


def test_a_fragment_is_no_part_of_a_url_and_a_query_is():
    assert source("https://x.example/oai?a=1#top").url == "https://x.example/oai?a=1"


def test_the_hosts_of_a_source_are_its_own_and_those_it_names():
    assert source("https://X.example:8080/oai", hosts=["Y.example"]).allowed_hosts == {"x.example:8080", "y.example"}


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8000/", True),
        ("http://127.1.2.3/", True),
        ("http://localhost/oai", True),
        ("http://[::1]:80/", True),
        ("https://x.example/", False),
        ("http://128.0.0.1/", False),
        ("http://localhost.example/", False),
        ("http://127.example.org/", False),
    ],
)
def test_a_source_on_this_machine_is_known_as_one(url: str, here: bool):
    assert all(is_loopback(host) for host in source(url).own_hosts) == here


def test_a_password_in_a_url_is_refused_and_not_repeated():
    for url in (
        "https://user:geheim@x.example/",
        "https://geheim@x.example/",
        "https://x.example/?access_token=geheim",
        "https://x.example/oai?a=1&KEY=geheim",
    ):
        with pytest.raises(UsageError, match="environment") as caught:
            Source.of(None, url)
        assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[oaipmh]\nurl = 5", "oaipmh.url"),
        ("", "say what"),
        (OAI + "ulr = 1", "oaipmh.ulr"),
        ("ulr = 1\n" + OAI, "ulr"),
        (OAI + "windows = 0", "windows"),
        (OAI + "windows = 65", "windows"),
        ("delay_seconds = -1\n" + OAI, "delay_seconds"),
        (OAI + 'slices = "week"', "slices"),
        (OAI + '[robots]\nasks_anyway = ["/api"]', "because"),
        (OAI + '[token]\nenvironment = "lower case"', "environment"),
        (OAI + '[idrange]\nurl = "https://x.example/"', "{id}"),
        (OAI + '[idrange]\nurl = "https://{id}.example/"', "host"),
        (OAI + "[[budgets]]\nrequests = 0\nseconds = 1", "requests"),
        ('[oaipmh]\nurl = "{site}/oai"', "site="),
        ("url = ", "TOML"),
        (b"\xff\xfe", "TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str | bytes, word: str):
    with pytest.raises(UsageError, match=word):
        Source.of(written(tmp_path, text), None)


def test_a_source_that_is_not_there_or_is_no_file_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match="no source nowhere"):
        Source.of("nowhere", None)
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(UsageError, match="folder"):
        Source.of(str(tmp_path / "folder.toml"), None)
    with pytest.raises(UsageError):
        Source.of(None, None)


def test_every_source_that_comes_with_the_project_can_be_read():
    for path in sorted((Path(__file__).parents[4] / "harvester" / "sources").glob("*.toml")):
        source = Source.checked(read_values(path.stem), path.stem, "https://site.example")
        assert source.parts


@pytest.mark.parametrize("name", source_names())
def test_a_source_that_comes_with_the_project_says_where_its_facts_are_from(name: str):
    found = Source.checked(read_values(name), name, "https://site.example")
    assert found.facts
    assert all(fact.about and fact.says and fact.seen_in for fact in found.facts)
    assert all(found.quirks.values())
    assert all(entry.path.startswith("/") for entry in found.budgets if entry.path)
    if found.budgets:
        assert [fact for fact in found.facts if fact.about == "budgets"]


@pytest.mark.parametrize("name", source_names())
def test_no_two_forms_of_a_source_that_comes_with_the_project_are_called_alike(name: str):
    site = "https://site.example"
    if Source.checked(read_values(name), name, site).idrange is not None:
        arguments = parse_idrange_arguments({"source": name, "site": site, "ids": "1", "archive": "A"})
        names = [form.name for form in arguments.forms]
        assert len(names) == len(set(names)) > 0


@pytest.mark.parametrize(
    ("name", "ids", "others"),
    [
        ("zenodo", ["7045531", "1"], ["", "x", "7045531/files", "abcde-12345"]),
        ("invenio-rdm", ["mcntd-0mv63"], ["7045531", "mcntd0mv63", "../etc"]),
        ("datacite", ["10.5281/zenodo.7045531", "10.12763/ONA1045"], ["doi:10.5281/x", "10.5281", "x"]),
        ("dspace", ["0123abcd-01ab-23cd-45ef-0123456789ab"], ["123", "1721.1/1"]),
        ("dataverse", ["doi:10.7910/DVN/ABC", "hdl:1902.1/1", "perma:X"], ["10.7910/DVN/ABC", "oai:x:1"]),
    ],
)
def test_the_ids_of_a_source_look_as_they_do_there(name: str, ids: list[str], others: list[str]):
    found = Source.checked(read_values(name), name, "https://site.example").idrange
    assert found is not None
    assert [one for one in [*ids, *others] if re.fullmatch(found.pattern, one)] == ids


def test_what_the_facts_say_of_zenodo_is_what_its_source_says():
    zenodo = Source.checked(read_values("zenodo"), "zenodo")
    assert zenodo.oaipmh
    assert zenodo.idrange
    assert zenodo.search
    assert zenodo.exporter
    assert zenodo.token
    assert zenodo.counts
    assert (zenodo.oaipmh.page_records, zenodo.oaipmh.deletions) == (50, False)
    assert (zenodo.idrange.highest, zenodo.idrange.validators, zenodo.counts.listed) == (20_750_437, "none", 8_091_746)
    assert (zenodo.search.size, zenodo.search.size_with_token, zenodo.search.window) == (25, 100, 10_000)
    assert zenodo.token.environment == "ZENODO_TOKEN"
    budgets = zenodo.host_budgets()["zenodo.org"]
    assert {(133, 60, ""), (8000, 3600, ""), (30, 60, "/oai2d")} <= {(b.requests, b.seconds, b.path) for b in budgets}
    assert zenodo.robots.asks_anyway == ("/api",)


def test_the_source_file_that_the_documentation_shows_can_be_read(root: Path):
    text = (root / "docs" / "sources.md").read_text(encoding="utf-8")
    shown = re.search(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert shown is not None
    assert set(Source.checked(tomllib.loads(shown[1]), "docs/sources.md").parts) == {"oaipmh", "idrange", "search"}


def test_a_source_of_one_site_is_told_from_a_platform():
    assert {"zenodo", "zenodo-sandbox", "datacite", "figshare", "arxiv"} == set(single_sites())
    with pytest.raises(UsageError, match="site="):
        Source.named("eprints")
    assert Source.named("eprints", url="https://x.example/oai").parts.keys() == {"oaipmh"}


def test_a_url_is_checked_without_repeating_a_password():
    assert checked_url("https://x.example/oai#a") == "https://x.example/oai"
    for wrong in ("ftp://x.example", "x.example", "https://me:geheim@x.example"):
        with pytest.raises(UsageError) as caught:
            checked_url(wrong)
        assert "geheim" not in str(caught.value)


def test_a_platform_is_that_of_the_site_that_is_named(tmp_path: Path):
    file = written(tmp_path, '[oaipmh]\nurl = "{site}/cgi/oai2"\n[idrange]\nurl = "{site}/id/{id}"\n')
    found = Source.of(file, None, "idrange", "https://x.example/")
    assert found.oaipmh is not None
    assert found.idrange is not None
    assert (found.oaipmh.url, found.idrange.url) == ("https://x.example/cgi/oai2", "https://x.example/id/{id}")
    found = Source.of(file, "https://y.example/oai", "oaipmh")
    assert found.idrange is None
    assert found.own_hosts == {"y.example"}
    with pytest.raises(UsageError, match="site="):
        Source.of(file, None, "idrange")
    with pytest.raises(UsageError, match="environment"):
        Source.of(file, None, "idrange", "https://me:geheim@x.example")


def test_budgets_are_those_of_each_host_with_a_token_and_without():
    entries = [
        {"requests": 60, "seconds": 60, "token": False},
        {"requests": 100, "seconds": 60, "token": True},
        {"requests": 30, "seconds": 60, "path": "/oai2d", "host": "x.example"},
    ]
    found = source(hosts=["y.example"], budgets=entries)
    assert found.host_budgets() == {
        "x.example": (Budget(60, 60), Budget(30, 60, "/oai2d")),
        "y.example": (Budget(60, 60),),
    }
    assert found.host_budgets(has_token=True)["y.example"] == (Budget(100, 60),)
