import pytest

from harvester.oaipmh.hints import ends_whole, scan_headers

END = b"</OAI-PMH>"


def header(identifier: str, datestamp: str = "2020-01-01") -> bytes:
    return f"<header><identifier> {identifier}\n</identifier><datestamp>{datestamp}</datestamp></header>".encode()


def test_headers_are_found_in_what_cannot_be_parsed():
    body = (
        header("oai:x:1&amp;2") + b"<metadata>\x0b</metadata>" + b"<o:header status='deleted'>" + header("3")[8:] + END
    )
    assert scan_headers(body.replace(b"</header></", b"</o:header></")) is not None
    assert scan_headers(header("oai:x:1&amp;2") + header("3") + END) == [
        ("oai:x:1&2", "2020-01-01"),
        ("3", "2020-01-01"),
    ]


def test_what_goes_on_or_is_cut_or_has_no_identifier_tells_nothing():
    assert scan_headers(header("1")) is None
    assert scan_headers(header("1") + b"<resumptionToken>t</resumptionToken>" + END) is None
    assert scan_headers(header("1") + b"<resumptionToken/>" + END) == [("1", "2020-01-01")]
    assert scan_headers(header("") + END) is None
    assert scan_headers(header("1") + b"<resumptionToken cursor='0' completeListSize=\"9\" />" + END) is not None


@pytest.mark.parametrize(
    "token",
    [
        b'<resumptionToken token="t"/>',
        b"<o:ResumptionToken cursor='1' value='t' />",
        b'<request resumptionToken="t"/>',
        b'<ListIdentifiers resumptionToken="t">',
        b'<resumptionToken cursor="0"> t</resumptionToken>',
    ],
)
def test_a_token_in_an_unusual_place_says_that_there_is_more(token: bytes):
    assert scan_headers(header("1") + token + END) is None


def test_the_token_that_was_sent_says_nothing():
    body = header("1") + b'<request resumptionToken="a&amp;b+c">x</request>' + END
    assert scan_headers(body) is None
    assert scan_headers(body, "a&b c") == [("1", "2020-01-01")]
    assert scan_headers(body, "t") is None


def test_the_end_of_a_response_is_seen():
    assert ends_whole(b"</oai:OAI-PMH >\n")


@pytest.mark.parametrize(
    "piece",
    [
        b"<header>",
        b"<header><identifier>",
        b"<resumptionToken ",
        b"<header><identifier>" + b" " * 5000 + b"<",
        b"</header",
        b"<identifier",
    ],
)
def test_a_body_made_to_take_for_ever_takes_as_long_as_it_is(piece: bytes):
    body = piece * (4_000_000 // len(piece)) + b"<header><identifier>" + b" " * 1_000_000 + b"<</header>" + END
    assert not scan_headers(body)
