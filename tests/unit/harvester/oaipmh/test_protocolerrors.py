"""Protocol errors: what they say of the request, and what is sent beside a token because of them."""

import pytest

from harvester.oaipmh import protocolerrors
from harvester.oaipmh.protocolerrors import BesideToken, missing_arguments, says_no_records


def response(inner: str) -> bytes:
    return f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{inner}</OAI-PMH>'.encode()


@pytest.mark.parametrize(
    ("reason", "names"),
    [
        ("badArgument: Missing metadataPrefix parameter", ("metadataPrefix",)),
        ("badArgument: The required argument 'metadataPrefix' is missing in the request.", ("metadataPrefix",)),
        ("badArgument: metadata_prefix and `set` are required", ("metadataPrefix", "set")),
        ("badArgument: missing argument: until", ("until",)),
        ("badArgument: the from argument is missing", ("from",)),
        ("badArgument: The request has illegal arguments from a set of arguments", ()),
        ("badResumptionToken: the token has expired", ()),
    ],
)
def test_an_error_names_the_arguments_it_misses(reason: str, names: tuple[str, ...]):
    assert missing_arguments(reason) == names


def test_the_error_of_an_empty_list_is_told_from_an_empty_list():
    assert says_no_records(response('<error code="noRecordsMatch">none</error>'))
    assert not says_no_records(response("<ListRecords/>"))
    assert not says_no_records(response('<error code="badArgument">noRecordsMatch</error>'))
    assert not says_no_records(b"noRecordsMatch")
    both = '<error code="noRecordsMatch"/><error code="badArgument"/>'
    assert not says_no_records(response(both))


def test_arguments_beside_a_token_are_kept_where_they_help():
    beside = BesideToken()
    assert beside.refused("badArgument: metadataPrefix is missing")
    assert beside.names == ("metadataPrefix",)
    beside.answered()
    assert not beside.refused("badArgument: metadataPrefix is missing")
    assert beside.names == ("metadataPrefix",)


def test_arguments_beside_a_token_are_tried_once_where_they_do_not_help():
    beside = BesideToken()
    assert not beside.refused("badArgument: something is wrong")
    assert beside.refused("badArgument: metadataPrefix is missing")
    assert not beside.refused("badArgument: metadataPrefix is not allowed with a token")
    assert beside.names == ()
    assert not beside.refused("badArgument: metadataPrefix is missing")


def test_errors_of_the_provider_are_no_errors_of_the_request():
    assert protocolerrors.NO_RECORDS_MATCH not in protocolerrors.DETERMINISTIC
    assert "badResumptionToken" not in protocolerrors.DETERMINISTIC
    assert "" not in protocolerrors.DETERMINISTIC
